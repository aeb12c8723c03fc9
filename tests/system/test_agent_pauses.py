# SPDX-License-Identifier: Apache-2.0
"""A pause, as the courier and the server have it: windows from before it wait and are not lost, and the server may end it
before the seat would."""
import os
import unittest

from agent_seat import COLLECTING, LOCK, LOCKED, NOTIFY, PAUSED, RESUMED, Seat, alarm
from harness import ServerCase, wait_for


class Pauses(ServerCase):
    def setUp(self):
        super().setUp()
        self.seat = Seat(self.server)
        self.addCleanup(self.seat.close)
        self.seat.start().introduce()
        self.seat.presence(uid=os.getuid())
        self.seat.sensor.until_collect()
        self.seat.sensor.until_act((NOTIFY, 0, COLLECTING))
        self.id = self.server.get("/v1/sessions").json["sessions"][0]["id"]

    def paused_until(self):
        return self.server.get("/v1/sessions/" + self.id).json["paused_until"]

    def held(self):
        return [seq for seq, in self.server.query("SELECT seq FROM windows ORDER BY row")]

    def pause(self):
        self.assertTrue(self.seat.ask("pause", seconds=600)["ok"])
        self.seat.sensor.until_act((LOCK, 0, 0))
        self.seat.presence(LOCKED, uid=os.getuid())
        self.seat.unlock(uid=os.getuid())
        self.seat.sensor.until_act((NOTIFY, 0, PAUSED))
        wait_for("the pause at the server", self.paused_until)

    def test_windows_from_before_it_wait_until_it_is_over(self):
        self.seat.send("ada", 1, 2)
        wait_for("two windows", lambda: self.held() == [1, 2])
        self.pause()
        self.seat.send("ada", 1, 2, first=2)  # finished as the pause began
        self.seat.sensor.quiet()
        self.assertEqual(self.held(), [1, 2])
        self.assertTrue(self.seat.ask("resume")["ok"])
        wait_for("the other two, under their numbers", lambda: self.held() == [1, 2, 3, 4])
        self.assertEqual(len(self.server.get("/v1/sessions").json["sessions"]), 1, "in the same session")

    def test_a_pause_that_the_server_ends_is_over_at_the_seat(self):
        self.pause()
        self.seat.sensor.until_collect(0)
        self.seat.sensor.send(alarm(confidence=0.5))  # which asks, and locks nothing
        self.seat.sensor.until_act((NOTIFY, 0, RESUMED))
        self.seat.sensor.until_collect(1)
        self.assertIsNone(self.paused_until())


if __name__ == "__main__":
    unittest.main()
