#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server that goes by a policy: what it decides and writes down, and a new policy taken on SIGHUP while sessions go on.

Person 101 and person 202 are simulated typists; the server runs on the test's clock, a window every ten seconds."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from harness import Server, ServerCase, wait_for, windows
from test_alarms import alarm
from test_recognition import ENROL, START, Desk
from test_stream import Watcher

IDEM = os.environ["IDEM_CLI"]
HOUR = 3600 * 1000
BASE = """version: 1
thresholds: {step_up: 5, lock: 1.5}
enrolment: {trusted_start: no, sessions: 1}
acknowledgement: {any: {required: no}}
"""
ACTIONS = "actions: {below_step_up: %s, below_lock: %s}\n"


class Case(ServerCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="idem-decisions-")
        self.addCleanup(temporary.cleanup)
        self.file = pathlib.Path(temporary.name) / "policy.yaml"
        self.file.write_text(BASE)
        self.server = Server(options=("--test-clock", "--policy", str(self.file)))
        self.addCleanup(self.server.close)

    def policy(self):
        answer = self.server.get("/v1/policy")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def reload(self, text, taken=True):
        """Gives the server another policy, and waits until it is in force (or has been refused)."""
        before = self.policy()["id"]
        said = self.server.stderr().count("the policy stays as it was")
        self.file.write_text(text)
        self.server.process.send_signal(signal.SIGHUP)
        if taken:
            wait_for("the policy", lambda: self.policy()["id"] != before)
        else:
            wait_for("the refusal", lambda: self.server.stderr().count("the policy stays as it was") > said)

    def enrolled(self, person="ada", at=START):
        desk = Desk(self.server, person, at)
        desk.send(windows(101, 1, ENROL) + windows(101, 2, 6))
        self.assertEqual(desk.session.read()["state"], "ok")
        return desk

    def lines(self, log="audit_seats", action="decision"):
        rows = self.server.query(f"SELECT at_ms, body FROM {log} ORDER BY seq")
        return [(at, json.loads(body)) for at, body in rows if json.loads(body)["action"] == action]

    def decisions(self, desk):
        self.server.get("/v1/sessions")  # whatever was decided before this has been written
        return [line["detail"] for _, line in self.lines() if line["subject"] == desk.session.id]

    def kinds(self, desk):
        return [(d["action"], d["cause"]) for d in self.decisions(desk)]


class Reload(Case):
    def test_a_new_policy_is_taken_and_sessions_go_on(self):
        desk = self.enrolled()
        before = desk.session.read()
        self.assertEqual(before["policy"], self.policy()["id"])
        self.reload(BASE.replace("step_up: 5", "step_up: 10"))
        now = self.policy()
        checked = subprocess.run([IDEM, "policy", "check", "--json", self.file], capture_output=True, text=True)
        self.assertEqual(json.loads(checked.stdout)["id"], now["id"])
        self.assertEqual(now["text"], self.file.read_text())
        after = desk.session.read()
        self.assertEqual(after["policy"], now["id"])
        self.assertGreater(after["thresholds"]["step_up"], before["thresholds"]["step_up"])
        self.assertEqual(after["thresholds"]["step_up"], now["rules"]["thresholds"]["step_up"]["trust"])
        self.assertEqual(desk.send(windows(101, 3, 1))[0]["state"], "ok")
        self.assertEqual([line["detail"]["id"] for _, line in self.lines("audit", "policy.taken")],
                         [before["policy"], now["id"]])

    def test_a_file_with_a_fault_changes_nothing_and_is_said_where(self):
        before = self.policy()
        for text, where in ((BASE + "gate: {fail_open: yes}\n", ":5:19: the gate never fails open"),
                            ("version: 1\n\tx", ":2:"), ("", ": there is nothing in it")):
            self.reload(text, taken=False)
            self.assertEqual(self.policy(), before)
            self.assertIn(f"config: {self.file}{where}", self.server.stderr())
        self.file.unlink()
        self.server.process.send_signal(signal.SIGHUP)
        wait_for("the refusal", lambda: self.server.stderr().count("the policy stays as it was") == 4)
        self.assertEqual(self.policy(), before)

    def test_a_server_does_not_begin_with_a_fault(self):
        self.server.stop()
        self.file.write_text("version: 1\nthresholds: {lock: 0.01}\n")
        with self.assertRaisesRegex(AssertionError, r":2:20: 0.01 is less than the recordings can show"):
            self.server.start()

    def test_live_sessions_are_judged_anew_without_a_window(self):
        self.reload(BASE + ACTIONS % ("observe", "observe"))
        desk = self.enrolled()
        desk.send(windows(202, 1, 12))
        self.assertEqual(desk.session.read()["state"], "ok")
        self.reload(BASE + ACTIONS % ("step-up", "observe"))
        self.assertEqual(desk.session.read()["state"], "step-up")
        self.reload(BASE + ACTIONS % ("step-up", "lock"))
        seen = desk.session.read()
        self.assertEqual((seen["state"], seen["stands"]["action"]), ("locked", "lock"))
        self.reload(BASE + ACTIONS % ("observe", "observe"))
        self.assertEqual(desk.session.read()["state"], "locked", "a lock is lifted by strong authentication alone")
        self.assertEqual(self.kinds(desk), [("observe", "enrolled"), ("step-up", "below-step-up"),
                                            ("lock", "below-lock")])

    def test_rules_are_those_of_whom_is_asked_for(self):
        self.reload(BASE + "groups:\n  - {name: portugal, country: PT, thresholds: {step_up: 10}}\n")
        self.assertIsNone(self.policy()["rules"]["group"])
        portugal = self.server.get("/v1/policy?country=PT").json["rules"]
        self.assertEqual(portugal["group"], {"name": "portugal", "line": 6})
        self.assertEqual(portugal["thresholds"]["step_up"]["false_alarms_per_seat_week"]["allowed"], 10)
        self.assert_problem(self.server.get("/v1/policy?country=%ff"), 400, "invalid-field")
        self.assertEqual(self.server.call("GET", "/v1/policy").status, 401)


