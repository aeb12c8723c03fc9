# SPDX-License-Identifier: Apache-2.0
"""What the guest's scenes share: TAP, commands, waiting."""
import subprocess
import sys
import time

WAIT = 60  # seconds of the guest's own clock: an end, not a promise


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, ok, text):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {text}", flush=True)
        return bool(ok)

    def say(self, text):
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def end(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


tap = Tap()


def run(*command, check=True, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if check and done.returncode != 0:
        tap.say(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-400:]}{done.stderr[-600:]}")
    return done


def output(*command, **more):
    return run(*command, **more).stdout.strip()


def wait_for(probe, seconds=WAIT, each=1):
    """What probe() answers as soon as it is true, or its last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(each)


def property_of(unit, name):
    return output("systemctl", "show", "--property", name, "--value", unit)


def pid_of(unit):
    return int(property_of(unit, "MainPID") or 0)


class Hand:
    """Somebody at a keyboard: guest-player, ready to begin."""

    def __init__(self, *what):
        self.process = subprocess.Popen(["/payload/guest-player", *map(str, what)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.ready = self.line() == "ready"

    def line(self):
        while True:
            line = self.process.stdout.readline()
            if not line.startswith("#"):
                return line.strip()
            tap.say(line[1:].strip())

    def begin(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        """How it ended: "done 150", "cut 59"."""
        return self.line()

    def unplug(self):
        self.process.stdin.close()
        self.process.wait()

    def play(self):
        self.begin()
        return self.end()


class GivenUp(Exception):
    """What follows would say nothing."""


def journal(unit, lines=25):
    return output("journalctl", "--no-pager", "--output=cat", "--unit", unit, "--lines", str(lines))


def report_and_power_off(scenes):
    """Plays scenes; whatever happens, the machine ends."""
    try:
        for scene in scenes:
            scene()
    except GivenUp:
        pass
    except Exception as error:  # pylint: disable=broad-except
        import traceback
        tap.check(False, f"{type(error).__name__}: {error}")
        tap.say(traceback.format_exc())
    status = tap.end()
    sys.stdout.flush()
    subprocess.run(["systemctl", "poweroff", "--force", "--no-block"], check=False)
    return status
