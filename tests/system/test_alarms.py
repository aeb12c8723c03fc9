# SPDX-License-Identifier: Apache-2.0
"""Alarms of guards: which are taken, that an acknowledged one is there after kill -9 and acts on, what each does to its
session, who is told, and that nothing is learned from what came before it."""
import json
import unittest

from harness import ServerCase, wait_for, windows
from test_stream import Watcher

SAW = {"reason": "holds-short", "count": 5, "value": 2.1}


def alarm(seq=1, kind="injected-keys", confidence=0.999, device=None, saw=(SAW,), **more):
    device = device or ("pointer" if kind == "scripted-pointer" else "keyboard")
    return {"seq": seq, "device": device, "kind": kind, "confidence": confidence, "saw": list(saw), **more}


class AlarmCase(ServerCase):
    def setUp(self):
        super().setUp()
        self.session = self.server.open()

    def post(self, body, token=None, **more):
        return self.server.call("POST", "/v1/alarms", body, token=token or self.session.token, **more)

    def send(self, *alarms):
        answer = self.post({"alarms": list(alarms)})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def unlock(self):
        answer = self.server.call("POST", f"/v1/sessions/{self.session.id}/unlock", token=self.server.operator)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def restart(self):
        self.server.kill()
        self.server.start()

    def rows(self):
        return self.server.query("SELECT seq, action, cleared FROM alarms ORDER BY row")

    def metric(self, name):
        text = self.server.get("/metrics").body.decode()
        return int(text.split("\n%s " % name)[1].split("\n")[0])


