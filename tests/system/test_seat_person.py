# SPDX-License-Identifier: Apache-2.0
"""What a seat is told and what it says of the person at it: rules, strong authentication, pauses. The seat is
seat_client.py, which shares no code with the server."""
import datetime
import hashlib
import os
import pathlib
import shutil
import signal
import tempfile
import time
import unittest

from harness import Server, wait_for, windows
from seat_client import Key
from test_seats import SeatCase

POLICY = pathlib.Path(__file__).resolve().parent.parent.parent / "data" / "demo-policy.yaml"
INJECTED = {"seq": 1, "device": "keyboard", "kind": "injected-keys", "confidence": 0.999,
            "saw": [{"reason": "holds-short", "count": 8, "value": 2.1}]}


class Case(SeatCase):
    policy = ""  # more of it

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="idem-seat-person-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.file = os.path.join(self.directory, "policy.yaml")
        self.write(self.policy)
        self.server = Server(options=["--policy", self.file])
        self.addCleanup(self.server.close)

    def write(self, more):
        pathlib.Path(self.file).write_text(POLICY.read_text() + more)

    def alarm(self, session, seq=1, **more):
        answer = self.call("POST", "/v1/alarms", {"alarms": [{**INJECTED, "seq": seq, **more}]}, token=session.token)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["session"]

    def again(self, how=signal.SIGKILL):
        self.server.stop(how)
        self.server.start()

    def assert_ok(self, answer):
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json


class Told(Case):
    policy = """
seat: {lock_untouched: 5 min, unlock_counts: yes, pause: {allowed: yes, at_most: 20 min}}
groups:
  - name: at home
    site: home
    fail_mode: {locking: open, after: 2 h}
    guard: {macro: [{confidence: 0.5, action: lock}, {confidence: 0.25, action: notify}]}
    seat: {lock_untouched: never, step_up: lock, pause: {allowed: no}}
"""

    def test_an_opening_says_what_the_seat_goes_by(self):
        told = self.open(self.enrol()).opened
        self.assertEqual(told["guard"], {
            "injected-keys": [{"confidence": 0.99, "action": "cut-off-device"}, {"confidence": 0, "action": "step-up"}],
            "scripted-pointer": [{"confidence": 0, "action": "step-up"}], "replay": [{"confidence": 0, "action": "step-up"}],
            "remote-control": [{"confidence": 0, "action": "notify"}], "macro": [{"confidence": 0, "action": "observe"}]})
        self.assertEqual(told["seat"], {"lock_untouched_s": 300, "step_up": "notify", "unlock_counts": True,
                                        "pause": {"allowed": True, "at_most_s": 1200}})
        self.assertEqual(told["exempt"], {"behaviour": False, "guard": False})

    def test_a_group_has_its_own(self):
        told = self.open(self.enrol(site="home")).opened
        self.assertEqual(told["fail_mode"], {"locking": "open", "after_s": 7200})
        self.assertEqual(told["guard"]["macro"], [{"confidence": 0.5, "action": "lock"}, {"confidence": 0.25, "action": "notify"}])
        self.assertEqual(told["seat"], {"lock_untouched_s": None, "step_up": "lock", "unlock_counts": True,
                                        "pause": {"allowed": False, "at_most_s": 1200}})

    def test_rules_are_those_of_the_opening_and_change_with_the_policy(self):
        session = self.open(self.enrol())
        before = self.assert_ok(session.rules())
        self.assertEqual(before["policy"], session.opened["session"]["policy"])
        for part in ("fail_mode", "guard", "seat", "exempt", "window"):
            self.assertEqual(before[part], session.opened[part])
        self.write("seat: {unlock_counts: no}\n")
        self.server.process.send_signal(signal.SIGHUP)
        wait_for("another policy", lambda: session.read()["policy"] != before["policy"])
        after = self.assert_ok(session.rules())
        self.assertEqual((after["policy"], after["seat"]["unlock_counts"]), (session.read()["policy"], False))

    def test_the_exempted_are_told_so(self):
        session = self.open(self.enrol())
        self.write(f"exemptions: [{{person: {session.opened['session']['person']}, until: {time.gmtime().tm_year}-12-31, "
                   "alternative_factor: key, exempt: [behaviour, guard]}]\n")
        self.server.process.send_signal(signal.SIGHUP)
        told = wait_for("the exemption", lambda: (lambda r: r["exempt"]["guard"] and r)(session.rules().json))
        self.assertEqual(told["exempt"], {"behaviour": True, "guard": True})
        self.assertEqual({row["action"] for rows in told["guard"].values() for row in rows}, {"observe"})

    def test_rules_are_for_the_session_of_a_seat(self):
        seat = self.enrol()
        one, other = self.open(seat, person="ada"), self.open(seat, person="bob")
        self.assert_problem(one.rules(token=other.token), 403, "forbidden-session")
        page = self.server.open()
        answer = self.call("GET", f"/v1/sessions/{page.id}/rules", token=page.token)
        self.assert_problem(answer, 403, "forbidden-session")
        self.assertNotIn("guard", page.opened)
        self.assertEqual(self.call("DELETE", f"/v1/sessions/{one.id}", token=one.token).status, 204)
        self.assert_problem(one.rules(), 409, "session-closed")


