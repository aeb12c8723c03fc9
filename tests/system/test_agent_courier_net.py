# SPDX-License-Identifier: Apache-2.0
"""The courier and the network: TLS and whom it believes, servers that answer late, half, too much or nonsense, policy when
there is no server, and what becomes of a courier that somebody has taken over."""
import http.server
import json
import os
import subprocess
import threading
import time
import unittest

from agent_seat import AWAY, LINE, LOCK, LOCKED, NOBODY, OFFLINE, PRESENT, CourierCase, Seat, alarm, message
from certificates import FileServer, make
from harness import DEADLINE, wait_for
from seat_client import b64

INJECT = os.environ["IDEM_INJECT_SYSCALL"]
CONFINED = os.environ["IDEM_CONFINED"] == "1"  # no sanitizer, and a machine that the injector knows


def confined(test):
    """Not in a build with a sanitizer, which makes system calls of its own; the other build runs it."""
    return test if CONFINED else None


class Confinement(CourierCase):
    """What somebody would do who had taken the courier over. It has the network: it must have nothing else."""

    def start(self):
        """Running, and confined: whoever answers is."""
        self.seat.start().introduce()
        self.seat.presence(LOCKED)
        self.assertTrue(self.seat.ask("status")["ok"])
        wait_for("it to wait", self.is_waiting)

    def is_waiting(self):
        """In poll(2): the injector takes a process that waits in a system call."""
        with open(f"/proc/{self.seat.process.pid}/syscall") as f:
            return f.read().split()[0] in ("7", "271")

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

    @confined
    def test_it_dies_of_looking_at_a_device(self):
        for path in ("/dev/input/event0", "/dev/uinput", "/sys/class/input", "/home", "/root/.ssh/id_ed25519",
                     "/proc/1/mem", "/etc/../dev/input/event0", "//dev/input/event0"):
            self.assert_dies("openat", -100, "=" + path, 0)
        self.assert_dies("open", "=/dev/input/event0", 0)
        self.assert_dies("openat2", -100, "=/etc/passwd", 0, 24)
        self.assertIn("beyond the wire: /dev/input/event0", self.seat.said())

    @confined
    def test_it_dies_of_what_it_never_needs(self):
        for call in (("execve", "=/bin/sh", 0, 0), ("ptrace", 16, 1), ("mount", 0, 0, 0, 0, 0), ("fork",),
                     ("ioctl", 3, 0x40044590, 1), ("ioctl", 3, 0x80084502, 0), ("socket", 17, 3, 0),
                     ("mmap", 0, 4096, 7, 0x22, -1, 0), ("kill", 1, 0), ("setuid", 0), ("listen", 3, 1),
                     ("process_vm_readv", 1, 0, 0, 0, 0, 0)):
            self.assert_dies(*call)

    @confined
    def test_beyond_its_wall_there_is_nothing(self):
        self.start()
        if "it has no Landlock" in self.seat.said():
            self.skipTest("this kernel has no Landlock: no path can be walled off")
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



class ShortTokens(CourierCase):
    """Tokens that live for two seconds: every second one that is used is a renewed one."""

    def setUp(self):
        super().setUp()
        self.short = FileServer("listen: 127.0.0.1:0\ntoken_seconds: 2\n")
        self.addCleanup(self.short.close)

    def test_a_session_outlives_its_tokens(self):
        seat = Seat(self.short)
        self.addCleanup(seat.close)
        self.addCleanup(self.tell, seat)
        seat.start().introduce()
        seat.presence()
        seat.sensor.until_collect()
        for i in range(3):
            seat.send("ada", 1, 1, first=i)
            wait_for("a window", lambda i=i: len(self.short.query("SELECT 1 FROM windows")) == i + 1)
            time.sleep(2)
        seat.presence(LOCKED)
        time.sleep(2.5)  # expired: renewed when it is needed
        seat.unlock()
        seat.send("ada", 1, 1, first=3)
        wait_for("a window", lambda: len(self.short.query("SELECT 1 FROM windows")) == 4)
        self.assertEqual(self.short.query("SELECT count(*) FROM sessions"), [(1,)])
        actions = [a for (a,) in self.short.query("SELECT json_extract(body, '$.action') FROM audit_seats")]
        self.assertNotIn("token.reused", actions)


