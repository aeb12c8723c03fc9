#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`idem eval liveness` on programs and people made here: keys of its JSON, who is alarmed by whom, weights that are made
byte for byte alike, refusals.

IDEM_CLI names the program."""
import json
import math
import os
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

IDEM = os.environ["IDEM_CLI"]
HEADER = "user,session,t_ms,x,y,button,state,is_bot"


def rounded(value):
    return int(math.floor(value + .5))


def straight(rng, t, start, end):
    """A program's way: even steps along a line."""
    return [(t + 16.7 * i, start[0] + (end[0] - start[0]) * i / 30, start[1] + (end[1] - start[1]) * i / 30)
            for i in range(1, 31)]


def handmade(rng, t, start, end):
    """A hand's, roughly: a first stroke that falls short, one or two corrections, all bent and unsteady."""
    points, here, left = [], start, 1.0
    for stroke in range(rng.randrange(2, 4)):
        goal = end if stroke else (start[0] + (end[0] - start[0]) * rng.uniform(.75, .95) + rng.gauss(0, 12),
                                   start[1] + (end[1] - start[1]) * rng.uniform(.75, .95) + rng.gauss(0, 12))
        count, bow, peak, sway = rng.randrange(9, 22), rng.gauss(0, .12), rng.uniform(.6, 1.6), 0.0
        for i in range(1, count + 1):
            u = (i / count) ** peak
            s = u * u * (3 - 2 * u)
            sway = .7 * sway + rng.gauss(0, .012)
            dx, dy = goal[0] - here[0], goal[1] - here[1]
            across = bow * math.sin(math.pi * s) + sway * math.sin(math.pi * s)
            along = s + sway * (1 - s) * s
            t += rng.choice((8, 16, 16, 16, 24)) + rng.gauss(0, .3)
            points.append((t, here[0] + along * dx - across * dy + rng.gauss(0, .4),
                           here[1] + along * dy + across * dx + rng.gauss(0, .4)))
        here, left = (points[-1][1], points[-1][2]), left - .5
        t += rng.choice((0, 0, 30, 90))
    return points


def session(rng, way, gestures, hold):
    t, here, rows = 1000.0, (700.0, 400.0), []
    for _ in range(gestures):
        end = (rng.uniform(30, 1500), rng.uniform(30, 850))
        seen = None
        for when, x, y in way(rng, t, here, end):
            place = rounded(x), rounded(y)
            if place != seen:
                rows.append((when, *place, "NoButton", "Move"))
            seen, t = place, when
        here = tuple(map(float, seen))
        t += rng.uniform(30, 250) if hold > 20 else .4
        rows.append((t, *seen, "Left", "Pressed"))
        t += hold * rng.uniform(.8, 1.25)
        rows.append((t, *seen, "Left", "Released"))
        t += rng.uniform(400, 2500)
    return rows


def recording(path, sessions=12, gestures=10, label=True, bots=True):
    lines = [HEADER if label else HEADER.removesuffix(",is_bot")]
    for number in range(sessions * (2 if bots else 1)):
        bot = number >= sessions
        rng = random.Random(number)
        for t, x, y, button, state in session(rng, straight if bot else handmade, gestures, 1.5 if bot else 90):
            line = f"{'line' if bot else f'p{number % 4}'},s{number},{t:.1f},{x},{y},{button},{state}"
            lines.append(line + (f",{int(bot)}" if label else ""))
    path.write_text("\n".join(lines) + "\n")
    return path


class Liveness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="idem-liveness-")
        cls.addClassCleanup(temporary.cleanup)
        cls.dir = pathlib.Path(temporary.name)
        cls.both = recording(cls.dir / "both.csv")
        cls.people = recording(cls.dir / "people.csv", label=False, bots=False)

    def run_idem(self, *args, code=0):
        done = subprocess.run([IDEM, "eval", "liveness", *map(str, args)], capture_output=True, text=True, timeout=250,
                              check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_programs_and_people_are_told_apart(self):
        page = self.dir / "page.html"
        found = json.loads(self.run_idem("--json", "--html", page, self.both, "--human", self.people).stdout)
        row = found["shipped"][0]
        self.assertEqual(row["programs"], 12)
        self.assertEqual(row["people"], 12)
        self.assertGreaterEqual(row["auc"], .99)
        self.assertGreaterEqual(row["auc3"], .95)
        self.assertLessEqual(row["auc_low"], row["auc"])
        self.assertLessEqual(row["auc"], row["auc_high"])
        self.assertEqual(row["alarmed5"], 12)
        self.assertLessEqual(row["at_p95"], 5)
        self.assertEqual(row["false_alarms"], 0)
        human = found["human"]
        self.assertEqual(human["sessions"], 12)
        self.assertGreaterEqual(human["gestures"], 100)
        self.assertEqual(human["false_alarms"], 0)
        self.assertAlmostEqual(human["upper95_per_1000_gestures"], 2.9957 * 1000 / human["gestures"], places=1)
        self.assertEqual(found["alarms"], [])
        self.assertIn("<html", page.read_text()[:200])

    def test_alarms_of_people_are_listed_with_their_cause(self):
        lines = [line.replace(",line,", ",p9,") for line in self.both.read_text().splitlines()]
        tin = self.dir / "tin.csv"
        tin.write_text("\n".join(line.rsplit(",", 1)[0] for line in lines) + "\n")
        found = json.loads(self.run_idem("--json", "--human", tin).stdout)
        self.assertEqual(len(found["alarms"]), 12)
        self.assertEqual(found["alarms"][0]["kind"], "scripted-pointer")
        self.assertIn("straight", found["alarms"][0]["cause"])
        self.assertGreaterEqual(found["human"]["false_alarms"], 12)

    def test_a_session_played_again_is_found_without_noise_only(self):
        rows = {row["label"]: row for row in
                json.loads(self.run_idem("--json", "--human", self.people).stdout)["replays"]}
        self.assertEqual(rows["noise 0"]["alarmed"], 12)
        self.assertEqual(rows["noise 2"]["alarmed"], 0)

    def test_weights_are_made_alike(self):
        made = []
        for name in ("a.c", "b.c"):
            self.run_idem("--fit", self.dir / name, "--teach", self.both)
            made.append((self.dir / name).read_bytes())
        self.assertEqual(made[0], made[1])
        text = made[0].decode()
        count = int(re.search(r"\.count = (\d+)", text).group(1))
        self.assertEqual(len(re.findall(r"^ {8}\{\{", text, re.M)), count)

    def test_what_cannot_be_done_is_refused(self):
        self.assertIn("no recording", self.run_idem(code=2).stderr)
        self.assertIn("is_bot", self.run_idem(self.people, code=1).stderr)
        self.assertIn("--teach", self.run_idem("--fit", self.dir / "c.c", code=2).stderr)
        keys = self.dir / "keys.csv"
        keys.write_text("user,session,key,press_ms,release_ms\na,s,a,0,90\n")
        self.assertIn("no pointer recording", self.run_idem("--human", keys, code=1).stderr)
        self.assertIn("usage:", self.run_idem("--help").stdout)


if __name__ == "__main__":
    unittest.main()