class Decisions(Case):
    def test_a_takeover_is_written_down_with_reasons_and_lines(self):
        watcher = Watcher(self.server)
        self.addCleanup(watcher.close)
        desk = self.enrolled()
        desk.send(windows(202, 1, 8))
        found = self.decisions(desk)
        self.assertEqual((found[0]["cause"], found[0]["from"]), ("enrolled", "enrolling"))
        lock = found[-1]
        self.assertEqual((lock["action"], lock["cause"], lock["outcome"], lock["to"]),
                         ("lock", "below-lock", "applied", "locked"))
        self.assertEqual(lock["policy"]["id"], self.policy()["id"])
        self.assertEqual(lock["person"], desk.session.read()["person"])
        evidence = lock["evidence"]
        self.assertLess(evidence["trust_recent"], evidence["threshold"])
        self.assertEqual(evidence["threshold"], round(desk.session.read()["thresholds"]["lock"], 4))
        self.assertTrue(1 <= len(evidence["reasons"]) <= 3)
        self.assertEqual(set(evidence), {"trust", "trust_recent", "llr", "threshold", "reasons"})
        told = []
        while len(told) < len(found):
            kind, event = watcher.typed_event()
            if kind == "decision":
                self.assertEqual(event.pop("session"), desk.session.id)
                self.assertTrue(event.pop("at").endswith("Z"))
                told.append(event)
        self.assertEqual(told, found)

    def test_at_rest_a_decision_keeps_the_hour(self):
        self.enrolled(at=START + 1234567).send(windows(202, 1, 8))
        self.server.get("/v1/sessions")
        self.assertEqual({at % HOUR for at, _ in self.lines()}, {0})

    def test_pauses_are_no_decisions(self):
        desk = self.enrolled()
        before = self.kinds(desk)
        for day in range(3):
            desk.now += 2 * HOUR
            desk.send(windows(101, 3 + day, 2))
        self.assertEqual(self.kinds(desk), before)

    def test_a_line_of_the_file_for_each_action(self):
        self.reload(BASE + "actions:\n  below_step_up: notify\n  below_lock: lock\n")
        desk = self.enrolled()
        desk.send(windows(202, 1, 12))
        lines = {d["action"]: d["policy"]["line"] for d in self.decisions(desk)}
        self.assertEqual(lines["lock"], 7)
        self.assertEqual(lines.get("notify", 6), 6)

    def test_a_policy_can_end_the_session(self):
        self.reload(BASE + ACTIONS % ("step-up", "end-session"))
        desk = self.enrolled()
        for window in windows(202, 1, 12):
            answer = desk.session.post({"windows": [dict(window, seq=desk.session.seq)], "clock_ms": desk.now})
            desk.now += 10000
            desk.session.seq += 1
            if answer.status != 200:
                break
        self.assert_problem(answer, 409, "session-closed")
        self.assertEqual(desk.session.read()["state"], "closed")
        last = self.decisions(desk)[-1]
        self.assertEqual((last["action"], last["to"], last["cause"]), ("end-session", "closed", "below-lock"))

    def test_an_alarm_can_cut_a_device_off(self):
        self.reload(BASE + "guard:\n  macro: cut-off-device\n")
        desk = self.enrolled()
        answer = self.server.call("POST", "/v1/alarms", {"alarms": [alarm(1, "macro", 0.9)]}, token=desk.session.token)
        self.assertEqual(answer.status, 200, answer.body)
        session = answer.json["session"]
        self.assertEqual(session["stands"],
                         {"action": "cut-off-device", "cause": "guard", "cut_off": "keyboard", "line": 6})
        self.assertEqual(session["state"], "locked")
        decided = self.decisions(desk)[-1]
        self.assertEqual((decided["action"], decided["outcome"], decided["to"]), ("cut-off-device", "applied", "locked"))
        self.assertEqual((decided["guard"]["kind"], decided["guard"]["confidence"], decided["guard"]["device"]),
                         ("macro", 0.9, "keyboard"))
        self.assertTrue(decided["guard"]["reasons"])

    def test_what_stands_already_is_said_to(self):
        desk = self.enrolled()
        for seq in (1, 2):
            self.server.call("POST", "/v1/alarms", {"alarms": [alarm(seq, "scripted-pointer", 0.9)]},
                             token=desk.session.token)
        self.assertEqual([d["outcome"] for d in self.decisions(desk) if d["cause"] == "guard"],
                         ["applied", "already-so"])

    def test_an_exempted_person_is_left_alone(self):
        person = self.enrolled().session.read()["person"]
        until = subprocess.run(["date", "-d", "+30 days", "+%F"], capture_output=True, text=True).stdout.strip()
        self.reload(BASE + f"exemptions:\n  - {{person: {person}, until: {until}, alternative_factor: security key}}\n")
        self.assertTrue(self.server.get("/v1/policy?person=" + person).json["rules"]["exempt"]["behaviour"])
        self.assertFalse(self.policy()["rules"]["exempt"]["behaviour"])
        desk = Desk(self.server, at=START + HOUR)
        taken = desk.send(windows(202, 1, 20))
        self.assertLess(taken[-1]["trust"], 0.01)
        self.assertEqual({s["stands"]["action"] for s in taken}, {"observe"})
        self.assertNotIn("locked", {s["state"] for s in taken})
        self.assertEqual(self.kinds(desk), [])

    def test_each_decision_is_there_once_after_kills(self):
        desk = self.enrolled()
        for window in windows(202, 1, 8):
            desk.send([window])
            self.server.kill()
            self.server.start()
        self.assertEqual(desk.session.read()["state"], "locked")
        kinds = self.kinds(desk)
        self.assertEqual(kinds[0], ("observe", "enrolled"))
        self.assertEqual(kinds[-1], ("lock", "below-lock"))
        self.assertEqual(len(kinds), len(set(kinds)), kinds)
        self.assertLessEqual(len(kinds), 3)

    def test_what_a_crash_kept_from_the_log_is_written_by_the_replay(self):
        """As if the power had gone between the windows' transaction and that of the lock."""
        desk = self.enrolled()
        desk.send(windows(202, 1, 12))
        whole = self.decisions(desk)
        self.server.kill()
        self.server.alter("DELETE FROM audit_seats WHERE seq > 1")
        self.server.alter("UPDATE sessions SET locked = 0, decided_row = 4")
        self.server.start()
        self.assertEqual(desk.session.read()["state"], "locked")
        again = self.decisions(desk)
        self.assertEqual([(d["action"], d["cause"], d["to"]) for d in again],
                         [(d["action"], d["cause"], d["to"]) for d in whole])

    def test_an_unlocking_is_told_and_written_once(self):
        desk = self.enrolled()
        desk.send(windows(202, 1, 12))
        self.server.call("POST", f"/v1/sessions/{desk.session.id}/unlock", token=self.server.operator)
        self.server.get("/v1/sessions")
        self.assertEqual(len(self.lines(action="session.unlocked")), 1)
        self.assertNotIn("strong-authentication", [d["cause"] for d in self.decisions(desk)])


if __name__ == "__main__":
    unittest.main()