class Handler(http.server.BaseHTTPRequestHandler):
    """A server that opens sessions, and answers everything else as its test wants it to."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self, status, body, **fields):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def opening(self):
        return {"token": "t" * 43, "token_life_s": 900, "nonce": b64(bytes(32)), "front": self.server.front_id,
                "window": {"keyboard": 100, "pointer": 10}, "fail_mode": self.server.fail_mode, "session": self.session()}

    def session(self):
        return {"id": "s_1", "state": "ok", "policy": "p", "stands": {"action": "observe", "cause": None, "cut_off": None}}

    def usual(self):
        path = self.path
        if path == "/v1/challenge":
            self.say(201, {"nonce": b64(bytes(32))})
        elif path == "/v1/sessions":
            self.say(201, self.opening())
        elif path == "/v1/front":
            self.say(200, self.server.front)
        elif path.startswith("/v1/acknowledgement"):
            self.say(200, {"state": "not-required", "version": None})
        elif path == "/v1/windows":
            self.server.batches += 1
            self.say(200, {"acknowledged": 10 ** 6, "session": self.session()})
        else:
            self.say(200, self.session())

    def handle_any(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((time.monotonic(), self.command, self.path))
        odd = self.server.odd
        if odd is None or not odd(self):
            self.usual()

    do_GET = do_POST = do_DELETE = handle_any


class Fake(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a courier that was stopped in the middle


class Odd(CourierCase):
    """A server that is not itself."""

    def setUp(self):
        super().setUp()
        fake = Fake(("127.0.0.1", 0), Handler)
        fake.front = self.server.call("GET", "/v1/front").body
        fake.front_id = self.server.open("somebody").opened["front"]
        fake.fail_mode = {"locking": "open", "after_s": 600}
        fake.asked, fake.batches, fake.odd = [], 0, None
        self.fake = fake
        threading.Thread(target=fake.serve_forever, daemon=True).start()
        self.addCleanup(self.stop_fake)
        self.seat.configure(f"http://127.0.0.1:{fake.server_port}")

    def stop_fake(self):
        self.fake.shutdown()
        self.fake.server_close()

    def raw(self, data):
        """Bytes instead of an answer, and the end of the connection."""
        def odd(handler):
            handler.wfile.write(data)
            handler.close_connection = True
            return True
        return odd

    def test_answers_that_are_none(self):
        for data, says in ((b"", "ended the connection"), (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
                           (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", "ended the connection"),
                           (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "more than was to be expected"),
                           (b"HTTP/1.1 200 OK\r\n" + 3000 * b"A: bcdefgh\r\n", "more than was to be expected")):
            with self.subTest(data=data[:40]):
                self.fake.odd = self.raw(data)
                self.meet()
                wait_for(says, lambda: says in self.seat.said())
                self.fake.odd = None
                self.seat.sensor.until_collect()  # and it comes back
                self.seat.presence(0)
                self.seat.stop()

    def test_json_that_is_no_answer(self):
        for body in (b"[]", b"{", b"null", b'{"nonce": 5}', b'{"token": "x"}', b'{"session": []}', b"\xff" * 100):
            with self.subTest(body=body):
                self.fake.odd = lambda handler, body=body: handler.say(201, body) or True
                self.meet()
                wait_for("a word", lambda: "challenge" in self.seat.said())
                self.assertIsNone(self.seat.process.poll())
                self.seat.stop()

    def test_it_comes_back_when_it_was_told_to(self):
        def busy(handler):
            return handler.say(503, {"type": "/problems/overloaded", "detail": "later"}, Retry_After=2) or True

        self.fake.odd = busy
        self.meet()
        wait_for("a question", lambda: self.fake.asked)
        self.seat.unlock()  # which would ask at once, had it not been told
        self.seat.sensor.send(alarm())  # likewise
        self.assertEqual(self.seat.ask("status")["ok"], True)
        wait_for("another question", lambda: len(self.fake.asked) > 1)
        self.assertGreaterEqual(self.fake.asked[1][0] - self.fake.asked[0][0], 1.9)
        self.fake.odd = None
        self.seat.sensor.until_collect()

    def test_a_refused_window_is_not_sent_for_ever(self):
        def refuse(handler):
            return handler.path == "/v1/windows" and (handler.say(400, {"type": "/problems/invalid-field"}) or True)

        self.begin()
        self.fake.odd = refuse
        self.seat.send("ada", 1, 1)
        wait_for("a refusal", lambda: "does not take these windows" in self.seat.said())
        self.fake.odd = None
        self.seat.send("ada", 1, 1, first=1)
        wait_for("the next one", lambda: self.fake.batches == 1)
        wait_for("its answer", lambda: self.spool()["waiting"] == 0)  # else its end is a second loss
        for dropped in (1, 1, 0):  # it is in the log of the next start, which the status is of as well, and then nowhere
            self.assertEqual(self.spool()["dropped"], dropped)
            self.seat.stop()
            self.meet()
            wait_for("the courier", lambda: self.seat.ask("status")["ok"])
        self.assertEqual(self.seat.said().count("the spool has given up: windows 1, "), 1)

    def test_a_refused_alarm_is_not_sent_for_ever(self):
        def refuse(handler):
            return handler.path == "/v1/alarms" and (handler.say(400, {"type": "/problems/invalid-field"}) or True)

        self.begin()
        self.fake.odd = refuse
        self.seat.sensor.send(alarm())
        wait_for("a refusal", lambda: "does not take these alarms" in self.seat.said())
        self.seat.send("ada", 1, 1)  # an alarm that is sent for ever goes before all windows
        wait_for("what comes after it", lambda: self.fake.batches == 1)
        wait_for("an empty spool", lambda: (self.spool()["waiting"], self.spool()["refused"]) == (0, 1))
        self.assertEqual([path for _, _, path in self.fake.asked].count("/v1/alarms"), 1)

    def test_an_alarm_does_not_wait_for_a_server_that_is_away(self):
        """Each is tried at once: by the tenth the courier by itself would wait for minutes."""
        def poor(handler):
            return handler.say(503, b"<html>no</html>") or True

        self.begin()
        for odd in (self.raw(b""), poor):
            self.fake.odd = odd
            for i in range(10):
                before = len(self.fake.asked)
                self.seat.sensor.send(alarm(value=1 + i / 10))
                wait_for(f"a try for alarm {i}", lambda n=before: len(self.fake.asked) > n)
        self.fake.odd = None
        self.seat.sensor.send(alarm())
        wait_for("all that waits", lambda: self.spool()["waiting"] == 0)
        self.assertEqual(self.spool()["refused"], 0)

    def test_what_a_proxy_refuses_is_kept(self):
        """It is not the server's word, so nothing is given up for it."""
        for status in (302, 403, 404, 413):
            with self.subTest(status=status):
                self.begin()
                batches, before = self.fake.batches, len(self.fake.asked)
                self.fake.odd = lambda handler, status=status: handler.say(status, b"<html>no</html>") or True
                self.seat.sensor.send(alarm())
                self.seat.send("ada", 1, 1)
                wait_for("a refusal", lambda n=before: len(self.fake.asked) > n)
                self.fake.odd = None
                wait_for("the window", lambda n=batches: self.fake.batches == n + 1)
                wait_for("an empty spool", lambda: (self.spool()["waiting"], self.spool()["dropped"]) == (0, 0))
                self.seat.presence(0)
                self.seat.stop()

    def test_alarms_go_before_windows(self):
        self.begin()
        self.fake.odd = self.raw(b"")
        self.seat.send("ada", 1, 2)
        wait_for("a silence", lambda: "ended the connection" in self.seat.said())
        self.seat.sensor.send(alarm())
        wait_for("all to wait", lambda: self.spool()["waiting"] == 3)
        before = len(self.fake.asked)
        self.fake.odd = None
        wait_for("windows", lambda: self.fake.batches == 1)
        self.assertEqual(self.fake.asked[before][2], "/v1/alarms")

    def test_a_refused_unlocking_asks_how_it_stands(self):
        def refuse(handler):
            return handler.path.endswith("/strong") and (handler.say(403, {"type": "/problems/seat-needed"}) or True)

        def asked():
            return [path.split("?")[0] for _, method, path in self.fake.asked if method == "GET"]

        self.begin()
        self.fake.odd = refuse
        self.seat.presence(LOCKED)
        self.seat.unlock()
        wait_for("a question", lambda: "/v1/sessions/s_1" in asked())

    def test_a_session_that_the_server_has_lost(self):
        def lost(handler):
            return handler.path == "/v1/windows" and (handler.say(401, {"type": "/problems/token-unknown"}) or True)

        self.begin()
        self.fake.odd = lost
        self.seat.send("ada", 1, 1)
        wait_for("another session", lambda: sum(path == "/v1/sessions" for _, _, path in self.fake.asked) == 2)
        self.fake.odd = None
        self.seat.send("ada", 1, 1, first=1)
        wait_for("the window of the new one", lambda: self.fake.batches == 1)
        self.assertEqual(self.spool()["dropped"], 1)  # it may have arrived: elsewhere it would be a replay

    def test_a_server_that_is_away_for_too_long_locks(self):
        self.fake.fail_mode = {"locking": "closed", "after_s": 1}
        self.begin()
        self.fake.odd = self.raw(b"")
        self.seat.send("ada", 1, 1)  # so that it asks, and learns it
        self.seat.sensor.until_act((LOCK, 0, OFFLINE))
        self.seat.sensor.quiet(2)
        self.assertEqual(self.seat.sensor.acts.count((LOCK, 0, OFFLINE)), 1)
        self.seat.presence(LOCKED)
        self.seat.unlock()
        self.seat.sensor.until("another", lambda: self.seat.sensor.acts.count((LOCK, 0, OFFLINE)) == 2)

    def cut_off(self, after):
        self.fake.fail_mode = {"locking": "closed", "after_s": after}
        self.begin()
        self.fake.odd = self.raw(b"")
        self.seat.send("ada", 1, 1)
        wait_for("the courier to notice", lambda: "ended the connection" in self.seat.said())

    def test_another_terminal_and_back_wins_no_time(self):
        self.cut_off(4)
        for _ in range(16):  # also by way of the greeter: whoever has not logged in is the one who was there
            self.seat.presence(AWAY)
            self.seat.presence(PRESENT)
            self.seat.presence(NOBODY, unlocked=0)
            self.seat.presence(PRESENT)
            self.seat.sensor.quiet(0.5)
        self.assertIn((LOCK, 0, OFFLINE), self.seat.sensor.acts)

    def test_a_locked_screen_costs_no_time(self):
        self.cut_off(15)
        self.seat.presence(LOCKED)
        time.sleep(16)
        self.seat.presence(PRESENT)
        self.seat.sensor.quiet(1)
        self.assertNotIn((LOCK, 0, OFFLINE), self.seat.sensor.acts)
        self.seat.sensor.until_act((LOCK, 0, OFFLINE))

    def test_one_that_fails_open_locks_nothing(self):
        self.fake.fail_mode = {"locking": "open", "after_s": 1}
        self.begin()
        self.fake.odd = self.raw(b"")
        self.seat.send("ada", 1, 1)
        self.seat.sensor.quiet(2)
        self.assertNotIn((LOCK, 0, OFFLINE), self.seat.sensor.acts)

    def given(self, handler):
        """Somebody has acknowledged, until he takes it back."""
        if handler.path.endswith("/token"):
            handler.say(200, {"token": "u" * 43, "token_life_s": 900})
        elif not handler.path.startswith("/v1/acknowledgement"):
            return False
        elif handler.command == "DELETE":
            handler.say(204, b"")
        else:
            handler.say(200, {"state": "given", "version": "1", "hour": None})
        return True

    def test_a_withdrawal_waits_for_no_server(self):
        def late(handler):
            time.sleep(DEADLINE)
            return self.raw(b"")(handler)

        def busy(handler):
            return handler.say(503, b"", Retry_After=3600) or True

        for odd in (busy, lambda handler: handler.say(502, b"") or True, late):
            with self.subTest(odd=odd):
                self.fake.odd = self.given
                self.meet(uid=os.getuid())
                wait_for("a session", lambda: self.seat.ask("acknowledge", version="1").get("ok"))
                self.seat.sensor.until_collect()
                self.fake.odd = odd
                before = len(self.fake.asked)
                self.seat.send("ada", 1, 2)
                wait_for("the server's trouble", lambda: len(self.fake.asked) > before)
                begun = time.monotonic()
                self.assertEqual(self.seat.ask("withdraw"), {"ok": True})
                self.assertLess(time.monotonic() - begun, DEADLINE / 2)  # not after the server's time
                self.seat.sensor.until_collect(0)
                self.assertEqual(self.spool()["waiting"], 0)
                self.seat.kill()
                self.fake.odd, before = self.given, len(self.fake.asked)
                self.meet(uid=os.getuid())  # what was not told is told, once
                about = [("DELETE", "/v1/acknowledgement"), ("GET", "/v1/acknowledgement")]
                wait_for("it and what is on record", lambda: about ==
                         [a[1:] for a in self.fake.asked[before:] if a[2] == "/v1/acknowledgement"])
                self.seat.sensor.quiet()
                self.assertEqual(self.seat.sensor.settings["collect"], 0)
                self.seat.kill()

    def test_nobody_waits_for_a_name_server(self):
        self.seat.configure("https://idem.invalid")
        self.meet()
        self.assertTrue(self.seat.ask("status")["ok"])
        wait_for("the name", lambda: "cannot be found" in self.seat.said())


if __name__ == "__main__":
    unittest.main()
