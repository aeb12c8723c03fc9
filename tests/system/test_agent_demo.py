# SPDX-License-Identifier: Apache-2.0
"""`make demo-seat` in its short form, against a server of the test's own: every part of the agent together, from the
invitation to the log-out, with a program and a stick that type. What is checked is what the story says happened."""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from harness import ServerCase

DEMO = pathlib.Path(__file__).parents[2] / "examples" / "demo-seat" / "demo_seat.py"
NEEDED = ("Xorg", "dbus-daemon", "xdotool")


class Demo(ServerCase):
    def test_the_story_ends_well(self):
        for program in NEEDED:
            self.assertIsNotNone(shutil.which(program), f"{program} is not installed (packaging/packages.txt)")
        done = subprocess.run([sys.executable, "-B", DEMO, "--quick", "--server", f"http://127.0.0.1:{self.server.port}",
                               "--data", self.server.data, "--build", os.environ["IDEM_BUILD"]], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
        story = done.stdout
        self.assertEqual(done.returncode, 0, story)
        steps = ["idem seat add", "is enrolled with demo", "Please read first", "Nothing is measured before",
                 "no keys, no texts", "(version 1)", "Recorded", "Recognition is on", "keyboards and", "types 60 keys",
                 "A program types", "because of guard", "plugs in a USB stick", "the screen is locked", "unlocks the screen",
                 "logs out", "closed"]
        at = 0
        for step in steps:
            found = story.find(step, at)
            self.assertGreaterEqual(found, 0, f"{step!r} does not follow:\n{story}")
            at = found
        self.assertEqual(self.server.query("SELECT count(*) FROM windows"), [(0,)])  # 60 keys are no window


if __name__ == "__main__":
    unittest.main()