class Taking(AlarmCase):
    def test_an_alarm_is_acknowledged_and_shown_in_the_servers_words(self):
        self.assertIsNone(self.session.read()["guard"])
        answer = self.send(alarm())
        self.assertEqual(answer["acknowledged"], [1])
        guard = answer["session"]["guard"]
        self.assertEqual((guard["kind"], guard["device"], guard["action"], guard["cleared"]),
                         ("injected-keys", "keyboard", "cut-off-device", False))
        self.assertEqual((guard["confidence"], guard["reasons"]), (0.999, ["holds-short"]))
        self.assertIn("held too briefly for a hand (5 keys, 2.1 ms", guard["text"])
        self.assertRegex(guard["at"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(self.session.read()["guard"], guard)

    def test_numbers_are_kept_no_finer_than_a_verdict_needs(self):
        fine = [{"reason": "holds-short", "count": 5, "value": 2.13159}, {"reason": "constant-speed", "count": 4, "value": 0.12345}]
        for confidence in (0.98765, 0.988):
            guard = self.send(alarm(confidence=confidence, saw=fine))["session"]["guard"]
            self.assertEqual(guard["confidence"], 0.988)
        (payload,), = self.server.query("SELECT payload FROM alarms")
        kept = json.loads(payload)
        self.assertEqual((kept["confidence"], [x["value"] for x in kept["saw"]]), (0.988, [2.1, 0.12]))

    def test_an_alarm_held_already_changes_nothing(self):
        first = self.send(alarm(kind="macro"))
        again = self.send(*3 * [alarm(kind="macro")])
        self.assertEqual(again["acknowledged"], [1, 1, 1])
        self.assertEqual(again["session"], first["session"])
        self.assertEqual(self.send(alarm(7), alarm(7))["acknowledged"], [7, 7])
        self.assertEqual([row[0] for row in self.rows()], [1, 7])
        self.assertEqual(self.metric("idem_guard_alarms_repeated_total"), 4)

    def test_a_repeat_is_only_answered(self):
        self.send(alarm(1, "macro"))
        watcher = Watcher(self.server)
        self.addCleanup(watcher.close)
        self.send(alarm(1, "macro"))
        self.send(alarm(2, "remote-control"))
        self.assertEqual(watcher.typed_event()[1]["guard"]["kind"], "remote-control")

    def test_a_number_of_another_alarm_is_refused(self):
        self.send(alarm(1, "macro"))
        for _ in range(2):
            for bad in ([alarm(1)], [alarm(2), alarm(1, "macro", 0.5)], [alarm(3), alarm(3, "macro")],
                        [alarm(1, "macro", saw=[{**SAW, "count": 6}])]):
                problem = self.assert_problem(self.post({"alarms": bad}), 409, "alarm-number-taken")
                self.assertIn(f"alarms[{len(bad) - 1}]", problem["detail"])
            self.assertEqual(self.session.read()["state"], "enrolling")
            self.assertEqual(self.send(alarm(1, "macro"))["acknowledged"], [1])
            self.restart()
        self.assertEqual(len(self.rows()), 1)
        self.assertEqual(self.send(alarm(2))["session"]["state"], "locked")

    def test_numbers_may_come_in_any_order_and_with_gaps(self):
        for seq in (5, 64, 1):
            self.assertEqual(self.send(alarm(seq))["acknowledged"], [seq])
        self.restart()
        self.assertEqual(self.send(alarm(64), alarm(2))["acknowledged"], [64, 2])
        self.assertEqual([row[0] for row in self.rows()], [5, 64, 1, 2])

    def test_a_session_takes_so_many_and_no_more(self):
        for first in range(1, 65, 16):
            self.send(*(alarm(seq) for seq in range(first, first + 16)))
        self.assertEqual(self.session.read()["state"], "locked")
        for body in ([alarm(64), alarm(65)], [alarm(2**31 - 1)], [alarm(65, "macro")]):
            self.assert_problem(self.post({"alarms": body}), 409, "too-many-alarms")
        self.assertEqual(len(self.rows()), 64)
        self.assertEqual(self.server.open(person="grace").read()["guard"], None)

    def test_one_alarm_too_many_is_heard(self):
        for first in range(1, 65, 16):
            self.send(*(alarm(seq, "macro") for seq in range(first, first + 16)))
        refused = lambda *alarms: self.assert_problem(self.post({"alarms": alarms}), 409, "too-many-alarms")
        self.assertEqual(self.session.read()["state"], "enrolling")
        for _ in range(2):
            refused(alarm(65, "macro"))
            refused(alarm(66, "remote-control"))
            self.assertEqual((self.session.read()["state"], self.session.read()["guard"]["action"]),
                             ("step-up", "step-up"))
            self.restart()
            self.assertEqual(self.session.read()["state"], "step-up")
            refused(alarm(1, "macro"), alarm(67), alarm(68, "macro"))
            refused(alarm(67))
            self.assertEqual(self.session.read()["guard"]["kind"], "injected-keys")
            self.restart()
            self.assertEqual(self.session.read()["state"], "locked")
            self.assertEqual(self.unlock()["state"], "enrolling")
        self.assertEqual(len(self.rows()), 68)

    def test_one_bad_alarm_refuses_the_request_whole(self):
        for bad in (alarm(2, kind="alien"), alarm(0), alarm(2, x=1), alarm(2, saw=[])):
            self.assert_problem(self.post({"alarms": [alarm(), bad]}), 400, "invalid-field")
        self.assertEqual((self.rows(), self.session.read()["guard"]), ([], None))

    def test_what_is_out_of_range_is_refused_with_its_place(self):
        saw = lambda **change: alarm(saw=[{**SAW, **change}])
        for bad in (alarm(kind="human"), alarm(kind="insufficient"), alarm(kind="alien"), alarm(kind=2),
                    alarm(device="touch"), alarm(device="pointer"), alarm(kind="scripted-pointer", device="keyboard"),
                    alarm(confidence=1.5), alarm(confidence=-0.1), alarm(confidence="1"), alarm(confidence=None),
                    alarm(saw=[SAW, SAW]), alarm(saw=[SAW] * 5), alarm(saw=[1]), alarm(seq=1.5), alarm(seq="1"),
                    saw(reason="spite"), saw(reason="nothing"), saw(reason="window-before"), saw(reason=3),
                    saw(count=256), saw(count=-1), saw(count=1.5), saw(value=1e10), saw(value=-0.1), saw(value="2"), saw(value=None),
                    saw(text="Trust me")):
            problem = self.assert_problem(self.post({"alarms": [bad]}), 400, "invalid-field")
            self.assertIn("alarms[0]", problem["detail"])
        for bad in ({}, [], {"alarms": []}, {"alarms": [alarm()], "x": 1}, {"alarms": {}}, {"windows": []},
                    {"alarms": [alarm(seq) for seq in range(1, 18)]}, {"alarms": [alarm()], "clock_ms": 1}):
            self.assert_problem(self.post(bad), 400, "invalid-field")
        self.assertEqual(self.rows(), [])

    def test_what_is_not_json_is_refused(self):
        whole = json.dumps({"alarms": [alarm()]})
        for body in ("", whole[:-1], whole + "x", '{"alarms":[],"alarms":[]}', b"\xff", whole.replace("0.999", "NaN"),
                     whole.replace("2.1", "1e999"), whole.replace("2.1", "Infinity")):
            self.assert_problem(self.post(body), 400, "malformed-json")
        for kind in ("application/cbor", "text/plain"):
            self.assert_problem(self.post(whole, kind=kind), 415, "unsupported-media-type")
        for length in range(0, len(whole), 7):
            self.assert_problem(self.post(whole[:length]), 400, "malformed-json")

    def test_a_huge_body_is_refused(self):
        self.assert_problem(self.post(" " * 65537), 413, "body-too-large")
        deep = '{"alarms":' + "[" * 3000 + "]" * 3000 + "}"
        self.assertEqual(self.post(deep).status, 400)
        padded = json.dumps({"alarms": [alarm()]})
        self.assertEqual(self.post(padded + " " * (65536 - len(padded))).status, 200)

    def test_only_the_sessions_own_token_opens_it(self):
        other = self.server.open(person="grace")
        body = {"alarms": [alarm()]}
        self.assert_problem(self.server.call("POST", "/v1/alarms", body), 401, "token-missing")
        self.assert_problem(self.post(body, token="x" * 43), 401, "token-unknown")
        self.assert_problem(self.post(body, token=self.server.operator), 403, "forbidden-session")
        self.assertEqual(self.post(body, token=other.token).status, 200)
        self.assertIsNone(self.session.read()["guard"])
        self.assertEqual(other.read()["state"], "locked")
        answer = self.server.call("GET", "/v1/alarms", token=self.session.token)
        self.assert_problem(answer, 405, "method-not-allowed")
        self.assertEqual(answer.headers["Allow"], "POST")

    def test_a_closed_session_takes_none(self):
        self.send(alarm(kind="macro"))
        self.session.close()
        self.assert_problem(self.post({"alarms": [alarm(2)]}), 409, "session-closed")
        self.assertEqual(self.session.read()["guard"]["kind"], "macro")

    def test_times_are_rounded_once_the_session_is_closed(self):
        self.send(alarm(kind="macro"))
        self.session.close()
        (at,), = self.server.query("SELECT received_ms FROM alarms")
        self.assertEqual(at % 3600000, 0)


class Acting(AlarmCase):
    def state_after(self, *alarms):
        return self.send(*alarms)["session"]

    def test_the_default_policy(self):
        for kind, confidence, action, state in (
                ("injected-keys", 0.99, "cut-off-device", "locked"), ("injected-keys", 0.98, "step-up", "step-up"),
                ("scripted-pointer", 1, "step-up", "step-up"), ("replay", 1, "step-up", "step-up"),
                ("remote-control", 1, "notify", "enrolling"), ("macro", 1, "observe", "enrolling")):
            self.session = self.server.open(person=kind)
            after = self.state_after(alarm(kind=kind, confidence=confidence))
            self.assertEqual((after["guard"]["action"], after["state"]), (action, state), kind)
            self.assertEqual(self.metric('idem_guard_alarms_total{kind="%s"}' % kind),
                             2 if (kind, action) == ("injected-keys", "step-up") else 1)
        self.assertEqual(self.metric("idem_locks_total"), 1)

    def test_a_trusted_session_is_stepped_up_and_comes_back(self):
        self.session.send(windows(101, 1, 8))
        self.assertEqual(self.session.read()["state"], "ok")
        self.assertEqual(self.state_after(alarm(kind="scripted-pointer"))["state"], "step-up")
        self.assertEqual(self.session.send(windows(101, 2, 4))["session"]["state"], "step-up")
        cleared = self.unlock()
        self.assertEqual((cleared["state"], cleared["guard"]["cleared"]), ("ok", True))

    def test_a_lock_is_lifted_by_unlocking_and_new_evidence_locks_again(self):
        self.assertEqual(self.state_after(alarm(1))["state"], "locked")
        self.assertEqual(self.unlock()["state"], "enrolling")
        self.assertEqual(self.state_after(alarm(1))["state"], "enrolling")  # the same one
        self.assertEqual(self.state_after(alarm(2))["state"], "locked")
        self.assertEqual(self.unlock()["state"], "enrolling")

    def test_the_strictest_since_the_last_unlocking_is_shown(self):
        shown = lambda *alarms: self.state_after(*alarms)["guard"]["kind"]
        self.assertEqual(shown(alarm(1, "macro"), alarm(2, "remote-control")), "remote-control")
        self.assertEqual(shown(alarm(3, "macro")), "remote-control")
        self.assertEqual(shown(alarm(4, "scripted-pointer"), alarm(5, "replay")), "replay")
        self.assertEqual(shown(alarm(6, "remote-control")), "replay")
        self.unlock()
        self.assertEqual(shown(alarm(7, "macro")), "macro")

    def test_a_restart_changes_nothing(self):
        other = self.server.open(person="grace")
        self.send(alarm(1))
        self.unlock()
        self.send(alarm(2, "scripted-pointer"))
        self.post({"alarms": [alarm(1)]}, token=other.token)
        before = self.session.read(), other.read()
        self.assertEqual((before[0]["state"], before[1]["state"]), ("step-up", "locked"))
        for _ in range(2):
            self.restart()
            self.assertEqual((self.session.read(), other.read()), before)
        self.assertEqual(self.rows(), [(1, 4, 1), (2, 2, 0), (1, 4, 0)])
        cleared = self.unlock()
        self.restart()
        self.assertEqual((self.session.read()["state"], self.session.read()["guard"]["cleared"]), ("enrolling", True))
        self.assertEqual(self.session.read()["guard"], cleared["guard"])
        self.assertEqual(self.send(alarm(1), alarm(2, "scripted-pointer"))["session"]["state"], "enrolling")
        self.assertEqual(self.send(alarm(3))["session"]["state"], "locked")

    def test_every_acknowledged_alarm_survives_a_kill(self):
        for seq in range(1, 11):
            self.send(alarm(seq, "macro"))
            if seq % 3 == 0:
                self.restart()
        self.restart()
        self.assertEqual([row[0] for row in self.rows()], list(range(1, 11)))

    def test_an_alarm_of_another_version_still_stands(self):
        other = self.server.open(person="grace")
        self.post({"alarms": [alarm(1, "macro")]}, token=other.token)
        for payload in ('{"kind":"alien"}', "not JSON", "x" * 2000):
            self.session = self.server.open(person="eve")
            self.session.send(windows(101, 1, 2))
            self.send(alarm(1))
            self.server.kill()
            row = self.server.query("SELECT max(row) FROM alarms")[0][0]
            self.server.alter("UPDATE alarms SET payload = ? WHERE row = ?", payload, row)
            self.server.start()
            guard = self.session.read()["guard"]
            self.assertEqual((guard["kind"], guard["reasons"], guard["action"]), ("insufficient", [], "cut-off-device"))
            self.assertEqual(self.session.read()["state"], "locked")
            self.assertEqual(self.session.read()["enrolment"]["keyboard"]["have"], 0)
            self.assertEqual(self.server.stderr().count("1 alarms are of another version"), 1)
            self.assertEqual(self.unlock()["state"], "enrolling")
            self.session.close()
        self.server.kill()
        self.server.alter("UPDATE alarms SET action = 99")
        self.server.start()
        self.assertEqual((other.read()["state"], other.read()["guard"]["kind"]), ("locked", "macro"))

    def test_streams_get_an_event_of_its_own(self):
        watcher = Watcher(self.server)
        self.addCleanup(watcher.close)
        self.send(alarm(1, "scripted-pointer"), alarm(2, "macro"))
        events = [watcher.typed_event() for _ in range(5)]
        self.assertEqual([kind for kind, _ in events], ["guard", "decision", "guard", "decision", "session"])
        for (_, data), kind in zip(events[::2], ("scripted-pointer", "macro")):
            self.assertEqual((data["session"], data["guard"]["kind"]), (self.session.id, kind))
        self.assertEqual([data["action"] for _, data in events[1:4:2]], ["step-up", "observe"])
        self.assertEqual(events[4][1]["guard"]["kind"], "scripted-pointer")

    def test_the_log_names_nobody(self):
        self.send(*(alarm(seq) for seq in range(1, 17)))
        line = wait_for("the line", lambda: [x for x in self.server.stderr().splitlines() if "guard:" in x])
        self.assertEqual(len(line), 1)
        for secret in (self.session.id, self.session.opened["session"]["person"], "seat-1"):
            self.assertNotIn(secret, line[0])


class Learning(AlarmCase):
    options = ("--test-clock",)  # its metrics are exact

    def enrolled(self):
        return self.session.read()["enrolment"]["keyboard"]["have"]

    def learned(self):
        return self.metric("idem_windows_learned_total")

    def strokes(self, person="ada"):
        """As a new session of the same person sees it, which is closed again."""
        probe = self.server.open(person=person)
        have = probe.read()["enrolment"]["keyboard"]["have"]
        probe.close()
        return have

    def test_enrolment_that_is_not_complete_is_taken_out_again(self):
        for day, kind in enumerate(("injected-keys", "scripted-pointer", "replay")):
            self.session = self.server.open(person=kind)
            self.session.send(windows(101, 10 * day + 1, 3))
            self.assertEqual(self.enrolled(), 300)
            self.send(alarm(1, kind, 0.5))
            self.assertEqual(self.enrolled(), 0)
            self.session.send(windows(101, 10 * day + 2, 2))
            self.restart()
            self.session.send(windows(101, 10 * day + 3, 2))
            self.assertEqual(self.enrolled(), 0)
            self.session.close()
            self.assertEqual(self.strokes(kind), 0)

    def test_what_others_have_enrolled_stays(self):
        earlier = self.server.open()
        earlier.send(windows(101, 1, 1))
        earlier.close()
        beside = self.server.open()
        beside.send(windows(101, 2, 1))
        self.session.send(windows(101, 3, 1))
        self.assertEqual(self.enrolled(), 300)
        self.send(alarm())
        self.assertEqual(self.enrolled(), 200)
        self.session.close()
        beside.close()
        self.assertEqual(self.strokes(), 200)

    def test_what_another_session_stored_with_its_own_is_taken_out_of_the_store(self):
        beside = self.server.open()
        beside.send(windows(101, 2, 1))
        self.session.send(windows(101, 3, 2))
        beside.close()  # which stores what is enrolled so far, this session's windows among it
        self.send(alarm())
        self.assertEqual(self.enrolled(), 100)
        self.restart()
        self.assertEqual(self.enrolled(), 100)
        self.session.close()
        self.assertEqual(self.strokes(), 100)

    def test_windows_of_others_are_counted_once_after_a_restart(self):
        beside = self.server.open()
        beside.send(windows(101, 2, 1))
        self.session.send(windows(101, 3, 2))
        self.send(alarm())
        self.restart()
        self.assertEqual(self.enrolled(), 100)
        beside.send(windows(101, 4, 1))
        self.assertEqual(self.enrolled(), 200)

    def test_enrolment_that_was_complete_stays(self):
        self.session.send(windows(101, 1, 4))
        self.send(alarm())
        self.unlock()
        self.assertEqual(self.enrolled(), 400)
        self.session.send(windows(101, 2, 12))
        self.session.close()
        self.assertEqual((self.strokes(), self.learned()), (400, 0))

    def test_remote_control_spoils_what_comes_after_and_shortly_before(self):
        self.session.send(windows(101, 1, 3))
        self.send(alarm(1, "remote-control"))
        self.assertEqual(self.enrolled(), 0)
        self.session.close()
        self.session = self.server.open(person="grace")
        self.session.send(windows(101, 2, 10))
        self.send(alarm(1, "remote-control"))
        self.session.send(windows(101, 3, 8))
        self.restart()
        self.session.close()
        self.assertEqual(self.learned(), 1)  # the day's share, of windows 4 to 6

    def test_nothing_is_learned_within_the_margin(self):
        self.session.send(windows(101, 1, 7))
        self.send(alarm(1, "remote-control"))
        self.session.send(windows(101, 2, 8))
        self.session.close()
        self.assertEqual((self.strokes(), self.learned()), (400, 0))

    def test_a_macro_spoils_nothing(self):
        self.session.send(windows(101, 1, 3))
        self.send(alarm(1, "macro"))
        self.assertEqual(self.enrolled(), 300)
        self.session.send(windows(101, 2, 16))
        self.session.close()
        self.assertEqual(self.learned(), 1)


class WithAClock(AlarmCase):
    options = ("--test-clock",)

    def test_a_request_may_carry_the_sessions_time(self):
        self.session = self.server.open(clock_ms=1_700_000_000_000)
        answer = self.post({"alarms": [alarm(kind="macro")], "clock_ms": 1_700_000_060_000})
        self.assertEqual(answer.json["session"]["guard"]["at"], "2023-11-14T22:14:20Z")
        other = self.server.open(person="grace")
        refused = self.post({"alarms": [alarm()], "clock_ms": 1_700_000_060_000}, token=other.token)
        self.assert_problem(refused, 400, "invalid-field")


if __name__ == "__main__":
    unittest.main()
