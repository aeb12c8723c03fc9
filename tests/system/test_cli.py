#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`idem`, the command line, as people use it: exit codes, messages, files, figures, and replays against a real server.

Recordings are made up here (people with holds and flights of their own) or shipped excerpts (tests/data)."""
import gzip
import hashlib
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import unittest

import harness

IDEM = os.environ["IDEM_CLI"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
EXCERPT = ROOT / "tests" / "data" / "bbmas_excerpt.csv"
LETTERS = "etaoinshrdlucmfwypvbgkqjxz"
FIGURES = {"users", "genuine", "impostor", "auc", "eer_user_mean", "eer_global", "cllr", "fnmr_at_fmr", "ci95"}


def idem(*args, **more):
    return subprocess.run([IDEM, *map(str, args)], capture_output=True, text=True, timeout=120, **more)


def typed(path, people, first=0, sessions=5, keys=60):
    """People first.. at made-up keyboards; a person is a tempo and a hold for each letter, drawn from his number."""
    rows = ["user,session,key,press_ms,release_ms"]
    for person in range(first, first + people):
        rng = random.Random(person)
        tempo = rng.gauss(0, .25)
        hold = {c: 95 * math.exp(rng.gauss(0, .2)) for c in LETTERS + " "}
        after = {c: 110 * math.exp(tempo + rng.gauss(0, .35)) for c in LETTERS + " "}
        for session in range(sessions):
            t = 0.0
            for _ in range(keys):
                c = rng.choice(LETTERS[:12] + LETTERS + "    ")
                h = hold[c] * math.exp(rng.gauss(0, .15))
                rows.append(f"u{person},{session},{'space' if c == ' ' else c},{t:.1f},{t + h:.1f}")
                t += h + after[c] * math.exp(rng.gauss(0, .25))
    text = "\n".join(rows) + "\n"
    if str(path).endswith(".gz"):
        with gzip.open(path, "wt") as f:
            f.write(text)
    else:
        path.write_text(text)
    return path


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="idem-cli-")
        self.addCleanup(temporary.cleanup)
        self.dir = pathlib.Path(temporary.name)

    def fails(self, code, *args, says):
        done = idem(*args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn(says, done.stderr)
        return done


class Usage(Case):
    def test_help_is_printed_and_costs_nothing(self):
        for args in (["--help"], ["train", "--help"], ["eval", "--help"], ["eval", "verify", "--help"],
                     ["eval", "blocks", "-h"], ["eval", "challenge", "--help"], ["replay", "--help"]):
            done = idem(*args)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("usage: idem", done.stdout)
        self.assertEqual(idem("--version").returncode, 0)

    def test_help_names_what_belongs_to_a_protocol(self):
        self.assertIn("--cut", idem("eval", "verify", "--help").stdout)
        self.assertNotIn("--cut", idem("eval", "blocks", "--help").stdout)
        self.assertIn("--labels", idem("eval", "challenge", "--help").stdout)

    def test_wrong_usage_is_2(self):
        for args, says in (([], "usage"), (["fly"], "no command"), (["train"], "-o FILE is missing"),
                           (["train", "-o", "x"], "no recordings"), (["eval"], "comes first"),
                           (["eval", "verify", "d.csv"], "--population FILE is missing"),
                           (["eval", "verify", "--population", "p"], "one recording"),
                           (["eval", "blocks", "--cut", "--population", "p", "d"], "--cut has no meaning for blocks"),
                           (["eval", "verify", "--probe", "4", "--population", "p", "d"], "--probe takes a number"),
                           (["eval", "verify", "--level", "toe", "--population", "p", "d"], "--level is"),
                           (["eval", "verify", "--wings"], "does not exist"),
                           (["train", "-o", "x", "--level", "key", "d"], "--level is hand"),
                           (["replay"], "recordings are played"), (["replay", "--speed", "0", "d"], "--speed"),
                           (["replay", "--takeover", "a@3", "d"], "A:B@SECONDS"),
                           (["replay", "--inject", "@3", "d"], "A@SECONDS")):
            self.fails(2, *args, says=says)


class BadData(Case):
    def setUp(self):
        super().setUp()
        self.good = typed(self.dir / "good.csv", 12)

    def bad(self, line):
        path = self.dir / "bad.csv"
        path.write_text(self.good.read_text() + line + "\n")
        return path, len(path.read_text().splitlines())

    def test_a_bad_row_is_named_by_file_and_line(self):
        path, line = self.bad("u1,9,a,soon,5")
        self.fails(1, "train", "-o", self.dir / "x.pop", path, says=f"{path}:{line}: press_ms")
        self.fails(1, "eval", "verify", "--population", self.good, path, says=f"{path}:{line}: press_ms")
        self.assertFalse((self.dir / "x.pop").exists())

    def test_skipped_rows_are_counted_and_told(self):
        path, line = self.bad("u1,9,a,soon,5")
        done = idem("train", "-o", self.dir / "x.pop", "--skip-bad", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"1 bad rows skipped; the first: {path}:{line}:", done.stderr)

    def test_files_that_are_not_there_or_cut_short(self):
        self.fails(1, "train", "-o", self.dir / "x", self.dir / "none.csv", says="No such file")
        whole = typed(self.dir / "whole.csv.gz", 12)
        cut = self.dir / "cut.csv.gz"
        cut.write_bytes(whole.read_bytes()[:-2000])
        self.fails(1, "train", "-o", self.dir / "x", "--skip-bad", cut, says="gzip stream ends too early")

    def test_too_few_people(self):
        few = typed(self.dir / "few.csv", 3)
        self.fails(1, "train", "-o", self.dir / "x", few, says="too few people")
        self.fails(1, "eval", "verify", "--population", self.good, "--enrol", 5, few, says="fewer than two people")

    def test_the_wrong_kind_of_recording(self):
        self.fails(1, "eval", "blocks", "--population", self.good, self.good, says="needs a pointer recording")

    def test_zones_know_no_rows(self):
        self.fails(1, "eval", "verify", "--population", self.good, "--level", "fingerrow", EXCERPT, says="only zones")


class Populations(Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory(prefix="idem-cli-")
        cls.addClassCleanup(cls.shared.cleanup)
        cls.train = typed(pathlib.Path(cls.shared.name) / "train.csv.gz", 40, first=1000)
        cls.test = typed(pathlib.Path(cls.shared.name) / "test.csv", 12)

    def verify(self, *args):
        done = idem("eval", "verify", "--enrol", 3, "--json", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = json.loads(done.stdout)
        figures.pop("seconds")
        return figures

    def test_learning_is_reproducible_and_a_file_is_as_good_as_its_recordings(self):
        paths = [self.dir / "a.pop", self.dir / "b.pop"]
        for path, threads in zip(paths, (1, 3)):
            done = idem("train", "-o", path, "--threads", threads, self.train)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("40 people", done.stdout)
        self.assertEqual(paths[0].read_bytes(), paths[1].read_bytes())
        self.assertFalse(list(self.dir.glob("*.part")))
        self.assertEqual(self.verify("--population", paths[0], self.test),
                         self.verify("--population", self.train, "--level", "hand", self.test))

    def test_json_holds_what_it_promises(self):
        figures = self.verify("--population", self.train, self.test)
        self.assertLessEqual(FIGURES | {"protocol", "level"}, figures.keys())
        self.assertEqual((figures["protocol"], figures["level"]), ("verify", "mixed"))
        self.assertEqual((figures["users"], figures["genuine"], figures["impostor"]), (12, 24, 12 * 11))
        self.assertEqual(set(figures["fnmr_at_fmr"]), {"0.01", "0.001"})
        self.assertGreater(figures["auc"], .95)
        for name in ("auc", "eer_user_mean", "eer_global", "cllr"):
            low, high = figures["ci95"][name]
            self.assertTrue(low <= figures[name] <= high, name)
        self.assertEqual(figures["skipped_rows"], 0)

    def test_levels_and_flights(self):
        for level in ("hand", "finger", "fingerrow", "key"):
            self.assertEqual(self.verify("--population", self.train, "--level", level, self.test)["level"], level)
        self.verify("--population", self.train, "--flights", "dd,ud,uu", self.test)

    def test_people_are_chosen_by_number(self):
        figures = self.verify("--population", self.train, "--population-users", "1000-1029", "--users", "0-5", self.test)
        self.assertEqual(figures["users"], 6)
        self.fails(1, "eval", "verify", "--population", self.train, "--users", "9-3", self.test, says="not a list of ranges")
        self.fails(1, "eval", "verify", "--population", self.train, "--users", "500", self.test, says="nobody has a number")

    def test_damaged_files_are_refused_with_a_reason(self):
        path = self.dir / "p.pop"
        self.assertEqual(idem("train", "-o", path, self.train).returncode, 0)
        whole = path.read_bytes()
        for damaged in (whole[:len(whole) // 2], whole[:100] + b"\xff" + whole[101:], whole[:5]):
            path.write_bytes(damaged)
            done = self.fails(1, "eval", "verify", "--population", path, self.test, says=str(path) + ": ")
            self.assertGreater(len(done.stderr.split(": ", 2)[2]), 10)

    def test_a_population_has_its_level(self):
        path = self.dir / "p.pop"
        self.assertEqual(idem("train", "-o", path, "--level", "hand", self.train).returncode, 0)
        self.assertEqual(self.verify("--population", path, self.test)["level"], "hand")
        self.fails(1, "eval", "verify", "--population", path, "--level", "finger", self.test, says="is of level hand")

    def test_an_output_that_cannot_be_written(self):
        self.fails(1, "train", "-o", "/no/such/folder/x.pop", self.train, says="/no/such/folder/x.pop: No such file")

    def test_the_page_stands_alone(self):
        page = self.dir / "page.html"
        odd = typed(self.dir / "<b>&'odd.csv", 6)
        done = idem("eval", "verify", "--population", self.train, "--enrol", 3, "--html", page, odd)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = page.read_text()
        self.assertNotRegex(text, r"<script|https?:|<link|@import|url\((?!#)")
        self.assertEqual(text.count("<svg"), 2)
        self.assertNotIn("<b>&", text)
        self.assertIn("&lt;b&gt;&amp;", text)
        self.assertIn("EER", done.stdout)


def moved(path, people, labelled):
    """People 0.. with pointers of their own speed; sessions a and b are train, c and d test, d by somebody else."""
    rows = ["user,session,t_ms,x,y,button,state,split,is_illegal"]
    for person in range(people):
        for k, session in enumerate("abcd"):
            who = (person + people // 2) % people if session == "d" else person
            rng, t, x, y = random.Random(100 * person + k), 0, 500.0, 400.0
            mark = f"{'train' if k < 2 else 'test'},{int(session == 'd') if labelled and k >= 2 else ''}"
            for _ in range(40):
                to, speed = (rng.uniform(0, 1000), rng.uniform(0, 800)), (250 + 60 * who) * math.exp(rng.gauss(0, .15))
                steps = int(math.hypot(to[0] - x, to[1] - y) / speed * 100) + 5
                for i in range(1, steps + 1):
                    s = (i / steps) ** 3 * (10 - 15 * i / steps + 6 * (i / steps) ** 2)
                    rows.append(f"u{person},{session}{person},{t},{x + s * (to[0] - x):.1f},{y + s * (to[1] - y):.1f},NoButton,Move,{mark}")
                    t += 10
                for state in ("Pressed", "Released"):
                    rows.append(f"u{person},{session}{person},{t},{to[0]:.1f},{to[1]:.1f},Left,{state},{mark}")
                    t += 80
                x, y, t = *to, t + 500
    path.write_text("\n".join(rows) + "\n")
    return path


class Pointer(Case):
    def test_blocks_tell_of_every_number_of_blocks(self):
        data = moved(self.dir / "p.csv", 16, labelled=False)
        done = idem("eval", "blocks", "--population", data, "--blocks", 3, "--json", "--html", self.dir / "b.html", data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("has seen the people of the test", done.stderr)
        figures = json.loads(done.stdout)
        self.assertEqual([run["blocks"] for run in figures["runs"]], [1, 2, 3])
        self.assertLessEqual(FIGURES, figures["runs"][0].keys())
        self.assertEqual(figures["auc"], figures["runs"][2]["auc"])
        self.assertEqual(figures["users"], 16)
        self.assertEqual((self.dir / "b.html").read_text().count("<th>3 blocks"), 1)

    def test_labels_take_the_place_of_the_column(self):
        data = moved(self.dir / "p.csv", 12, labelled=True)
        figures = json.loads(idem("eval", "challenge", "--population", data, "--json", data).stdout)
        self.assertEqual((figures["genuine"], figures["impostor"]), (12, 12))
        self.assertGreater(figures["auc"], .8)
        labels = self.dir / "labels.csv"
        labels.write_text("session,is_illegal\n" + "".join(f"c{i},1\nd{i},0\n" for i in range(6)) + "nobody,1\n")
        done = idem("eval", "challenge", "--population", data, "--labels", labels, "--json", data)
        figures = json.loads(done.stdout)
        self.assertIn("1 labels name no session", done.stderr)
        self.assertEqual((figures["genuine"], figures["impostor"]), (6, 6))
        self.assertLess(figures["auc"], .3)
        labels.write_text("session,is_illegal\nc1,maybe\n")
        self.fails(1, "eval", "challenge", "--population", data, "--labels", labels, data, says=f"{labels}:2: ")

    def test_without_labels_there_is_nothing_to_say(self):
        data = moved(self.dir / "p.csv", 12, labelled=False)
        self.fails(1, "eval", "challenge", "--population", data, data, says="needs sessions of split train")


class ShippedServer(harness.Server):
    """The server with the population that ships."""

    def command(self):
        return [harness.SERVER, "--demo", "--population", str(ROOT / "data" / "default.pop"), "--data", self.data, "--port", "0",
                *self.options]


class Replay(Case):
    def server(self, *options):
        server = ShippedServer(options=options)
        self.addCleanup(server.close)
        return server, f"http://{server.host}:{server.port}"

    def test_a_takeover_is_noticed_and_the_owner_stays(self):
        _, url = self.server("--test-clock")
        done = idem("replay", EXCERPT, "--server", url, "--speed", 2000, "--takeover", "107:117@190", "--people", 0)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the hands are 117's now", done.stdout)
        self.assertRegex(done.stdout, r"takeover 107 -> 117: noticed after [\d.]+ s, \d+ keys")
        self.assertIn("1 sessions, ", done.stdout)
        before = done.stdout.split("the hands are")[0]
        self.assertRegex(before, r"107 +ok +trust 0\.9|107 +ok +trust 1\.0")
        self.assertNotRegex(before, "locked|step-up")

    def test_an_owner_who_is_locked_out_is_told_whatever_was_to_come(self):
        """A session that is locked before its takeover counts as an owner locked out, not as a takeover missed."""
        rows = [line.split(",") for line in EXCERPT.read_text().splitlines()]
        mixed = [rows[0]]
        for user in ("107", "117"):  # two people under one name: to the server an owner, then somebody else
            start = float(mixed[-1][3]) + 1000 if len(mixed) > 1 else 0
            for row in (r for r in rows if r[0] == user):
                times = [f"{float(t) + start:.0f}" if t else "" for t in row[3:]]
                mixed.append(["two", "0", row[2], *times])
        path = self.dir / "mixed.csv"
        path.write_text("\n".join(map(",".join, mixed)) + "\n")
        last = float(mixed[-1][3]) / 1000
        _, url = self.server("--test-clock")
        done = idem("replay", path, EXCERPT, "--server", url, "--speed", 2000, "--takeover", f"two:109@{last - 1:.0f}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"takeover two -> 109: did not come about, two was locked out after [\d.]+ s")
        self.assertIn("1 sessions, ", done.stdout)
        self.assertIn("owners locked out: 1", done.stdout)

    def test_a_machine_that_types_at_somebodys_session_locks_it(self):
        server, url = self.server("--test-clock")
        done = idem("replay", EXCERPT, "--server", url, "--speed", 2000, "--inject", "107@120")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"107 +ALARM +injected-keys at the keyboard, cut-off-device: keys were held too briefly")
        self.assertRegex(done.stdout, r"107 +locked +keys were held too briefly")
        self.assertRegex(done.stdout, r"takeover 107 -> a machine: noticed after [01]\.\d s")
        self.assertRegex(done.stdout, r"1 sessions, \d+ windows, [1-4] alarms; owners locked out: 0; failed: 0")
        (session,) = server.get("/v1/sessions").json["sessions"]
        self.assertEqual((session["guard"]["kind"], session["guard"]["action"]), ("injected-keys", "cut-off-device"))

    def test_chosen_people_only(self):
        _, url = self.server("--test-clock")
        done = idem("replay", EXCERPT, "--server", url, "--speed", 5000, "--users", "106-107,111")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("3 sessions, ", done.stdout)

    def test_everybody_at_once(self):
        server, url = self.server("--test-clock")
        done = idem("replay", EXCERPT, "--server", url + "/", "--speed", 5000)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\n6 sessions, \d+ windows, 0 alarms; .*failed: 0\n")  # hands, all of them
        sessions = server.get("/v1/sessions").json["sessions"]
        self.assertEqual({s["state"] for s in sessions}, {"closed"})

    def test_accelerated_time_needs_a_server_for_tests(self):
        _, url = self.server()
        done = idem("replay", EXCERPT, "--server", url, "--speed", 50, "--people", 1)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--test-clock", done.stdout)

    def test_a_population_learns_from_the_people_enrolled(self):
        server, url = self.server("--test-clock")
        people = typed(self.dir / "people.csv", 14, sessions=8)
        self.assertEqual(idem("replay", people, "--server", url, "--speed", 5000).returncode, 0)
        store, shipped, new = server.data + "/idem.db", ROOT / "data" / "default.pop", self.dir / "new.pop"
        learn = ["train", "-o", new, "--from-store", store, "--population"]
        self.fails(1, *learn, shipped, says="nothing to learn from yet")
        done = idem(*learn, shipped, "--min-people", 10)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("14 people", done.stdout)
        self.assertIn("pointer: 0 people", done.stderr)
        self.assertNotEqual(new.read_bytes(), shipped.read_bytes())
        trained = hashlib.blake2b(new.read_bytes(), digest_size=32).digest()
        self.assertEqual(server.query("SELECT population = x'%s', count(*) FROM members" % trained.hex()), [(1, 14)])
        front = server.call("GET", "/v1/front").body
        self.assertIn(front, new.read_bytes())  # everybody stays enrolled
        self.fails(1, *learn, ROOT / "data" / "keyboard.pop", says="14 profiles left out: they belong to another front")
        self.fails(1, *learn, shipped, "--organisation", "acme", says="no such organisation")
        self.fails(1, "train", "-o", new, "--from-store", EXCERPT, "--population", shipped, says="not a data base")
        self.fails(1, "train", "-o", new, "--from-store", self.dir / "none.db", "--population", shipped, says="no such data base")
        self.fails(2, "train", "-o", new, "--from-store", store, says="belong together")
        os.mkdir(self.dir / "copy")
        for end in ("", "-wal"):  # all there would be in a backup
            shutil.copy(store + end, self.dir / "copy" / ("idem.db" + end))
        self.fails(1, "train", "-o", new, "--from-store", self.dir / "copy" / "idem.db", "--population", shipped,
                   says="its profiles are sealed")

    def test_strangers_and_short_recordings(self):
        self.fails(1, "replay", EXCERPT, "--takeover", "107:nobody@5", says="nobody recorded is called nobody")
        self.fails(1, "replay", EXCERPT, "--inject", "nobody@5", says="--inject nobody@5: nobody recorded is called nobody")
        self.fails(1, "replay", EXCERPT, "--takeover", "107:109@99999", says="107's recording lasts no 99999 s")

    def test_no_server(self):
        self.fails(1, "replay", EXCERPT, "--server", "http://127.0.0.1:9", says="http://127.0.0.1:9: ")
        self.fails(1, "replay", EXCERPT, "--server", "file:///etc", says="file:///etc: ")


if __name__ == "__main__":
    unittest.main()
