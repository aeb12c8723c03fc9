# SPDX-License-Identifier: Apache-2.0
"""`idem-agent` against a courier that is only a script: what it says in words, its exit codes, and that the log-in's part is
silent whatever happens. The real courier's half is test_agent_control.py."""
import json
import os
import pathlib
import pty
import select
import socket
import subprocess
import tempfile
import threading
import time
import unittest

AGENT = os.environ["IDEM_AGENT"]
TEXT = "We watch how you type.\nNot what.\x1b[31m\x9b32m\x7f \u00e4\u00a0"
RULES = {
    "fail_mode": {"locking": "closed", "after_s": 600}, "guard_on": True, "lock_untouched_s": 600, "step_up": "lock",
    "unlock_counts": True, "pause": {"allowed": True, "at_most_s": 1800},
    "guard": {"injected-keys": [{"confidence": 0.99, "action": "cut-off-device"}, {"confidence": 0, "action": "step-up"}],
              "macro": [{"confidence": 0, "action": "observe"}]}}
PERSON = {
    "program": "idem 0.1.0", "shown_to": "person", "enrolled": True, "server": "https://idem.example", "policy": "0123456789abcdef01",
    "processes": {"broker": True, "sensor": True, "courier": True}, "presence": "present", "collecting": True, "why": None,
    "devices": {"keyboards": 1, "pointers": 2}, "reached": {"now": True, "last": "2026-01-31T10:00:00Z"},
    "spool": {"waiting": 0, "dropped": 0},
    "acknowledgement": {"state": "given", "version": "3", "hour": "2026-01-31T09:00:00Z"}, "level": "hand",
    "window": {"keyboard": 100, "pointer": 10}, "rules": RULES, "standing": "ok", "cause": None,
    "pause": {"state": "none", "left_s": 0}}
WINDOW = {"event": "window", "seq": 7, "modality": "keyboard", "strokes": 100, "duration_ms": 31200, "front": "00ff00ff00ff00ff",
          "waiting": False, "cells": [
              {"what": "left hand", "measure": "hold", "typical_ms": 92, "times": 41.0, "numbers": [0, 2624, -14, 33]},
              {"what": "left hand to right hand", "measure": "gap", "typical_ms": 110, "times": 1.0, "numbers": [7, 64, 5, 6]}]}


def changed(**members):
    return {**PERSON, **members}


class Courier:
    """Answers each request by a table: a dict, a list of dicts (a stream, after which the line stays open or, with None at
    its end, is closed), or a function of the request."""

    def __init__(self, case, **answers):
        self.dir = tempfile.TemporaryDirectory(prefix="idem-tool-")
        self.path = os.path.join(self.dir.name, "control")
        self.answers, self.asked = {"status": {"ok": True, **PERSON}, **answers}, []
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(self.path)
        self.listening.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()
        case.addCleanup(self.dir.cleanup)
        case.addCleanup(self.listening.close)

    def accept(self):
        while True:
            try:
                line, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[line], daemon=True).start()

    def serve(self, line):
        with line, line.makefile("rw") as file:
            for said in file:
                request = json.loads(said)
                self.asked.append(request)
                answer = self.answers.get(request["request"], {"ok": False, "error": "x", "message": "not now"})
                answer = answer(request) if callable(answer) else answer
                for one in answer if isinstance(answer, (list, type(x for x in ()))) else [answer]:
                    if one is None:
                        return
                    file.write(one if isinstance(one, str) else json.dumps(one) + "\n")
                    file.flush()

    def requests(self):
        return [r["request"] for r in self.asked]


def agent(courier, *args, **more):
    at = courier.path if courier is not None else "/nowhere/control"
    env = {"PATH": "/usr/bin:/bin", "TZ": "UTC", "LANG": "de_AT.UTF-8", **more.pop("env", {})}
    return subprocess.run([AGENT, args[0], "--socket", at, *args[1:]], capture_output=True, text=True, timeout=60, env=env,
                          stdin=more.pop("stdin", subprocess.DEVNULL), **more)


