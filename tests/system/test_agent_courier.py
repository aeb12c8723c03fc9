# SPDX-License-Identifier: Apache-2.0
"""The courier between a real server and a broker and a sensor that are this test: a session is opened, windows arrive
once and whatever happens, the server's decisions reach the seat once, and nothing is collected that nobody has
acknowledged."""
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

from agent_seat import (ACKNOWLEDGE, AWAY, COLLECTING, CUT_OFF, HEARD, LOCK, LOCKED, N_CUT_OFF, N_LOCKED, NOBODY, NOTIFY, PAUSED,
                        PRESENT, REMOTE, RESUMED, CourierCase, alarm, packed, state)
from harness import wait_for, windows

POLICY = """\
version: 1
enrolment: {trusted_start: no, sessions: 1}
acknowledgement:
  any:
    version: "2026-1"
    text:
      en: We look at how you type.
      de: Wir sehen, wie Sie tippen.
"""


class Inheriting(unittest.TestCase):
    """Of the tests themselves: what is handed to the courier does not hang on what this process has open."""

    def test_descriptors_that_are_free_and_that_are_taken(self):
        script = (
            "import fcntl, os, socket, sys\n"
            "import agent_seat\n"
            "pairs = [socket.socketpair() for _ in range(3)]\n"
            "fds = [fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, 50) for ours, _ in pairs]\n"
            "os.closerange(3, 20) if sys.argv[1] == 'free' else None\n"
            "inode = lambda fd: os.readlink(f'/proc/self/fd/{fd}')\n"
            "print(*[inode(fd) for fd in fds], *4 * ['none'], sep='\\n', flush=True)\n"
            "words = 'for i in 3 4 5 6 7 50 100; do readlink /proc/self/fd/$i || echo none; done'\n"
            "sys.exit(agent_seat.start_inheriting(['sh', '-c', words], fds).wait())\n")
        for case in ("free", "taken"):
            with self.subTest(case=case):
                out = subprocess.run([sys.executable, "-c", script, case], cwd=os.path.dirname(os.path.abspath(__file__)),
                                     capture_output=True, text=True)
                self.assertEqual(out.returncode, 0, out.stderr)
                said = out.stdout.splitlines()
                self.assertEqual(said[7:], said[:7])


class ADay(CourierCase):
    def test_windows_arrive(self):
        self.begin()
        self.seat.send("ada", 1, 5)
        self.assert_held((1, 5))
        self.seat.sensor.quiet()
        self.assertEqual(self.seat.sensor.acts, [(NOTIFY, 0, COLLECTING)])
        self.assertEqual(self.server.query("SELECT start FROM sessions"), [(1,)])
        self.seat.presence(NOBODY)
        wait_for("the end", lambda: self.sessions() == [(1, 1)])
        self.assertEqual(self.seat.stop(), 0)
        for word in ("session", "left", "person"):  # when somebody came and went is no log's business
            self.assertNotIn(word, self.seat.said())

    def test_the_sensor_gets_the_front_of_the_server(self):
        self.begin()
        self.assertEqual(self.seat.sensor.front, self.server.call("GET", "/v1/front").body)
        self.assertEqual((self.seat.sensor.settings["keys"], self.seat.sensor.settings["gestures"]), (100, 10))
        self.assertEqual(self.seat.sensor.settings["guard"], 1)

    def test_a_locked_screen_ends_nothing(self):
        self.begin()
        for away in (LOCKED, AWAY):
            self.seat.presence(away)
        self.seat.unlock()
        self.seat.send("ada", 1, 2)
        self.assert_held((1, 2))

    def test_working_from_afar_ends_it(self):
        self.begin()
        self.seat.presence(REMOTE)
        wait_for("the end", lambda: self.sessions() == [(1, 1)])
        self.seat.sensor.until_collect(0)

    def test_another_user_s_session_is_another(self):
        self.begin()
        self.seat.send("ada", 1, 3)
        self.seat.presence(user="eva", uid=1001, unlocked=7)
        self.seat.sensor.until_collect(0)
        self.seat.sensor.until_collect(1)
        self.seat.send("eva", 1, 2)
        self.assert_held((2, 2))
        self.assertEqual(self.sessions(), [(1, 1), (2, 0)])

    def test_what_waits_is_sent_before_the_session_ends(self):
        self.begin()
        self.server.kill()
        self.seat.send("ada", 1, 3)
        self.seat.presence(user="eva", uid=1001)
        wait_for("the courier to notice", lambda: "cannot be reached" in self.seat.said())
        self.assertEqual(self.spool()["waiting"], 3)
        self.restart_server()
        wait_for("the end", lambda: self.sessions() == [(1, 1), (2, 0)])
        self.assertEqual((self.spool()["waiting"], self.spool()["dropped"]), (0, 0))
        self.assertEqual(len(self.server.query("SELECT DISTINCT person FROM sessions")), 2)

    def test_a_window_that_comes_late_is_of_whom_it_was_made(self):
        self.begin()
        self.seat.sensor.answer = lambda: None  # slow: it has not heard yet
        self.seat.presence(user="eva", uid=1001)
        self.seat.sensor.until_collect(0)
        self.seat.send("ada", 1, 1)
        self.seat.sensor.send(state(collecting=0))
        self.seat.sensor.until_collect(1)
        self.seat.send("eva", 1, 1)
        wait_for("eva's", lambda: self.held() == [(2, 1)])


