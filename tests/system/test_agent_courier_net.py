# SPDX-License-Identifier: Apache-2.0
"""The courier and the network: TLS and whom it believes, servers that answer late, half, too much or nonsense, policy when
there is no server, and what becomes of a courier that somebody has taken over."""
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from agent_seat import (LINE, LOCK, LOCKED, OFFLINE, PRESENT, CourierCase, Seat, message)
from certificates import FileServer, make
from harness import DEADLINE, population, wait_for, windows
from seat_client import b64

INJECT = os.environ["IDEM_INJECT_SYSCALL"]
CONFINED = os.environ["IDEM_CONFINED"] == "1"  # no sanitizer, and a machine that the injector knows
CLOSED = {"locking": "closed", "after_s": 2}


class Confinement(CourierCase):
    """What somebody would do who had taken the courier over. It has the network: it must have nothing else."""

    def start(self):
        """Running, and confined: whoever answers is."""
        self.seat.start().introduce()
        self.seat.presence(LOCKED)
        self.assertTrue(self.seat.ask("status")["ok"])

    def inject(self, *call):
        out = subprocess.run([INJECT, str(self.seat.process.pid), *map(str, call)], capture_output=True, text=True,
                             timeout=DEADLINE)
        self.assertEqual(out.returncode, 0, out.stderr)
        return out.stdout.strip()

    def assert_dies(self, *call):
        with self.subTest(call=call):
            self.start()
            said = self.inject(*call)
            self.assertRegex(said, "^(died of 31|ended with 9)", call)
            self.assertNotEqual(self.seat.process.wait(DEADLINE), 0)
            self.seat.stop()

    @unittest.skipUnless(CONFINED, "a sanitizer makes system calls of its own")
    def test_it_dies_of_looking_at_a_device(self):
        for path in ("/dev/input/event0", "/dev/uinput", "/sys/class/input", "/home", "/root/.ssh/id_ed25519",
                     "/proc/1/mem", "/etc/../dev/input/event0", "//dev/input/event0"):
            self.assert_dies("openat", -100, "=" + path, 0)
        self.assert_dies("open", "=/dev/input/event0", 0)
        self.assert_dies("openat2", -100, "=/etc/passwd", 0, 24)
        self.assertIn("beyond the wire: /dev/input/event0", self.seat.said())

    @unittest.skipUnless(CONFINED, "a sanitizer makes system calls of its own")
    def test_it_dies_of_what_it_never_needs(self):
        for call in (("execve", "=/bin/sh", 0, 0), ("ptrace", 16, 1), ("mount", 0, 0, 0, 0, 0), ("fork",),
                     ("ioctl", 3, 0x40044590, 1), ("ioctl", 3, 0x80084502, 0), ("socket", 17, 3, 0),
                     ("mmap", 0, 4096, 7, 0x22, -1, 0), ("kill", 1, 0), ("setuid", 0), ("listen", 3, 1),
                     ("process_vm_readv", 1, 0, 0, 0, 0, 0)):
            self.assert_dies(*call)

    @unittest.skipUnless(CONFINED, "a sanitizer makes system calls of its own")
    def test_beyond_its_wall_there_is_nothing(self):
        self.start()
        for path in (self.seat.config, "/var/log", "/usr/bin/env", "/boot", "/"):
            self.assertEqual(self.inject("openat", -100, "=" + path, 0), "returned -13", path)
        self.assertEqual(self.inject("openat", -100, "=/etc/agent.new", 0o101, 0o600), "returned -13")
        self.assertIsNone(self.seat.process.poll())

    def test_it_dies_of_a_descriptor_that_is_no_socket(self):
        self.start()
        with open("/dev/null", "rb") as device:
            self.seat.broker.send(message(LINE, bytes(8)), [device.fileno()])
            self.assertEqual(self.seat.process.wait(DEADLINE), 3)
        self.assertIn("no socket", self.seat.said())


class Encrypted(CourierCase):
    """TLS, with a certificate of the test's own."""

    def setUp(self):
        super().setUp()
        self.tls = FileServer("tls: {certificate: '{certificate}', key: '{key}'}\nlisten: 127.0.0.1:0\nhosts: localhost\n")
        self.addCleanup(self.tls.close)

    def meet_tls(self, name="127.0.0.1", **config):
        seat = Seat(self.tls, enrol=False, url=f"https://{name}:{self.tls.port}", config=config)
        self.addCleanup(seat.close)
        self.addCleanup(self.tell, seat)
        answer = self.tls.call("POST", "/v1/seats", {"name": seat.directory}, token=self.tls.operator)
        seat.start().introduce()
        seat.presence(PRESENT)
        return seat, seat.ask("enrol", code=answer.json["code"])

    def test_from_the_code_to_the_window(self):
        for i, name in enumerate(("127.0.0.1", "localhost")):
            with self.subTest(name=name):
                seat, answer = self.meet_tls(name, ca=self.tls.certificate)
                self.assertTrue(answer["ok"], answer)
                seat.sensor.until_collect()
                seat.send("ada", 1 + i, 2)
                wait_for("windows", lambda: len(self.tls.query("SELECT 1 FROM windows")) >= 2 * (i + 1))

    def test_an_authority_that_is_not_the_configured_one(self):
        other, _ = make(self.tls.directory, "other")
        seat, answer = self.meet_tls(ca=other)
        self.assertEqual((answer["ok"], answer["error"]), (False, "offline"))
        self.assertIn("not to be trusted", answer["message"])
        seat, answer = self.meet_tls()  # the system's know nothing of it either
        self.assertIn("not to be trusted", answer["message"])

    def test_a_name_that_is_not_the_certificate_s(self):
        seat, answer = self.meet_tls("127.0.0.2", ca=self.tls.certificate)
        self.assertFalse(answer["ok"])
        self.assertRegex(answer["message"], "not to be trusted|cannot be reached")


if __name__ == "__main__":
    unittest.main()
