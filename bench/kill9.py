#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill9.py [KILLS [SEED]]: the real server under load, killed at random moments; is everything acknowledged there afterwards?

Several clients send windows, alarms and closings over sockets and remember every acknowledgement. The server is killed
(SIGKILL) at a random moment, started again on the same data, and asked; the sessions go on where they were, so that a
session lives through many kills. What is asked after every start:

  windows    every session holds at least what was acknowledged and at most what was sent, without a gap
  once       no window and no alarm is there twice
  alarms     every alarm acknowledged to an open session is there
  closings   a session whose end was acknowledged knows its token no more and has left no window behind

The environment names the server and the simulated typists: IDEM_SERVER, IDEM_SIMULATE. Prints a table; exits 1 when
anything was lost. A seed makes the moments the same again, not what the clients had sent by then."""
import http.client
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "system"))
from harness import CBOR, Server, cbor_batch  # noqa: E402

CLIENTS = 12
WINDOWS_EACH = 60  # then the session is closed and another opened: a start does not have to judge ever more of them
ALARMS_MAX = 64
LATEST_S = 0.4


class Lost(Exception):
    pass


class Client(threading.Thread):
    """One person's windows, and now and then an alarm, until the server is gone; lives through many servers."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.server, self.number = server, number
        self.session, self.told, self.error = None, {}, None
        self.acknowledged = self.sent = self.alarms = self.alarms_sent = 0
        self.closing = False
        self.ended = []  # sessions whose end was acknowledged since the last check

    def again(self):
        """The same client for the next server: a thread runs once."""
        other = Client(self.server, self.number)
        other.session, other.acknowledged, other.sent = self.session, self.acknowledged, self.sent
        other.alarms, other.alarms_sent, other.closing = self.alarms, self.alarms_sent, self.closing
        return other

    def count(self, what):
        self.told[what] = self.told.get(what, 0) + 1

    def call(self, method, path, body, kind=None):
        extra = {"kind": kind} if kind else {}
        answer = self.server.call(method, path, body, token=self.session.token, connection=self.connection, **extra)
        if answer.status not in (200, 204):
            raise Lost(f"{method} {path} was answered {answer.status}: {answer.body[:200]!r}")
        return answer

    def window(self):
        self.sent = max(self.sent, self.acknowledged + 1)
        body = cbor_batch(100 + self.acknowledged % 5, 1, 1, self.acknowledged + 1)
        told = self.call("POST", "/v1/windows", body, kind=CBOR).json["acknowledged"]
        if told < self.acknowledged + 1:
            raise Lost(f"window {self.acknowledged + 1} was acknowledged as {told}")
        self.acknowledged = told
        self.count("windows")

    def alarm(self):
        self.alarms_sent = max(self.alarms_sent, self.alarms + 1)
        saw = [{"reason": "warp", "count": 1, "value": 0}]
        alarm = {"seq": self.alarms + 1, "device": "pointer", "kind": "remote-control", "confidence": 0.5, "saw": saw}
        self.call("POST", "/v1/alarms", {"alarms": [alarm]})
        self.alarms += 1
        self.count("alarms")

    def close(self):
        self.closing = True
        self.call("DELETE", "/v1/sessions/" + self.session.id, None)
        self.ended.append(self.session)
        self.session, self.closing = None, False
        self.count("closings")

    def open(self):
        self.session = self.server.open(person="p%d" % self.number)
        self.acknowledged = self.sent = self.alarms = self.alarms_sent = 0
        self.count("openings")

    def step(self):
        if self.session is None:
            self.open()
        elif self.acknowledged >= WINDOWS_EACH + 7 * self.number:
            self.close()
        elif self.alarms < ALARMS_MAX and self.acknowledged > 8 * self.alarms:
            self.alarm()
        else:
            self.window()

    def run(self):
        try:
            self.connection = self.server.connect()
            while True:
                self.step()
        except Lost as error:
            self.error = error
        except (OSError, http.client.HTTPException, AssertionError):
            pass  # killed: what was under way was not acknowledged


def check_session(server, client, alarms):
    """One client's session after a start; false: its end had been asked for and has happened."""
    answer = server.get("/v1/sessions/" + client.session.id)
    if answer.status == 404 and client.closing:
        return False
    if answer.status != 200 or answer.json["state"] == "closed":
        raise Lost(f"an open session is answered {answer.status}, {answer.body[:200]!r}")
    held = answer.json
    count = held["windows"]["keyboard"]
    if held["missing"] or not client.acknowledged <= count <= client.sent:
        raise Lost(f"{client.acknowledged} windows were acknowledged, {client.sent} sent, {count} are there, "
                   f"missing {held['missing']}")
    have = alarms.get(client.number, 0)
    if not client.alarms <= have <= client.alarms_sent:
        raise Lost(f"{client.alarms} alarms were acknowledged, {client.alarms_sent} sent, {have} are there")
    return True


def check(server, clients):
    """Everything that may be asked after a start."""
    rows = server.query("SELECT count(*), count(DISTINCT session || ':' || seq) FROM windows")[0]
    if rows[0] != rows[1]:
        raise Lost(f"{rows[0] - rows[1]} windows are there twice")
    alarms = {}
    for client in clients:
        if client.session is not None:
            query = ("SELECT count(*), count(DISTINCT seq) FROM alarms a JOIN sessions s ON s.row = a.session "
                     f"WHERE a.seq > 0 AND hex(s.id) = '{session_hex(client.session.id)}'")
            count, different = server.query(query)[0]
            if count != different:
                raise Lost("an alarm is there twice")
            alarms[client.number] = count
    left = server.query("SELECT count(*) FROM windows w JOIN sessions s ON s.row = w.session "
                        "WHERE s.closed_ms IS NOT NULL")[0][0]
    if left:
        raise Lost(f"{left} windows of sessions that have ended are there")
    for client in clients:
        if client.session is not None and not check_session(server, client, alarms):
            client.session, client.closing = None, False
        for ended in client.ended:
            if ended.post(cbor_batch(100, 1, 1, 1), kind=CBOR).status != 401:
                raise Lost("a session that has ended takes windows")
        client.ended = []


def session_hex(public):
    """The bytes behind s_..., as SQLite's hex() writes them."""
    import base64
    text = public[2:]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex().upper()


def kill_once(server, clients, rng):
    """A random moment of load ends with a kill; the same clients afterwards, and what they were told."""
    running = [c.again() for c in clients]
    for c in running:
        c.start()
    time.sleep(rng.uniform(0.005, LATEST_S))
    server.kill()
    for c in running:
        c.join()
        if c.error:
            raise c.error
    server.process.stdout.close()
    server.errors.close()
    server.start()
    check(server, running)
    return running


def run(kills, seed=1):
    """The totals of what was acknowledged; raises Lost."""
    rng = random.Random(seed)
    server = Server()
    clients = [Client(server, i) for i in range(CLIENTS)]
    totals = {"kills": 0, "openings": 0, "windows": 0, "alarms": 0, "closings": 0}
    try:
        for _ in range(kills):
            clients = kill_once(server, clients, rng)
            totals["kills"] += 1
            for c in clients:
                for what, n in c.told.items():
                    totals[what] += n
    finally:
        server.close()
    return totals


def main(arguments):
    kills = int(arguments[0]) if arguments else 200
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    try:
        totals = run(kills, seed)
    except Lost as error:
        print(f"LOST: {error}")
        return 1
    print("| kills | openings | windows | alarms | closings acknowledged | lost | twice |")
    print("|---|---|---|---|---|---|---|")
    print("| {kills} | {openings} | {windows} | {alarms} | {closings} | 0 | 0 |".format(**totals))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
