#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A seat with the agent, to be looked at: `make demo-seat` beside a running `./run`.

usage: demo_seat.py [--quick] [--server URL] [--data DIRECTORY] [--build DIRECTORY]

The desk is not there (desk.py): an X server without a screen, a mock of logind. The agent is: broker, sensor, courier and
the sensor for X sessions, as the calling user. Recorded people type at it in their own time (tests/data); a program does,
by XTEST; and a USB stick that says it is a keyboard. Each step is told in plain words, with what idem does about it.
--quick leaves out the two people, which take about five minutes.

As there is no kernel device, nothing can be cut off here: where the policy says so, the screen is locked. And what X
says of a device is believed: whoever may write to this X server may be any of its keyboards. On a seat with a kernel the
broker hands out the devices themselves; bench and tests show that in a guest (tests/guest)."""
import argparse
import csv
import json
import os
import pathlib
import pwd
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request

import desk

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "tests" / "data" / "bbmas_excerpt.csv"
OWNER, OTHER = "106", "113"
OWNER_KEYS, OTHER_KEYS, FIRST_KEYS = 520, 500, 60
PAUSE_MAX_MS = 1500  # longer pauses are cut: nobody wants to watch them
# Linux input event codes of each zone's keys: the recordings know no more than the finger.
CODES = {"f0": (30, 16, 44), "f1": (31, 17, 45), "f2": (32, 18, 46), "f3": (33, 19, 20, 34, 47, 48),
         "f4": (36, 35, 49, 50, 21, 22), "f5": (37, 23, 51), "f6": (38, 24, 52), "f7": (25, 39, 53), "space": (57,),
         "backspace": (14,), "shift": (42, 54), "capslock": (58,), "other": (106, 105, 107)}
PAYLOAD = "powershell -w hidden -enc aqbtahuab"
LETTERS = {c: code for row, first in (("qwertyuiop", 16), ("asdfghjkl", 30), ("zxcvbnm", 44))
           for code, c in enumerate(row, first)} | {" ": 57, "-": 12}
WIDTH = 110
COUNTRY = "XD"  # nobody's: the demonstration's policy has the text of this seat under it (data/demo-policy.yaml)


def say(text="", mark=""):
    for i, line in enumerate(textwrap.wrap(text, WIDTH - len(mark)) or [""]):
        print((mark if i == 0 else " " * len(mark)) + line, flush=True)


def step(text):
    print(flush=True)
    say(text, "==> ")


def recorded(user, keys, after=0):
    """So many strokes of a recorded person, from the beginning or behind so many others: [(ms, code, 1 or 0)] in order of
    time."""
    with RECORDINGS.open(newline="") as f:
        rows = sorted((r for r in csv.DictReader(f) if r["user"] == user), key=lambda r: float(r["press_ms"]))[after:after + keys]
    events, cut, last, free = [], 0.0, None, {}
    for row in rows:
        press = float(row["press_ms"])
        cut += max(0.0, press - last - PAUSE_MAX_MS) if last is not None else press
        last = press
        release = max(float(row["release_ms"] or press + 90), press + 1)
        codes = CODES[row["zone"]]
        code = min(codes, key=lambda c: free.get(c, -1.0))  # a key that is not held
        press_at = max(press - cut, free.get(code, -1.0) + 1)
        free[code] = max(release - cut, press_at + 1)
        events += [(press_at, code, 1), (free[code], code, 0)]
    return sorted(events, key=lambda e: e[0])


def stick(text):
    """As a Rubber Ducky types: each key held for 2 ms, the next one 4 ms later."""
    return [event for i, c in enumerate(text)
            for event in ((6 * i, LETTERS[c], 1), (6 * i + 2, LETTERS[c], 0))]


class Server:
    """The demonstration's API, with its operator's token."""

    def __init__(self, url, data):
        self.url = url.rstrip("/")
        self.token_file = pathlib.Path(data) / "operator.token"
        self.token = ""

    def open(self):
        try:
            self.token = self.token_file.read_text().strip()
            self.call("/v1/about")
        except (OSError, urllib.error.URLError) as error:
            sys.exit(f"demo-seat: {error}\nThe demonstration is not running here: start ./run in another terminal first.")

    def call(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def session(self, seat):
        """The newest session of the seat, or None."""
        found = [s for s in self.call("/v1/sessions")["sessions"] if s["seat"] == seat]
        return found[0] if found else None


class Show:
    def __init__(self, options):
        self.options = options
        self.server = Server(options.server, options.data)
        self.tag = secrets.token_hex(2)
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.seat = f"demo-seat-{self.tag}"
        self.desk = None
        self.told = None
        self.read = []  # what the desktop has shown

    # ------------------------------------------------------------------ what the server says

    def standing(self):
        s = self.server.session(self.seat)
        if s is None:
            return "no session"
        keys = s["enrolment"]["keyboard"]
        known = "the hands are known" if keys["enrolled"] else f"learning, {keys['have']} of {keys['need']} keys"
        trust = "" if s["trust"] is None else f", trust {s['trust']:.2f}"
        stands = s["stands"]
        action = stands["action"] + (f" because of {stands['cause']}" if stands["cause"] else "")
        doubts = f", in doubt: {', '.join(s['doubts'])}" if s["doubts"] else ""
        return f"{s['state']}; {known}{trust}; {action}{doubts}"

    def stands(self):
        """What is asked of the person, or None."""
        s = self.server.session(self.seat)
        return s["stands"]["action"] if s is not None and s["stands"]["cause"] is not None else None

    def tell(self, force=False):
        now = self.standing()
        if force or now != self.told:
            say(now, "    the server: ")
        self.told = now

    def watching(self, end=lambda: False):
        """What changes at the server is told every 40 keys; end() is asked then."""
        def on_key(count):
            if count % 40 != 0:
                return self.desk.locked.is_set()
            self.tell()
            return self.desk.locked.is_set() or end()
        return on_key

    # ------------------------------------------------------------------ steps

    @staticmethod
    def wait():
        """For whoever watches; a pipe waits for nobody."""
        if sys.stdin.isatty() and sys.stdout.isatty():
            input("    Enter goes on. ")

    def enrol(self):
        step("An administrator invites this computer, and it makes a key of its own.")
        idem, at = self.desk.program("cli/idem"), ["--server", self.server.url]
        done = subprocess.run([idem, "seat", "add", self.seat, "--country", COUNTRY, *at, "--token-file",
                               str(self.server.token_file)], check=True, capture_output=True, text=True)
        code = done.stdout.split()[0]
        say(f"idem seat add {self.seat} --country {COUNTRY}", "    $ ")
        say(f"{code}, good once", "    ")
        done = subprocess.run([idem, "seat", "register", code, "--key", self.desk.path("state/seat.key"), *at],
                              check=True, capture_output=True, text=True)
        say(done.stdout.strip(), "    ")

    def begin(self):
        step(f"{self.user} logs in. Broker, sensor, courier and the sensor for X sessions are running, as {self.user}.")
        self.desk.log_in(self.user, os.getuid())
        self.desk.start_agent()
        desk.wait_for("a session", lambda: self.server.session(self.seat))
        self.acknowledge()
        desk.wait_for("keyboards to be watched", self.is_watching)
        self.show_status()

    def acknowledge(self):
        asked = self.wait_for_text()
        if asked:
            desk.wait_for("the desktop to say so", lambda: any("acknowledge" in words for words in self.read))
        step(f"Nothing is measured before {self.user} has read what is. `idem-agent welcome` asks at each log-in until then; here "
             "the command." if asked else "This server's policy asks for no acknowledgement at this seat: it is not that of "
             "./run's demonstration.")
        say("idem-agent acknowledge", "    $ ")
        for line in self.desk.agent("acknowledge", "--yes")[1].splitlines():
            say(line, "    | ")

    def wait_for_text(self):
        """True when there is something to acknowledge. Known once the server has answered."""
        known = ("missing", "outdated", "given", "not-required")
        desk.wait_for("the text", lambda: self.status().get("acknowledgement", {}).get("state") in known)
        return self.status()["acknowledgement"]["state"] in known[:2]

    def status(self):
        return json.loads(self.desk.agent("status", "--json")[1] or "{}")

    def is_watching(self):
        status = self.status()
        return status.get("collecting") is True and status.get("devices", {}).get("keyboards", 0) > 0

    def show_status(self):
        say("idem-agent status", "    $ ")
        for line in self.desk.agent("status")[1].splitlines():
            say(line, "    | ")

    def type_as(self, user, keys, after=0, end=lambda: False):
        typed = self.desk.keyboards["Office keyboard"].type(recorded(user, keys, after), self.watching(end))
        time.sleep(1)
        self.tell(force=True)
        return typed

    def first_keys(self):
        step(f"{self.user} types {FIRST_KEYS} keys (recorded person {OWNER}, at the office keyboard). Not one window yet: "
             "a window is 100 keys, and until then nothing leaves the sensor.")
        self.type_as(OWNER, FIRST_KEYS)

    def program_types(self):
        step("A program types, by XTEST. X itself marks those events as synthetic.")
        self.desk.xtest("the quick brown fox jumps over the lazy dog")
        time.sleep(2)
        self.tell(force=True)
        self.unlock_if_asked()

    def stick_types(self):
        step('Somebody plugs in a USB stick that says it is a keyboard, and it types "' + PAYLOAD + '": each key held 2 ms.')
        self.desk.keyboards["USB stick"].type(stick(PAYLOAD))
        self.desk.locked.wait(10)
        time.sleep(1)
        self.tell(force=True)
        say("the screen is locked; there is no device of the kernel's here that could be cut off" if
            self.desk.locked.is_set() else "the screen is NOT locked", "    the desk: ")
        self.unlock_if_asked()

    def unlock_if_asked(self):
        if not self.desk.locked.is_set() and self.stands() is None:
            return
        if not self.desk.locked.is_set():
            say("locks the screen, to show who it is", f"    {self.user}: ")
            self.desk.set_locked(True)
            time.sleep(1)
        say("unlocks the screen with the password. That counts as strong authentication.", f"    {self.user}: ")
        self.desk.unlock()
        time.sleep(3)
        self.tell(force=True)
        if self.stands() is not None:
            say("a password is no hand: what was typed still speaks against it, until enough else was", "    ==> ")

    def owner_works(self):
        step(f"{self.user} works on: {OWNER_KEYS} keys, about three minutes. After 400 keys the server knows the hands.")
        self.type_as(OWNER, OWNER_KEYS, FIRST_KEYS)

    def other_sits_down(self):
        step(f"{self.user} leaves the room without locking. Somebody else sits down (recorded person {OTHER}) and types.")
        typed = self.type_as(OTHER, OTHER_KEYS, end=lambda: self.stands() is not None)
        s, action = self.server.session(self.seat), self.stands()
        say(f"{action} after {typed} keys of somebody else's" if action is not None else
            f"not noticed within {typed} keys: that happens, about every second time: README.md", "    ==> ")
        for reason in s.get("explanation") or []:
            say(reason["text"], "    because ")
        self.unlock_if_asked()

    def reads(self, words):
        say(words, f"    {self.user} reads: ")
        self.read.append(words)

    def run(self):
        self.server.open()
        step("Open this link: the console, where this seat's session will stand in a moment.")
        print(f"    {self.server.url}/#operator={self.server.token}&console", flush=True)
        self.wait()
        with desk.Desk(self.options.build, self.server.url, f"%u-{self.tag}") as self.desk:
            self.desk.said = self.reads
            try:
                self.story()
            except Exception:
                print(self.desk.tail("log", 30), file=sys.stderr)
                raise

    def story(self):
        self.enrol()
        self.begin()
        self.first_keys()
        if not self.options.quick:
            self.owner_works()
            self.other_sits_down()
        self.program_types()
        self.stick_types()
        step(f"{self.user} logs out: the session ends, and nothing of it is left at this desk.")
        self.desk.log_out()
        time.sleep(2)
        self.tell(force=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--server", default="http://127.0.0.1:8787")
    parser.add_argument("--data", default=str(ROOT / "var"), help="of the server: operator.token is there")
    parser.add_argument("--build", default=str(ROOT / "build"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        Show(parser.parse_args()).run()
    except KeyboardInterrupt:
        say("ended")
        sys.exit(130)


if __name__ == "__main__":
    main()