class Strong(Case):
    def locked(self, **more):
        session = self.open(self.enrol(), **more)
        self.assertEqual(self.alarm(session)["state"], "locked")
        return session

    def test_unlocking_the_screen_ends_what_stands(self):
        session = self.locked()
        self.assertEqual(session.read()["stands"]["cut_off"], "keyboard")
        told = self.assert_ok(session.strong())
        self.assertEqual((told["state"], told["stands"]["action"], told["guard"]["cleared"]), ("enrolling", "observe", True))
        self.assertEqual(self.assert_line("session.authenticated", session.id)["actor"], "seat")
        self.assertEqual(self.alarm(session, seq=2)["state"], "locked", "what comes afterwards acts anew")

    def test_a_stand_in_who_knows_the_password_is_locked_again(self):
        seat = self.enrol()
        session = self.open(seat)
        for w in windows(101, 1, 12):
            session.send([w])
        self.assertEqual(session.read()["enrolment"]["state"], "enrolled")
        theirs = iter(windows(202, 5, 40))

        def until_locked():
            for w in theirs:
                if session.send([w]).json["session"]["state"] == "locked":
                    return
            self.fail("the stand-in was never locked")
        until_locked()
        low = session.read()["llr"]
        self.assertNotEqual(self.assert_ok(session.strong())["state"], "locked")
        self.assertLess(session.read()["llr"], low + 5, "no evidence is cancelled")
        until_locked()

    def test_a_statement_is_good_once_whenever_the_server_is_killed(self):
        session = self.locked()
        body = session.counted(b"idem strong authentication 1\0")
        self.assert_ok(session.strong(body))
        self.alarm(session, seq=2)
        self.assert_problem(session.strong(body), 409, "counter-used")
        self.again()
        self.assertEqual(session.read()["state"], "locked")
        self.assert_problem(session.strong(body), 409, "counter-used")
        self.assert_problem(session.renew(session.renewal(counter=body["counter"])), 409, "counter-used")
        self.assertEqual(session.read()["state"], "locked")
        self.assert_ok(session.renew(session.renewal(counter=body["counter"] + 1)))
        self.assert_ok(session.strong())
        self.again()
        self.assertNotEqual(session.read()["state"], "locked", "it was on disk before the answer")

    def test_a_stolen_token_unlocks_nothing(self):
        session = self.locked()
        good = session.counted(b"idem strong authentication 1\0")
        for body in (session.counted(b"idem strong authentication 1\0", key=Key()), session.renewal(), session.binding(),
                     {**good, "counter": good["counter"] + 9}):
            self.assert_problem(session.strong(body), 403, "signature-wrong")
        self.assert_line("window.signature-wrong", session.id)
        for body in ({}, {"counter": 1}, {**good, "seconds": 1}, {**good, "counter": 0}, {**good, "signature": "x"}):
            self.assert_problem(session.strong(body), 400, "invalid-field")
        self.assertEqual(session.read()["state"], "locked")
        self.assert_ok(session.strong(good))

    def test_a_statement_of_one_session_is_no_good_for_another(self):
        session = self.locked()
        other = self.open(session.seat, person="bob")
        body = other.counted(b"idem strong authentication 1\0", counter=7)
        self.assert_problem(session.strong(body), 403, "signature-wrong")
        self.assert_problem(session.strong(body, token=other.token), 403, "forbidden-session")
        page = self.server.open()
        answer = self.call("POST", f"/v1/sessions/{page.id}/strong", body, token=page.token)
        self.assert_problem(answer, 403, "signature-wrong")

    def test_it_is_taken_only_so_often(self):
        session = self.locked()
        for _ in range(8):
            self.assert_ok(session.strong())
        refused = session.strong()
        self.assert_problem(refused, 429, "too-many-statements")
        self.assertTrue(0 < int(refused.headers["Retry-After"]) <= 600)
        self.assert_line("session.authenticated", count=8)

    def test_after_the_end_it_is_refused(self):
        session = self.locked()
        self.assertEqual(self.call("DELETE", f"/v1/sessions/{session.id}", token=session.token).status, 204)
        self.assert_problem(session.strong(), 409, "session-closed")

    def test_a_seat_that_may_be_a_copy_has_no_say(self):
        session = self.open(self.enrol())
        self.server.stop()
        self.server.alter("UPDATE sessions SET doubts = 4")
        self.server.start()
        self.assertEqual(session.read()["doubts"], ["seat-cloned"])
        self.assert_problem(session.strong(), 403, "unlock-not-counted")
        self.assertEqual(session.read()["state"], "step-up")
        self.assert_ok(self.operate(f"/v1/sessions/{session.id}/unlock", {}))
        self.assert_ok(session.strong())


