# SPDX-License-Identifier: Apache-2.0
"""Under a real X server: programs that type and move the pointer are told from recorded people, whichever device
they say they are.

Every test has an Xvfb of its own, on a display that it chooses itself, and watch_x11 with a guard before each device.
xdotool types as the server's synthetic keyboard, inject_x11 under the name of the hardware one. What is checked is the
kind of the verdict, what was seen, and after how many events; never how long something took."""
import contextlib
import csv
import os
import pathlib
import random
import selectors
import shutil
import subprocess
import tempfile
import time
import unittest

WATCH = os.environ["IDEM_WATCH_X11"]
INJECT = os.environ["IDEM_INJECT_X11"]
RECORDINGS = pathlib.Path(__file__).parent.parent / "data" / "bbmas_excerpt.csv"
DEADLINE = 60
KEYBOARD, XTEST = "Xvfb keyboard", "Virtual core XTEST keyboard"
SCREEN = "Virtual core pointer"
TEXT = "Dear Ms Brown, your order has left us today."
PRESSES = len(TEXT) + sum(c.isupper() for c in TEXT)  # Shift is a key of its own
KEYS_MAX = 20
HUMAN_KEYS = 60
PAUSE_MAX_MS = 800  # longer pauses are cut

# Linux input event codes of each zone's keys.
CODES = {"f0": (30, 16, 44), "f1": (31, 17, 45), "f2": (32, 18, 46), "f3": (33, 19, 20, 34, 47, 48),
         "f4": (36, 35, 49, 50, 21, 22), "f5": (37, 23, 51), "f6": (38, 24, 52), "f7": (25, 39, 53), "space": (57,),
         "backspace": (14,), "shift": (42, 54), "capslock": (58,), "other": (106, 105, 107)}
LETTERS = [code for zone in ("f0", "f1", "f2", "f3", "f4") for code in CODES[zone][:3]]

FIELDS = "device name source new kind confidence at downs presses moves warps repeats reasons".split()
NUMBERS = {"device", "new", "at", "downs", "presses", "moves", "warps", "repeats"}


class Lines:
    """A program's output by lines, each within DEADLINE."""

    def __init__(self, pipe):
        self.pipe, self.rest = pipe, b""

    def next(self):
        while b"\n" not in self.rest:
            with selectors.DefaultSelector() as ready:
                ready.register(self.pipe, selectors.EVENT_READ)
                if not ready.select(DEADLINE):
                    raise AssertionError(f"waited {DEADLINE} s in vain for a line")
            piece = os.read(self.pipe.fileno(), 65536)
            if not piece:
                raise AssertionError("the program has ended")
            self.rest += piece
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()


@contextlib.contextmanager
def ending(process):
    try:
        yield process
    finally:
        process.terminate()
        process.wait(DEADLINE)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def recorded(user, keys):
    """The first strokes of a recorded person: [(ms, code, 1 or 0)] in order of time."""
    with RECORDINGS.open(newline="") as f:
        rows = [row for row in csv.DictReader(f) if row["user"] == user]
    rows = sorted(rows, key=lambda row: float(row["press_ms"]))[:keys]
    events, until, cut, last = [], {}, 0, None
    for row in rows:
        press = float(row["press_ms"])
        cut += max(0, press - (press if last is None else last) - PAUSE_MAX_MS)
        last = press
        release = max(float(row["release_ms"]), press + 5) if row["release_ms"] else press + 90
        free = [code for code in CODES[row["zone"]] if until.get(code, -1) < press]
        code = free[0] if free else CODES[row["zone"]][0]
        until[code] = release
        events += [(press - cut, code, 1), (release - cut, code, 0)]
    start = min(ms for ms, _, _ in events)
    return sorted((ms - start, code, down) for ms, code, down in events)


def machine(keys, hold, gap, jitter=0, seed=1):
    """A device that types letters: every hold, and the time between key-downs, plus 0..jitter ms."""
    dice, events, at = random.Random(seed), [], 0
    for _ in range(keys):
        code = dice.choice(LETTERS)
        events += [(at, code, 1), (at + hold, code, 0)]
        at += gap + dice.uniform(0, jitter)
    return events


