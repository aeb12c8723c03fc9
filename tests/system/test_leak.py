#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`idem eval leak` on made-up people: tables and keys of its JSON, what finer levels, longer windows and defences do to
its figures, the vocabulary of a file, refusals. No figure here says anything about real people."""
import json
import math
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

IDEM = os.environ["IDEM_CLI"]
LEXICON = """about after again always because before being between could does during each either every first from great
have however into know large last later little many might more most much must never often only other over part people
place right same should since small some still such than that their them then there these they thing think this those
through under until used very want well were what when where which while with within without work world would year
your information question important different government""".split()
QUICK = ("--people", 20, "--per-length", 2, "--trials", 90, "--natural", 800, "--decoded", 8)


def typed(path, first, people):
    """People first.., 12 sessions of about 60 keys: words of the lexicon; a person is a tempo and a hold."""
    rows = ["user,session,key,press_ms,release_ms"]
    for person in range(first, first + people):
        rng = random.Random(person)
        hold, gap = 90 * math.exp(rng.gauss(0, .25)), 80 * math.exp(rng.gauss(0, .25))
        for session in range(12):
            t = 0.0
            for _ in range(10):
                for c in [*rng.choice(LEXICON), "space"]:
                    h = hold * math.exp(rng.gauss(0, .15))
                    rows.append(f"{person},{session},{c},{t:.1f},{t + h:.1f}")
                    t += h + gap * math.exp(rng.gauss(0, .3))
    path.write_text("\n".join(rows) + "\n")
    return path


class Leak(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="idem-leak-")
        cls.addClassCleanup(temporary.cleanup)
        cls.dir = pathlib.Path(temporary.name)
        cls.own = typed(cls.dir / "own.csv", 0, 60)
        cls.attacked = typed(cls.dir / "attacked.csv", 100, 30)

    def idem(self, *args):
        return subprocess.run([IDEM, "eval", "leak", *map(str, args)], capture_output=True, text=True, timeout=250,
                              check=False)

    def leak(self, *args):
        done = self.idem("--population", self.own, *QUICK, "--json", *args, self.attacked)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def fails(self, code, *args, says):
        done = self.idem(*args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(says, done.stderr)

    def test_levels_and_lengths(self):
        report = self.leak("--levels", "hand,finger,key", "--windows", "20,50")
        self.assertEqual([(r["label"], r["keys"]) for r in report["words"]],
                         [(level, keys) for level in ("hand", "finger", "key") for keys in (20, 50)])
        row = {(r["label"], r["keys"]): r for r in report["words"]}
        self.assertTrue(all(set(r) >= {"words", "lr_mean", "lr_accept", "lr_joined", *(f"lr_{n}" for n in range(4, 13))}
                            for r in report["words"]))
        self.assertGreater(row["finger", 20]["lr_mean"], 2 * row["hand", 20]["lr_mean"])
        self.assertGreater(row["hand", 20]["lr_mean"], row["hand", 50]["lr_mean"])
        self.assertIsNone(row["hand", 20]["lr_12"])  # nobody types a word of twelve letters
        self.assertLessEqual(row["hand", 50]["lr_accept"], row["hand", 50]["lr_mean"])
        text = {(r["label"], r["keys"]): r for r in report["recovered"]}
        self.assertGreater(text["key", 20]["words_recovered"], .5)
        self.assertLess(text["hand", 20]["words_recovered"], text["key", 20]["words_recovered"])
        self.assertEqual(text["hand", 50]["passwords_recovered"], 0)
        strokes = {(r["label"], r["keys"]): r for r in report["strokes"]}
        self.assertGreater(strokes["finger", 20]["solved"], strokes["hand", 50]["solved"])
        self.assertLess(strokes["key", 20]["orders_log2"], strokes["hand", 20]["orders_log2"])
        self.assertIsNone(strokes["hand", 20]["chained"])
        self.assertNotIn("cost", report)
        worst = [r for r in report["worst"] if r["label"].startswith("finger:") and r["keys"] == 20]
        self.assertEqual(worst, sorted(worst, key=lambda r: -r["lr"]))
        self.assertTrue(all(r["lr_low"] <= r["lr"] * 1.001 and r["lr"] <= r["lr_high"] * 1.001 for r in worst))

    def test_more_flights_give_order_away(self):
        report = self.leak("--levels", "key", "--windows", "12", "--flights", "dd,ud,uu")
        self.assertGreater(report["strokes"][0]["chained"], .2)

    def test_defences_and_their_price(self):
        base = self.leak("--levels", "mixed", "--windows", "25", "--cost")
        today, price = base["words"][0]["lr_mean"], base["cost"][0]["eer_user_50"]
        for how in (["--thin", ".6"], ["--carry", "4"]):
            report = self.leak("--levels", "mixed", "--windows", "25", "--cost", *how)
            self.assertLess(report["words"][0]["lr_mean"], .8 * today, how)
            self.assertIsNone(report["strokes"][0]["solved"])
            self.assertGreaterEqual(report["cost"][0]["eer_user_50"], price - .03, how)
        self.assertIsNone(self.leak("--levels", "mixed", "--windows", "60", "--cost")["cost"][0]["eer_user_50"])

    def test_the_same_seed_gives_the_same_figures(self):
        args = ("--levels", "mixed", "--windows", "25")
        one = self.leak(*args, "--seed", 5, "--threads", 1)
        four = self.leak(*args, "--seed", 5, "--threads", 4)
        for table in ("words", "worst", "strokes", "recovered"):
            self.assertEqual(one[table], four[table])
        self.assertNotEqual(one["words"], self.leak(*args, "--seed", 6)["words"])

    def test_words_of_a_file(self):
        words = self.dir / "words.txt"
        words.write_text("between\nx\nnot-a-word\nquestion\n")
        report = self.leak("--levels", "mixed", "--windows", "25", "--words", words)
        self.assertEqual({r["label"].split()[1] for r in report["worst"]}, {"between", "question"})
        words.write_text("x\n")
        self.fails(1, "--population", self.own, "--words", words, self.attacked, says="no word of 4 to 12 letters")
        self.fails(1, "--population", self.own, "--words", self.dir / "none", self.attacked, says="No such file")

    def test_text_and_page(self):
        page = self.dir / "leak.html"
        done = self.idem("--population", self.own, *QUICK, "--levels", "hand", "--windows", "25", "--html", page,
                         self.attacked)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ("Was this word typed?", "The worst single words", "Text read"):
            self.assertIn(words, done.stdout)
            self.assertIn(words, page.read_text())
        self.assertNotIn("<script", page.read_text())
        self.assertIn("--levels hand", page.read_text())

    def test_refusals(self):
        self.fails(2, self.attacked, says="--population FILE is missing")
        self.fails(2, "--population", self.own, says="one recording is attacked")
        self.fails(2, "--population", self.own, "--levels", "mixed,toe", self.attacked, says="--levels")
        self.fails(2, "--population", self.own, "--windows", "5", self.attacked, says="--windows")
        self.fails(2, "--population", self.own, "--thin", "2", self.attacked, says="--thin")
        self.fails(2, "--population", self.own, "--flights", "xx", self.attacked, says="--flights")
        self.fails(1, "--population", self.own, "--levels", "mixed", "--windows", "500", self.attacked,
                   says="too little text")
        zones = self.dir / "zones.csv"
        zones.write_text("user,session,zone,press_ms,release_ms\n1,1,f0,0,90\n1,1,f1,100,190\n")
        self.fails(1, "--population", self.own, zones, says="with keys")
        done = self.idem("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--thin", done.stdout)


if __name__ == "__main__":
    unittest.main()