class Trouble(CourierCase):
    def test_the_server_is_away_for_a_while(self):
        self.begin()
        self.seat.send("ada", 1, 3)
        self.wait_held(3)
        self.server.kill()
        self.seat.send("ada", 1, 4, first=3)
        wait_for("the courier to notice", lambda: "cannot be reached" in self.seat.said())
        self.restart_server()
        self.assert_held((1, 7))

    def test_the_courier_is_killed(self):
        self.begin()
        self.seat.send("ada", 1, 3)
        self.wait_held(1)
        self.seat.kill()
        self.again()
        self.seat.send("ada", 1, 3, first=3)
        self.assert_held((1, 6))

    def test_what_the_sensor_has_made_meanwhile(self):
        """It hands it over with the new line, before anybody has said who is at the seat."""
        self.begin()
        self.seat.send("ada", 1, 1)
        self.wait_held(1)
        self.seat.kill()
        self.seat.start().introduce()
        self.seat.send("ada", 1, 2, first=1)
        self.seat.presence()
        self.assert_held((1, 3))

    def test_both_are_killed_over_and_over(self):
        self.begin()
        for i in range(4):
            self.seat.send("ada", 1, 3, first=3 * i)
            if i % 2 == 0:
                self.server.kill()
            wait_for("the spool", lambda: self.seat.ask("status")["ok"])
            self.seat.kill()
            if i % 2 == 0:
                self.restart_server()
            self.again()
        self.assert_held((1, 12))

    def test_started_without_its_server(self):
        self.begin()
        self.seat.send("ada", 1, 2)
        self.assert_held((1, 2))
        self.seat.presence(NOBODY)
        wait_for("the end", lambda: self.sessions() == [(1, 1)])
        self.seat.stop()
        self.server.kill()
        self.again()  # by what was last said of the same person
        self.seat.send("ada", 1, 2, first=2)
        wait_for("the courier to notice", lambda: "cannot be reached" in self.seat.said())
        self.restart_server()
        self.assert_held((2, 2))

    def test_a_stranger_without_a_server_is_not_collected(self):
        self.begin()
        self.seat.stop()
        self.server.kill()
        self.meet(user="eva", uid=1001)
        self.seat.sensor.quiet(1)
        self.assertEqual(self.seat.sensor.settings["collect"], 0)
        self.assertEqual(self.seat.sensor.settings["guard"], 1)

    def test_the_broker_goes_and_comes(self):
        self.begin()
        self.seat.broker.close()
        self.seat.sensor.until_collect(0)
        old = self.seat.sensor
        self.seat.introduce()
        while old.receive():
            pass
        self.seat.presence()
        self.seat.sensor.until_collect(1)
        self.seat.send("ada", 1, 1)
        self.assert_held((1, 1))

    def test_a_sensor_that_says_what_it_may_not(self):
        self.begin()
        self.seat.sensor.send(b"\x01\0\0\0\x10\0\0\0" + bytes(8))
        while self.seat.sensor.receive() is not None:
            pass
        self.assertIn("said what it may not", self.seat.said())
        self.assertIsNone(self.seat.process.poll())

    def test_a_window_of_nothing(self):
        self.begin()
        bad = dict(windows("ada", 1, 1)[0], front="00000000000000ff")
        self.seat.sensor.send(packed(bad))
        worse = dict(windows("ada", 1, 1)[0], cells=[[5, 9999999] + [0] * 12])
        self.seat.sensor.send(packed(worse))
        self.seat.send("ada", 1, 1)
        self.assert_held((1, 1))


