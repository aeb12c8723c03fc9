#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`idem eval injection` on payloads made here and on people, recorded and made: keys of its JSON, what other tools' rules
do by arithmetic, what any guard must do with keys held for 2 ms, lists of false alarms, refusals.

IDEM_CLI names the program."""
import json
import math
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

IDEM = os.environ["IDEM_CLI"]
EXCERPT = pathlib.Path(__file__).resolve().parents[1] / "data" / "bbmas_excerpt.csv"
MODELS = ["ducky", "flipper", "jitter-20", "jitter-80", "jitter-160", "delay-40", "delay-50", "delay-100", "burst-3",
          "burst-24", "humanised", "humanised-holds"]
INHUMAN = MODELS[:10]  # all that hold a key for 2 ms
PAYLOADS = 60


def payloads(path, count=PAYLOADS, short=5):
    """Payloads as collections have them: wait, Win+R, a command of 40 to 200 characters, Enter; and some too short."""
    rng = random.Random(7)
    rows = ["corpus,payload,step,kind,value"]
    for number in range(count + short):
        steps = [("delay", 1000), ("combo", 2), ("delay", 500)] if rng.random() < .7 else []
        for _ in range(rng.randrange(40, 200) if number < count else 1):
            steps.append(("shifted" if rng.random() < .2 else "plain", 1))
        steps.append(("enter", 1))
        rows += [f"made,{number},{step},{kind},{value}" for step, (kind, value) in enumerate(steps)]
    path.write_text("\n".join(rows) + "\n")
    return path


def typed(path, people=6, sessions=3, keys=150):
    """People of holds around 95 ms with rollover."""
    rows = ["user,session,key,press_ms,release_ms"]
    for person in range(people):
        rng = random.Random(person)
        for session in range(sessions):
            t = 0.0
            for _ in range(keys):
                hold = 95 * math.exp(rng.gauss(0, .25))
                rows.append(f"p{person},{session},{rng.choice('etaoinshrdlu')},{t:.0f},{t + hold:.0f}")
                t += 150 * math.exp(rng.gauss(0, .4))
    path.write_text("\n".join(rows) + "\n")
    return path


def robot(path):
    """A person's name over keys that no finger holds: four sessions, alarms in each."""
    rows = ["user,session,t_ms,key,state,is_bot"]
    for session in range(4):
        for i in range(40):
            rows.append(f"tin,{session},{i * 30},{'abcdefgh'[i % 8]},down,")
            rows.append(f"tin,{session},{i * 30 + 2},{'abcdefgh'[i % 8]},up,")
    path.write_text("\n".join(rows) + "\n")
    return path


