# SPDX-License-Identifier: Apache-2.0
"""A person who was erased stays erased: in the files, for whoever has all of them, after a crash anywhere, and for
the server, to which the same name is a stranger's."""
import base64
import ctypes
import glob
import hashlib
import json
import os
import resource
import shutil
import subprocess
import tempfile
import unittest

from accounts import PASSWORD, Browser
from gate_site import api_key, bind
from harness import Server, ServerCase, population, sodium, unseal, wait_for, windows

CRASH_AT = os.environ["IDEM_CRASH_AT_SO"]
IDEM = os.environ["IDEM_CLI"]


def enrol(server, name, person, seed=1, close=True):
    session = server.open(person=name, seat="seat-%d" % person)
    session.send(windows(person, seed, 20), at_once=10)
    if close:
        session.close()
    return session


def id_of(session):
    return session.opened["session"]["person"]


def erase(server, person, reason="asked for it by letter", **more):
    return server.call("POST", f"/v1/people/{person}/erase", {"reason": reason}, token=server.operator, **more)


def files(*directories):
    """All bytes that there are."""
    found = {}
    for directory in directories:
        for path in glob.glob(directory + "/**", recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    found[path] = f.read()
    return found


def keys_that_open(sealed, table, organisation, person, row, found):
    """Tries every 32 bytes in a row that any of the files holds."""
    body, nonce = sealed[25:], sealed[1:25]
    label = table.encode() + organisation.to_bytes(8, "little") + person + row
    decrypt = sodium().crypto_aead_xchacha20poly1305_ietf_decrypt
    out, n, k = ctypes.create_string_buffer(len(sealed)), ctypes.c_ulonglong(len(body)), ctypes.c_ulonglong(len(label))
    keys = set()
    for content in set(found.values()):
        for at in range(len(content) - 31):
            key = content[at:at + 32]
            if decrypt(out, None, None, body, n, label, k, nonce, key) == 0:
                keys.add(key)
    return keys


class Erasure(ServerCase):
    def setUp(self):
        super().setUp()
        self.ada = id_of(enrol(self.server, "ada lovelace", 101))
        self.bob = id_of(enrol(self.server, "bob", 102))

    def rows_of(self, person):
        """How many rows of how many tables name the person."""
        blob = self.blob(person)
        found = {}
        for (table,) in self.server.query("SELECT name FROM sqlite_master WHERE type = 'table'"):
            columns = [c[1] for c in self.server.query(f"PRAGMA table_info({table})")]
            for column in columns:
                sql = f"SELECT count(*) FROM {table} WHERE {column} = x'{blob.hex()}' OR instr({column}, '{person}')"
                (count,), = self.server.query(sql)
                if count:
                    found[table] = found.get(table, 0) + count
        return found

    @staticmethod
    def blob(person):
        return base64.urlsafe_b64decode(person[2:] + "==")

    def sealed(self):
        """Everything sealed in the data base: (table, organisation, person, row, bytes)."""
        q = self.server.query
        found = [("n", o, p, b"", s) for o, p, s in q("SELECT organisation, person, sealed FROM names")]
        for o, p, c, m, front, b, a in q("SELECT organisation, person, device_class, modality, front, bytes, anchor FROM profiles"):
            row = bytes([c, m]) + (front % 2**64).to_bytes(8, "little")
            found += [("p", o, p, row, b)] + ([("a", o, p, row, a)] if a else [])
        for o, p, m, front, b in q("SELECT organisation, person, modality, front, bytes FROM sketches"):
            found.append(("s", o, p, bytes([m]) + (front % 2**64).to_bytes(8, "little"), b))
        return found

    def test_everything_about_people_is_sealed_and_opens_with_their_key_alone(self):
        session = enrol(self.server, "eve", 103, close=False)
        keys = self.server.keys()
        tables = set()
        for table, organisation, person, row, sealed in self.sealed():
            tables.add(table)
            self.assertIsNotNone(unseal(keys[organisation, person], table, organisation, person, row, sealed), table)
            for key in set(keys.values()) - {keys[organisation, person]}:
                self.assertIsNone(unseal(key, table, organisation, person, row, sealed))
        self.assertLessEqual({"n", "p", "s"}, tables)
        self.assertEqual(len([p for _, p in self.server.windows() if p]), 20)
        self.assertNotEqual(session.opened["session"]["person"], self.ada)

    def test_the_name_is_nowhere_in_the_files_nor_the_pseudonym_after_erasure(self):
        answer = erase(self.server, self.ada)
        self.assertEqual((answer.status, answer.json["erased"], answer.json["before"]), (200, True, False), answer.body)
        self.assertEqual(self.rows_of(self.ada), {"audit": 1})  # that it was done
        self.assertGreater(len(self.rows_of(self.bob)), 3)
        found = files(self.server.data)
        for path, content in found.items():
            self.assertFalse(b"lovelace" in content, path)
            if not path.endswith("erasures.log"):
                self.assertFalse(self.blob(self.ada) in content, path)

    def test_no_way_leads_from_the_name_to_the_pseudonym(self):
        """Not even for who has all secrets but the key that is gone."""
        with open(self.server.data + "/pseudonym.key") as f:
            secret = base64.urlsafe_b64decode(f.read().strip() + "=")
        handle = hashlib.blake2b(b"demo\0ada lovelace", key=secret, digest_size=16).digest()
        self.assertTrue(any(handle in content for content in files(self.server.data).values()))
        self.assertNotEqual(handle, self.blob(self.ada))
        erase(self.server, self.ada)
        for path, content in files(self.server.data).items():
            self.assertFalse(handle in content, path)

    def test_the_same_name_is_a_stranger_afterwards(self):
        erase(self.server, self.ada)
        self.assert_problem(self.server.get("/v1/people/" + self.ada), 404, "no-such-person")
        again = self.server.open(person="ada lovelace", seat="seat-101")
        self.assertNotEqual(id_of(again), self.ada)
        self.assertEqual(again.read()["enrolment"]["state"], "new")
        answer = again.send(windows(101, 2, 20), at_once=10)
        self.assertEqual(answer["session"]["enrolment"]["state"], "enrolled")
        self.assertEqual(self.server.get("/v1/people/" + self.bob).json["enrolment"]["state"], "enrolled")

    def test_windows_of_the_erased_are_forgotten_too(self):
        erase(self.server, self.ada)
        again = self.server.open(person="grace", seat="seat-109")
        again.send(windows(101, 1, 5))  # the very same windows: nobody has seen them
        self.assertIsNone(again.read().get("guard"))

    def test_live_sessions_end_and_teach_nothing(self):
        live = self.server.open(person="ada lovelace", seat="seat-101")
        live.send(windows(101, 3, 5))
        self.assertTrue(erase(self.server, self.ada).json["sessions_ended"])
        self.assertEqual(live.post({"windows": windows(101, 4, 1)}).status, 401)
        self.assert_problem(self.server.get("/v1/sessions/" + live.id), 404, "no-such-session")
        self.assertEqual(self.server.query("SELECT count(*) FROM windows"), [(0,)])
        self.server.kill()
        self.server.start()
        self.assertEqual(self.rows_of(self.ada), {"audit": 1})
        self.assertEqual(self.server.get("/v1/people/" + self.bob).status, 200)

    def test_twice_is_once_and_a_stranger_is_nobody(self):
        self.assertFalse(erase(self.server, self.ada).json["before"])
        again = erase(self.server, self.ada).json
        self.assertEqual((again["before"], again["sessions_ended"], again["population_outdated"]), (True, False, False))
        with open(self.server.data + "/erasures.log") as f:
            self.assertEqual(len(f.readlines()), 1)
        self.assert_problem(erase(self.server, "p_" + 22 * "A"), 404, "no-such-person")
        self.assert_problem(erase(self.server, "ada"), 404, "no-such-person")

    def test_a_name_in_a_seats_name_goes_too(self):
        """Of a seat that was only named, on which nobody else was."""
        eve = id_of(self.server.open(person="eve", seat="laptop of eve hewitt"))
        self.server.open(person="eve", seat="shared desk").close()
        self.server.open(person="bob", seat="shared desk").close()
        seats = lambda: {n for n, in self.server.query("SELECT name FROM seats")}
        self.assertLessEqual({"laptop of eve hewitt", "shared desk"}, seats())
        self.assertEqual(erase(self.server, eve).status, 200)
        self.assertEqual(seats() & {"laptop of eve hewitt", "shared desk"}, {"shared desk"})
        self.server.stop()
        for path, content in files(self.server.data).items():
            self.assertFalse(b"hewitt" in content, path)
        self.server.start()
        self.server.open(person="bob", seat="laptop of eve hewitt").send(windows(102, 7, 1))

    def bound(self):
        """A session that the log of the seats tells of, by its id."""
        session = self.server.open(person="ada lovelace", seat="seat-101")
        self.assertEqual(bind(self.server, api_key(self.server, "crm", "sessions"), session, "cookie",
                              person="ada lovelace").status, 201)
        unlock = f"/v1/sessions/{session.id}/unlock"
        self.assertEqual(self.server.call("POST", unlock, token=self.server.operator).status, 200)
        lines = [json.loads(b) for b, in self.server.query("SELECT body FROM audit_seats WHERE body IS NOT NULL")]
        self.assertLessEqual({("session.bound", session.id), ("session.unlocked", session.id)},
                             {(li["action"], li.get("subject")) for li in lines})
        return session

    def no_session_left(self, session):
        self.assertEqual(erase(self.server, self.ada).status, 200)
        self.server.stop()
        for path, content in files(self.server.data).items():
            self.assertFalse(session.id.encode() in content, path)
        self.assertEqual(subprocess.run([IDEM, "audit", "verify", "--data", self.server.data],
                                        capture_output=True).returncode, 0)

    def test_lines_about_sessions_are_emptied(self):
        self.no_session_left(self.bound())

    def test_lines_about_sessions_that_are_forgotten_are_emptied(self):
        session = self.bound()
        session.close()
        self.server.stop()
        self.server.alter("DELETE FROM sessions WHERE closed_ms IS NOT NULL")
        self.server.start()
        self.no_session_left(session)

    def test_it_takes_a_reason_and_the_right(self):
        for body in ({}, {"reason": ""}, {"reason": 5}, {"reason": "x" * 501}, {"reason": "x", "more": 1}):
            answer = self.server.call("POST", f"/v1/people/{self.ada}/erase", body, token=self.server.operator)
            self.assert_problem(answer, 400, "invalid-field")
        session = self.server.open(person="bob")
        answer = self.server.call("POST", f"/v1/people/{self.ada}/erase", {"reason": "spite"}, token=session.token)
        self.assertIn(answer.status, (401, 403))
        self.assertEqual(self.server.call("POST", f"/v1/people/{self.ada}/erase", {"reason": "spite"}).status, 401)
        self.assertEqual(self.server.get("/v1/people/" + self.ada).status, 200)

    def test_the_log_says_who_and_why_and_no_more(self):
        erase(self.server, self.ada, reason="letter of 3 May")
        lines = [line for line in self.server.get("/v1/audit").json["lines"] if line["line"]]
        erased = [line["line"] for line in lines if line["line"]["action"] == "person.erased"]
        self.assertEqual([(e["subject"], e["detail"]["reason"]) for e in erased], [(self.ada, "letter of 3 May")])

    def test_an_employees_account_goes_with_the_person(self):
        made = self.server.call("POST", "/v1/accounts", {"name": "bob", "roles": ["employee"]},
                                token=self.server.operator).json
        browser = Browser(self.server)
        browser.login("bob", made["password"], organisation="demo")
        browser.post("/v1/me/password", {"current": made["password"], "password": PASSWORD})
        self.assertEqual(browser.get("/v1/me").json["person"], self.bob)
        self.assertEqual(erase(self.server, self.bob).status, 200)
        self.assertEqual(browser.get("/v1/me").status, 401)
        self.assertEqual(Browser(self.server).login("bob", PASSWORD, organisation="demo").status, 401)
        self.assertEqual(self.server.query("SELECT count(*) FROM accounts"), [(0,)])
        self.assertEqual(self.rows_of(self.bob), {"audit": 1})

    def test_nobody_with_all_files_finds_a_key(self):
        (organisation, person, sealed), = self.server.query(
            f"SELECT organisation, person, sealed FROM names WHERE person = x'{self.blob(self.bob).hex()}'")
        (_, gone, unreadable), = self.server.query(
            f"SELECT organisation, person, sealed FROM names WHERE person = x'{self.blob(self.ada).hex()}'")
        key = self.server.keys()[organisation, gone]
        erase(self.server, self.ada)
        self.server.stop()
        found = files(self.server.data)
        for path, content in found.items():
            self.assertFalse(key[:8] in content, path)
        self.assertEqual(len(keys_that_open(sealed, "n", organisation, person, b"", found)), 1)  # the search works
        self.assertEqual(keys_that_open(unreadable, "n", organisation, gone, b"", found), set())


class FullDisk(ServerCase):
    """A limit on the size of files is a full disk to the server (tests/system/test_storage.py)."""

    def limit(self, size):
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def setUp(self):
        super().setUp()
        self.ada = id_of(enrol(self.server, "ada", 101))
        self.bob = id_of(enrol(self.server, "bob", 102))
        self.live = self.server.open(person="ada", seat="seat-101")
        self.live.send(windows(101, 3, 2))
        wait_for("a quiet server", lambda: self.server.get("/v1/people/" + self.ada).status == 200)

    def test_without_a_line_in_the_ledger_nothing_happens(self):
        self.limit(100)
        self.assert_problem(erase(self.server, self.ada), 507, "storage-full")
        self.limit(resource.RLIM_INFINITY)
        self.assertEqual(os.path.getsize(self.server.data + "/erasures.log"), 0)
        self.assertEqual(self.live.send(windows(101, 4, 1))["session"]["windows"]["keyboard"], 3)
        self.assertFalse(erase(self.server, self.ada).json["before"])
        with open(self.server.data + "/erasures.log") as f:
            self.assertEqual(len(f.readlines()), 1)

    def test_after_the_line_nothing_of_the_person_is_taken_or_shown(self):
        self.limit(4096)  # enough for the ledger, not for a page and its head
        self.assert_problem(erase(self.server, self.ada), 507, "storage-full")
        self.assertEqual(self.server.get("/v1/people/" + self.ada).status, 404)
        self.assertIn(self.live.post({"windows": windows(101, 4, 1)}).status, (401, 409))
        self.limit(resource.RLIM_INFINITY)
        answer = self.server.call("POST", "/v1/sessions", {"organisation": "demo", "person": "ada", "seat": "seat-101"})
        self.assertEqual(answer.status, 500)  # not yet a stranger
        done = erase(self.server, self.ada)  # goes on where it stopped
        self.assertEqual((done.status, done.json["before"]), (200, False), done.body)
        self.assertEqual(self.server.open(person="ada", seat="seat-101").read()["enrolment"]["state"], "new")
        self.assertEqual(self.server.get("/v1/people/" + self.bob).json["enrolment"]["state"], "enrolled")
        self.assertEqual(len(self.server.keys()), 2)

    def test_or_the_next_start_goes_on(self):
        self.limit(4096)
        self.assert_problem(erase(self.server, self.ada), 507, "storage-full")
        self.server.kill()
        self.server.start()
        self.assertIn("1 erasures completed", self.server.stderr())
        self.assertTrue(erase(self.server, self.ada).json["before"])
        self.assertEqual(len(self.server.keys()), 1)


class Export(ServerCase):
    def export(self, person):
        answer = self.server.get(f"/v1/people/{person}/export?reason=asked+for")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def test_everything_in_words_and_numbers(self):
        ada = id_of(enrol(self.server, "ada lovelace", 101))
        live = self.server.open(person="ada lovelace", seat="seat-101")
        live.send(windows(101, 3, 2))
        held = self.export(ada)
        self.assertEqual((held["person"]["id"], held["name"]), (ada, "ada lovelace"))
        self.assertEqual(held["more"], [])
        (habit,) = held["habits"]
        self.assertEqual((habit["modality"], habit["device_class"], habit["enrolled"]), ("keyboard", "desktop", True))
        self.assertGreater(len(habit["cells"]), 5)
        for cell in habit["cells"]:
            self.assertTrue(cell["what"])
            self.assertTrue(0 < cell["typical_ms"] < 2000, cell)
            self.assertGreater(cell["times"], 0)
        self.assertEqual([(w["session"], w["seq"]) for w in held["windows"]], [(live.id, 2), (live.id, 1)])
        self.assertEqual(held["windows_known_again"]["keyboard"], 22)
        rows = held["rows"]
        self.assertEqual(len(rows["sessions"]), 2)
        self.assertEqual([list(rows["people"][0]).count(c) for c in ("since_ms", "key_id", "job")], [1, 1, 1])
        self.assertEqual(rows["names"][0]["sealed"], "(held)")
        named = {table for (table,) in self.server.query("SELECT name FROM sqlite_master WHERE type = 'table'")
                 if {"organisation", "person"} <= {c[1] for c in self.server.query(f"PRAGMA table_info({table})")}
                 and self.server.query(f"SELECT count(*) FROM {table}") != [(0,)]}
        self.assertLessEqual(named, set(rows))

    def test_nobody_elses_and_not_unseen(self):
        ada = id_of(enrol(self.server, "ada", 101))
        enrol(self.server, "bob", 102)
        self.assertNotIn("bob", json.dumps(self.export(ada)))
        (line,) = [li["line"] for li in self.server.get("/v1/audit").json["lines"]
                   if li["line"] and li["line"]["action"] == "person.exported"]
        self.assertEqual(line["subject"], ada)
        self.assertEqual(self.server.call("GET", f"/v1/people/{ada}/export").status, 401)
        self.assert_problem(self.server.get("/v1/people/p_" + 22 * "A" + "/export"), 404, "no-such-person")
        erase(self.server, ada)
        self.assert_problem(self.server.get(f"/v1/people/{ada}/export"), 404, "no-such-person")

    def test_on_the_command_line(self):
        ada = id_of(enrol(self.server, "ada", 101))
        at = ("--server", f"http://127.0.0.1:{self.server.port}", "--token-file", self.server.data + "/operator.token")
        run = lambda *args: subprocess.run([IDEM, "person", *args], capture_output=True, text=True)
        done = run("export", ada, *at)
        self.assertEqual((done.returncode, json.loads(done.stdout)["person"]["id"]), (0, ada), done.stderr)
        self.assertEqual(run("erase", ada, *at).returncode, 2)  # no reason
        done = run("erase", ada, "--reason", "letter", *at)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("is erased", done.stdout)
        self.assertIn("was erased before", run("erase", ada, "--reason", "letter", *at).stdout)
        self.assertEqual(run("export", ada, *at).returncode, 1)


class Members(unittest.TestCase):
    def test_a_population_learned_with_somebody_erased_is_outdated(self):
        server = Server(options=["--test-clock"])
        self.addCleanup(server.close)
        people = [id_of(enrol(server, "person %d" % i, 101 + i)) for i in range(12)]
        new = server.data + "/new.pop"
        learn = [IDEM, "train", "-o", new, "--from-store", server.data + "/idem.db", "--population", population(),
                 "--min-people", "10"]
        subprocess.run(learn, check=True, capture_output=True)
        self.assertFalse(erase(server, people[0]).json["population_outdated"])  # the old one is still in use
        server.stop()
        server.population = new
        server.start()
        self.assertIn("learned with 1 people who are erased", server.stderr())
        self.assertTrue(erase(server, people[1]).json["population_outdated"])
        self.assertIn("idem_population_erased_members 2", server.get("/metrics").body.decode())
        again = subprocess.run(learn, check=True, capture_output=True, text=True)
        self.assertIn("10 people", again.stdout)
        server.stop()
        server.start()
        self.assertNotIn("who are erased", server.stderr())
        self.assertFalse(erase(server, "p_" + 22 * "A").status == 200)


class Crashes(unittest.TestCase):
    """Killed before a write of an erasure: afterwards it has not begun, or it is complete. Before every third one; with
    IDEM_FULL set in the environment before each."""

    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="idem-base-")
        self.addCleanup(shutil.rmtree, self.base)
        server = Server(data=self.base)
        self.addCleanup(server.close)
        self.ada = id_of(enrol(server, "ada", 101))
        self.bob = id_of(enrol(server, "bob", 102))
        self.live = server.open(person="ada")
        self.live.send(windows(101, 2, 3))
        server.stop()

    def erase_and_crash(self, data, n):
        armed = data + ".armed"
        server = Server(data=data, start=False)
        self.addCleanup(server.close)
        environment = dict(os.environ)
        os.environ.update(LD_PRELOAD=CRASH_AT, IDEM_CRASH_AT=armed, ASAN_OPTIONS="verify_asan_link_order=0")
        try:
            server.start()
        finally:
            os.environ.clear()
            os.environ.update(environment)
        with open(armed, "w") as f:
            f.write(str(n))
        try:
            answered = erase(server, self.ada).status
        except OSError:
            answered = None
        if answered is None:
            server.process.wait(60)
        else:
            server.kill()
        os.unlink(armed)
        server.start()
        return server, answered

    def test_before_a_write(self):
        outcomes = []
        for n in range(1, 400, 1 if os.environ.get("IDEM_FULL") else 3):
            data = tempfile.mkdtemp(prefix="idem-crash-")
            self.addCleanup(shutil.rmtree, data, ignore_errors=True)
            shutil.copytree(self.base, data, dirs_exist_ok=True)
            server, answered = self.erase_and_crash(data, n)
            erased = server.get("/v1/people/" + self.ada).status == 404
            begun = os.path.exists(data + "/erasures.log") and os.path.getsize(data + "/erasures.log") > 0
            self.assertEqual(erased, begun, n)
            self.assertEqual(server.get("/v1/people/" + self.bob).json["enrolment"]["state"], "enrolled", n)
            keys = {person for _, person in server.keys()}
            self.assertEqual(len(keys), 1 if erased else 2, n)
            if erased:
                self.assertEqual(server.query("SELECT count(*) FROM people"), [(1,)], n)
                self.assertEqual(server.query("SELECT count(*) FROM windows"), [(0,)], n)
                self.assertTrue(erase(server, self.ada).json["before"], n)
            else:
                self.assertEqual(self.live.id, server.get("/v1/sessions/" + self.live.id).json["id"])
            outcomes.append((erased, answered))
            server.close()
            if answered is not None:
                self.assertEqual((erased, answered), (True, 200))
                break
        self.assertEqual(outcomes[-1], (True, 200), "the erasure was never let through")
        self.assertEqual(outcomes[0], (False, None))  # before its first write
        self.assertGreater(outcomes.count((True, None)), 10)


if __name__ == "__main__":
    unittest.main()
