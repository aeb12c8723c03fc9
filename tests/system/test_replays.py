#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`idem eval replays` on made-up people: tables and keys of its JSON, what must be found of windows sent again, re-noised,
averaged and scaled down, what cannot be, that honest windows are left alone, refusals.

IDEM_CLI names the program. No figure here says anything about real people."""
import json
import math
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

IDEM = os.environ["IDEM_CLI"]
KEYS = [*("eeetttaaooiinnsshhrrddlcumwfgypbvk" * 2), *["space"] * 14, "backspace", "backspace", "shift", "shift", "enter",
        "num1"]  # some seldom, as in real typing: a window holds but one or two of them
CHECKS = {"whole", "seen", "parts", "near", "shifted", "bent", "wholes", "loose", "even", "refused"}


def typed(path, first, people, sessions=1, keys=1200, passage=None):
    """People first..: random keys, or one passage in every session; a person is a tempo and a hold."""
    rows = ["user,session,key,press_ms,release_ms"]
    for person in range(first, first + people):
        rng = random.Random(person)
        hold, gap = 95 * math.exp(rng.gauss(0, .25)), 90 * math.exp(rng.gauss(0, .25))
        for session in range(sessions):
            text = random.Random(passage if passage is not None else 1000 * person + session)
            t = 0.0
            for _ in range(keys):
                c = text.choice(KEYS)
                h = hold * math.exp(rng.gauss(0, .2))
                rows.append(f"{person},{session},{c},{t:.1f},{t + h:.1f}")
                t += h + gap * math.exp(rng.gauss(0, .4))
    path.write_text("\n".join(rows) + "\n")
    return path


class Replays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="idem-replays-")
        cls.addClassCleanup(temporary.cleanup)
        cls.dir = pathlib.Path(temporary.name)
        cls.known = typed(cls.dir / "known.csv", 0, 40)
        cls.tested = typed(cls.dir / "tested.csv", 100, 12)

    def idem(self, *args):
        return subprocess.run([IDEM, "eval", "replays", *map(str, args)], capture_output=True, text=True, timeout=250,
                              check=False)

    def replays(self, data, *args):
        done = self.idem("--population", self.known, "--trials", 8, "--json", *args, data)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def fails(self, code, *args, says):
        done = self.idem(*args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(says, done.stderr)

    def test_what_is_found_and_what_is_not(self):
        report = self.replays(self.tested)
        honest = {row["label"]: row for row in report["honest"]}
        self.assertEqual(set(honest), {"as recorded", "clock of 15.6 ms", "clock of 100 ms"})  # sessions are too long
        self.assertEqual(honest["as recorded"]["windows"], 12 * 12)
        self.assertEqual({row["false_alarms"] for row in report["honest"]}, {0})
        self.assertAlmostEqual(honest["as recorded"]["upper95"], 3.0 / 144, places=3)
        attacks = {row["label"]: row for row in report["attacks"]}
        self.assertTrue(all(set(row) == {"label", "windows", "found", "low", "high"} | CHECKS for row in attacks.values()))
        self.assertEqual({row["windows"] for row in attacks.values()}, {12 * 8})
        for name, check in (("sent again", "whole"), ("sent again under another's name", "seen"),
                            ("re-noised by +-2 ms", "near"), ("all times 2 ms longer", "near"),
                            ("profile scaled down", "even"), ("profile, bins cell by cell", "wholes")):
            self.assertEqual((attacks[name]["found"], attacks[name][check]), (1, 1), name)
        for name in ("average of 3 windows", "average of 5 windows"):
            self.assertGreater(attacks[name]["bent"], 0.9, name)
        for name in ("single strokes of old windows", "profile, times along a path", "public people, along a path"):
            self.assertLess(attacks[name]["found"], 0.1, name)
        for row in attacks.values():
            self.assertTrue(0 <= row["low"] <= row["found"] <= row["high"] <= 1, row)

    def test_a_passage_typed_again_is_left_alone(self):
        report = self.replays(typed(self.dir / "passage.csv", 200, 8, sessions=6, keys=100, passage=3))
        honest = {row["label"]: row for row in report["honest"]}
        self.assertGreater(honest["whole sessions"]["same_text"], 20)  # 8 people, 5 times again
        self.assertLess(honest["whole sessions"]["nearest_shifted"], 256)
        # A clock of 100 ms is too coarse to tell one hold from another: there cells are alike by chance.
        self.assertEqual({row["false_alarms"] for name, row in honest.items() if name != "clock of 100 ms"}, {0})

    def test_many_windows(self):
        report = self.replays(typed(self.dir / "long.csv", 300, 3, keys=4900))
        scatter = {(row["label"], row["run"]): row for row in report["scatter"]}
        self.assertEqual({run for _, run in scatter}, {10, 20, 40})
        self.assertEqual(scatter["honest", 40]["runs"], 3)
        self.assertLess(scatter["drawn from the profile", 40]["median"], 1.3)
        self.assertNotIn("scatter", self.replays(self.tested))  # nobody has so many

    def test_the_same_answer_whatever_the_threads(self):
        one, two = (self.replays(self.tested, "--threads", n, "--seed", 5) for n in (1, 3))
        self.assertEqual(one["attacks"], two["attacks"])
        self.assertNotEqual(one["attacks"], self.replays(self.tested, "--seed", 6)["attacks"])

    def test_a_page(self):
        page = self.dir / "page.html"
        done = self.idem("--population", self.known, "--trials", 2, "--html", page, self.tested)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("re-noised by +-2 ms", done.stdout)
        self.assertIn("honest windows", page.read_text())

    def test_refusals(self):
        self.fails(2, self.tested, says="--population FILE is missing")
        self.fails(2, "--population", self.known, says="one recording")
        self.fails(2, "--population", self.known, "--trials", 0, self.tested, says="--trials takes a number")
        self.fails(2, "--population", self.known, "--level", "key", self.tested, says="--level is")
        self.fails(1, "--population", self.known, self.dir / "none.csv", says="none.csv")
        self.fails(1, "--population", self.known, typed(self.dir / "short.csv", 400, 2, keys=50), says="nobody has a window")


if __name__ == "__main__":
    unittest.main()
