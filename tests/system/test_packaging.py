# SPDX-License-Identifier: Apache-2.0
"""The systemd units and what belongs to them: understood by systemd, hardened as far as they say, and in agreement with
the example configuration and with each other."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGING = os.path.join(HERE, "..", "..", "packaging")
UNITS = os.path.join(PACKAGING, "systemd")
EXPOSURE_MAX = {"idem-server": 2.0, "idem-sensor": 1.0, "idem-courier": 2.0, "idem-broker": 2.5}
# What `systemd-analyze security` finds open in the broker; the unit says why. One more is a failure.
BROKER_NEEDS = {
    "User=/DynamicUser=", "PrivateUsers=", "CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)", "ProtectHome=",  # to notify
    "RestrictAddressFamilies=~AF_UNIX",  # to lock
    "PrivateDevices=", "DeviceAllow=", "ProtectKernelTunables=",  # to open devices, and to cut them off
    "PrivateNetwork=", "RestrictAddressFamilies=~AF_NETLINK",  # to hear of them
    "SystemCallFilter=~@privileged", "SystemCallFilter=~@resources", "RootDirectory=/RootImage=",
}


def read(*path):
    with open(os.path.join(PACKAGING, *path)) as f:
        return f.read()


def unit(name):
    return read("systemd", name)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def security(name):
    return run("systemd-analyze", "security", "--offline=yes", "--no-pager", os.path.join(UNITS, name + ".service")).stdout


@unittest.skipIf(shutil.which("systemd-analyze") is None, "systemd is not installed")
class Systemd(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="idem-root-")
        self.addCleanup(shutil.rmtree, self.root)

    def test_exposure(self):
        for name, at_most in EXPOSURE_MAX.items():
            answer = security(name)
            found = re.search(rf"Overall exposure level for {name}.service: ([0-9.]+)", answer)
            self.assertTrue(found, answer)
            print(f"systemd-analyze security: exposure of {name}", found[1])
            self.assertLess(float(found[1]), at_most, name)
            self.assertIn(f"| `{name}.service` | {found[1]} |", read("..", "docs", "operation.md"))

    def test_the_broker_has_no_more_than_it_says(self):
        self.assertEqual(set(re.findall(r"(?m)^✗ (\S+)", security("idem-broker"))) - BROKER_NEEDS, set())

    def test_systemd_understands_every_line(self):
        # Programs need not be installed here, so another one is put in their place.
        for name in os.listdir(UNITS):
            if name.endswith((".service", ".socket")):
                text = re.sub(r"(?m)^(Exec\w+)=/usr/\S+", r"\1=/bin/true", unit(name))
                with open(os.path.join(self.root, name), "w") as f:
                    f.write(text)
        for name in os.listdir(self.root):
            user = ["--user"] if name == "idem-sensor-x11.service" else []
            answer = run("systemd-analyze", "verify", *user, "--man=no", os.path.join(self.root, name))
            self.assertEqual([line for line in answer.stderr.splitlines() if "idem" in line], [], name)

    def sysusers(self, name):
        os.mkdir(os.path.join(self.root, "etc"))
        with open(os.path.join(self.root, "etc", "group"), "w") as f:
            f.write("root:x:0:\nadm:x:4:\n")
        with open(os.path.join(self.root, "etc", "passwd"), "w") as f:
            f.write("root:x:0:0:root:/root:/bin/sh\n")
        made = run("systemd-sysusers", "--root=" + self.root, os.path.join(UNITS, name + ".sysusers"))
        self.assertEqual(made.returncode, 0, made.stderr)
        with open(os.path.join(self.root, "etc", "passwd")) as f:
            return f.read()

    def test_user_and_places_of_the_server(self):
        self.assertRegex(self.sysusers("idem-server"), r"(?m)^idem:x:\d+:\d+:.*:/var/lib/idem:/usr/sbin/nologin$")
        if os.geteuid() == 0:
            made = run("systemd-tmpfiles", "--create", "--root=" + self.root, os.path.join(UNITS, "idem-server.tmpfiles"))
            self.assertEqual(made.returncode, 0, made.stderr)
            data = os.stat(os.path.join(self.root, "var", "lib", "idem"))
            self.assertEqual(data.st_mode & 0o777, 0o700)
            self.assertNotEqual(data.st_uid, 0)

    def test_users_of_the_agent(self):
        passwd = self.sysusers("idem-agent")
        for name in "sensor", "courier":
            self.assertRegex(passwd, rf"(?m)^idem-{name}:x:\d+:\d+:.*:/usr/sbin/nologin$")
            self.assertIn(f"\nUser=idem-{name}\n", unit(f"idem-{name}.service"))


class Agreement(unittest.TestCase):
    def test_the_unit_has_what_the_example_asks_for(self):
        service, example = unit("idem-server.service"), read("server.yaml")
        credentials = "/run/credentials/idem-server.service/"
        for name in re.findall(credentials + r"([a-z.]+)", example):
            self.assertIn(f"LoadCredential={name}:", service)
        self.assertIn("data: /var/lib/idem\n", example)
        self.assertIn("StateDirectory=idem\n", service)
        self.assertIn("head_file: /var/log/idem/", example)
        self.assertIn("LogsDirectory=idem\n", service)
        descriptors = int(re.search(r"LimitNOFILE=(\d+)", service)[1])
        connections = int(re.search(r"(?m)^  connections: (\d+)", example)[1])
        self.assertGreater(descriptors, connections + 256)

    def test_sockets_are_named_as_the_programs_look_for_them(self):
        for name, service, listen, mode in (
                ("sensor", None, "SequentialPacket", "0600"), ("courier", None, "SequentialPacket", "0600"),
                ("control", "idem-courier.service", "Stream", "0666"),
                ("x11", "idem-courier.service", "SequentialPacket", "0666")):
            text = unit(f"idem-{name}.socket")
            self.assertIn(f"\nListen{listen}=/run/idem-agent/{name}\n", text)
            self.assertIn(f"\nFileDescriptorName={name}\n", text)
            self.assertIn(f"\nSocketMode={mode}\n", text)
            if service:
                self.assertIn(f"\nService={service}\n", text)
                self.assertIn(f"idem-{name}.socket", re.search(r"(?m)^Sockets=(.*)$", unit(service))[1])

    def test_who_may_see_keys_may_reach_nobody(self):
        sensor = unit("idem-sensor.service")
        for line in ("PrivateNetwork=yes", "RestrictAddressFamilies=none", "TemporaryFileSystem=/:ro", "IPAddressDeny=any",
                     "CapabilityBoundingSet=", "MemoryDenyWriteExecute=yes", "PrivateUsers=yes", "DevicePolicy=closed",
                     "LogRateLimitIntervalSec=1h", "LogRateLimitBurst=30"):
            self.assertIn(f"\n{line}\n", sensor)
        courier = unit("idem-courier.service")
        for line in "PrivateDevices=yes", "DevicePolicy=closed", "CapabilityBoundingSet=", "StateDirectory=idem-agent", "LogRateLimitBurst=300":
            self.assertIn(f"\n{line}\n", courier)
        self.assertNotIn("DeviceAllow", sensor + courier)

    def test_nothing_of_the_agent_gives_up(self):
        for name in "broker", "sensor", "courier":
            text = unit(f"idem-{name}.service")
            self.assertIn("\nRestart=always\n", text)
            self.assertIn("\nStartLimitIntervalSec=0\n", text)
            self.assertNotIn("WatchdogSec", text)  # each beat of it would wake the processor

    def test_the_x11_sensor_is_off(self):
        self.assertIn("disable idem-sensor-x11.service", unit("idem-agent-x11.preset"))
        self.assertRegex(read("agent.yaml"), r"(?m)^#x11: no$")

    def test_nothing_runs_before_a_server_is_named(self):
        self.assertIn("\nExecCondition=/usr/bin/grep -qs ^server: /etc/idem/agent.yaml\n", unit("idem-broker.service"))
        self.assertNotRegex(read("agent.yaml"), r"(?m)^[^#\n]")


if __name__ == "__main__":
    unittest.main()