class Seat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for tool in ("Xvfb", "xdotool", "xinput"):
            if shutil.which(tool) is None:
                raise unittest.SkipTest(f"{tool} is not installed")

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        home = stack.enter_context(tempfile.TemporaryDirectory())
        log = stack.enter_context(open(os.path.join(home, "log"), "w"))
        told, tell = os.pipe()
        server = subprocess.Popen(["Xvfb", "-displayfd", str(tell), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
                                  pass_fds=(tell,), stderr=log, stdin=subprocess.DEVNULL)
        self.server = stack.enter_context(ending(server))
        os.close(tell)
        with os.fdopen(told) as f:
            self.display = ":" + f.readline().strip()
        self.assertNotEqual(self.display, ":", pathlib.Path(home, "log").read_text())
        self.watch = stack.enter_context(ending(subprocess.Popen(
            [WATCH, self.display], stdin=subprocess.PIPE, stdout=subprocess.PIPE)))
        self.lines = Lines(self.watch.stdout)
        self.assertEqual(self.lines.next(), "ready")

    def seen(self):
        """What came since the last call: {device's name: row}."""
        self.watch.stdin.write(b"\n")
        self.watch.stdin.flush()
        devices = {}
        while (line := self.lines.next()) != "done":
            row = dict(zip(FIELDS, line.split("\t"), strict=True))
            row.update((field, int(row[field])) for field in NUMBERS)
            row["reasons"] = row["reasons"].split(",")
            devices[row["name"]] = row
        return devices

    def run_tool(self, *words):
        subprocess.run([*map(str, words)], check=True, timeout=DEADLINE, env={**os.environ, "DISPLAY": self.display})

    def xdotool(self, *words):
        self.run_tool("xdotool", *words)

    def xinput(self, *words):
        self.run_tool("xinput", *words)

    def inject(self, device, events):
        lines = "".join(f"{ms:.3f} {code} {down}\n" for ms, code, down in events)
        subprocess.run([INJECT, self.display, device], input=lines, text=True, check=True, timeout=2 * DEADLINE)

    def assert_alarm(self, row, *kinds, within=KEYS_MAX):
        self.assertIn(row["kind"], kinds, row)
        self.assertLessEqual(row["at"], within, row)
        self.assertGreater(row["at"], 0, row)


class Source(Seat):
    """What the source of events says of them, whatever the guard makes of it."""

    def test_a_key_has_its_device(self):
        self.inject(KEYBOARD, [(0, 30, 1), (90, 30, 0), (200, 31, 1), (290, 31, 0)])
        self.inject("xtest", [(0, 30, 1), (90, 30, 0)])
        seen = self.seen()
        self.assertEqual({name: (row["source"], row["downs"]) for name, row in seen.items()},
                         {KEYBOARD: ("hardware", 2), XTEST: ("synthetic", 1)})

    def test_devices_that_come_later_are_new_and_known_by_the_servers_mark(self):
        self.xinput("create-master", "second")
        self.inject("second XTEST keyboard", [(0, 30, 1), (90, 30, 0)])
        self.inject(KEYBOARD, [(0, 31, 1), (90, 31, 0)])
        seen = self.seen()
        row = seen["second XTEST keyboard"]
        self.assertEqual((row["source"], row["new"], row["downs"]), ("synthetic", 1, 1))
        self.assertEqual((seen[KEYBOARD]["source"], seen[KEYBOARD]["new"]), ("hardware", 0))
        self.xinput("remove-master", "second pointer")
        self.inject(KEYBOARD, [(0, 31, 1), (90, 31, 0)])
        self.assertEqual(self.seen()[KEYBOARD]["downs"], 1)

    def test_a_press_of_a_held_key_is_a_repeat(self):
        self.inject(KEYBOARD, [(0, 30, 1), (30, 30, 1), (60, 30, 1), (90, 30, 0), (120, 30, 1), (200, 30, 0)])
        row = self.seen()[KEYBOARD]
        self.assertEqual((row["downs"], row["repeats"]), (2, 2))

    def test_the_servers_own_repeat_is_no_event(self):
        self.inject(KEYBOARD, [(0, 30, 1), (1500, 30, 0)])
        row = self.seen()[KEYBOARD]
        self.assertEqual((row["downs"], row["repeats"]), (1, 0))

    def test_motion_of_a_device_is_no_warp(self):
        for step in range(12):
            self.xdotool("mousemove_relative", 10 + step, 5)
            time.sleep(0.03)
        seen = self.seen()
        self.assertNotIn(SCREEN, seen)
        self.assertEqual(seen["Virtual core XTEST pointer"]["moves"], 12)

    def test_a_warp_is_seen_beside_motion(self):
        self.xdotool("mousemove_relative", 10, 5)
        self.seen()
        self.xdotool("mousemove", 400, 300)
        self.assertEqual(self.seen()[SCREEN]["warps"], 1)
        self.xdotool("mousemove_relative", 10, 5)
        self.assertNotIn(SCREEN, self.seen())

    def test_the_end_of_the_server_is_told(self):
        with ending(subprocess.Popen([WATCH, self.display], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE)) as other:
            self.assertEqual(Lines(other.stdout).next(), "ready")
            self.server.terminate()
            self.assertEqual(other.wait(DEADLINE), 1)
            self.assertIn(b"the server is gone", other.stderr.read())
            other.stderr.close()

    def test_no_server_is_told(self):
        done = subprocess.run([WATCH, ":59999"], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the X server cannot be reached", done.stderr)


class Programs(Seat):
    def test_xdotool_types(self):
        for delay in (0, 12, 50, 120):
            with self.subTest(delay=delay):
                self.xdotool("type", "--delay", delay, TEXT)
                row = self.seen()[XTEST]
                self.assertEqual(row["downs"], PRESSES)
                self.assert_alarm(row, "injected-keys", "remote-control")
                self.assertIn("synthetic", row["reasons"])

    def test_xdotool_is_known_by_its_timing_where_that_is_a_machines(self):
        for delay in (0, 12):
            with self.subTest(delay=delay):
                self.xdotool("type", "--delay", delay, TEXT)
                self.assert_alarm(self.seen()[XTEST], "injected-keys")

    def test_the_pointer_is_warped(self):
        self.xdotool("mousemove", 300, 200)
        self.seen()
        for x in (700, 200, 500):
            self.xdotool("mousemove", x, 400)
            row = self.seen()[SCREEN]
            self.assertEqual(row["warps"], 1)
            self.assert_alarm(row, "remote-control")
            self.assertIn("warp", row["reasons"])

    def test_a_program_types_as_the_hardware(self):
        models = {"ducky": (KEYS_MAX, machine(40, hold=2, gap=8)),
                  "slow": (KEYS_MAX, machine(40, hold=2, gap=102)),
                  "jittered": (KEYS_MAX, machine(40, hold=2, gap=8, jitter=160)),
                  # a hand's hold and pace; that all are equal tells, less so where a busy machine adds to them
                  "steady": (40, machine(40, hold=80, gap=120))}
        for name, (within, events) in models.items():
            with self.subTest(model=name):
                self.inject(KEYBOARD, events)
                row = self.seen()[KEYBOARD]
                self.assertEqual((row["source"], row["downs"]), ("hardware", 40))
                self.assert_alarm(row, "injected-keys", within=within)


class People(Seat):
    def test_a_person_at_the_hardware_is_one(self):
        for user in ("106", "109", "113", "117"):
            with self.subTest(user=user):
                self.inject(KEYBOARD, recorded(user, HUMAN_KEYS))
                row = self.seen()[KEYBOARD]
                self.assertGreater(row["downs"], HUMAN_KEYS * 0.9)
                self.assertEqual((row["kind"], row["at"]), ("human", 0), row)

    def test_a_person_with_caps_lock_is_a_person(self):
        lock = [(0, 58, 1), (90, 58, 0)]
        self.inject(KEYBOARD, lock + [(ms + 600, code, down) for ms, code, down in recorded("113", HUMAN_KEYS)])
        row = self.seen()[KEYBOARD]
        self.inject(KEYBOARD, lock)
        self.assertEqual((row["kind"], row["at"]), ("human", 0), row)

    def test_a_person_behind_a_synthetic_keyboard_is_not_at_this_one(self):
        self.inject("xtest", recorded("113", HUMAN_KEYS))
        row = self.seen()[XTEST]
        self.assertIn(row["kind"], ("remote-control", "human"), row)
        self.assertIn("synthetic", row["reasons"])


if __name__ == "__main__":
    unittest.main()
