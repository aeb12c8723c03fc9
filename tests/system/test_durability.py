# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is there: after kill -9 in the middle of load, and after SIGTERM. Nothing is there twice."""
import http.client
import signal
import threading
import unittest

from harness import CBOR, Server, ServerCase, cbor_batch, wait_for, windows

CLIENTS = 16


class Client(threading.Thread):
    """Posts windows as fast as they are taken, until the server is gone; remembers what was acknowledged."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.session = server.open(person="p%d" % number)
        self.connection = server.connect()
        self.acknowledged = 0
        self.refused = []

    def run(self):
        try:
            while True:
                answer = self.session.post(cbor_batch(100 + self.acknowledged % 5, 1, 1, self.acknowledged + 1),
                                           kind=CBOR, connection=self.connection)
                if answer.status != 200:
                    self.refused.append(answer)
                    return
                self.acknowledged = answer.json["acknowledged"]
        except OSError:
            pass


class Alarming(threading.Thread):
    """Sends the 64 alarms of a session one after the other, and again, until the server is gone."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.session = server.open(person="a%d" % number)
        self.connection = server.connect()
        self.acknowledged = set()

    def run(self):
        saw = [{"reason": "warp", "count": 1, "value": 0}]
        try:
            while True:
                seq = len(self.acknowledged) % 64 + 1
                alarm = {"seq": seq, "device": "pointer", "kind": "remote-control", "confidence": 0.5, "saw": saw}
                answer = self.session.server.call("POST", "/v1/alarms", {"alarms": [alarm]}, token=self.session.token,
                                                  connection=self.connection)
                assert answer.status == 200, answer.body
                self.acknowledged.update(answer.json["acknowledged"])
        except (OSError, http.client.HTTPException):
            pass


class Durability(ServerCase):
    def load(self, each):
        clients = [Client(self.server, i) for i in range(CLIENTS)]
        for c in clients:
            c.start()
        wait_for("some load", lambda: all(c.acknowledged >= each or not c.is_alive() for c in clients))
        return clients

    def finish(self, clients):
        for c in clients:
            c.join()
            c.connection.close()

    def rows(self):
        query = "SELECT s.id, w.seq FROM windows w JOIN sessions s ON s.row = w.session"
        held = {}
        for session, seq in self.server.query(query):
            self.assertNotIn(seq, held.setdefault(session, set()), "a window is there twice")
            held[session].add(seq)
        return held

    def check(self, clients):
        for c in clients:
            held = c.session.read()
            self.assertGreaterEqual(held["windows"]["keyboard"], c.acknowledged)
            self.assertEqual(held["missing"], [])
            # sent but perhaps not acknowledged: again, and the one after it
            again = c.session.post({"windows": [dict(windows(100, 1, 1)[0], seq=c.acknowledged + 1)]}).json
            self.assertEqual(again["acknowledged"], c.acknowledged + 1)
            self.assertEqual(c.session.read()["windows"]["keyboard"], c.acknowledged + 1)

    def test_kill_9_in_the_middle_of_load(self):
        for _ in range(3):
            clients = self.load(20)
            self.server.kill()
            self.finish(clients)
            self.assertGreaterEqual(sum(c.acknowledged for c in clients), 20 * CLIENTS)
            self.server.start()
            held = self.rows()
            sums = sorted(len(seqs) for seqs in held.values())[-CLIENTS:]
            self.assertGreaterEqual(sum(sums), sum(c.acknowledged for c in clients))
            self.check(clients)

    def test_alarms_under_load_are_there_once_after_kill_9(self):
        clients = self.load(5)
        alarming = [Alarming(self.server, i) for i in range(CLIENTS)]
        for a in alarming:
            a.start()
        wait_for("some alarms", lambda: all(len(a.acknowledged) >= 20 or not a.is_alive() for a in alarming))
        self.server.kill()
        self.finish(clients + alarming)
        self.server.start()
        query = "SELECT s.id, a.seq FROM alarms a JOIN sessions s ON s.row = a.session WHERE a.seq > 0"
        held = {}
        for session, seq in self.server.query(query):
            self.assertNotIn(seq, held.setdefault(session, set()), "an alarm is there twice")
            held[session].add(seq)
        self.assertEqual(len(held), CLIENTS)
        for a in alarming:
            self.assertGreaterEqual(len(a.acknowledged), 20)
            self.assertEqual(a.session.read()["guard"]["kind"], "remote-control")
            self.assertTrue(any(a.acknowledged <= seqs for seqs in held.values()))
        self.check(clients)

    def test_gaps_survive_a_kill(self):
        session = self.server.open()
        some = windows(101, 1, 1)[0]
        for seq in (1, 4, 9):
            session.post({"windows": [dict(some, seq=seq)]})
        self.server.kill()
        self.server.start()
        self.assertEqual(session.read()["missing"], [[2, 3], [5, 8]])
        answer = session.post({"windows": [dict(some, seq=s) for s in (1, 2, 4)]}).json
        self.assertEqual((answer["acknowledged"], answer["missing"]), (9, [[3, 3], [5, 8]]))
        self.assertEqual(answer["session"]["windows"]["keyboard"], 4)

    def test_sigterm_drains_and_exits_0(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            clients = self.load(20)
            self.assertEqual(self.server.stop(how), 0)
            self.finish(clients)
            for c in clients:
                for answer in c.refused:
                    self.assert_problem(answer, 503, "overloaded")
            self.server.start()
            self.check(clients)

    def test_a_session_that_ended_stays_ended(self):
        session = self.server.open()
        session.send(windows(101, 1, 2))
        session.close()
        self.server.kill()
        self.server.start()
        self.assertEqual(session.post({"windows": windows(101, 1, 1)}).status, 401)
        self.assertEqual(self.rows(), {})

    def test_two_servers_do_not_share_a_directory(self):
        with self.assertRaisesRegex(AssertionError, "another idem-server"):
            Server(data=self.server.data)


class WithManyThreads(Durability):
    """The same with several HTTP threads and more judges than there may be processors."""
    options = ("--threads", "8")


if __name__ == "__main__":
    unittest.main()
