# SPDX-License-Identifier: Apache-2.0
"""The systemd unit and what belongs to it: understood by systemd, hardened as far as it says, and in agreement with the
example configuration."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGING = os.path.join(HERE, "..", "..", "packaging")
UNIT = os.path.join(PACKAGING, "systemd", "idem-server.service")
EXPOSURE_MAX = 2.0


def read(*path):
    with open(os.path.join(PACKAGING, *path)) as f:
        return f.read()


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@unittest.skipIf(shutil.which("systemd-analyze") is None, "systemd is not installed")
class Systemd(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="idem-root-")
        self.addCleanup(shutil.rmtree, self.root)

    def test_exposure(self):
        answer = run("systemd-analyze", "security", "--offline=yes", "--no-pager", UNIT)
        found = re.search(r"Overall exposure level for idem-server.service: ([0-9.]+)", answer.stdout)
        self.assertTrue(found, answer.stdout + answer.stderr)
        print("systemd-analyze security: exposure", found[1])
        self.assertLess(float(found[1]), EXPOSURE_MAX)

    def test_systemd_understands_every_line(self):
        unit = os.path.join(self.root, "idem-server.service")
        with open(unit, "w") as f:
            f.write(read("systemd", "idem-server.service").replace("/usr/bin/idem-server", os.environ["IDEM_SERVER"]))
        answer = run("systemd-analyze", "verify", "--man=no", unit)
        about_us = [line for line in answer.stderr.splitlines() if "idem-server" in line]
        self.assertEqual(about_us, [])

    def test_user_and_places(self):
        os.mkdir(os.path.join(self.root, "etc"))
        with open(os.path.join(self.root, "etc", "group"), "w") as f:
            f.write("root:x:0:\nadm:x:4:\n")
        with open(os.path.join(self.root, "etc", "passwd"), "w") as f:
            f.write("root:x:0:0:root:/root:/bin/sh\n")
        made = run("systemd-sysusers", "--root=" + self.root, os.path.join(PACKAGING, "systemd", "idem-server.sysusers"))
        self.assertEqual(made.returncode, 0, made.stderr)
        with open(os.path.join(self.root, "etc", "passwd")) as f:
            self.assertRegex(f.read(), r"(?m)^idem:x:\d+:\d+:.*:/var/lib/idem:/usr/sbin/nologin$")
        if os.geteuid() == 0:
            made = run("systemd-tmpfiles", "--create", "--root=" + self.root,
                       os.path.join(PACKAGING, "systemd", "idem-server.tmpfiles"))
            self.assertEqual(made.returncode, 0, made.stderr)
            data = os.stat(os.path.join(self.root, "var", "lib", "idem"))
            self.assertEqual(data.st_mode & 0o777, 0o700)
            self.assertNotEqual(data.st_uid, 0)


class Agreement(unittest.TestCase):
    def test_the_unit_has_what_the_example_asks_for(self):
        unit, example = read("systemd", "idem-server.service"), read("server.yaml")
        credentials = "/run/credentials/idem-server.service/"
        for name in re.findall(credentials + r"([a-z.]+)", example):
            self.assertIn(f"LoadCredential={name}:", unit)
        self.assertIn("data: /var/lib/idem\n", example)
        self.assertIn("StateDirectory=idem\n", unit)
        self.assertIn("head_file: /var/log/idem/", example)
        self.assertIn("LogsDirectory=idem\n", unit)
        descriptors = int(re.search(r"LimitNOFILE=(\d+)", unit)[1])
        connections = int(re.search(r"(?m)^  connections: (\d+)", example)[1])
        self.assertGreater(descriptors, connections + 256)


if __name__ == "__main__":
    unittest.main()
