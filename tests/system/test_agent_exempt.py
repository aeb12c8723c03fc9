# SPDX-License-Identifier: Apache-2.0
"""Somebody whom the policy exempts, at a seat with the agent: nothing of how she types or points is collected, also after
the courier was killed; the guard stays on unless it is exempted, too; she is told why, and it is hers alone."""
import datetime
import os
import unittest

from agent_seat import COLLECTING, NOBODY, NOTIFY, CourierCase
from harness import wait_for

POLICY = """\
version: 1
enrolment: {trusted_start: no, sessions: 1}
acknowledgement:
  any: {required: no}
"""
UNTIL = (datetime.date.today() + datetime.timedelta(days=30)).isoformat()


class Exempt(CourierCase):
    policy = POLICY

    def exempt(self, what):
        """Ada has worked here once, and left. The server goes by the exemption when she comes back."""
        self.begin(uid=os.getuid())
        self.seat.send("ada", 1, 1)
        self.assert_held((1, 1))
        person = self.server.get("/v1/sessions").json["sessions"][0]["person"]
        self.seat.presence(NOBODY)
        wait_for("the end", lambda: self.sessions() == [(1, 1)])
        self.seat.stop()
        self.server.kill()
        self.write_policy(POLICY + f"exemptions:\n  - person: {person}\n    until: {UNTIL}\n"
                                   f"    alternative_factor: security key\n    exempt: [{what}]\n")
        self.restart_server()

    def assert_at_work(self, guard):
        """A session is open, and nothing is collected in it."""
        self.meet(uid=os.getuid())
        sensor = self.seat.sensor
        wait_for("to be told why", lambda: self.seat.ask("status")["why"] == "exempt")
        sensor.until("the guard", lambda: sensor.settings and sensor.settings["guard"] == guard)
        sensor.quiet()
        self.assertEqual((sensor.settings["collect"], sensor.settings["guard"]), (0, guard))
        status = self.seat.ask("status")
        self.assertEqual((status["collecting"], status["rules"]["guard_on"]), (False, bool(guard)))
        self.assertEqual(self.sessions()[-1][1], 0)

    def assert_after_a_kill(self, guard):
        """By the kept rules, which exempt her now: there is not a moment of it."""
        self.seat.kill()
        self.assert_at_work(guard)
        self.assertNotIn((NOTIFY, 0, COLLECTING), self.seat.sensor.acts)

    def test_behaviour_is_not_collected_and_the_guard_is_on(self):
        self.exempt("behaviour")
        self.assert_at_work(guard=1)
        self.assert_after_a_kill(guard=1)

    def test_nor_is_a_guard_where_it_is_exempted_too(self):
        self.exempt("behaviour, guard")
        self.assert_at_work(guard=0)
        self.assert_after_a_kill(guard=0)

    def test_somebody_else_at_that_seat_is_collected(self):
        self.exempt("behaviour, guard")
        self.assert_at_work(guard=0)
        self.seat.presence(user="eva", uid=1001)
        self.seat.sensor.until_collect()
        self.assertEqual(self.seat.sensor.settings["guard"], 1)


if __name__ == "__main__":
    unittest.main()
