# SPDX-License-Identifier: Apache-2.0
"""What the person at the seat is shown and may say: the command idem-agent, the courier and the server are the real ones,
the broker and the sensor are this test's. Who is at the seat, the broker's word decides; who asks, the kernel's."""
import json
import os
import re
import subprocess
import tempfile
import threading
import unittest

from agent_seat import (ACKNOWLEDGE, CUT_OFF, LOCK, LOCKED, NOBODY, NOTIFY, PAUSED, PRESENT, RESUMED, Seat,
                        alarm)
from harness import DEADLINE, Server, ServerCase, wait_for, windows

AGENT = os.environ["IDEM_AGENT"]
ME = os.getuid()
RULES = """\
version: 1
enrolment: {trusted_start: no, sessions: 1}
seat: {pause: {allowed: %s, at_most: 30 min}}
acknowledgement:
  any:
"""
POLICY = RULES + "    required: no\n"
ASKING = RULES + """\
    version: "%s"
    text:
      en: We look at how you type.
      de: Wir sehen, wie Sie tippen.
"""


class Watching:
    """`idem-agent watch`, line by line."""

    def __init__(self, case, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = []
        case.addCleanup(self.end)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def text(self):
        return "\n".join(self.lines)

    def until(self, what):
        wait_for(f"{what!r} in:\n{self.text()}", lambda: what in self.text())

    def wait(self):
        code = self.process.wait(DEADLINE)
        self.reader.join(DEADLINE)
        return code

    def end(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(DEADLINE)
        self.process.stdout.close()
        self.process.stderr.close()


class ControlCase(ServerCase):
    policy = POLICY % "yes"

    def setUp(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as f:
            f.write(self.policy)
        self.policy_file = f.name
        self.addCleanup(os.unlink, f.name)
        self.server = Server(options=["--policy", f.name])
        self.addCleanup(self.server.close)
        self.seat = Seat(self.server)
        self.addCleanup(self.seat.close)
        self.addCleanup(self.tell)

    def tell(self):
        if self._outcome is not None and any(error for _, error in getattr(self._outcome, "errors", [])):
            print(self.seat.said())

    def command(self, *args):
        return [AGENT, args[0], "--socket", os.path.join(self.seat.directory, "control"), *args[1:]]

    def agent(self, *args, code=0, env=None):
        done = subprocess.run(self.command(*args), capture_output=True, text=True, timeout=2 * DEADLINE,
                              stdin=subprocess.DEVNULL, env={**os.environ, "LANG": "en_GB.UTF-8", "TZ": "UTC", **(env or {})})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def status(self):
        return self.seat.ask("status")

    def begin(self, collect=1, uid=ME):
        self.seat.start().introduce()
        self.seat.presence(uid=uid)
        if collect:
            self.seat.sensor.until_collect()
        wait_for("a session", lambda: self.status().get("standing", "another person's"))


class TheSeat(ControlCase):
    def test_status(self):
        self.begin()
        self.seat.sensor.quiet()
        text = self.agent("status")
        for one in ("idem is on: it collects windows of 100 keys and 10 movements, and sends them to "
                    f"http://127.0.0.1:{self.server.port}", "broker, sensor and courier are running", "1 keyboard and 1 pointer",
                    "last reached at", "you may, for up to 30 minutes", "asked of you  nothing", "keys that no hand typed"):
            self.assertIn(one, text)
        s = json.loads(self.agent("status", "--json"))
        self.assertEqual((s["shown_to"], s["collecting"], s["why"], s["presence"]), ("person", True, None, "present"))
        self.assertEqual(s["rules"]["pause"], {"allowed": True, "at_most_s": 1800})
        self.assertEqual(s["rules"]["guard"]["injected-keys"][0], {"confidence": 0.99, "action": "cut-off-device"})

    def test_status_says_what_is_missing(self):
        self.seat.start()
        self.assertIn("the broker, which hands on devices, is not running", self.agent("status", code=1))
        self.seat.introduce()
        self.assertIn("nobody is logged in", self.agent("status", code=1))
        self.seat.presence(uid=ME)
        self.seat.sensor.until_collect()
        self.seat.sensor.close()
        wait_for("the loss of the sensor", lambda: self.status()["why"] == "no-sensor")
        self.assertIn("the sensor, which reads the devices, is not running", self.agent("status", code=1))

    def test_a_seat_that_is_not_registered(self):
        fresh = Seat(self.server, enrol=False)
        self.addCleanup(fresh.close)
        self.seat, old = fresh, self.seat
        fresh.start()
        self.assertIn("this computer is not registered at a server", self.agent("status", code=1))
        if ME == 0:
            self.assertIn("no code", self.agent("enrol", "AAAA", code=1))
            self.assertIn("idem-agent: ", self.agent("enrol", "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", code=1))
            code = self.server.call("POST", "/v1/seats", {"name": "pc-2"}, token=self.server.operator).json["code"]
            self.assertIn("this computer is seat 2, \"pc-2\"", self.agent("enrol", code.lower()))
            self.assertIn("enrolled already", self.agent("enrol", code, code=1))
            fresh.introduce()
            fresh.presence(uid=ME)
            fresh.sensor.until_collect()
        else:
            self.assertIn("only the administrator", self.agent("enrol", "AAAA", code=1))
        self.seat = old

    def test_watch(self):
        self.begin()
        watching = Watching(self, self.command("watch", "--all"))
        watching.until("idem is on")
        sent = windows("ada", 1, 1)[0]
        self.seat.send("ada", 1, 1)
        watching.until("this is all: nothing else about these keys has left this computer")
        text = watching.text()
        self.assertIn("keyboard: 100 keys within", text)
        self.assertRegex(text, r"left hand|left .* finger")
        self.assertRegex(text, r": \d+ holds?, typically \d+ ms")
        shown = [json.loads(line) for line in re.findall(r"(?m)^ +(\[.*\])$", text)]
        self.assertEqual(shown, sent["cells"])  # every number that is sent, and no other
        self.assertIn(f"front {sent['front']}", text)
        self.seat.sensor.send(alarm(action=CUT_OFF))
        watching.until("alarm: keys that no hand typed, 99.9 % sure")
        self.seat.presence(NOBODY)
        self.assertEqual(watching.wait(), 0)
        self.assertIn("The session is over. This is all.", watching.text())

    def test_what_is_the_person_s_is_nobody_else_s(self):
        self.begin(uid=ME + 1)
        for command in (["watch"], ["acknowledge"], ["withdraw", "--yes"], ["resume"], ["nonce"]):
            self.assertIn("somebody else is at this seat", self.agent(*command, code=1))
        self.assertIn("only the person at this computer's screen", self.agent("pause", code=1))
        shown = "root" if ME == 0 else "everybody"
        status = self.status()
        self.assertEqual(status["shown_to"], shown)
        for member in ("acknowledgement", "rules", "standing", "pause"):
            self.assertNotIn(member, status)
        self.agent("status")

    @unittest.skipIf(ME != 0, "needs root: to be somebody else")
    def test_the_kernel_says_who_asks(self):
        os.chmod(self.seat.directory, 0o755)
        os.chmod(os.path.join(self.seat.directory, "control"), 0o666)
        self.begin()
        ask = "import json, socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n" \
              "s.sendall(sys.argv[2].encode() + b'\\n')\nprint(s.makefile().readline())"

        def asks(request):
            out = subprocess.run(["/usr/bin/python3", "-c", ask, os.path.join(self.seat.directory, "control"), json.dumps(request)],
                                 user=65534, group=65534, extra_groups=[], capture_output=True, text=True, timeout=60, check=True)
            return json.loads(out.stdout)

        self.assertEqual(asks({"request": "watch"})["error"], "not-yours")
        self.assertEqual(asks({"request": "enrol", "code": "x"})["error"], "not-root")
        status = asks({"request": "status"})
        self.assertEqual((status["shown_to"], status["enrolled"]), ("everybody", True))
        self.assertNotIn("presence", status)
        self.seat.presence(uid=65534, user="nobody")
        wait_for("his own", lambda: asks({"request": "status"})["shown_to"] == "person")
        self.assertEqual(self.seat.ask("watch")["error"], "not-yours")  # root's word is no better

    def test_another_person_ends_the_stream(self):
        self.begin()
        watching = Watching(self, self.command("watch"))
        watching.until("idem is on")
        self.seat.presence(uid=ME + 1, user="eve")
        self.assertEqual(watching.wait(), 0)
        self.assertIn("The session is over", watching.text())

    def test_nonce(self):
        self.begin()
        first, second = self.agent("nonce").strip(), self.agent("nonce").strip()
        self.assertRegex(first, r"^[A-Za-z0-9_-]{43}$")
        self.assertNotEqual(first, second)
        self.assertIn("expires_in", json.loads(self.agent("nonce", "--json")))

    def test_while_the_server_is_away(self):
        self.begin()
        self.server.kill()
        self.seat.send("ada", 1, 2)
        wait_for("the server's absence", lambda: not self.status()["reached"]["now"])
        text = self.agent("status", code=1)
        self.assertIn("is not reached since", text)
        self.assertIn("2 wait for the server, encrypted on this disk", text)
        self.agent("nonce", code=1)


class Pausing(ControlCase):
    def pausing(self, *args):
        watching = Watching(self, self.command("pause", *args))
        watching.until("Unlock it within 2 minutes")
        self.seat.sensor.until("the lock", lambda: any(a[0] == LOCK for a in self.seat.sensor.acts))
        return watching

    def test_begins_when_the_screen_is_unlocked(self):
        self.begin()
        watching = self.pausing("20")
        self.assertEqual(self.status()["pause"]["state"], "asked")
        self.assertEqual(self.seat.sensor.settings["collect"], 1)
        self.seat.presence(LOCKED, uid=ME)
        self.seat.unlock(uid=ME)
        self.seat.sensor.until_collect(0)
        self.assertEqual(watching.wait(), 0)
        self.assertIn("The pause is on, for 20 minutes.", watching.text())
        self.assertEqual(self.seat.sensor.settings["guard"], 1)
        self.seat.sensor.until_act((NOTIFY, 0, PAUSED))
        self.assertIn("collects nothing: you have paused it", self.agent("status"))
        self.assertIn("it is paused already", self.agent("pause", code=1))
        self.agent("resume")
        self.seat.sensor.until_collect(1)
        self.seat.sensor.until_act((NOTIFY, 0, RESUMED))

    def test_does_not_begin_for_somebody_who_cannot_unlock(self):
        self.begin()
        watching = self.pausing()
        self.seat.presence(LOCKED, uid=ME)
        self.seat.presence(PRESENT, uid=ME)  # the lock is gone, and nobody has shown who he is
        self.assertEqual(watching.wait(), 1)
        self.assertIn("there is no pause", watching.process.stderr.read())
        self.assertEqual(self.status()["pause"]["state"], "none")
        self.assertTrue(self.status()["collecting"])

    def test_ends_with_another_person(self):
        self.begin()
        self.pausing()
        self.seat.presence(LOCKED, uid=ME)
        self.seat.unlock(uid=ME)
        self.seat.sensor.until_collect(0)
        self.seat.presence(uid=ME + 1, user="eve")
        self.seat.sensor.until_collect(1)
        self.seat.presence(uid=ME)
        wait_for("the first one's seat", lambda: self.status()["shown_to"] == "person")
        self.assertEqual(self.status()["pause"]["state"], "none")

    def paused_until(self):
        return self.server.get("/v1/sessions", token=self.server.operator).json["sessions"][0]["paused_until"]

    def test_the_server_is_told(self):
        self.begin()
        self.pausing()
        self.seat.presence(LOCKED, uid=ME)
        self.seat.unlock(uid=ME)
        self.seat.sensor.until_collect(0)
        wait_for("the pause at the server", self.paused_until)
        self.agent("resume")
        wait_for("its end at the server", lambda: not self.paused_until())

    def test_does_not_outlive_the_courier(self):
        self.begin()
        self.pausing()
        self.seat.presence(LOCKED, uid=ME)
        self.seat.unlock(uid=ME)
        wait_for("the pause at the server", self.paused_until)
        self.seat.kill()
        self.seat.start().introduce()
        self.seat.presence(uid=ME)
        self.seat.sensor.until_collect(1)
        wait_for("its end at the server", lambda: not self.paused_until())
        self.seat.send("ada", 1, 1)
        wait_for("a window", lambda: self.server.query("SELECT count(*) FROM windows") == [(1,)])

    def test_no_longer_than_allowed(self):
        self.begin()
        self.assertIn("up to 30 minutes", self.agent("pause", "31", code=1))
        self.assertFalse(self.seat.ask("pause", seconds=1801)["ok"])
        self.assertFalse([a for a in self.seat.sensor.acts if a[0] == LOCK])


class NoPause(ControlCase):
    policy = POLICY % "no"

    def test_is_refused(self):
        self.begin()
        self.assertIn("the policy allows no pause", self.agent("pause", code=1))
        self.assertFalse(self.seat.ask("pause", seconds=60)["ok"])
        self.assertIn("the policy allows none", self.agent("status"))


class Acknowledging(ControlCase):
    policy = ASKING % ("yes", "2026-1")

    def test_nothing_is_collected_before(self):
        self.begin(collect=0)
        self.seat.sensor.until_act((NOTIFY, 0, ACKNOWLEDGE))
        wait_for("what is missing", lambda: self.status()["why"] == "not-acknowledged")
        self.assertEqual(self.seat.sensor.settings["collect"], 0)
        self.assertIn("you have not acknowledged the text", self.agent("status"))
        self.assertIn("Wir sehen, wie Sie tippen.", self.agent("acknowledge", code=2, env={"LANG": "de_AT.UTF-8"}))
        self.assertEqual(self.server.query("SELECT count(*) FROM acknowledgements"), [(0,)])
        text = self.agent("acknowledge", "--yes")
        self.assertIn("We look at how you type.", text)
        self.assertIn("(version 2026-1)\nRecorded", text)
        self.seat.sensor.until_collect()
        self.assertEqual(self.server.query("SELECT version FROM acknowledgements"), [("2026-1",)])
        wait_for("the record", lambda: self.status()["acknowledgement"]["state"] == "given")
        self.assertIn("version 2026-1, in the hour from ", self.agent("status"))
        self.assertRegex(self.status()["acknowledgement"]["hour"], r"^20..-..-..T..:00:00Z$")
        self.assertIn("You have acknowledged this.", self.agent("acknowledge"))

    def test_another_version_is_not_acknowledged_by_an_old_answer(self):
        self.begin(collect=0)
        self.assertEqual(self.seat.ask("acknowledge", version="2025-9")["error"], "acknowledgement-outdated")

    def test_withdrawn(self):
        self.begin(collect=0)
        self.agent("acknowledge", "--yes")
        self.seat.sensor.until_collect()
        self.seat.send("ada", 1, 1)
        wait_for("a window", lambda: self.server.query("SELECT count(*) FROM windows") == [(1,)])
        self.assertIn("nothing more is collected", self.agent("withdraw", "--yes"))
        self.seat.sensor.until_collect(0)
        wait_for("its end", lambda: self.server.query("SELECT count(*) FROM windows") == [(0,)])
        # The server's record stands until the person goes to the console; at the seat the last word is the withdrawal.
        wait_for("another session", lambda: self.status().get("standing"))
        self.seat.sensor.quiet(1)
        self.assertEqual(self.seat.sensor.settings["collect"], 0)
        self.assertEqual(self.status()["why"], "not-acknowledged")
        self.agent("acknowledge", "--yes")
        self.seat.sensor.until_collect()

    def test_withdrawn_while_the_server_is_away(self):
        self.begin(collect=0)
        self.agent("acknowledge", "--yes")
        self.seat.sensor.until_collect()
        self.server.kill()
        self.seat.send("ada", 1, 1)
        wait_for("the server's absence", lambda: not self.status()["reached"]["now"])
        self.seat.kill()
        self.seat.start().introduce()
        self.seat.presence(uid=ME)
        self.seat.sensor.until_collect()
        self.assertIn("is thrown away", self.agent("withdraw", "--yes"))
        self.seat.sensor.until_collect(0)
        self.assertEqual(self.status()["spool"]["waiting"], 0)
        self.seat.kill()
        self.seat.start().introduce()
        self.seat.presence(uid=ME)
        wait_for("what is missing", lambda: self.status()["why"] == "not-acknowledged")


if __name__ == "__main__":
    unittest.main(verbosity=2)
