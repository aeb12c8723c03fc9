# SPDX-License-Identifier: Apache-2.0
"""Backups: made under load and whole, never with a key in them; restored without whom was erased since; and after a
lost disk, with the keys that were kept elsewhere."""
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import unittest

from harness import CBOR, Server, ServerCase, cbor_batch, wait_for, windows
from test_erasure import enrol, erase, files, id_of, keys_that_open

IDEM = os.environ["IDEM_CLI"]
PASSPHRASE = "correct horse battery staple"


def idem(*args):
    return subprocess.run([IDEM, *map(str, args)], capture_output=True, text=True)


class Client(threading.Thread):
    """Sends windows one after the other until it is told to stop; what was acknowledged when."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.session = server.open(person="p%d" % number, seat="seat-%d" % number)
        self.connection = server.connect()
        self.acknowledged = 0
        self.over = False

    def run(self):
        while not self.over:
            answer = self.session.post(cbor_batch(100 + self.acknowledged % 5, 1, 1, self.acknowledged + 1), kind=CBOR,
                                       connection=self.connection)
            assert answer.status == 200, answer.body
            self.acknowledged = answer.json["acknowledged"]


class BackupCase(ServerCase):
    def setUp(self):
        super().setUp()
        self.dir = tempfile.mkdtemp(prefix="idem-backup-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.backup, self.keys_file = self.dir + "/backup", self.dir + "/keys"
        with open(self.dir + "/passphrase", "w") as f:
            f.write(PASSPHRASE + "\n")

    def run_idem(self, *args):
        done = idem(*args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, says, *args):
        done = idem(*args)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(says, done.stderr)

    def make(self):
        return self.run_idem("backup", "--data", self.server.data, "--out", self.backup)

    def export_keys(self):
        return self.run_idem("keys", "export", "--data", self.server.data, "--out", self.keys_file,
                             "--passphrase-file", self.dir + "/passphrase")

    def import_keys(self, data):
        return self.run_idem("keys", "import", "--from", self.keys_file, "--data", data,
                             "--passphrase-file", self.dir + "/passphrase")

    def restore(self, data, *more):
        return self.run_idem("restore", "--from", self.backup, "--data", data, *more)

    def sound(self, data):
        for name in ("idem.db", "gate.db"):
            if os.path.exists(data + "/" + name):
                database = sqlite3.connect(data + "/" + name)
                self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                self.assertEqual(database.execute("PRAGMA foreign_key_check").fetchall(), [])
                database.close()
        self.run_idem("audit", "verify", "--data", data)


class Backup(BackupCase):
    def nothing_of_windows(self, payloads):
        """In what is backed up no session is open, and neither rows nor bytes tell what came when."""
        database = sqlite3.connect("file:" + self.backup + "/idem.db?mode=ro", uri=True)
        q = lambda sql: database.execute(sql).fetchall()
        self.assertEqual(q("SELECT count(*) FROM windows"), [(0,)])
        self.assertEqual(q("SELECT count(*) FROM bindings"), [(0,)])
        self.assertEqual(q("SELECT count(*) FROM sessions WHERE closed_ms IS NULL"), [(0,)])
        self.assertEqual(q("SELECT DISTINCT opened_ms % 3600000, closed_ms % 3600000, unlock_row, start_row,"
                           " decided_row, renewals, token_expires_ms, hex(token_hash), nonce, paused_from_ms,"
                           " paused_until_ms, pause_row FROM sessions"),
                         [(0, 0, 0, 0, 0, 0, 0, "00" * 32, None, 0, 0, 0)])
        self.assertEqual(q("SELECT count(*) FROM profiles WHERE until_row <> 0"), [(0,)])
        self.assertEqual(q("SELECT count(*) FROM alarms WHERE received_ms % 3600000 OR windows OR window_row"), [(0,)])
        self.assertEqual(q("PRAGMA freelist_count"), [(0,)])
        database.close()
        found = files(self.backup)
        self.assertEqual({os.path.basename(p) for p in found},
                         {"idem.db", "gate.db", "audit.pub", "manifest.json"})
        for payload in payloads:
            for path, content in found.items():
                self.assertFalse(payload[:24] in content, path)

    def test_under_load(self):
        enrolled = id_of(enrol(self.server, "ada", 101))
        clients = [Client(self.server, i) for i in range(8)]
        for c in clients:
            c.start()
        wait_for("some load", lambda: all(c.acknowledged >= 10 for c in clients))
        payloads = [bytes(p) for p, in self.server.query("SELECT payload FROM windows")]
        self.assertGreaterEqual(len(payloads), 80)
        before = [c.acknowledged for c in clients]
        self.make()
        self.assertIn("as its manifest says", self.run_idem("backup", "--verify", self.backup))
        wait_for("more load", lambda: all(c.acknowledged > n + 5 for c, n in zip(clients, before)))
        for c in clients:
            c.over = True
        for c in clients:
            c.join()
        self.sound(self.backup)
        self.nothing_of_windows(payloads)
        for c in clients:  # the copy's sessions are over, the server's own are not
            self.assertEqual(c.session.read()["windows"]["keyboard"], c.acknowledged)
        acknowledged, names = (self.server.query("SELECT * FROM %s ORDER BY person" % t)
                               for t in ("acknowledgements", "names"))
        self.server.stop()
        self.restore(self.server.data, "--replace")
        self.sound(self.server.data)
        self.server.start()
        self.assertNotIn("sessions are open from before", self.server.stderr())
        self.assertEqual(self.server.query("SELECT * FROM acknowledgements ORDER BY person"), acknowledged)
        self.assertEqual(self.server.query("SELECT * FROM names ORDER BY person"), names)
        self.assertEqual(self.server.get("/v1/people/" + enrolled).json["enrolment"]["state"], "enrolled")
        for i, c in enumerate(clients):
            self.assertEqual(c.session.post(cbor_batch(100, 1, 1, c.acknowledged + 1), kind=CBOR).status, 401)
            again = self.server.open(person="p%d" % i, seat="seat-%d" % i)
            self.assertEqual(id_of(again), id_of(c.session))
            again.send(windows(109, 5, 1))
        (line,) = [li["line"] for li in self.server.get("/v1/audit").json["lines"]
                   if li["line"] and li["line"]["action"] == "backup.restored"]
        self.assertEqual(line["detail"]["erased_again"], 0)

    def test_an_erasure_under_load_and_during_a_backup(self):
        ada = id_of(enrol(self.server, "ada", 101))
        clients = [Client(self.server, i) for i in range(8)]
        for c in clients:
            c.start()
        wait_for("some load", lambda: all(c.acknowledged >= 5 for c in clients))
        backup = threading.Thread(target=self.make)
        backup.start()
        self.assertEqual(erase(self.server, ada).status, 200)
        backup.join()
        before = [c.acknowledged for c in clients]
        wait_for("more load", lambda: all(c.acknowledged > n + 5 for c, n in zip(clients, before)))
        for c in clients:
            c.over = True
        for c in clients:
            c.join()
        for c in clients:
            self.assertEqual(c.session.read()["windows"]["keyboard"], c.acknowledged)
        self.assertEqual(self.server.get("/v1/people/" + ada).status, 404)
        self.server.stop()
        self.restore(self.server.data, "--replace")
        self.server.start()
        self.assertEqual(self.server.get("/v1/people/" + ada).status, 404)

    def test_no_key_is_in_it(self):
        enrol(self.server, "ada lovelace", 101)
        self.make()
        found = files(self.backup)
        self.assertEqual({os.path.basename(p) for p in found} - {"gate.db", "audit.pub"}, {"idem.db", "manifest.json"})
        keys = self.server.keys()
        for path, content in found.items():
            for key in keys.values():
                self.assertFalse(key[:8] in content, path)
            self.assertFalse(b"lovelace" in content, path)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertIn("about", json.loads(found[self.backup + "/manifest.json"]))

    def test_what_is_refused(self):
        enrol(self.server, "ada", 101)
        self.make()
        data = self.server.data
        self.refused("not an empty directory", "backup", "--data", data, "--out", self.backup)
        self.refused("a server is using it", "restore", "--from", self.backup, "--data", data, "--replace")
        self.server.stop()
        self.refused("--replace", "restore", "--from", self.backup, "--data", data)
        self.refused("no (finished) backup", "restore", "--from", data, "--data", self.dir + "/new")
        self.refused("cannot be opened", "restore", "--from", self.backup, "--data", data, "--replace", "--ledger",
                     self.dir + "/none")
        for name in ("idem.db", "gate.db"):
            with open(self.backup + "/" + name, "r+b") as f:
                f.seek(5000)
                byte = f.read(1)
                f.seek(5000)
                f.write(bytes([byte[0] ^ 1]))
            self.refused("is not what the manifest says", "restore", "--from", self.backup, "--data", data, "--replace")
            with open(self.backup + "/" + name, "r+b") as f:
                f.seek(5000)
                f.write(byte)
        self.restore(data, "--replace")
        self.assertEqual(idem("backup", "--data", data).returncode, 2)
        self.assertEqual(idem("restore", "--data", data).returncode, 2)

    def test_a_ledger_that_is_damaged_stops_everything(self):
        ada = id_of(enrol(self.server, "ada", 101))
        self.make()
        erase(self.server, ada)
        self.server.stop()
        with open(self.server.data + "/erasures.log", "r+b") as f:
            f.seek(30)
            f.write(b"x")
        self.refused("ledger of erasures is damaged", "restore", "--from", self.backup, "--data", self.server.data,
                     "--replace")
        with self.assertRaisesRegex(AssertionError, "ledger of erasures is damaged"):
            self.server.start()


class Erased(BackupCase):
    """Backed up, erased, restored."""

    def setUp(self):
        super().setUp()
        self.ada = id_of(enrol(self.server, "ada", 101))
        self.bob = id_of(enrol(self.server, "bob", 102))
        self.live = self.server.open(person="ada", seat="seat-101")
        self.live.send(windows(101, 3, 4))
        self.make()
        self.export_keys()
        self.old_keys = self.server.keys()
        erase(self.server, self.ada)
        self.server.stop()

    def check(self, data):
        server = Server(data=data, start=False)
        self.addCleanup(server.close)
        server.start()
        self.assertEqual(server.get("/v1/people/" + self.ada).status, 404)
        self.assertEqual(server.get("/v1/sessions/" + self.live.id).status, 404)
        self.assertEqual(server.get("/v1/people/" + self.bob).json["enrolment"]["state"], "enrolled")
        self.assertEqual(len(server.keys()), 1)
        again = server.open(person="ada", seat="seat-101")
        self.assertNotEqual(id_of(again), self.ada)
        self.assertEqual(again.read()["enrolment"]["state"], "new")
        back = server.open(person="bob", seat="seat-102")
        self.assertEqual(id_of(back), self.bob)
        self.assertEqual(back.send(windows(102, 5, 3))["session"]["state"], "ok")
        self.sound(data)
        return server

    def test_restored_they_stay_erased(self):
        self.assertIn("1 people; 1 more were erased since", self.restore(self.server.data, "--replace"))
        self.check(self.server.data)

    def test_nobody_with_the_backup_and_the_directory_can_read_them(self):
        database = sqlite3.connect(self.backup + "/idem.db")
        rows = database.execute("SELECT organisation, person, sealed FROM names").fetchall()
        database.close()
        found = files(self.backup, self.server.data)
        for organisation, person, sealed in rows:
            opening = keys_that_open(sealed, "n", organisation, person, b"", found)
            erased = self.old_keys[organisation, person] not in self.server.keys().values()
            self.assertEqual(opening, set() if erased else {self.old_keys[organisation, person]})
        self.assertEqual(len(rows), 2)

    def test_a_keys_file_from_before_brings_nobody_back(self):
        said = self.import_keys(self.server.data)
        self.assertIn("1 keys left out: their people are erased", said)
        self.restore(self.server.data, "--replace")
        self.check(self.server.data)

    def test_a_lost_disk(self):
        """The ledger was kept elsewhere; the directory is gone."""
        new = self.dir + "/new"
        shutil.copy(self.server.data + "/erasures.log", self.dir + "/ledger")
        self.refused("idem keys import first", "restore", "--from", self.backup, "--data", new, "--ledger",
                     self.dir + "/ledger")  # what is emptied of the erased is signed
        self.import_keys(new)
        self.restore(new, "--ledger", self.dir + "/ledger")
        self.check(new)

    def test_keys_first_and_the_ledger_after(self):
        """Imported before anybody knew of the erasure, a key goes again with the restore."""
        new = self.dir + "/new"
        os.mkdir(new, 0o700)
        self.assertIn("keys of 2 people", self.import_keys(new))
        self.restore(new, "--ledger", self.server.data + "/erasures.log")
        self.check(new)

    def test_without_keys_nothing_starts(self):
        new = self.dir + "/new"
        self.restore(new)
        with self.assertRaisesRegex(AssertionError, "keys.db is missing"):
            Server(data=new)
        wrong = self.dir + "/wrong"
        with open(wrong, "w") as f:
            f.write("incorrect horse battery staple\n")
        self.refused("the passphrase is wrong", "keys", "import", "--from", self.keys_file, "--data", new,
                     "--passphrase-file", wrong)

    def test_the_keys_file_shows_no_key(self):
        with open(self.keys_file, "rb") as f:
            content = f.read()
        for key in self.old_keys.values():
            self.assertFalse(key[:8] in content)
        self.refused("it must not exist yet", "keys", "export", "--data", self.server.data, "--out", self.keys_file,
                     "--passphrase-file", self.dir + "/passphrase")


if __name__ == "__main__":
    unittest.main()
