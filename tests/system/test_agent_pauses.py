# SPDX-License-Identifier: Apache-2.0
"""A pause and a locked screen, as the courier and the server have them: windows from before a pause wait and are not lost,
the server may end it before the seat would, and who falls silent says so first."""
import contextlib
import os
import shutil
import socket
import tempfile
import threading
import unittest

from agent_seat import COLLECTING, LOCK, LOCKED, NOTIFY, PAUSED, RESUMED, Seat, alarm
from harness import Server, ServerCase, wait_for


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


class Relay:
    """Between the courier and the server; what the courier says is kept."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.said = b""
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self.listening.accept()
                theirs = socket.create_connection(self.server)
                threading.Thread(target=self.carry, args=(ours, theirs, True), daemon=True).start()
                threading.Thread(target=self.carry, args=(theirs, ours, False), daemon=True).start()

    def carry(self, source, sink, keep):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.said += data if keep else b""
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def announced(self):
        return self.said.count(b"?next=")


class Silence(unittest.TestCase):
    def test_a_seat_at_which_nobody_works_says_that_it_will_be_quiet(self):
        for _ in range(8):  # the numbers that the courier inherits its sockets under are taken
            self.addCleanup(os.close, os.open(os.devnull, os.O_RDONLY))
        relay = Relay()
        self.addCleanup(relay.listening.close)
        directory = tempfile.mkdtemp(prefix="idem-relay-")
        self.addCleanup(shutil.rmtree, directory)
        config = os.path.join(directory, "server.yaml")
        with open(config, "w") as f:
            f.write(f"hosts: [\"127.0.0.1:{relay.port}\"]\n")
        os.chmod(config, 0o600)
        server = Server(options=["--config", config])
        self.addCleanup(server.close)
        relay.server = ("127.0.0.1", server.port)
        seat = Seat(server, url=f"http://127.0.0.1:{relay.port}")
        self.addCleanup(seat.close)
        seat.start().introduce()
        seat.presence(uid=os.getuid())
        seat.sensor.until_collect()
        self.assertEqual(relay.announced(), 0)
        for n in (1, 2):  # and again when the screen is locked again
            seat.presence(LOCKED, uid=os.getuid())
            wait_for("the announcement", lambda: relay.announced() == n)
            before = relay.said.count(b"/strong")
            seat.unlock(uid=os.getuid())
            wait_for("the unlocking", lambda: relay.said.count(b"/strong") > before)


if __name__ == "__main__":
    unittest.main()