class Strangers(CourierCase):
    def lingering(self):
        """A TCP socket that takes the kernel a minute to close: what it has sent is never read."""
        listening = socket.create_server(("127.0.0.1", 0))
        sock = socket.create_connection(listening.getsockname())
        peer, _ = listening.accept()
        self.addCleanup(listening.close)
        self.addCleanup(peer.close)
        sock.setblocking(False)
        with self.assertRaises(BlockingIOError):
            while True:
                sock.send(b"x" * 65536)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
        return sock

    def test_a_descriptor_that_lingers_stops_nothing(self):
        """Sent before the courier has told the kernel to refuse such."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(20)
            line.connect(os.path.join(self.seat.directory, "control"))
            with self.lingering() as sock:
                socket.send_fds(line, [b"{"], [sock.fileno()])
            begun = time.monotonic()
            self.seat.start()
            self.assertTrue(self.seat.ask("status")["ok"])
            self.assertEqual(line.recv(1), b"")
            self.assertLess(time.monotonic() - begun, 30)
        self.assertEqual(self.seat.stop(), 0)


class Unasked(CourierCase):
    config = {"x11": "yes"}

    def test_a_program_of_the_person_feeds_nothing(self):
        self.begin(uid=os.getuid())
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(os.path.join(self.seat.directory, "x11"))
        self.addCleanup(sock.close)
        for window in windows("eva", 1, 2):
            sock.send(packed(window))
        sock.send(alarm())
        wait_for("refusals", lambda: self.spool()["refused"] == 3)
        self.seat.send("ada", 1, 1)
        self.assert_held((1, 1))
        self.assertEqual(self.server.query("SELECT count(*) FROM alarms"), [(0,)])

    def test_who_was_told_to_stop_has_stopped(self):
        self.begin()
        self.seat.presence(NOBODY)
        self.seat.sensor.until_collect(0)
        wait_for("the end", lambda: self.sessions() == [(1, 1)])
        self.seat.send("ada", 1, 2)
        wait_for("refusals", lambda: self.spool()["refused"] == 2)

    def test_nobody_works_as_fast(self):
        self.begin()
        self.server.kill()
        window = packed(windows("ada", 1, 1)[0])
        for _ in range(400):
            self.seat.sensor.send(window)
        wait_for("refusals", lambda: self.spool()["refused"] + self.spool()["waiting"] == 400)
        self.assertGreaterEqual(self.spool()["waiting"], 240)
        self.assertGreater(self.spool()["refused"], 0)


class Decisions(CourierCase):
    def test_an_alarm_s_answer_reaches_the_seat_once(self):
        self.begin()
        self.seat.sensor.send(alarm())
        expected = self.server.get("/v1/policy").json
        self.assertTrue(expected)
        self.seat.sensor.until("an act", lambda: any(a[0] in (LOCK, CUT_OFF) for a in self.seat.sensor.acts))
        self.seat.send("ada", 1, 3)
        self.seat.sensor.quiet(1)
        acts = [a for a in self.seat.sensor.acts if a[0] != NOTIFY]
        self.assertEqual(len(acts), 1, acts)
        self.assertIn(acts[0], [(LOCK, 0, N_LOCKED), (CUT_OFF, 0, N_CUT_OFF)])
        # unlocking is told, and ends what stands; what comes then acts anew
        self.seat.presence(LOCKED)
        self.seat.unlock()
        session = self.server.get("/v1/sessions").json["sessions"][0]["id"]
        wait_for("the unlocking", lambda: self.server.get("/v1/sessions/" + session).json["stands"]["cause"] is None)
        self.seat.sensor.quiet()
        self.seat.sensor.send(alarm())
        self.seat.sensor.until("a second act",
                               lambda: len([a for a in self.seat.sensor.acts if a[0] != NOTIFY]) == 2)

    def test_an_alarm_of_somebody_who_has_just_left(self):
        """Whoever has a device type, and log out with it, is not forgotten for that."""
        self.begin()
        self.seat.presence(NOBODY)
        self.assertTrue(self.seat.ask("status")["ok"])  # it knows that he has
        self.seat.sensor.send(alarm())
        self.seat.presence()
        wait_for("the alarm", lambda: self.server.query("SELECT count(*) FROM alarms") == [(1,)])

    def test_an_alarm_is_of_whom_it_was_made_under(self):
        """It was on its way when the person left, and somebody else is there when the courier reads it."""
        self.begin()
        self.seat.connect()  # so that the courier looks at the sensor's line first
        self.seat.presence()
        wait_for("the broker", lambda: self.seat.said().count("the broker is there") == 2)
        self.seat.process.send_signal(signal.SIGSTOP)
        self.seat.sensor.send(alarm(number=7))
        self.seat.sensor.send(state(presence=NOBODY))
        self.seat.presence(NOBODY)
        self.seat.presence(user="eva", uid=1001)
        self.seat.sensor.send(alarm(number=8))
        self.seat.process.send_signal(signal.SIGCONT)
        alarms = "SELECT person FROM sessions JOIN alarms ON alarms.session = sessions.row"
        wait_for("eva's session", lambda: len(self.sessions()) == 2)
        (ada,), (eva,) = self.server.query("SELECT person FROM sessions ORDER BY row")
        wait_for("eva's alarm", lambda: (eva,) in self.server.query(alarms))
        self.assertEqual(self.server.query(alarms).count((eva,)), 1)
        self.seat.presence(NOBODY)
        self.seat.presence()
        wait_for("ada's alarm", lambda: (ada,) in self.server.query(alarms))
        self.assertEqual(sorted(self.server.query(alarms)), sorted([(ada,), (eva,)]))

    def test_an_alarm_is_heard_once_it_is_on_disk(self):
        self.begin()
        self.server.kill()
        for number in (4, 5):
            self.seat.sensor.send(alarm(value=number, number=number))
        heard = []
        while len(heard) < 2:
            kind, body, _ = self.seat.sensor.receive()
            if kind == HEARD:
                heard.append(struct.unpack("=Q", body)[0])
        self.assertEqual(heard, [4, 5])
        self.seat.kill()
        self.restart_server()
        self.meet()
        wait_for("the alarms", lambda: self.server.query("SELECT count(*) FROM alarms") == [(2,)])

    def test_alarms_outlive_the_courier(self):
        self.begin()
        self.server.kill()
        self.seat.sensor.send(alarm(value=1.5))
        wait_for("the spool", lambda: self.seat.ask("status")["ok"])
        self.seat.kill()
        self.restart_server()
        self.meet()
        wait_for("the alarm", lambda: self.server.query("SELECT count(*) FROM alarms") == [(1,)])


class Unacknowledged(CourierCase):
    policy = POLICY

    def test_nothing_is_collected_before_it(self):
        self.meet()
        self.seat.sensor.until_act((NOTIFY, 0, ACKNOWLEDGE))
        self.assertEqual(self.seat.sensor.settings["collect"], 0)
        self.assertEqual(self.seat.ask("status")["ok"], True)
        self.assertNotIn((NOTIFY, 0, COLLECTING), self.seat.sensor.acts)

    def test_who_has_read_it_is_collected(self):
        self.meet(uid=os.getuid())
        self.seat.sensor.until_act((NOTIFY, 0, ACKNOWLEDGE))
        text = self.seat.ask("text", language="de")
        self.assertEqual((text["state"], text["text"]), ("missing", "Wir sehen, wie Sie tippen."))
        self.assertTrue(self.seat.ask("acknowledge", version=text["version"])["ok"])
        self.seat.sensor.until_collect()
        self.seat.send("ada", 1, 2)
        self.assert_held((1, 2))
        self.seat.sensor.until_act((NOTIFY, 0, COLLECTING))
        self.assertTrue(self.seat.ask("withdraw")["ok"])
        self.seat.sensor.until_collect(0)
        wait_for("the end", lambda: self.sessions()[0] == (1, 1))
        self.assertNotIn("withdr", self.seat.said())

    def test_what_alarmed_is_not_taken_back(self):
        """Windows go, alarms do not; and the server hears of it before it hears of another acknowledgement."""
        self.meet(uid=os.getuid())
        self.seat.sensor.until_act((NOTIFY, 0, ACKNOWLEDGE))
        self.seat.ask("acknowledge", version="2026-1")
        self.seat.sensor.until_collect()
        self.server.kill()
        self.seat.send("eve", 1, 3)
        self.seat.sensor.send(alarm())
        wait_for("the spool", lambda: self.spool()["waiting"] == 4)
        self.assertTrue(self.seat.ask("withdraw")["ok"])
        self.seat.send("eve", 1, 1, first=3)  # it was on its way
        self.assertEqual(self.spool()["waiting"], 1)
        self.seat.kill()
        self.restart_server()
        self.meet(uid=os.getuid())
        wait_for("the alarm", lambda: self.server.query("SELECT count(*) FROM alarms") == [(1,)])
        wait_for("the withdrawal", lambda: self.sessions()[0] == (1, 1) and len(self.sessions()) > 1)
        wait_for("another session", lambda: self.seat.ask("text", language="en").get("state") == "missing")
        self.assertEqual(self.server.query("SELECT count(*) FROM audit_seats WHERE "
                                           "json_extract(body, '$.action') = 'acknowledgement.stopped'"), [(1,)])
        self.assertTrue(self.seat.ask("acknowledge", version="2026-1")["ok"])
        self.seat.sensor.until_collect()
        self.seat.send("ada", 1, 1)
        self.assert_held((2, 1))

    def test_a_new_text_stops_collecting(self):
        self.meet(uid=os.getuid())
        self.seat.sensor.until_act((NOTIFY, 0, ACKNOWLEDGE))
        self.seat.ask("acknowledge", version="2026-1")
        self.seat.sensor.until_collect()
        self.write_policy(POLICY.replace("2026-1", "2026-2"))
        self.server.process.send_signal(signal.SIGHUP)
        session = self.server.get("/v1/sessions").json["sessions"][0]
        wait_for("the policy", lambda: self.server.get("/v1/sessions/" + session["id"]).json["policy"] != session["policy"])
        self.seat.send("ada", 1, 1)
        self.seat.sensor.until_collect(0)
        self.assertEqual(self.held(), [])
        self.seat.ask("acknowledge", version="2026-2")
        self.seat.sensor.until_collect()
        self.assert_held((1, 1))


class Pausing(CourierCase):
    policy = "version: 1\nacknowledgement:\n  any:\n    required: no\nseat:\n  pause: {allowed: yes, at_most: 30 min}\n"

    def test_a_pause_takes_an_unlocking(self):
        self.begin(uid=os.getuid())
        self.assertTrue(self.seat.ask("pause", seconds=60)["ok"])
        self.seat.sensor.until_act((LOCK, 0, 0))
        self.seat.presence(LOCKED, uid=os.getuid())
        self.seat.unlock(uid=os.getuid())
        self.seat.sensor.until_act((NOTIFY, 0, PAUSED))
        self.seat.sensor.until_collect(0)
        session = self.server.get("/v1/sessions").json["sessions"][0]["id"]
        wait_for("the server", lambda: self.server.get("/v1/sessions/" + session).json["paused_until"])
        self.assertTrue(self.seat.ask("resume")["ok"])
        self.seat.sensor.until_act((NOTIFY, 0, RESUMED))
        self.seat.sensor.until_collect(1)
        wait_for("the server", lambda: not self.server.get("/v1/sessions/" + session).json["paused_until"])
        self.assertFalse(self.seat.ask("pause", seconds=7200)["ok"])


if __name__ == "__main__":
    unittest.main()
