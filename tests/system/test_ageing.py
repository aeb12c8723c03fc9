# SPDX-License-Identifier: Apache-2.0
"""idem eval ageing and idem eval enrolment on people made here: what they must find is known.

IDEM_CLI names the program.
"""
import json
import math
import os
import random
import re
import subprocess
import tempfile
import unittest

CLI = os.environ["IDEM_CLI"]
LETTERS = "qwertasdfgzxcvbyuiophjklnm"
LEFT = set("qwertasdfgzxcvb")


class Typist:
    """Mean log holds by key and mean flights by pair of hands; drift moves all of them."""

    def __init__(self, number):
        self.rng = random.Random(number)
        base, spread = self.rng.gauss(0, 0.15), 0.12
        self.hold = {k: math.log(95) + base + self.rng.gauss(0, spread) for k in LETTERS}
        self.flight = {(a, b): 90 + self.rng.gauss(0, 45) for a in (0, 1) for b in (0, 1)}

    def drift(self, step):
        for k in self.hold:
            self.hold[k] += self.rng.gauss(0, step)
        for pair in self.flight:
            self.flight[pair] += self.rng.gauss(0, 350 * step)

    def rows(self, user, session, keys, day=None):
        out, now, before = [], 0.0, None
        for _ in range(keys):
            key = self.rng.choice(LETTERS)
            if before is not None:
                pair = (int(before in LEFT), int(key in LEFT))
                now += max(8.0, self.flight[pair] + self.rng.gauss(0, 60))
            hold = math.exp(self.hold[key] + self.rng.gauss(0, 0.22))
            row = [user, session, key, f"{now:.0f}", f"{now + hold:.0f}"]
            out.append(",".join(row + ([] if day is None else [f"{day:.3f}"])))
            now += hold
            before = key
        return out


def write(path, rows, day):
    with open(path, "w", encoding="utf-8") as out:
        out.write("user,session,key,press_ms,release_ms" + (",day" if day else "") + "\n")
        out.write("\n".join(rows) + "\n")


def run(*arguments):
    return subprocess.run([CLI, "eval", *arguments], capture_output=True, text=True, check=False)