class Words(unittest.TestCase):
    def status(self, says, code=0, **members):
        done = agent(Courier(self, status={"ok": True, **changed(**members)}), "status")
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        for one in [says] if isinstance(says, str) else says:
            self.assertIn(one, done.stdout)
        return done.stdout

    def test_status_when_all_is_well(self):
        self.status(["idem is on: it collects windows of 100 keys and 10 movements, and sends them to https://idem.example.",
                     "broker, sensor and courier are running", "1 keyboard and 2 pointers", "version 3, in the hour from",
                     "by hand (level \"hand\")", "up to 30 minutes", "the device is cut off and the screen locked when 99 % sure; "
                     "else you are asked to show who you are", "the screen is locked after 10 minutes"])

    def test_status_says_why_nothing_is_collected(self):
        for why, words in (("not-acknowledged", "you have not acknowledged the text"), ("paused", "you have paused it"),
                           ("locked", "the screen is locked"), ("from-the-future", "from-the-future")):
            self.status(f"idem is on but collects nothing: {words}", collecting=False, why=why)
        self.status("the policy exempts you", collecting=False, why="exempt", rules={**RULES, "guard_on": False})

    def test_status_says_what_was_given_up(self):
        none = {"waiting": 0, "dropped": 0, "expired": 0, "refused": 0, "unreadable": 0, "begun_anew": False}
        for counts, words in (({"dropped": 1}, "1 window: no room"), ({"dropped": 3}, "3 windows: no room"),
                              ({"expired": 2}, "2 that waited too long"), ({"refused": 1}, "1 alarm that had no place"),
                              ({"unreadable": 4}, "4 damaged blocks"), ({"begun_anew": True}, "all that waited")):
            said = self.status("given up      " + words, spool={**none, **counts})
            self.assertEqual(said.count("given up"), 1, said)
        self.assertNotIn("given up", self.status("empty: nothing waits", spool=none))

    def test_status_fails_when_something_is_wrong(self):
        self.status("the sensor is not", 1, processes={"broker": True, "sensor": False, "courier": True}, collecting=False,
                    why="no-sensor")
        self.status("the broker and the sensor are not", 1, processes={"broker": False, "sensor": False, "courier": True})
        self.status("is not reached since 2026-01-31 10:00", 1, reached={"now": False, "last": "2026-01-31T10:00:00Z"},
                    spool={"waiting": 5, "dropped": 0})
        self.status("5 wait for the server, encrypted on this disk", spool={"waiting": 5, "dropped": 0})
        self.status("has not been reached yet", 1, reached={"now": False, "last": None})
        self.status("not registered", 1, enrolled=False)
        self.status("the session is locked: types unlike you. Lock the screen and unlock it", 1, standing="locked",
                    cause="types unlike you")
        self.status("turn to whoever runs idem here", 1, standing="step-up", rules={**RULES, "unlock_counts": False})

    def test_status_for_others(self):
        stranger = {k: PERSON[k] for k in ("program", "enrolled", "server", "policy")}
        done = agent(Courier(self, status={"ok": True, "shown_to": "everybody", **stranger}), "status")
        self.assertEqual(done.returncode, 0)
        self.assertIn("tells the person at the screen only", done.stdout)
        root = {k: v for k, v in PERSON.items() if k not in ("acknowledgement", "level", "window", "rules", "standing", "cause",
                                                             "pause")}
        done = agent(Courier(self, status={"ok": True, **root, "shown_to": "root"}), "status")
        self.assertEqual(done.returncode, 0)
        self.assertIn("told to that person only", done.stdout)
        self.assertNotIn("acknowledged", done.stdout)

    def test_status_as_json(self):
        done = agent(Courier(self), "status", "--json")
        self.assertEqual(json.loads(done.stdout), PERSON)

    def test_nobody_answers(self):
        done = agent(None, "status")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("idem is not running on this computer", done.stderr)
        for answer in ("nonsense\n", "[]\n"):
            done = agent(Courier(self, status=[answer]), "status")
            self.assertEqual(done.returncode, 1)
            self.assertIn("is not idem", done.stderr)
        done = agent(Courier(self, status=[None]), "status")
        self.assertIn("did not answer", done.stderr)

    def test_usage(self):
        for args in ([], ["frown"], ["status", "x"], ["status", "--all"], ["enrol"], ["pause", "1", "2"], ["watch", "--wrong"],
                     ["pause", "abc", "--socket", "/nowhere"], ["pause", "1441", "--socket", "/nowhere"]):
            done = subprocess.run([AGENT, *args], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn("--help", done.stderr)
        for command in ("status", "watch", "pause", "resume", "acknowledge", "withdraw", "nonce", "welcome", "enrol"):
            done = subprocess.run([AGENT, command, "--help"], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0)
            self.assertIn(f"usage: idem-agent {command}", done.stdout)

    def test_watch_shows_all(self):
        stream = [{"ok": True}, {"event": "status", **PERSON}, WINDOW, {"event": "status", **PERSON}, {
            "event": "alarm", "device": "keyboard", "kind": "injected-keys", "confidence": 0.995, "action": "cut-off-device",
            "text": "8 keys were held for 2 ms", "saw": [{"reason": "holds-short", "count": 8, "value": 2.1}]},
            {**WINDOW, "waiting": True}, {"event": "over"}]
        done = agent(Courier(self, watch=stream), "watch")
        self.assertEqual(done.returncode, 0, done.stderr)
        for one in ("keyboard: 100 keys within 31.2 s, sent", "left hand: 41 holds, typically 92 ms",
                    "left hand to right hand: 1 time, typically 110 ms after letting go", "keys that no hand typed, 99.5 % sure",
                    "8 keys were held for 2 ms", "put by until the server is reached", "The session is over. This is all."):
            self.assertIn(one, done.stdout)
        self.assertEqual(done.stdout.count("this is all: nothing else about these keys has left this computer"), 2)
        self.assertEqual(done.stdout.count("idem is on:"), 1)
        self.assertNotIn("2624", done.stdout)
        done = agent(Courier(self, watch=stream), "watch", "--all")
        self.assertIn("[0, 2624, -14, 33]", done.stdout)
        self.assertIn("[7, 64, 5, 6]", done.stdout)
        done = agent(Courier(self, watch=stream), "watch", "--json")
        self.assertEqual([json.loads(line) for line in done.stdout.splitlines()], stream[1:])
        done = agent(Courier(self, watch=stream[:3]), "watch", "--once")
        self.assertEqual(done.returncode, 0)

    def test_watch_is_refused_or_broken(self):
        done = agent(Courier(self, watch={"ok": False, "error": "not-yours", "message": "somebody else is at this seat"}), "watch")
        self.assertEqual((done.returncode, done.stderr), (1, "idem-agent: somebody else is at this seat\n"))
        done = agent(Courier(self, watch=[{"ok": True}, None]), "watch")
        self.assertEqual(done.returncode, 1)

    def test_pause(self):
        begun = threading.Event()

        def watch(_):
            yield {"ok": True}
            yield {"event": "status", **PERSON}
            begun.wait(60)
            yield {"event": "status", **changed(pause={"state": "asked", "left_s": 120})}
            yield {"event": "status", **changed(presence="locked", pause={"state": "asked", "left_s": 110})}
            yield {"event": "status", **changed(pause=outcome)}

        def pause(_):
            begun.set()
            return {"ok": True}

        outcome = {"state": "on", "left_s": 900}
        courier = Courier(self, watch=watch, pause=pause)
        done = agent(courier, "pause")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Unlock it within 2 minutes", done.stdout)
        self.assertIn("The pause is on, for 15 minutes.", done.stdout)
        self.assertEqual(courier.requests(), ["status", "watch", "pause"])
        self.assertEqual(courier.asked[-1]["seconds"], 900)
        outcome = {"state": "none", "left_s": 0}
        done = agent(Courier(self, watch=watch, pause=pause), "pause", "20")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no pause", done.stderr)

    def test_pause_is_not_even_begun(self):
        def refused(says, *args, code=1, asked=("status",), **members):
            courier = Courier(self, status={"ok": True, **changed(**members)})
            done = agent(courier, "pause", *args)
            self.assertEqual(done.returncode, code, done.stdout)
            self.assertIn(says, done.stderr)
            self.assertEqual(courier.requests(), list(asked))

        refused("up to 30 minutes", "31")
        for wrong in ("0", "x", "1.5", "99999999999999999999"):
            refused("no number of minutes", wrong, code=2, asked=())
        refused("allows no pause", rules={**RULES, "pause": {"allowed": False, "at_most_s": 1800}})
        refused("not known yet", rules=None)
        refused("paused already, for 5 minutes more", pause={"state": "on", "left_s": 300})
        refused("only the person", shown_to="root")

    def test_acknowledge(self):
        text = {"ok": True, "state": "missing", "version": "3", "language": "de", "text": TEXT}
        courier = Courier(self, text=text, acknowledge={"ok": True})
        done = agent(courier, "acknowledge")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(courier.asked, [{"request": "text", "language": "de"}])
        self.assertIn("Not what.", done.stdout)
        self.assertIn("Not what.[31m32m \u00e4\u00a0\n", done.stdout)  # words, no command of a terminal's
        done = agent(Courier(self, text={"ok": False, "error": "x", "message": "no\x1b]0;x\x07"}), "acknowledge")
        self.assertEqual(done.stderr, "idem-agent: no]0;x\n")
        done = agent(courier, "acknowledge", "--yes", env={"LANG": "C.UTF-8"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(courier.asked[1:], [{"request": "text", "language": "en"}, {"request": "acknowledge", "version": "3"}])
        courier = Courier(self, text={**text, "state": "given"})
        self.assertEqual(agent(courier, "acknowledge").returncode, 0)
        self.assertEqual(agent(Courier(self, text={**text, "state": "not-required"}), "acknowledge").returncode, 0)
        done = agent(Courier(self, text={**text, "version": "", "text": None}), "acknowledge", "--yes")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no text for this place", done.stderr)
        done = agent(Courier(self, text=text), "acknowledge", "--yes")
        self.assertEqual((done.returncode, done.stderr), (1, "idem-agent: not now\n"))

    def test_the_small_ones(self):
        self.assertEqual(agent(Courier(self, nonce={"ok": True, "nonce": "abc", "expires_in": 60}), "nonce").stdout, "abc\n")
        self.assertEqual(agent(Courier(self, resume={"ok": True}), "resume").returncode, 0)
        self.assertEqual(agent(Courier(self), "resume").returncode, 1)
        self.assertEqual(agent(Courier(self), "withdraw").returncode, 2)
        self.assertEqual(agent(Courier(self, withdraw={"ok": True}), "withdraw", "--yes").returncode, 0)
        done = agent(Courier(self, enrol={"ok": True, "seat": {"id": 12, "name": "pc-17"}}), "enrol", "HXY2K")
        self.assertIn("this computer is seat 12, \"pc-17\"", done.stdout)


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, args, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(args[0], args, {"PATH": "/usr/bin:/bin", **env})
        self.text = ""

    def until(self, what):
        end = time.monotonic() + 60
        while what not in self.text and time.monotonic() < end:
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.text += os.read(self.fd, 4096).decode()
                except OSError:
                    break
        return what in self.text

    def end(self):
        self.until("\0")
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Welcome(unittest.TestCase):
    TEXT = {"ok": True, "state": "missing", "version": "3", "language": "de", "text": TEXT}

    def log_in(self, courier, *args, **env):
        at = courier.path if courier is not None else "/nowhere/control"
        return Terminal([AGENT, "welcome", "--socket", at, *args], {"LANG": "de_AT.UTF-8", **env})

    def stream(self, state):
        return [{"ok": True}, {"event": "status", **changed(acknowledgement={"state": state, "version": None, "hour": None})}]

    def test_asks_on_a_terminal(self):
        for answer, recorded in (("yes\n", True), ("\n", False), ("no\n", False), ("\x04", False)):
            courier = Courier(self, watch=self.stream("missing"), text=self.TEXT, acknowledge={"ok": True})
            terminal = self.log_in(courier)
            self.assertTrue(terminal.until("[yes/no]"), terminal.text)
            self.assertIn("Not what.", terminal.text)
            os.write(terminal.fd, answer.encode())
            self.assertEqual(terminal.end(), 0)
            self.assertEqual("acknowledge" in courier.requests(), recorded, answer)
            self.assertIn("Recorded." if recorded else "Nothing is recorded", terminal.text)

    def test_is_silent_when_there_is_nothing_new(self):
        for stream in (self.stream("given"), self.stream("not-required"), self.stream("unknown"),
                       {"ok": False, "error": "nobody", "message": "nobody is here"}, [None], ["nonsense\n"], [], [{"ok": True}]):
            terminal = self.log_in(Courier(self, watch=stream, text=self.TEXT))
            self.assertEqual((terminal.end(), terminal.text), (0, ""))
        terminal = self.log_in(None)
        self.assertEqual((terminal.end(), terminal.text), (0, ""))

    def test_is_silent_when_the_text_cannot_be_had(self):
        terminal = self.log_in(Courier(self, watch=self.stream("missing")))
        self.assertEqual((terminal.end(), terminal.text), (0, ""))
        terminal = self.log_in(Courier(self, watch=self.stream("missing"), text={**self.TEXT, "text": None, "version": ""}))
        self.assertEqual((terminal.end(), terminal.text), (0, ""))
        terminal = self.log_in(Courier(self, watch=self.stream("missing"), text=[]))
        self.assertEqual((terminal.end(), terminal.text), (0, ""))

    def test_is_silent_without_a_terminal(self):
        done = agent(Courier(self, watch=self.stream("missing"), text=self.TEXT), "welcome")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def desktop(self, courier, zenity=None, kdialog=None):
        with tempfile.TemporaryDirectory(prefix="idem-bin-") as bin_dir:
            for name, status in (("zenity", zenity), ("kdialog", kdialog)):
                if status is not None:
                    path = pathlib.Path(bin_dir, name)
                    path.write_text(f"#!/bin/sh\necho \"$@\" >>{bin_dir}/{name}.args\n/bin/cat >>{bin_dir}/shown\nexit {status}\n")
                    path.chmod(0o755)
            env = {"PATH": bin_dir, "DISPLAY": ":7", "LANG": "en_GB.UTF-8"}
            done = agent(courier, "welcome", env=env)
            shown = {p.name: p.read_text() for p in pathlib.Path(bin_dir).iterdir() if p.name not in ("zenity", "kdialog")}
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        return shown

    def test_asks_on_a_desktop(self):
        for programs, recorded in (({"zenity": 0}, True), ({"zenity": 1}, False), ({"kdialog": 0}, True), ({"kdialog": 1}, False),
                                   ({"zenity": 1, "kdialog": 0}, False), ({}, False)):
            courier = Courier(self, watch=self.stream("unknown") + self.stream("missing")[1:], text=self.TEXT,
                              acknowledge={"ok": True})
            shown = self.desktop(courier, **programs)
            self.assertEqual("acknowledge" in courier.requests(), recorded, programs)
            if programs:
                self.assertIn("Not what.", "".join(shown.values()))

    def test_says_on_a_desktop_when_it_was_not_recorded(self):
        courier = Courier(self, watch=self.stream("missing"), text=self.TEXT)
        self.assertIn("could not be recorded", self.desktop(courier, zenity=0)["zenity.args"])


if __name__ == "__main__":
    unittest.main()
