#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`idem eval takeover` and `idem eval calibration` on made-up people: keys of the answer, rules, pages, usage."""
import json
import pathlib
import tempfile
import unittest

import test_cli
from test_cli import idem

KEYS = {"false_alarms_per_hour", "false_alarms_per_seat_week", "ci95", "detected", "strokes_p50", "strokes_p90",
        "seconds_p50", "seconds_p90", "curve"}
POINT = KEYS - {"ci95", "curve"}
TAKEOVER = ("eval", "takeover", "--folds", 2, "--enrol", 300, "--trials", 60)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="idem-takeover-")
        cls.addClassCleanup(temporary.cleanup)
        cls.dir = pathlib.Path(temporary.name)
        cls.keys = test_cli.typed(cls.dir / "keys.csv", 24, sessions=3, keys=500)
        cls.mouse = test_cli.moved(cls.dir / "mouse.csv", 24, labelled=False)

    def run_json(self, *args):
        done = idem(*args, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def fails(self, code, *args, says):
        done = idem(*args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn(says, done.stderr)


class Takeover(Case):
    def test_json_holds_what_it_promises(self):
        found = self.run_json(*TAKEOVER, self.keys)
        self.assertLessEqual(KEYS, set(found))
        self.assertEqual(set(found["ci95"]), POINT)
        self.assertEqual((found["people_measured"], found["people_left_out"], found["takeovers"]), (24, 0, 60))
        self.assertFalse(found["chimeric"])
        self.assertEqual([round(p["asked_hours_between"]) for p in found["operating_points"]], [10, 50])
        self.assertEqual({k: found[k] for k in POINT}, {k: found["operating_points"][1][k] for k in POINT})
        self.assertLessEqual(found["false_alarms_per_hour"], .02)
        self.assertAlmostEqual(found["false_alarms_per_seat_week"], 40 * found["false_alarms_per_hour"], 4)
        self.assertGreater(found["detected"], .5)
        self.assertGreater(found["ci95"]["false_alarms_per_hour"][1], 3 / found["active_hours"])
        self.assertEqual(len(found["per_person"]), 24)
        self.assertGreater(found["held_out"]["detected"], .5)
        rates = [p["false_alarms_per_hour"] for p in found["curve"]]
        self.assertEqual(rates, sorted(rates))
        for point in found["curve"]:
            self.assertLessEqual(POINT, set(point))

    def test_a_miss_is_infinite(self):
        found = self.run_json(*TAKEOVER, "--horizon", 10, self.keys)
        self.assertLess(found["detected"], .9)  # ten seconds hold a window or two
        self.assertIsNone(found["strokes_p90"])
        self.assertIsNone(found["seconds_p90"])

    def test_draws_follow_the_seed_and_not_the_threads(self):
        def answer(*more):
            found = self.run_json(*TAKEOVER, *more, self.keys)
            del found["seconds"]
            return found
        one = answer("--threads", 1)
        self.assertEqual(one, answer("--threads", 3))
        self.assertNotEqual(one["curve"], answer("--seed", 2)["curve"])

    def test_windows_are_compared(self):
        found = self.run_json(*TAKEOVER, "--window-table", self.keys)
        self.assertEqual([w["keys"] for w in found["windows"]], [10, 15, 25, 50, 100])
        sizes = [w["bytes_per_window"] for w in found["windows"]]
        rates = [w["windows_per_second"] for w in found["windows"]]
        self.assertEqual(sizes, sorted(sizes))
        self.assertEqual(rates, sorted(rates, reverse=True))

    def test_two_recordings_make_chimeras(self):
        found = self.run_json(*TAKEOVER, "--enrol-gestures", 60, "--pointer", self.mouse, self.keys)
        self.assertTrue(found["chimeric"])
        runs = {r["name"]: r for r in found["fusion"]}
        for only, alone in (("only types, both profiles", "only types, keyboard's alone"),
                            ("only points, both profiles", "only points, pointer's alone")):
            self.assertEqual(runs[only]["curve"], runs[alone]["curve"])  # nothing is lost
        said = idem(*TAKEOVER, "--enrol-gestures", 60, "--pointer", self.mouse, self.keys).stdout
        self.assertIn("chimeric", said)

    def test_pointer_alone_and_a_population_of_others(self):
        found = self.run_json(*TAKEOVER, "--enrol-gestures", 60, "--pointer", self.mouse)
        self.assertEqual(found["people_measured"], 24)
        others = test_cli.typed(self.dir / "others.csv", 20, first=100, sessions=3, keys=300)
        found = self.run_json("eval", "takeover", "--enrol", 300, "--trials", 30, "--population", others, self.keys)
        self.assertEqual(found["population"], "learned from other recordings")

    def test_the_page_stands_alone(self):
        page = self.dir / "page.html"
        odd = test_cli.typed(self.dir / "<b>&'odd.csv", 20, sessions=3, keys=300)
        done = idem(*TAKEOVER, "--html", page, odd)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = page.read_text()
        self.assertNotRegex(text, r"<script|https?:|<link|@import|url\(")
        self.assertEqual(text.count("<svg"), 3)
        self.assertNotIn("<b>&", text)
        self.assertIn("one false alarm in 50 active hours", done.stdout)

    def test_usage(self):
        help_text = idem("eval", "takeover", "--help").stdout
        for key in KEYS:
            self.assertIn(key, help_text)
        self.fails(2, "eval", "takeover", says="a keyboard recording or --pointer FILE is needed")
        self.fails(2, "eval", "takeover", self.keys, self.keys, says="one keyboard recording, not 2")
        self.fails(2, "eval", "takeover", "--window", 2, self.keys, says="--window takes a number from 5 to 1000")
        self.fails(2, "eval", "takeover", "--level", "key", self.keys, says="--level is")
        self.fails(2, "eval", "calibration", "--horizon", 60, self.keys, says="--horizon has no meaning here")
        self.fails(1, "eval", "takeover", self.mouse, says="is no keyboard recording")
        self.fails(1, *TAKEOVER[:-2], "--enrol", 90000, self.keys, says="fewer than two people recorded enough")


class Calibration(Case):
    def test_rows(self):
        found = self.run_json("eval", "calibration", "--folds", 2, "--enrol", 300, "--trials", 200, "--window", 25, self.keys)
        self.assertEqual([r["windows"] for r in found["posterior"]], [1, 5, 20])
        self.assertEqual({(r["profile_windows"], r["probe_strokes"]) for r in found["scores"]},
                         {(p, s) for p in (3, 10, 30) for s in (15, 50, 200)})  # 100 windows: nobody has so many
        for row in found["scores"] + found["posterior"]:
            self.assertGreaterEqual(row["cllr"], row["cllr_min"] - 1e-9)
            self.assertEqual(len(row["reliability"]), 12)
        self.assertEqual({r["sufficient"] for r in found["scores"] if r["profile_windows"] == 3}, {False})
        self.assertEqual(found["fusion"], [])

    def test_page_and_fusion(self):
        page = self.dir / "calibration.html"
        found = self.run_json("eval", "calibration", "--folds", 2, "--enrol", 300, "--enrol-gestures", 60,
                              "--trials", 100, "--html", page, "--pointer", self.mouse, self.keys)
        self.assertTrue(found["chimeric"])
        self.assertEqual({r["name"] for r in found["fusion"]}, {"both", "keyboard", "pointer"})
        text = page.read_text()
        self.assertIn("<svg", text)
        self.assertNotRegex(text, r"<script|https?:|<link|@import|url\(")


if __name__ == "__main__":
    unittest.main()
