#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/figures.py with a made-up tool: markers are filled with figures and commands, a changed number or plot fails the
comparison, a missing recording is told before anything runs, a failed command leaves its table alone."""
import csv
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["IDEM_SOURCE"])
TOOL = """#!%s
import json, os, sys
if os.environ.get("STUB_FAILS"):
    sys.exit("idem: made to fail")
interval = {"ci95": {k: [0.01, 0.03] for k in ("eer_user_mean", "eer_global")} | {"cllr": [0.1, 0.3]}}
row = {"cllr": 0.2, "cllr_ci95": [0.1, 0.3], "cllr_min": 0.19, "ratio": 1.05, "eer": float(os.environ["STUB_EER"])}
print(json.dumps({
    "level": "hand", "eer_user_mean": float(os.environ["STUB_EER"]), "eer_global": 0.03, "cllr": 0.2, "cllr_min": 0.19,
    "fnmr_at_fmr": {"0.01": 0.1}, **interval,
    "scores": [{**row, "profile_windows": 10, "probe_strokes": 50, "sufficient": True}],
    "posterior": [{**row, "windows": 5}]}))
with open(sys.argv[sys.argv.index("--html") + 1], "w") as page:
    page.write("<style>\\n:root{--card:#fff}\\nbody{margin:0}\\nsvg text{fill:red}\\n</style>\\n")
    for title in ("keyboard, probes of 50 strokes", "the filter, after so many windows"):
        page.write('<h2>%%s</h2>\\n<svg viewBox="0 0 9 9"><text>%%s</text></svg>\\n' %% (title, os.environ["STUB_EER"]))
""" % sys.executable
DOCUMENT = """# Figures
before
<!-- figures:%s -->
<!-- /figures:%s -->
after
"""


class Figures(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="idem-figures-")
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        (self.root / "docs").mkdir()
        (self.root / "data").mkdir()
        self.tool = self.root / "idem"
        self.tool.write_text(TOOL)
        self.tool.chmod(0o755)
        self.document = self.root / "docs" / "recognition.md"
        self.holds("calibration")
        self.recording("bbmas_desktop", [("1", "0", "a", 0, 90), ("1", "0", "b", 100, "")])

    def holds(self, table):
        self.document.write_text(DOCUMENT % (table, table))

    def recording(self, name, rows):
        with gzip.open(self.root / "data" / (name + ".csv.gz"), "wt", newline="") as file:
            csv.writer(file).writerows([("user", "session", "key", "press_ms", "release_ms"), *rows])

    def figures(self, *args, eer="0.021", **more):
        env = {**os.environ, "IDEM_CLI": str(self.tool), "IDEM_DATA": "data", "STUB_EER": eer, **more}
        return subprocess.run([sys.executable, str(SOURCE / "bench" / "figures.py"), "--root", str(self.root), *args],
                              env=env, capture_output=True, text=True, timeout=60, check=False)

    def fills(self, *args, **more):
        done = self.figures(*args, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.document.read_text()

    def test_markers_are_filled_and_the_rest_is_left(self):
        text = self.fills()
        self.assertTrue(text.startswith("# Figures\nbefore\n<!-- figures:calibration -->\n| score"))
        self.assertTrue(text.endswith("csv.gz`\n<!-- /figures:calibration -->\nafter\n"))
        self.assertIn("0.200 (0.100-0.300)", text)
        self.assertIn("2.1 %", text)
        self.assertIn("idem eval calibration $D/bbmas_desktop.csv.gz", text)
        self.assertEqual(text, self.fills())

    def test_answers_and_plots_are_kept(self):
        self.fills()
        kept = self.root / "build" / "figures"
        self.assertTrue((kept / "calibration.json").is_file() and (kept / "calibration.html").is_file())
        plot = (self.root / "docs" / "img" / "reliability-filter.svg").read_text()
        self.assertIn('xmlns="http://www.w3.org/2000/svg"', plot)
        self.assertIn(":root{--card:#fff}\nsvg text{fill:red}", plot)
        self.assertNotIn("body{", plot)

    def test_what_was_written_meanwhile_stays(self):
        self.fills()
        self.tool.write_text(TOOL.replace("import json, os, sys", "import json, os, sys\n" + """
with open(os.environ["STUB_WRITES"], "a") as document:
    document.write("written meanwhile\\n")"""))
        text = self.fills(eer="0.034", STUB_WRITES=str(self.document))
        self.assertIn("3.4 %", text)
        self.assertTrue(text.endswith("after\nwritten meanwhile\n"))

    def test_check_passes_on_what_was_just_filled_and_fails_on_a_changed_number(self):
        before = self.fills()
        self.assertEqual(self.figures("--check").returncode, 0)
        other = self.figures("--check", eer="0.034")
        self.assertEqual(other.returncode, 1)
        self.assertIn("recognition.md differs", other.stderr)
        self.assertIn("3.4 %", other.stderr)
        self.assertIn("reliability-filter.svg differs", other.stderr)
        self.assertEqual(self.document.read_text(), before)

    def test_check_sees_a_number_changed_by_hand(self):
        self.document.write_text(self.fills().replace("2.1 %", "1.2 %"))
        self.assertEqual(self.figures("--check").returncode, 1)

    def test_reuse_runs_nothing(self):
        self.fills()
        self.assertNotIn("3.4 %", self.fills("--reuse", eer="0.034"))

    def test_a_missing_recording_is_told_and_nothing_runs(self):
        (self.root / "data" / "bbmas_desktop.csv.gz").unlink()
        done = self.figures()
        self.assertEqual(done.returncode, 2)
        self.assertIn("bbmas_desktop.csv.gz is missing, needed by calibration", done.stderr)
        self.assertFalse((self.root / "build").exists())

    def test_a_failed_command_leaves_its_table(self):
        before = self.fills()
        done = self.figures(STUB_FAILS="1", eer="0.034")
        self.assertEqual(done.returncode, 1)
        self.assertIn("made to fail", done.stdout)
        self.assertEqual(self.document.read_text(), before)

    def test_tables_by_name(self):
        self.assertIn("2.1 %", self.fills("--only", "calibration"))
        done = self.figures("--only", "nonsense")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no such table: nonsense", done.stderr)

    def test_recordings_are_made_from_recordings(self):
        self.holds("cross")
        self.recording("aalto_train", [])
        self.recording("aalto_test", [("7", str(s), "a", 40 * s % 7, 60 + s) for s in range(15)])
        self.fills()
        made = {}
        for name in ("aalto_pairs", "aalto_pairs_16ms", "bbmas_halves"):
            with gzip.open(self.root / "build" / "figures" / (name + ".csv.gz"), "rt") as file:
                made[name] = list(csv.reader(file))[1:]
        self.assertEqual([r[1] for r in made["aalto_pairs"]], [*map(str, range(11)), "10", "12", "12"])
        first, second = (r for r in made["aalto_pairs"] if r[1] == "10")
        self.assertEqual(int(second[3]), int(first[4]) + 500 + 40 * 11 % 7)
        self.assertTrue(all(min(int(r[4]) % 15.625, -int(r[4]) % 15.625) < 1 for r in made["aalto_pairs_16ms"]))
        self.assertEqual([r[1] for r in made["bbmas_halves"]], ["first", "second"])
        self.assertEqual(made["bbmas_halves"][1][4], "")


if __name__ == "__main__":
    unittest.main()
