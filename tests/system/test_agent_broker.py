# SPDX-License-Identifier: Apache-2.0
"""The broker between a logind that is a mock on a bus of its own, and a sensor and a courier that are sockets of this
test: what it says of the seat, what the sensor can make it do, what nobody can, and that it outlives all of them."""
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import dbus
import dbusmock

BROKER = os.environ["IDEM_BROKER"]
DEADLINE = 60
DEVICE, GONE, PRESENCE, LINE, DONE, VERB, C_PRESENCE, C_LINE = range(1, 9)
NOBODY, PRESENT, LOCKED, AWAY, SUSPENDED, REMOTE = range(6)
CUT_OFF, LOCK, NOTIFY = 1, 2, 3
NOT_FOUND, IO, LIMIT = -12, -11, -7
LOGIN = "org.freedesktop.login1"
MOCK = dbusmock.MOCK_IFACE


def verb(which, number):
    return struct.pack("=IIII", VERB, 16, which, number)


class Bus:
    """A dbus-daemon of its own, with its address always the same, so that it can be ended and begun anew."""

    CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
    "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
    <busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
    <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
    <allow own="*"/><allow user="*"/></policy></busconfig>"""

    def __init__(self, directory, name):
        self.path = os.path.join(directory, name)
        self.address = "unix:path=" + self.path
        self.configuration = self.path + ".conf"
        with open(self.configuration, "w", encoding="utf-8") as f:
            f.write(self.CONFIGURATION % self.path)
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(["dbus-daemon", "--config-file=" + self.configuration, "--nofork",
                                         "--print-address"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.process.stdout.readline()
        self.connection = dbus.bus.BusConnection(self.address)
        self.connection.set_exit_on_disconnect(False)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


class Listener:
    """A sensor or a courier: a listening socket and, once the broker has come, its line."""

    def __init__(self, path):
        self.path = path
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(path)
        self.listening.listen(4)
        self.listening.settimeout(DEADLINE)
        self.line = None

    def accept(self):
        self.hang_up()
        self.line = self.listening.accept()[0]
        self.line.settimeout(DEADLINE)

    def hang_up(self):
        if self.line:
            self.line.close()
        self.line = None

    def close(self):
        self.hang_up()
        self.listening.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def receive(self):
        """(type, body, descriptors) of the next message, or None at the end of the line."""
        try:
            data, fds, _, _ = socket.recv_fds(self.line, 65536, 4)
        except ConnectionResetError:
            return None
        if not data:
            return None
        kind, length = struct.unpack_from("=II", data)
        assert length == len(data), (length, len(data))
        return kind, data[8:], fds

    def presence(self):
        """The next thing that is said of the seat: (presence, uid, unlocked, user)."""
        while True:
            kind, body, fds = self.receive()
            for fd in fds:
                os.close(fd)
            if kind in (PRESENCE, C_PRESENCE):
                state, uid, unlocked, reserved, user = struct.unpack("=IIII64s", body)
                assert reserved == 0
                return state, uid, unlocked, user.rstrip(b"\0").decode()

    def done(self):
        while True:
            kind, body, _ = self.receive()
            if kind == DONE:
                which, number, error, _ = struct.unpack("=IIiI", body)
                return which, number, error

    def peer_line(self):
        while True:
            kind, _, fds = self.receive()
            if kind in (LINE, C_LINE):
                return socket.socket(fileno=fds[0])


class Seat(unittest.TestCase):
    """Broker, sensor and courier on directories and buses of their own."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="idem-broker-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        os.chmod(self.directory, 0o755)
        self.system = Bus(self.directory, "system")
        self.addCleanup(self.system.stop)
        self.sensor = Listener(os.path.join(self.directory, "sensor"))
        self.addCleanup(self.sensor.close)
        self.courier = Listener(os.path.join(self.directory, "courier"))
        self.addCleanup(self.courier.close)
        self.logind = None
        self.start_logind()
        self.addCleanup(self.stop_logind)

    def start_logind(self):
        log = os.path.join(self.directory, "logind.log")
        env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.system.address)
        self.logind = subprocess.Popen(
            ["/usr/bin/python3", "-m", "dbusmock", "--system", "--logfile", log, "--template", "logind"], env=env)
        deadline = time.monotonic() + DEADLINE
        while not self.system.connection.name_has_owner(LOGIN):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.logind_log = log

    def stop_logind(self):
        self.logind.kill()
        self.logind.wait()

    def start(self, *options):
        self.log = open(os.path.join(self.directory, "log"), "w+", encoding="utf-8")
        self.addCleanup(self.log.close)
        env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.system.address)
        self.broker = subprocess.Popen([BROKER, "--sensor", self.sensor.path, "--courier", self.courier.path,
                                        "--no-devices", *options], env=env, stderr=self.log)
        self.addCleanup(self.end)
        self.sensor.accept()
        self.courier.accept()

    def end(self):
        if self.broker.poll() is None:
            self.broker.send_signal(signal.SIGTERM)
            self.assertEqual(self.broker.wait(DEADLINE), 0)
        with open(self.log.name, encoding="utf-8") as f:
            text = f.read()
        self.assertNotIn("Sanitizer", text)
        return text

    def manager(self):
        return self.system.connection.get_object(LOGIN, "/org/freedesktop/login1", introspect=False)

    def object(self, kind, name):
        return self.system.connection.get_object(LOGIN, f"/org/freedesktop/login1/{kind}/{name}", introspect=False)

    def add_session(self, name, uid, user, since=None, **properties):
        self.manager().AddSession(name, "seat0", dbus.UInt32(uid), user, True, dbus_interface=MOCK)
        since = int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6) + 2000000 if since is None else since
        self.set(name, TimestampMonotonic=dbus.UInt64(since), **properties)
        self.front(name)

    def set(self, session, **properties):
        self.object("session", session).UpdateProperties(LOGIN + ".Session", properties, dbus_interface=MOCK)

    def front(self, session):
        path = f"/org/freedesktop/login1/session/{session}" if session else "/"
        active = dbus.Struct((session, dbus.ObjectPath(path)), signature="so")
        self.object("seat", "seat0").Set(LOGIN + ".Seat", "ActiveSession", active, dbus_interface=dbus.PROPERTIES_IFACE)

    def remove_session(self, name):
        path = dbus.ObjectPath(f"/org/freedesktop/login1/session/{name}")
        self.front("")
        self.manager().RemoveObject(path, dbus_interface=MOCK)
        self.manager().EmitSignal(LOGIN + ".Manager", "SessionRemoved", "so", [name, path], dbus_interface=MOCK)

    def sleeping(self, yes):
        self.manager().EmitSignal(LOGIN + ".Manager", "PrepareForSleep", "b", [yes], dbus_interface=MOCK)

    def expect(self, state, **want):
        """Sensor and courier are told of this state, perhaps after others; the sensor never of a person."""
        want = {"state": state, **({"uid": 0, "user": ""} if state == NOBODY else {}), **want}
        for line in (self.sensor, self.courier):
            mine = {**want, "uid": 0, "user": ""} if line is self.sensor else want
            seen = []
            while not seen or not mine.items() <= seen[-1].items():
                seen.append(dict(zip(("state", "uid", "unlocked", "user"), line.presence())))
                if line is self.sensor:
                    self.assertEqual((seen[-1]["uid"], seen[-1]["user"]), (0, ""))


class Presence(Seat):
    def test_a_day_at_the_seat(self):
        self.start()
        self.expect(NOBODY, unlocked=0)
        self.add_session("c1", 1000, "ada")
        self.expect(PRESENT, uid=1000, user="ada", unlocked=1)
        self.set("c1", LockedHint=True)
        self.expect(LOCKED, uid=1000, user="ada", unlocked=1)
        self.set("c1", LockedHint=False)
        self.expect(PRESENT, uid=1000, user="ada", unlocked=2)
        self.sleeping(True)
        self.expect(SUSPENDED, uid=1000, user="ada", unlocked=2)
        self.sleeping(False)
        self.expect(PRESENT, uid=1000, user="ada", unlocked=2)
        self.front("")
        self.expect(AWAY, uid=1000, user="ada")
        self.front("c1")
        self.expect(PRESENT, uid=1000, user="ada", unlocked=2)
        self.remove_session("c1")
        self.expect(NOBODY, unlocked=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
