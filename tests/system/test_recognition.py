# SPDX-License-Identifier: Apache-2.0
"""From enrolment to being locked out, and back; what is learned and what is not; all of it again after a restart.

Person 101 and person 202 are simulated typists whom the population has never met. The server runs on the test's clock:
a window of a hundred keys every ten seconds, of which four enrol."""
import unittest

from harness import ServerCase, windows

START = 1800000000000
STEP = 10000
ENROL = 4


class Desk:
    """A session on the test's clock."""

    def __init__(self, server, person="ada", at=START):
        self.now = at
        self.session = server.open(person=person, clock_ms=at)

    def send(self, some):
        states = []
        for w in some:
            self.now += STEP
            states.append(self.session.send([w], clock_ms=self.now)["session"])
        return states


class Recognition(ServerCase):
    options = ("--test-clock",)

    def enrolled(self, person=101):
        desk = Desk(self.server)
        last = desk.send(windows(person, 1, ENROL))[-1]
        self.assertTrue(last["enrolment"]["keyboard"]["enrolled"])
        return desk

    def restart(self):
        self.assertEqual(self.server.stop(), 0)
        self.server.start()

    def test_enrolment_fills_up_and_scoring_begins_with_the_next_window(self):
        desk = Desk(self.server)
        seen = desk.send(windows(101, 1, ENROL))
        self.assertEqual([s["enrolment"]["keyboard"]["have"] for s in seen], [100, 200, 300, 400])
        self.assertEqual({s["state"] for s in seen[:-1]}, {"enrolling"})
        self.assertEqual({s["trust"] for s in seen}, {None})
        first = desk.send(windows(101, 2, 1))[0]
        self.assertEqual(first["state"], "ok")
        self.assertGreater(first["trust"], 0.9)

    def test_the_owner_stays_and_another_is_locked_out(self):
        desk = self.enrolled()
        own = desk.send(windows(101, 2, 30))
        self.assertEqual({s["state"] for s in own}, {"ok"})
        taken = desk.send(windows(202, 1, 30))
        states = [s["state"] for s in taken]
        self.assertIn("locked", states)
        locked = states.index("locked")
        self.assertLess(locked, 8)
        self.assertEqual(set(states[locked:]), {"locked"}, "a lock is lifted by nothing but an unlocking")
        reasons = taken[locked]["explanation"]
        self.assertTrue(reasons and all(r["text"] and r["llr"] for r in reasons))
        self.assertLess(min(r["llr"] for r in reasons), 0)

    def test_unlocking_is_the_operators_and_brings_the_owner_back(self):
        desk = self.enrolled()
        desk.send(windows(101, 2, 10) + windows(202, 1, 12))
        self.assertEqual(desk.session.read()["state"], "locked")
        path = f"/v1/sessions/{desk.session.id}/unlock"
        unlocked = self.server.call("POST", path, token=self.server.operator)
        self.assertEqual(unlocked.status, 200)
        self.assertNotEqual(unlocked.json["state"], "locked")
        after = desk.send(windows(101, 3, 10))
        self.assertNotIn("locked", [s["state"] for s in after])

    def test_unlocking_cancels_no_evidence(self):
        desk = self.enrolled()
        desk.send(windows(101, 2, 10) + windows(202, 1, 12))
        self.server.call("POST", f"/v1/sessions/{desk.session.id}/unlock", token=self.server.operator)
        after = desk.send(windows(202, 2, 12))
        self.assertEqual(after[-1]["state"], "locked")

    def test_a_restart_changes_no_verdict(self):
        desk = self.enrolled()
        desk.send(windows(101, 2, 10) + windows(202, 1, 2))
        before = desk.session.read()
        self.restart()
        after = desk.session.read()
        for key in ("state", "trust", "llr", "windows", "enrolment", "missing", "opened"):
            self.assertEqual(before[key], after[key], key)
        self.assertEqual([r["text"] for r in before["explanation"]], [r["text"] for r in after["explanation"]])

    def test_a_restart_in_mid_enrolment_loses_and_doubles_nothing(self):
        desk = Desk(self.server)
        for part in range(ENROL):
            desk.send(windows(101, 1, ENROL)[part:part + 1])
            self.restart()
            self.assertEqual(desk.session.read()["enrolment"]["keyboard"]["have"], 100 * (part + 1))
        self.assertEqual(desk.session.read()["enrolment"]["state"], "enrolled")

    def test_a_lock_survives_a_restart_and_so_does_an_unlocking(self):
        desk = self.enrolled()
        desk.send(windows(101, 2, 10) + windows(202, 1, 12))
        self.restart()
        self.assertEqual(desk.session.read()["state"], "locked")
        self.server.call("POST", f"/v1/sessions/{desk.session.id}/unlock", token=self.server.operator)
        state = desk.session.read()
        self.restart()
        self.assertEqual(desk.session.read()["state"], state["state"])
        self.assertAlmostEqual(desk.session.read()["trust"], state["trust"], 4)

    def test_two_sessions_enrol_one_person_and_a_restart_keeps_the_sum(self):
        one, two = Desk(self.server), Desk(self.server)
        some = windows(101, 1, ENROL)
        one.send(some[:1])
        two.send(some[1:2])
        self.assertEqual(two.session.close().status, 204)
        one.send(some[2:3])
        self.restart()
        self.assertEqual(one.session.read()["enrolment"]["keyboard"]["have"], 300)
        one.send(some[3:])
        self.assertTrue(one.session.read()["enrolment"]["keyboard"]["enrolled"])

    def strokes(self, desk):
        """At rest; over the API nobody is told more than what enrolment needs."""
        path = "/v1/people/" + desk.session.opened["session"]["person"]
        self.assertEqual(self.server.get(path).json["profiles"][0]["strokes"], 400)
        (strokes,) = self.server.strokes().values()
        return round(strokes)

    def test_a_quiet_session_teaches_at_most_its_daily_share(self):
        desk = self.enrolled()
        desk.send(windows(101, 3, 40))
        desk.session.close()
        self.assertEqual(self.strokes(desk), 500, "400 and at most a quarter of it")
        again = Desk(self.server, at=desk.now)
        again.send(windows(101, 6, 40))
        again.session.close()
        # the share grows with the profile: of 125 strokes 25 are left, a part of one window
        self.assertEqual(self.strokes(again), 525, "what is left of the day's share")
        tomorrow = Desk(self.server, at=desk.now + 24 * 3600 * 1000)
        tomorrow.send(windows(101, 7, 40))
        tomorrow.session.close()
        # 400 enrolled, 125 of yesterday at 2^(-1/20), a quarter of 525 today
        self.assertEqual(self.strokes(tomorrow), 652)

    def test_the_last_windows_of_a_session_teach_nothing(self):
        desk = self.enrolled()
        desk.send(windows(101, 2, 3))
        desk.session.close()
        self.assertEqual(self.strokes(desk), 400)

    def test_a_session_that_fell_below_step_up_teaches_nothing(self):
        desk = self.enrolled()
        desk.send(windows(101, 2, 40) + windows(202, 1, 12))
        desk.session.close()
        self.assertEqual(self.strokes(desk), 400)

    def test_trust_expires_without_windows(self):
        desk = self.enrolled()
        desk.send(windows(101, 2, 3))
        desk.now += 3600 * 1000
        repeat = dict(windows(101, 2, 1)[0], seq=1)
        answer = desk.session.post({"windows": [repeat], "clock_ms": desk.now}).json
        self.assertEqual(answer["session"]["state"], "insufficient")


class Clock(ServerCase):
    options = ("--test-clock",)

    def test_a_clock_belongs_to_sessions_that_were_opened_with_one(self):
        session = self.server.open()
        answer = session.post({"windows": windows(101, 1, 1), "clock_ms": START})
        self.assert_problem(answer, 400, "invalid-field")

    def test_a_clock_never_runs_backwards(self):
        desk = Desk(self.server)
        desk.send(windows(101, 1, 2))
        answer = desk.session.send(windows(101, 2, 1), clock_ms=START - 10**9)
        self.assertGreaterEqual(answer["session"]["changed"], answer["session"]["opened"])


if __name__ == "__main__":
    unittest.main()
