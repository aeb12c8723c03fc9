# SPDX-License-Identifier: Apache-2.0
"""The courier between a real server and a broker and a sensor that are this test: a session is opened, windows arrive
once and whatever happens, the server's decisions reach the seat once, and nothing is collected that nobody has
acknowledged."""
import unittest

from agent_seat import (ACKNOWLEDGE, COLLECTING, INJECTED_KEYS, LOCK, LOCKED, NOBODY, NOTIFY, PRESENT, Seat, alarm)
from harness import ServerCase, wait_for


class CourierCase(ServerCase):
    config = None

    def setUp(self):
        super().setUp()
        self.seat = self.new_seat()

    def new_seat(self, **more):
        seat = Seat(self.server, self.config, **more)
        self.addCleanup(seat.close)
        self.addCleanup(self.tell, seat)
        return seat

    def tell(self, seat):
        if self._outcome is not None and any(error for _, error in getattr(self._outcome, "errors", [])):
            print(seat.said())

    def begin(self, **more):
        """Somebody is at the seat, and collecting has begun."""
        self.seat.start().introduce()
        self.seat.presence(**more)
        self.seat.sensor.until_collect()

    def held(self):
        """(session, number) of every window that the server has had."""
        return self.server.query("SELECT session, seq FROM windows ORDER BY row")

    def wait_held(self, count):
        wait_for(f"{count} windows", lambda: len(self.held()) >= count)

    def sessions(self):
        return self.server.query("SELECT row, closed_ms IS NOT NULL FROM sessions ORDER BY row")


class ADay(CourierCase):
    def test_windows_arrive(self):
        self.begin()
        self.seat.send("ada", 1, 5)
        self.wait_held(5)
        self.assertEqual(self.held(), [(1, n) for n in range(1, 6)])
        self.seat.sensor.quiet()
        self.assertEqual(self.seat.sensor.acts, [(NOTIFY, 0, COLLECTING)])
        self.assertEqual(self.server.query("SELECT start FROM sessions"), [(1,)])
        self.seat.presence(NOBODY)
        wait_for("the end", lambda: self.sessions() == [(1, 1)])


if __name__ == "__main__":
    unittest.main()