class Injection(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="idem-injection-")
        cls.addClassCleanup(temporary.cleanup)
        cls.dir = pathlib.Path(temporary.name)
        cls.payloads = payloads(cls.dir / "payloads.csv")
        cls.people = typed(cls.dir / "people.csv")
        cls.report = cls.injection("--human", cls.people, "--human", EXCERPT)

    @classmethod
    def idem(cls, *args):
        return subprocess.run([IDEM, "eval", "injection", *map(str, args)], capture_output=True, text=True, timeout=250,
                              check=False)

    @classmethod
    def injection(cls, *args):
        done = cls.idem("--json", *args, cls.payloads)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def fails(self, code, *args, says):
        done = self.idem(*args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(says, done.stderr)

    def test_every_model_is_told(self):
        self.assertEqual(sorted(self.report["models"]), sorted(MODELS))
        for name, model in self.report["models"].items():
            self.assertTrue(set(model) >= {"payloads", "alarmed", "key_p50", "key_p99"}, name)
            self.assertEqual(model["payloads"], PAYLOADS)  # those of less than six key-downs do not count
            self.assertEqual(model["humanised"], name.startswith("humanised"))
            for judge in ("attached", "clone", "ukip", "ukip_repeat", "duckhunt"):
                self.assertEqual(model[judge]["payloads"], PAYLOADS)
                self.assertLessEqual(model[judge]["alarmed"], PAYLOADS)

    def test_keys_held_for_2_ms_are_noticed(self):
        for name in INHUMAN:
            model = self.report["models"][name]
            self.assertGreaterEqual(model["alarmed"], .98 * PAYLOADS, name)
            self.assertLessEqual(model["key_p50"], 10, name)

    def test_other_tools_rules_by_arithmetic(self):
        models = self.report["models"]
        for name in ("ducky", "flipper", "jitter-20"):  # every gap below 50 ms, but for the pause after Win+R
            self.assertEqual(models[name]["ukip"]["alarmed"], PAYLOADS, name)
            self.assertIn(models[name]["ukip"]["key_p50"], (5, 6, 7), name)
            self.assertEqual(models[name]["duckhunt"]["alarmed"], PAYLOADS, name)
        self.assertEqual(models["burst-3"]["ukip"]["alarmed"], 0)
        self.assertEqual(models["burst-24"]["duckhunt"]["alarmed"], 0)
        self.assertEqual(models["delay-100"]["ukip"]["alarmed"], 0)
        self.assertEqual(models["delay-100"]["ukip"]["key_p50"], None)  # not reached

    def test_people_are_no_machines(self):
        human = self.report["human"]
        rows = [line.split(",") for path in (self.people, EXCERPT) for line in path.read_text().splitlines()[1:]]
        self.assertEqual(human["keys"], len(rows))
        self.assertEqual(human["sessions"], len({(user, session) for user, session, *_ in rows}))
        self.assertEqual(human["false_alarms"], 0, self.report["alarms"])
        self.assertAlmostEqual(human["upper95_per_million_keys"], 2.9957 / len(rows) * 1e6, delta=.1)
        self.assertEqual(self.report["alarms"], [])
        fresh = [r for r in self.report["people"] if r["label"].endswith("a device each session")]
        self.assertEqual([r["label"].split(",")[0] for r in fresh], ["people.csv", "bbmas_excerpt.csv", "all"])
        for row in fresh:
            self.assertEqual(row["human"] + row["macro"] + row["insufficient"] + row["alarmed"], row["sessions"])

    def test_false_alarms_are_listed(self):
        report = self.injection("--human", robot(self.dir / "robot.csv"))
        self.assertEqual(report["human"]["sessions"], 4)
        self.assertGreaterEqual(report["human"]["false_alarms"], 4)
        found = {(a["person"], a["session"]) for a in report["alarms"] if a["pass"] == "a device each session"}
        self.assertEqual(found, {("tin", str(n)) for n in range(4)})
        for alarm in report["alarms"]:
            self.assertEqual(alarm["file"], "robot.csv")
            self.assertTrue(alarm["cause"])
            self.assertEqual(alarm["kind"], "injected-keys")
            self.assertLessEqual(alarm["key"], 40)

    def test_honest_sources_and_claims(self):
        self.assertEqual({r["label"] for r in self.report["honest"]},
                         {"security key", "barcode scanner", "steno machine", "macro pad", "password manager",
                          "home-row functions"})
        for row in self.report["honest"]:
            self.assertEqual(row["macro"] + row["human"] + row["insufficient"] + row["alarmed"], row["streams"])
        self.assertEqual(len(self.report["claims"]), len(MODELS))
        self.assertEqual(len(self.report["after_hand"]), len(MODELS))

    def test_the_same_seed_gives_the_same_figures(self):
        one, two = (self.injection("--human", self.people, "--seed", 5, "--threads", n) for n in (1, 4))
        for report in (one, two):
            del report["command"]
        self.assertEqual(one, two)
        self.assertEqual(one["seed"], 5)

    def test_clocks(self):
        self.assertNotIn("clocks", self.report)
        clocks = self.injection("--clocks")["clocks"]
        self.assertEqual(len(clocks), len(MODELS))
        self.assertTrue(all({"fine", "browser", "ms", "coarse", "late", "stalls"} <= set(r) for r in clocks))

    def test_text_and_page(self):
        page = self.dir / "injection.html"
        done = self.idem("--human", self.people, "--html", page, self.payloads)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ("Payloads by device", "Honest sources", "False alarms", "Ducky v1"):
            self.assertIn(words, done.stdout)
            self.assertIn(words, page.read_text())
        self.assertIn("<svg", page.read_text())
        self.assertNotIn("<script", page.read_text())
        self.assertIn("--html", page.read_text())

    def test_without_people(self):
        report = self.injection()
        self.assertEqual(report["human"]["keys"], 0)
        self.assertIsNone(report["human"]["upper95_per_million_keys"])

    def test_refusals(self):
        self.fails(2, says="one file of payloads, not 0")
        self.fails(2, self.payloads, self.people, says="one file of payloads, not 2")
        self.fails(2, "--users", "1-2", self.payloads, says="--users stands behind")
        self.fails(2, "--frobnicate", self.payloads, says="does not exist")
        self.fails(1, self.dir / "none.csv", says="none.csv")
        self.fails(1, self.people, says="no column `corpus`")
        bad = self.dir / "bad.csv"
        bad.write_text("corpus,payload,step,kind,value\na,1,0,plain,1\na,1,2,plain,1\n")
        self.fails(1, bad, says="bad.csv:3: step 1 of a/1 is missing")
        pointer = self.dir / "pointer.csv"
        pointer.write_text("user,session,t_ms,x,y,state\nada,1,0,1,1,Move\n")
        self.fails(1, "--human", pointer, self.payloads, says="no keyboard recording")
        done = self.idem("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--human", done.stdout)


if __name__ == "__main__":
    unittest.main()