class NotCounted(Case):
    policy = "\nseat: {unlock_counts: no}\n"

    def test_where_policy_says_so_an_operator_has_to(self):
        session = self.open(self.enrol())
        self.alarm(session)
        self.assert_problem(session.strong(), 403, "unlock-not-counted")
        self.assertEqual(session.read()["state"], "locked")
        self.assertEqual(self.lines("session.authenticated"), [])


class Pause(Case):
    def opened(self, **more):
        return self.open(self.enrol(), **more)

    def enrolled(self):
        session = self.opened()
        for w in windows(101, 1, 8):
            self.assert_ok(session.send([w]))
        self.assertEqual(session.read()["state"], "ok")
        return session

    def seconds_left(self, told):
        end = datetime.datetime.fromisoformat(told["paused_until"].replace("Z", "+00:00"))
        return (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()

    def test_while_it_lasts_nothing_is_taken(self):
        session = self.enrolled()
        self.assertIsNone(session.read()["paused_until"])
        told = self.assert_ok(session.pause(600))
        self.assertEqual((told["state"], told["stands"]["action"]), ("insufficient", "observe"))
        self.assertTrue(500 < self.seconds_left(told) <= 600)
        some = windows(101, 50, 1)
        refused = session.send(some)
        self.assert_problem(refused, 409, "session-paused")
        self.assertTrue(0 < int(refused.headers["Retry-After"]) <= 600)
        told = self.assert_ok(session.pause(0))
        self.assertEqual((told["state"], told["paused_until"]), ("ok", None))
        self.assertEqual(self.assert_ok(session.send(some))["acknowledged"], 9, "the chain goes on")
        self.assert_line("session.paused", session.id)
        self.assert_line("session.resumed", session.id)

    def test_never_longer_than_policy_says_however_often_it_is_asked(self):
        session = self.opened()
        first = self.assert_ok(session.pause(4294967295))
        self.assertTrue(1700 < self.seconds_left(first) <= 1800)
        again = self.assert_ok(session.pause(1800))
        self.assertEqual(again["paused_until"], first["paused_until"])
        self.assertTrue(0 < self.seconds_left(self.assert_ok(session.pause(60))) <= 60, "shorter it may become")
        self.assertTrue(self.seconds_left(self.assert_ok(session.pause(1800))) <= 1800)
        self.assert_line("session.paused", count=1)
        self.assert_ok(session.pause(0))
        self.assert_ok(session.pause(0))
        self.assert_line("session.resumed", count=1)
        self.assert_problem(session.pause(60), 403, "pause-not-allowed")
        self.assert_ok(session.send(windows(101, 1, 1)))
        self.assert_ok(session.pause(60))

    def test_it_ends_by_itself(self):
        session = self.opened()
        self.assert_ok(session.pause(1))
        self.assert_problem(session.send(windows(101, 1, 1)), 409, "session-paused")
        wait_for("the end of the pause", lambda: session.read()["paused_until"] is None)
        self.assert_ok(session.send(windows(101, 1, 1)))
        self.assertEqual(self.assert_line("session.resumed", session.id)["actor"], "system")

    def test_it_outlives_kill_9(self):
        session = self.enrolled()
        body = session.pausing(900)
        told = self.assert_ok(session.pause(0, body))
        self.again()
        self.assertEqual(session.read()["paused_until"], told["paused_until"])
        self.assert_problem(session.send(windows(101, 50, 1)), 409, "session-paused")
        self.assert_problem(session.pause(0, body), 409, "counter-used")
        self.assert_ok(session.pause(0))
        self.again()
        self.assertIsNone(session.read()["paused_until"])
        self.assert_problem(session.pause(900), 403, "pause-not-allowed")
        self.assert_problem(session.pause(0, body), 409, "counter-used")
        self.assert_ok(session.send(windows(101, 50, 1)))
        self.assert_ok(session.pause(900))

    def test_nobody_pauses_himself_out_of_what_stands(self):
        session = self.opened()
        self.alarm(session, confidence=0.5)
        self.assertEqual(session.read()["state"], "step-up")
        self.assert_problem(session.pause(60), 403, "pause-not-allowed")
        self.alarm(session, seq=2)
        self.assert_problem(session.pause(60), 403, "pause-not-allowed")
        self.assertEqual(session.read()["state"], "locked")
        self.assert_ok(session.strong())
        self.assert_ok(session.pause(60))

    def test_what_comes_in_a_pause_ends_it(self):
        session = self.opened()
        self.assert_ok(session.pause(900))
        told = self.alarm(session)
        self.assertEqual((told["state"], told["paused_until"]), ("locked", None))
        self.assert_line("session.resumed", session.id)
        self.again()
        self.assertEqual((session.read()["state"], session.read()["paused_until"]), ("locked", None))

    def test_a_notice_does_not_end_it(self):
        session = self.opened()
        self.assert_ok(session.pause(900))
        self.assertIsNotNone(self.alarm(session, kind="macro")["paused_until"])

    def test_a_stolen_token_pauses_nothing(self):
        session = self.opened()
        other = self.open(session.seat, person="bob")
        good = session.pausing(60)
        for body in (session.pausing(60, key=Key()), {**good, "seconds": 61}, {**good, "counter": good["counter"] + 9},
                     {**session.renewal(), "seconds": 60}, {**session.counted(b"idem pause 1\0"), "seconds": 0},
                     other.pausing(60)):
            self.assert_problem(session.pause(60, body), 403, "signature-wrong")
        self.assert_problem(session.pause(60, good, token=other.token), 403, "forbidden-session")
        for body in ({}, {**good, "seconds": -1}, {**good, "seconds": 1.5}, {**good, "seconds": 2 ** 32}, {**good, "more": 1}):
            self.assert_problem(session.pause(60, body), 400, "invalid-field")
        self.assertIsNone(session.read()["paused_until"])
        self.assert_ok(session.pause(60, good))
        page = self.server.open()
        self.assert_problem(self.call("POST", f"/v1/sessions/{page.id}/pause", good, token=page.token), 403, "signature-wrong")

    def test_only_so_often_but_going_on_is_never_refused(self):
        session = self.opened()
        self.assert_ok(session.pause(900))
        for _ in range(7):
            self.assert_ok(session.pause(900))
        self.assert_problem(session.pause(900), 429, "too-many-statements")
        self.assertIsNone(self.assert_ok(session.pause(0))["paused_until"])

    def test_a_policy_that_allows_none_ends_those_that_there_are(self):
        session = self.opened()
        self.assert_ok(session.pause(900))
        self.write("seat: {pause: {allowed: no}}\n")
        self.server.process.send_signal(signal.SIGHUP)
        wait_for("the end of the pause", lambda: session.read()["paused_until"] is None)
        self.assert_ok(session.send(windows(101, 1, 1)))
        self.assert_problem(session.pause(60), 403, "pause-not-allowed")

    def test_nothing_of_it_is_left_when_the_session_has_ended(self):
        session = self.opened()
        self.assert_ok(session.pause(900))
        self.assertEqual(self.call("DELETE", f"/v1/sessions/{session.id}", token=session.token).status, 204)
        self.assertEqual(self.server.query("SELECT paused_from_ms, paused_until_ms, pause_row FROM sessions"), [(0, 0, 0)])
        self.assert_problem(session.pause(0), 409, "session-closed")


class Gate(Case):
    def setUp(self):
        super().setUp()
        self.app, self.proxy = self.key("crm"), self.key("proxy", scopes=["gate"])
        self.cookie = hashlib.sha256(b"a cookie").hexdigest()

    def bound(self, person="ada"):
        session = self.open(self.enrol(), person=person)
        body = {"nonce": session.ask_nonce().json["nonce"], "cookie_hash": self.cookie, "person": person}
        self.assertEqual(self.call("POST", "/v1/bindings", body, token=self.app).status, 201)
        return session

    def ask(self, which):
        answer = self.call("GET", "/v1/gate", token=self.proxy, headers={
            "Idem-Cookie-Hash": self.cookie, "Idem-Resource": "customer/4711", "Idem-Class": which})
        return answer.status

    def step_up(self, session):
        self.assertEqual(self.call("POST", f"/v1/sessions/{session.id}/step-up", token=self.app).status, 204)

    def test_in_a_pause_the_other_factor_is_asked_for(self):
        session = self.bound()
        for w in windows(101, 1, 12):
            self.assert_ok(session.send([w]))
        self.assertEqual((self.ask("sensitive"), self.ask("ordinary")), (204, 204))
        self.assert_ok(session.pause(900))
        self.assertEqual((self.ask("sensitive"), self.ask("ordinary")), (401, 204))
        self.assert_ok(session.strong())
        self.assertEqual(self.ask("sensitive"), 401, "whoever is at the seat can unlock its screen")
        self.step_up(session)
        self.assertEqual(self.ask("sensitive"), 204)
        for _ in range(70):
            self.assertEqual(self.ask("ordinary"), 204, "nothing is counted as silence")
        self.again()
        self.assertEqual(self.ask("sensitive"), 401, "it outlives a restart; what was answered does not")
        self.step_up(session)
        self.assertEqual(self.ask("sensitive"), 204)
        self.assert_ok(session.pause(0))
        self.assertEqual(session.read()["state"], "ok")
        self.assertEqual((self.ask("ordinary"), self.ask("sensitive")), (204, 204), "it matched a moment ago")

    def test_who_pauses_before_he_has_typed_sees_nothing(self):
        first = self.bound()
        for w in windows(101, 1, 12):
            self.assert_ok(first.send([w]))
        self.assertEqual(self.call("DELETE", f"/v1/sessions/{first.id}", token=first.token).status, 204)
        session = self.open(first.seat)
        body = {"nonce": session.ask_nonce().json["nonce"], "cookie_hash": self.cookie, "person": "ada"}
        self.assertEqual(self.call("POST", "/v1/bindings", body, token=self.app).status, 201)
        self.assert_ok(session.pause(900))
        self.step_up(session)
        self.assertEqual(self.ask("sensitive"), 401, "he has bought every factor")


class Heard(Case):
    def test_when_a_seat_says_that_it_will_be_heard_is_bounded(self):
        session = self.opened = self.open(self.enrol())
        ask = lambda n: self.call("GET", f"/v1/sessions/{session.id}?next={n}", token=session.token)
        for bad in ("0", "901", "x", "", "-1", "1.5", "99999999999999999999"):
            self.assert_problem(ask(bad), 400, "invalid-field")
        self.assertEqual((ask("1").status, ask("900").status), (200, 200))


class People(Case):
    def test_each_person_at_a_seat_has_a_session_of_his_own(self):
        seat = self.enrol()
        ada, bob = self.open(seat, person="ada"), self.open(seat, person="bob")
        for session, who in ((ada, 101), (bob, 202), (ada, 101)):
            self.assert_ok(session.send(windows(who, session.seq + 1, 1)))
        self.alarm(bob)
        self.assertEqual((ada.read()["state"], bob.read()["state"]), ("enrolling", "locked"))
        self.assert_problem(self.call("DELETE", f"/v1/sessions/{ada.id}", token=bob.token), 403, "forbidden-session")
        self.assertEqual(self.call("DELETE", f"/v1/sessions/{bob.id}", token=bob.token).status, 204)
        self.assert_ok(ada.send(windows(101, 9, 1)))


if __name__ == "__main__":
    unittest.main()
