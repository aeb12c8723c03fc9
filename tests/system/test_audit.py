# SPDX-License-Identifier: Apache-2.0
"""The audit log of a real server: what it writes by itself, who may read it, and that `idem audit verify` finds every way
to tamper with it and says which line."""
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import unittest

from harness import Server, ServerCase, wait_for, windows

CLI = os.environ["IDEM_CLI"]


def idem(*args):
    done = subprocess.run([CLI, "audit", *args], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class AuditCase(ServerCase):
    options = ()

    def lines(self, log="audit"):
        return [json.loads(b) if b else None for (b,) in self.server.query(f"SELECT body FROM {log} ORDER BY seq")]

    def actions(self, log="audit"):
        return [line and line["action"] for line in self.lines(log)]

    def heads(self):
        with open(os.path.join(self.server.data, "audit.heads")) as f:
            return [json.loads(line) for line in f]


class OwnLines(AuditCase):
    def test_start_and_stop(self):
        self.server.stop()
        self.server.start()
        self.server.kill()
        self.server.start()
        self.server.stop()
        started = [line["detail"]["after"] for line in self.lines() if line["action"] == "server.started"]
        self.assertEqual(started, ["nothing", "stop", "no stop"])
        self.assertEqual(self.actions()[-1], "server.stopped")

    def test_a_flood_is_one_line(self):
        session = self.server.open()
        answers = [self.server.get("/v1/sessions", token="x" * 43).status for _ in range(200)]
        self.assertEqual(set(answers), {401, 429})
        self.assertEqual(self.server.get("/v1/sessions", token=session.token).status, 403)
        self.server.stop()
        refused = [line["detail"]["times"] for line in self.lines() if line["action"] == "token.refused"]
        self.assertEqual(sum(refused), len(answers))
        self.assertLessEqual(len(refused), 20)
        self.assertIn("role.refused", self.actions())

    def test_an_unlock_keeps_the_hour_only(self):
        session = self.server.open()
        self.assertEqual(self.server.call("POST", f"/v1/sessions/{session.id}/unlock", token=self.server.operator).status, 200)
        self.assertEqual(self.lines("audit_seats"), [
            {"actor": "demo", "action": "session.unlocked", "subject": session.id,
             "detail": {"person": session.opened["session"]["person"]}}])
        self.assertEqual(self.server.query("SELECT at_ms % 3600000 FROM audit_seats"), [(0,)])

    def test_who_confirms_is_told_once(self):
        """What a supervisor vouches for becomes somebody's profile."""
        key = self.server.call("POST", "/v1/keys", {"name": "crm", "scopes": ["sessions"]}, token=self.server.operator).json
        opened = self.server.call("POST", "/v1/sessions", {"person": "ada", "seat": "desk"}, token=key["secret"])
        session = opened.json["session"]["id"]
        for _ in range(2):
            answer = self.server.call("POST", f"/v1/sessions/{session}/confirm", token=self.server.operator)
            self.assertEqual(answer.status, 200, answer.body)
        confirmed = [line for line in self.lines("audit_seats") if line["action"] == "session.confirmed"]
        self.assertEqual(confirmed, [{"actor": "demo", "action": "session.confirmed", "subject": session,
                                      "detail": {"person": opened.json["session"]["person"]}}])

    def test_heads_are_sent(self):
        wait_for("the head of the start", lambda: os.path.exists(os.path.join(self.server.data, "audit.heads")))
        session = self.server.open()
        self.server.call("POST", f"/v1/sessions/{session.id}/unlock", token=self.server.operator)
        self.server.stop()
        self.assertEqual({head["log"] for head in self.heads()}, {"audit", "audit_seats"})
        last = self.server.query("SELECT max(seq) FROM audit")[0][0]
        self.assertEqual([h["seq"] for h in self.heads() if h["log"] == "audit"][-1], last)
        for head in self.heads():
            if head["log"] == "audit_seats":
                self.assertRegex(head["at"], "T[0-9]{2}:00:00Z$")


class Read(AuditCase):
    def read(self, **arguments):
        answer = self.server.get("/v1/audit?" + "&".join(f"{k}={v}" for k, v in arguments.items()))
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def test_reading_is_a_line_once_an_hour(self):
        for _ in range(3):
            lines = self.read()["lines"]
        read = [line for line in lines if line["line"]["action"] == "audit.read"]
        self.assertIn(len(read), (1, 2))  # two, when an hour has begun meanwhile
        self.assertEqual(read[0]["line"]["actor"], "demo")
        self.assertFalse(read[0]["installation"])

    def test_pages_hold_every_line_once(self):
        for _ in range(5):
            self.server.stop()
            self.server.start()
        self.read()
        total, after, seen = self.server.query("SELECT max(seq) FROM audit")[0][0], 0, []
        while True:
            page = self.read(after=after, limit=2)
            if not page["lines"]:
                break
            seen += [line["seq"] for line in page["lines"]]
            after = page["next"]
        self.assertEqual(seen, list(range(1, total + 1)))
        hashes = {line["seq"]: line["hash"] for line in self.read(limit=500)["lines"]}
        self.assertEqual(hashes[1], self.server.query("SELECT lower(hex(hash)) FROM audit WHERE seq = 1")[0][0])

    def test_lines_of_seats_are_shown_when_their_hour_is_over(self):
        session = self.server.open()
        self.server.call("POST", f"/v1/sessions/{session.id}/unlock", token=self.server.operator)
        self.assertEqual(self.read(log="audit_seats")["lines"], [])
        self.assertEqual(self.actions("audit_seats"), ["session.unlocked"])

    def test_no_other_organisation(self):
        self.server.stop()
        self.server.alter("UPDATE audit SET organisation = 99")
        self.server.start()
        seen = {line["seq"] for line in self.read()["lines"]}
        others = {seq for (seq,) in self.server.query("SELECT seq FROM audit WHERE organisation = 99")}
        self.assertTrue(others)
        self.assertFalse(seen & others)

    def test_bad_questions(self):
        for question in ("after=-1", "after=x", "limit=0", "limit=501", "log=gate", "limit="):
            self.assert_problem(self.server.get("/v1/audit?" + question), 400, "invalid-field")
        session = self.server.open()
        self.assertEqual(self.server.get("/v1/audit", token=session.token).status, 403)
        self.assertEqual(self.server.call("GET", "/v1/audit").status, 401)
        self.assertEqual(self.server.call("GET", "/v1/audit/head").status, 401)

    def test_heads_verify(self):
        answer = wait_for("a head", lambda: self.server.get("/v1/audit/head").status == 200
                          and self.server.get("/v1/audit/head")).json
        self.assertEqual(answer["key"], idem("key", "--data", self.server.data)[1].strip())
        head = json.dumps(answer["heads"][0])
        self.assertEqual(idem("verify", "--data", self.server.data, "--head", head, "--key", answer["key"])[0], 0)


def hashed(mark, *parts):
    return hashlib.blake2b(mark + b"\0" + b"".join(parts), digest_size=32).digest()


def number(n):
    return n.to_bytes(8, "little", signed=True)


def chained(log, lines):
    """The hashes of (seq, at_ms, organisation, body_hash), as chain.h describes them."""
    before, out = hashed(b"idem log", log.encode()), []
    for seq, at_ms, organisation, body_hash in lines:
        before = hashed(b"idem line", before, number(seq), number(at_ms), number(organisation), body_hash)
        out.append(before)
    return out


class Retention(AuditCase):
    def age(self, log, days):
        """As if all lines were older, by somebody who can compute their hashes."""
        rows = self.server.query(f"SELECT seq, at_ms - {days * 86400000}, organisation, body_hash FROM {log} ORDER BY seq")
        for (seq, at_ms, _, _), line_hash in zip(rows, chained(log, rows)):
            self.server.alter(f"UPDATE {log} SET at_ms = ?, hash = ? WHERE seq = ?", at_ms, line_hash, seq)

    def verify(self):
        code, said = idem("verify", "--data", self.server.data)
        self.assertEqual(code, 0, said)
        return said

    def test_the_chain_is_as_it_is_described(self):
        self.server.stop()
        rows = self.server.query("SELECT seq, at_ms, organisation, body_hash, salt, body, hash FROM audit ORDER BY seq")
        self.assertEqual([r[6] for r in rows], chained("audit", [r[:4] for r in rows]))
        for row in rows:
            self.assertEqual(row[3], hashed(b"idem body", row[4], row[5].encode()))

    def test_old_lines_are_emptied_and_it_is_said(self):
        session = self.server.open()
        self.server.call("POST", f"/v1/sessions/{session.id}/unlock", token=self.server.operator)
        self.server.stop()
        for log in ("audit", "audit_seats"):
            self.age(log, 500)
        old = len(self.actions())
        self.server.start()
        wait_for("the first run", lambda: "retention.removed" in self.actions())
        self.server.stop()
        self.assertEqual(self.actions()[:old], [None] * old)
        self.assertEqual(self.actions("audit_seats"), [None, "audit.blanked"])
        removed = [line for line in self.lines() if line and line["action"] == "retention.removed"][0]
        self.assertEqual(removed["detail"]["audit_lines"], old + 1)
        said = self.verify()
        self.assertIn("1 emptied", said)
        self.assertRegex(said, r"audit_seats: line 2 of [0-9T:-]+Z: retention of what is from before [0-9T:-]+Z emptied 1-1")
        self.server.alter("UPDATE audit SET body = NULL, salt = NULL WHERE body LIKE '%audit.blanked%'")
        self.assertEqual(idem("verify", "--data", self.server.data)[0], 1)

    def test_closed_sessions_go(self):
        kept, gone = self.server.open(), self.server.open("eva")
        for session in (kept, gone):
            session.close()
        self.server.stop()
        self.server.alter("UPDATE sessions SET closed_ms = closed_ms - 3 * 86400000 WHERE row = 2")
        self.server.start()
        wait_for("the first run", lambda: "retention.removed" in self.actions())
        self.assertEqual(self.server.query("SELECT row FROM sessions"), [(1,)])

    def test_windows_that_a_crash_left_go_and_nobody_counts_them(self):
        session = self.server.open()
        session.send(windows("ada", 1, 3))
        self.server.stop()
        self.server.alter("UPDATE windows SET session = 77, received_ms = received_ms - 86400000")
        self.server.start()
        wait_for("the first run", lambda: "retention.removed" in self.actions())
        self.assertEqual(self.server.query("SELECT count(*) FROM windows"), [(0,)])
        detail = self.lines()[-1]["detail"]
        self.assertEqual(detail, {"sessions": 0, "windows": True, "invitations": 0, "audit_lines": 0})

    def test_nothing_removed_nothing_said(self):
        self.server.stop()
        self.server.start()
        self.server.stop()
        self.assertNotIn("retention.removed", self.actions())


class Verify(AuditCase):
    """Each way to tamper with a log of several starts, one by one, on copies of one data directory."""

    @classmethod
    def setUpClass(cls):
        cls.whole = Server()
        for _ in range(3):
            session = cls.whole.open()
            cls.whole.call("POST", f"/v1/sessions/{session.id}/unlock", token=cls.whole.operator)
            cls.whole.get("/v1/sessions", token="x" * 43)
            cls.whole.stop()
            cls.whole.start()
        cls.whole.stop()

    @classmethod
    def tearDownClass(cls):
        cls.whole.close()

    def setUp(self):
        self.data = self.whole.data + "-copy"
        shutil.copytree(self.whole.data, self.data)
        self.addCleanup(shutil.rmtree, self.data)
        self.outside = os.path.join(self.data, "audit.heads")
        self.key = idem("key", "--data", self.data)[1].strip()

    def alter(self, *statements):
        with sqlite3.connect(os.path.join(self.data, "idem.db")) as database:
            for s in statements:
                database.execute(s)
        database.close()

    def expect(self, code, text, *more):
        got, said = idem("verify", "--data", self.data, *more)
        self.assertEqual(got, code, said)
        self.assertIn(text, said)

    def with_heads(self):
        return "--head", self.outside, "--key", self.key

    def test_untouched(self):
        self.expect(0, "whole", *self.with_heads())
        self.expect(0, "without --head", )

    def test_a_running_server(self):
        server = Server()
        self.addCleanup(server.close)
        code, said = idem("verify", "--data", server.data)
        self.assertEqual(code, 0, said)
        self.assertIn("audit: ", said)

    def test_an_edit(self):
        with sqlite3.connect(os.path.join(self.data, "idem.db")) as database:
            seq = database.execute("SELECT min(seq) FROM audit WHERE body LIKE '%refused%'").fetchone()[0]
        database.close()
        self.alter(f"UPDATE audit SET body = replace(body, 'refused', 'granted') WHERE seq = {seq}")
        self.expect(1, f"audit: line {seq} was changed")

    def test_an_edit_of_the_seats(self):
        self.alter("UPDATE audit_seats SET body = replace(body, 'demo', 'anna') WHERE seq = 2")
        self.expect(1, "audit_seats: line 2 was changed")

    def test_a_line_taken_out(self):
        self.alter("DELETE FROM audit WHERE seq = 3")
        self.expect(1, "audit: line 3 is missing")

    def test_a_line_put_in(self):
        self.alter("UPDATE audit SET seq = seq + 100 WHERE seq > 3", "UPDATE audit SET seq = seq - 99 WHERE seq > 100",
                   "INSERT INTO audit SELECT 4, organisation, at_ms, salt, body, body_hash, hash FROM audit WHERE seq = 3")
        self.expect(1, "audit: line 4 was changed")

    def test_the_end_taken_away(self):
        last = sqlite3.connect(os.path.join(self.data, "idem.db")).execute("SELECT max(seq) FROM audit").fetchone()[0]
        self.alter(f"DELETE FROM audit WHERE seq = {last}")
        self.expect(0, "whole")
        self.expect(1, f"audit: the end is missing: lines {last} to {last} were there", *self.with_heads())

    def test_a_log_taken_away(self):
        self.alter("DROP TABLE audit_seats")
        self.expect(1, "audit_seats: the log is missing; line ", *self.with_heads())

    def test_all_written_anew(self):
        """Somebody with the program itself: an empty log, filled again."""
        self.alter("DELETE FROM audit")
        server = Server(data=self.data)
        self.addCleanup(server.close)
        for _ in range(6):
            server.stop()
            server.start()
        server.stop()
        with open(self.outside) as f:
            heads = f.read().splitlines()
        old = [line for line in heads if '"log":"audit"' in line][0]
        self.expect(0, "whole")
        self.expect(1, "was rewritten", "--head", old, "--key", self.key)

    def test_a_head_of_another_key(self):
        server = Server()
        self.addCleanup(server.close)
        other = idem("key", "--data", server.data)[1].strip()
        self.assertNotEqual(other, self.key)
        self.expect(1, "is signed by another key", "--head", self.outside, "--key", other)

    def test_a_head_that_was_changed(self):
        with open(self.outside) as f:
            line = f.readline().strip()
        self.expect(1, "is not what was signed", "--head", line.replace('"seq":', '"seq":1'), "--key", self.key)

    def test_an_emptied_line(self):
        self.alter("UPDATE audit SET body = NULL, salt = NULL WHERE seq = 2")
        self.expect(1, "audit: line 2 was blanked and no later line says why")

    def cover(self, signature=None):
        """Empties line 2 and adds a line that says so, as whoever can write the data base would."""
        with sqlite3.connect(os.path.join(self.data, "idem.db")) as database:
            database.execute("UPDATE audit SET body = NULL, salt = NULL WHERE seq = 2")
            seq, at_ms, before = database.execute("SELECT seq, at_ms, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
            detail = {"reason": "erasure", "before_ms": 0, "ranges": [[2, 2]]}
            if signature:
                detail["signature"] = signature
            body = json.dumps({"actor": "system", "action": "audit.blanked", "detail": detail})
            salt = os.urandom(16)
            body_hash = hashed(b"idem body", salt, body.encode())
            line_hash = hashed(b"idem line", before, number(seq + 1), number(at_ms), number(0), body_hash)
            database.execute("INSERT INTO audit (seq, organisation, at_ms, salt, body, body_hash, hash)"
                             " VALUES (?, 0, ?, ?, ?, ?, ?)", (seq + 1, at_ms, salt, body, body_hash, line_hash))
        database.close()
        return seq + 1

    def test_an_emptied_line_with_a_line_that_the_server_did_not_write(self):
        for signature in (None, "00" * 64):
            with self.subTest(signature=signature):
                shutil.rmtree(self.data)
                shutil.copytree(self.whole.data, self.data)
                seq = self.cover(signature)
                self.expect(1, f"audit: line {seq} says that lines were blanked and is not signed", *self.with_heads())
                self.expect(1, f"audit: line {seq} says that lines were blanked and is not signed")

    def test_a_server_on_top_of_it_says_so(self):
        seq = self.cover()
        server = Server(data=self.data)
        self.addCleanup(server.close)
        server.stop()
        self.assertIn("THE LOG audit IS NOT WHAT THIS SERVER WROTE", server.stderr())
        lines = [json.loads(body) for (body,) in server.query("SELECT body FROM audit WHERE body LIKE '%audit.fault%'")]
        self.assertEqual([line["detail"]["log"] for line in lines], ["audit"])
        self.assertIn(f"line {seq} says", lines[0]["detail"]["fault"])
        self.expect(1, f"line {seq} says", *self.with_heads())

    def test_an_untouched_log_has_no_fault(self):
        server = Server(data=self.data)
        self.addCleanup(server.close)
        server.stop()
        self.assertEqual(server.query("SELECT count(*) FROM audit WHERE body LIKE '%audit.fault%'"), [(0,)])

    def test_show_and_export(self):
        code, shown = idem("show", "--data", self.data, "--log", "audit_seats")
        self.assertEqual(code, 0)
        self.assertEqual(len(shown.splitlines()), 3)
        code, out = idem("export", "--data", self.data, "--organisation", "demo")
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual({line["log"] for line in lines}, {"audit", "audit_seats"})
        self.assertEqual(json.loads(lines[0]["body"])["action"], "server.started")
        self.assertEqual(idem("show", "--data", self.data, "--organisation", "nobody")[0], 1)
        self.assertEqual(idem("show")[0], 2)


if __name__ == "__main__":
    unittest.main()
