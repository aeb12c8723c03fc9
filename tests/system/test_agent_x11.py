# SPDX-License-Identifier: Apache-2.0
"""The sensor for X sessions between an X server of its own and a courier that this program plays."""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from agent_peers import *  # noqa: F403 the names of the messages
from test_x11 import KEYBOARD, ending, machine, recorded

SENSOR = os.environ["IDEM_SENSOR_X11"]
INJECT = os.environ["IDEM_INJECT_X11"]
INJECTED_KEYS, REMOTE_CONTROL = 2, 4


class Session(unittest.TestCase):
    def setUp(self):
        for tool in ("Xvfb", "xdotool"):
            if shutil.which(tool) is None:
                self.fail(f"{tool} is not installed")
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.home = stack.enter_context(tempfile.TemporaryDirectory())
        told, tell = os.pipe()
        self.server = stack.enter_context(ending(subprocess.Popen(
            ["Xvfb", "-displayfd", str(tell), "-screen", "0", "1280x800x24", "-nolisten", "tcp"], pass_fds=(tell,),
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)))
        os.close(tell)
        with os.fdopen(told) as f:
            self.display = ":" + f.readline().strip()
        self.door = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        self.path = os.path.join(self.home, "x11")
        self.door.bind(self.path)
        self.door.listen(4)
        self.door.settimeout(DEADLINE)
        self.log = stack.enter_context(open(os.path.join(self.home, "log"), "w+b"))
        self.sensor = stack.enter_context(ending(subprocess.Popen(
            [SENSOR, "--display", self.display, "--socket", self.path], stderr=self.log, stdin=subprocess.DEVNULL)))
        self.courier = self.accept()
        self.courier.wait_for(SC_STATE, presence=PRESENT, collecting=0, keyboards=0)

    def accept(self):
        end, _ = self.door.accept()
        line = Line(end)
        self.addCleanup(line.close)
        return line

    def says(self):
        return pathlib.Path(self.home, "log").read_text()

    def connections(self):
        """To the courier and to the X server."""
        folder = f"/proc/{self.sensor.pid}/fd"
        return sum(os.readlink(os.path.join(folder, fd)).startswith("socket:") for fd in os.listdir(folder) if int(fd) > 2)

    def inject(self, events, device=KEYBOARD):
        lines = "".join(f"{ms:.3f} {code} {down}\n" for ms, code, down in events)
        subprocess.run([INJECT, self.display, device], input=lines, text=True, check=True, timeout=4 * DEADLINE)

    def xdotool(self, *words):
        subprocess.run(["xdotool", *map(str, words)], check=True, timeout=DEADLINE, env={**os.environ, "DISPLAY": self.display})

    def collect(self, **fields):
        fd = sealed(shipped_front())
        self.courier.say(CS_FRONT, fd, number=os.fstat(fd).st_size)
        os.close(fd)
        self.courier.send(settings(**fields))
        self.courier.wait_for(SC_STATE, collecting=1)

    def test_windows_of_a_person(self):
        self.collect()
        self.inject(recorded("106", 225))
        for _ in range(2):
            window = self.courier.wait_for(SC_WINDOW)
            modality, strokes = struct.unpack_from("=II", window, 8)
            self.assertEqual((modality, strokes), (0, 100))

    def test_an_alarm_acts_on_nothing_here(self):
        self.courier.send(settings({INJECTED_KEYS: [(0.0, ACT_CUT_OFF)]}, collect=0))
        while self.connections() < 2:
            time.sleep(0.01)
        self.inject(machine(40, hold=2, gap=8))
        alarm = self.courier.wait_for(SC_ALARM)
        self.assertEqual((alarm.kind, alarm.action, alarm.modality), (INJECTED_KEYS, OBSERVE, 0))
        self.assertGreater(alarm.device, 0)

    def test_an_alarm_is_told_until_it_was_heard(self):
        self.courier.send(settings({INJECTED_KEYS: [(0.0, ACT_CUT_OFF)]}, collect=0))
        while self.connections() < 2:
            time.sleep(0.01)
        self.inject(machine(40, hold=2, gap=8))
        alarm = self.courier.wait_for(SC_ALARM, modality=0)
        self.courier.close()  # it died before it had put it on its disk
        self.courier = self.accept()
        self.assertEqual(self.courier.wait_for(SC_ALARM, modality=0), alarm)
        self.courier.say(CS_HEARD, number=2 ** 64 - 1)
        self.courier.send(message(BS_PRESENCE, presence=LOCKED))
        self.courier.wait_end()
        self.courier = self.accept()
        self.courier.wait_for(SC_STATE)
        self.assertIsNone(self.courier.receive(0.5))

    def test_a_warp_is_found_after_the_next_key(self):
        self.courier.send(settings(collect=0))
        while self.courier.wait_for(SC_STATE).keyboards == 0:
            pass
        self.xdotool("mousemove", 900, 700)
        self.inject([(0, 30, 1), (90, 30, 0)])
        alarm = self.courier.wait_for(SC_ALARM)
        self.assertEqual((alarm.kind, alarm.modality), (REMOTE_CONTROL, 1))

    def test_without_leave_it_is_not_connected_to_the_x_server(self):
        self.assertEqual(self.connections(), 1)
        self.collect()
        self.assertEqual(self.connections(), 2)
        self.courier.send(settings(collect=0, guard=0))
        self.courier.wait_for(SC_STATE, collecting=0, keyboards=0)
        self.assertEqual(self.connections(), 1)
        self.inject(machine(40, hold=2, gap=8))
        self.collect()
        self.courier.close()  # whoever comes next has given no leave
        self.courier = self.accept()
        self.courier.wait_for(SC_STATE, collecting=0, keyboards=0)
        self.assertEqual(self.connections(), 1)

    def test_what_may_not_be_said_ends_the_line(self):
        self.courier.send(message(BS_PRESENCE, presence=LOCKED))
        self.courier.wait_end()
        self.courier = self.accept()
        self.courier.wait_for(SC_STATE)

    def test_the_end_of_the_x_server_ends_it(self):
        self.collect()
        self.server.terminate()
        self.assertEqual(self.sensor.wait(DEADLINE), 1)
        self.assertIn("X server is gone", self.says())

    def test_it_says_what_it_is(self):
        self.assertIn("more than idem needs", self.says())
        self.assertIn("outside of what the agent promises", self.says())
        out = subprocess.run([SENSOR, "--help"], capture_output=True, text=True, check=True, timeout=DEADLINE).stdout
        self.assertIn("more than idem needs", out)
        self.assertEqual(subprocess.run([SENSOR, "--frobnicate"], capture_output=True, timeout=DEADLINE).returncode, 2)

    def test_it_sleeps_when_nothing_happens(self):
        self.collect()
        self.inject([(0, 30, 1), (90, 30, 0)])
        time.sleep(0.5)  # the look after the key

        def switches():
            with open(f"/proc/{self.sensor.pid}/status") as status:
                return [line for line in status if line.startswith("voluntary")]
        before = switches()
        time.sleep(1)
        self.assertEqual(switches(), before)


if __name__ == "__main__":
    unittest.main()