class Studies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = lambda name: os.path.join(cls.folder.name, name)
        cls.population, cls.days = path("population.csv"), path("days.csv")
        cls.many, cls.long, cls.page = path("many.csv"), path("long.csv"), path("page.html")
        rows = []
        for p in range(60):
            rows += Typist(p).rows(f"p{p}", "0", 700)
        write(cls.population, rows, False)
        rows = []
        for p in range(16):
            typist = Typist(1000 + p)
            for day in range(12):
                for session in range(2):
                    rows += typist.rows(f"d{p}", f"{day}-{session}", 60, day + 0.3 * session)
                typist.drift(0.04 if day >= 2 else 0)
        write(cls.days, rows, True)
        rows = []
        for p in range(60):
            rows += Typist(2000 + p).rows(f"m{p}", "0", 760)
        write(cls.many, rows, False)
        rows = []
        for p in range(8):
            rows += Typist(3000 + p).rows(f"l{p}", "0", 2600)
        write(cls.long, rows, False)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def tables(self, *arguments):
        answer = run(*arguments, "--population", self.population, "--json")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return json.loads(answer.stdout)

    def test_learning_follows_people_who_drift(self):
        tables = self.tables("ageing", self.days)
        late = [row for row in tables["age"] if row["label"] == "day 8 and later"][0]
        self.assertLess(late["eer_user_adapted"], late["eer_user_static"])
        self.assertLess(late["cllr_adapted"], late["cllr_static"])
        self.assertEqual(tables["half_life"][0]["label"], "fixed profile")
        self.assertIsNone(tables["half_life"][0]["half_life_days"])

    def test_the_bound_stops_a_patient_impostor(self):
        tables = self.tables("ageing", "--attack", self.long)
        last = tables["walk"][-1]
        self.assertEqual(last["day"], 40)
        self.assertGreater(last["over_off"], 0.5)
        self.assertLess(last["over_on"], 0.3)
        self.assertLess(last["impostor_on"], last["impostor_off"])
        self.assertGreater(last["owner_on"], last["owner_off"])

    def test_two_people_in_one_enrolment_are_noticed(self):
        rows = {row["label"]: row for row in self.tables("ageing", "--mixed", self.many)["mixed"]
                if row["windows"] == 16}
        self.assertLess(rows["one person"]["mixed"], 0.2)
        self.assertGreater(rows["50/50, one after the other"]["mixed"], 0.8)
        self.assertGreater(rows["50/50, at every window"]["mixed"],
                           rows["one person"]["mixed"] + 0.3)

    def test_a_new_keyboard_is_asked_and_somebody_else_locked(self):
        tables = self.tables("ageing", "--change", self.many)
        rows = {row["label"]: row for row in tables["verdicts"]}
        keyboard, other = rows["owner, another keyboard"], rows["somebody else, nothing"]
        self.assertLess(keyboard["locked_at_3"], keyboard["locked"] - 0.3)
        self.assertGreater(other["locked_at_3"], 0.5)
        self.assertGreater(rows["owner, nothing"]["passed"], 0.9)
        hand = tables["recovery_hand"]
        self.assertLess(hand[-1]["eer_user"], hand[0]["eer_user"])
        self.assertLess(hand[-1]["locked"], hand[0]["locked"])

    def test_a_second_device_starts_warm(self):
        rows = self.tables("ageing", "--warm", self.many)["warm"]
        two = {(row["label"], row["warm"]): row for row in rows if row["windows"] == 2}
        cold, warm = two["2 windows, cold", 0], two["2 windows, carried over", 50]
        self.assertLess(warm["eer_user"], cold["eer_user"])
        self.assertLess(warm["cllr_min"], cold["cllr_min"])

    def test_simulated_drift_is_followed(self):
        rows = {row["label"]: row
                for row in self.tables("ageing", "--simulate", self.many)["simulated"]}
        fixed, learning = rows["step 0.05, fixed"], rows["step 0.05, half-life 20"]
        self.assertLess(learning["cllr_60"], fixed["cllr_60"])
        self.assertEqual(rows["step 0, no bound"]["kept"], 1)

    def test_more_windows_enrol_better(self):
        tables = self.tables("enrolment", self.many)
        first, last = tables["one_window"][0], tables["one_window"][-1]
        self.assertEqual((first["windows"], first["insufficient"]), (2, 1))
        self.assertGreater(last["windows"], 10)
        self.assertEqual(last["insufficient"], 0)
        self.assertLess(last["eer_user"], first["eer_user"])
        self.assertLess(last["cllr"], first["cllr"])

    def test_a_page_with_the_curve(self):
        answer = run("enrolment", "--population", self.population, "--html", self.page, self.many)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("Probes of four windows", answer.stdout)
        with open(self.page, encoding="utf-8") as page:
            text = page.read()
        self.assertIn("<polyline", text)
        self.assertIn("idem eval enrolment --population", text)
        self.assertFalse(re.search(r"<script|https?://", text))

    def test_the_answer_does_not_depend_on_threads(self):
        one = run("enrolment", "--population", self.population, "--threads", "1", self.many)
        four = run("enrolment", "--population", self.population, "--threads", "4", self.many)
        self.assertEqual(one.stdout, four.stdout)

    def test_mistakes_are_told(self):
        for arguments, code, words in (
                (["ageing", self.days], 2, "--population FILE is missing"),
                (["ageing", "--population", self.population], 2, "one recording"),
                (["ageing", "--attack", "--mixed", "--population", self.population, self.days], 2,
                 "one study"),
                (["ageing", "--nonsense"], 2, "does not exist"),
                (["enrolment", "--window", "5", "--population", self.population, self.days], 2,
                 "--window"),
                (["ageing", "--population", self.population, "/nowhere.csv"], 1, "/nowhere.csv"),
                (["ageing", "--attack", "--population", self.population, self.days], 1,
                 "too few people")):
            answer = run(*arguments)
            self.assertEqual(answer.returncode, code, (arguments, answer.stderr))
            self.assertIn(words, answer.stderr)
        self.assertEqual(run("ageing", "--help").returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
