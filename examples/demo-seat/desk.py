# SPDX-License-Identifier: Apache-2.0
"""A desk that is not there, for demo_seat.py: an X server without a screen, with keyboards and hands of its own; a bus with
a logind and a desktop that are mocks; and the agent's real processes, started as systemd would start them. Everything is
in one temporary directory, belongs to the calling user, and ends with the with-block.

The X server is Xorg with the dummy screen and inputtest devices: to it, and to the agent, they are hardware. What its
XTEST extension types stands under the server's own mark."""
import contextlib
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import dbus
import dbus.bus
import dbusmock

DEADLINE = 30
LOGIN, NOTES = "org.freedesktop.login1", "org.freedesktop.Notifications"
MOCK = dbusmock.MOCK_IFACE
KEYBOARDS = ("Office keyboard", "USB stick")
SESSION = "demo"
EVDEV_OFFSET = 8  # X key codes begin there
CLIENT_VERSION, KEY = 0, 5  # of inputtest's protocol, whose version is 1.1

XORG = """Section "ServerFlags"
  Option "AutoAddDevices" "false"
EndSection
Section "Device"
  Identifier "dummy"
  Driver "dummy"
EndSection
Section "Screen"
  Identifier "screen"
  Device "dummy"
EndSection
Section "InputDevice"
  Identifier "Office mouse"
  Driver "inputtest"
  Option "SocketPath" "{0}/mouse"
  Option "DeviceType" "Pointer"
EndSection
"""
XORG_KEYBOARD = """Section "InputDevice"
  Identifier "{1}"
  Driver "inputtest"
  Option "SocketPath" "{0}/{1}"
  Option "DeviceType" "Keyboard"
EndSection
"""
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={}/bus</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy></busconfig>"""


def wait_for(what, probe, seconds=DEADLINE):
    until = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > until:
            raise RuntimeError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


class Keyboard:
    """The hands' end of an inputtest device."""

    def __init__(self, path):
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.line.connect(path)
        self.line.sendall(struct.pack("=IIHH", 12, CLIENT_VERSION, 1, 1))
        self.line.recv(12)

    def type(self, events, on_key=lambda count: False):
        """events: (ms, Linux key code, 1 down or 0 up) in order of time. on_key is told how many keys are down so far;
        when it says True, what is held is let go and the rest is left out."""
        begun, keys, held = time.monotonic(), 0, set()
        for ms, code, down in events:
            time.sleep(max(0.0, begun + ms / 1000 - time.monotonic()))
            self.line.sendall(struct.pack("=IIiI", 16, KEY, code + EVDEV_OFFSET, down))
            (held.add if down else held.discard)(code)
            keys += down
            if down and on_key(keys):
                break
        for code in held:
            self.line.sendall(struct.pack("=IIiI", 16, KEY, code + EVDEV_OFFSET, 0))
        return keys


class Desk:
    def __init__(self, build, server, person):
        self.build, self.server, self.person = pathlib.Path(build), server, person
        self.stack = contextlib.ExitStack()
        self.said = lambda line: None  # what the person sees
        self.locked = threading.Event()
        self.closing = threading.Event()

    # ------------------------------------------------------------------ beginning and end

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="idem-demo-seat-")
        self.stack.callback(shutil.rmtree, self.dir, True)
        os.mkdir(self.path("state"), 0o700)
        self.log = self.stack.enter_context(open(self.path("log"), "w"))
        try:
            self.start_x()
            self.start_bus()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.stack.close()

    def path(self, name):
        return os.path.join(self.dir, name)

    def run(self, command, env=None, **more):
        process = subprocess.Popen(command, env=dict(os.environ, **(env or {})), stdin=subprocess.DEVNULL,
                                   start_new_session=True, **{"stdout": self.log, "stderr": self.log, **more})
        self.stack.callback(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    # ------------------------------------------------------------------ X

    def start_x(self):
        layout = "".join(f'  InputDevice "{k}" "{"CoreKeyboard" if i == 0 else "SendCoreEvents"}"\n'
                         for i, k in enumerate(KEYBOARDS))
        with open(self.path("xorg.conf"), "w") as f:
            f.write(XORG.format(self.dir) + "".join(XORG_KEYBOARD.format(self.dir, k) for k in KEYBOARDS))
            f.write('Section "ServerLayout"\n  Identifier "desk"\n  Screen "screen"\n'
                    f'  InputDevice "Office mouse" "CorePointer"\n{layout}EndSection\n')
        ours, theirs = os.pipe()
        self.run(["Xorg", "-displayfd", str(theirs), "-config", self.path("xorg.conf"), "-logfile", self.path("xorg.log"),
                  "-noreset", "-nolisten", "tcp", "-novtswitch", "-sharevts"], pass_fds=[theirs])
        os.close(theirs)
        with os.fdopen(ours) as f:
            number = f.readline().strip()
        if not number:
            raise RuntimeError(f"Xorg did not start: {self.tail('xorg.log')}")
        self.display = ":" + number
        self.keyboards = {name: Keyboard(self.path(name)) for name in KEYBOARDS}

    def xtest(self, text):
        """A program types."""
        subprocess.run(["xdotool", "type", "--delay", "12", text], env=dict(os.environ, DISPLAY=self.display), check=True)

    # ------------------------------------------------------------------ the bus, logind, the desktop

    def start_bus(self):
        with open(self.path("bus.conf"), "w") as f:
            f.write(BUS.format(self.dir))
        self.address = f"unix:path={self.path('bus')}"
        self.run(["dbus-daemon", "--config-file", self.path("bus.conf"), "--nofork"])
        wait_for("the bus", lambda: os.path.exists(self.path("bus")))
        buses = {"DBUS_SYSTEM_BUS_ADDRESS": self.address, "DBUS_SESSION_BUS_ADDRESS": self.address}
        for bus, template in (("--system", "logind"), ("--session", "notification_daemon")):
            self.run([sys.executable, "-m", "dbusmock", bus, "--template", template, "--logfile", self.path("mocks.log")],
                     buses)
        self.bus = dbus.bus.BusConnection(self.address)
        self.bus.set_exit_on_disconnect(False)
        for name in (LOGIN, NOTES):
            wait_for(name, lambda name=name: self.bus.name_has_owner(name))
        self.watcher = threading.Thread(target=self.watch_bus, daemon=True)
        self.watcher.start()

    def object(self, name, path):
        return self.bus.get_object(name, path, introspect=False)

    def watch_bus(self):
        """What a desktop does: shows notices, and locks when logind says so."""
        bus = dbus.bus.BusConnection(self.address)
        bus.set_exit_on_disconnect(False)
        notes = bus.get_object(NOTES, "/org/freedesktop/Notifications", introspect=False)
        manager = bus.get_object(LOGIN, "/org/freedesktop/login1", introspect=False)
        told = locks = 0
        with contextlib.suppress(dbus.DBusException):
            while not self.closing.wait(0.2):
                shown = notes.GetMethodCalls("Notify", dbus_interface=MOCK)
                for _, arguments in shown[told:]:
                    self.said(f"{arguments[3]}. {arguments[4]}")
                told = len(shown)
                asked = len(manager.GetMethodCalls("LockSession", dbus_interface=MOCK))
                if asked > locks:
                    self.set_locked(True)
                    self.locked.set()
                locks = asked

    def set_session(self, **properties):
        self.object(LOGIN, f"/org/freedesktop/login1/session/{SESSION}").UpdateProperties(
            LOGIN + ".Session", dbus.Dictionary(properties, signature="sv"), dbus_interface=MOCK)

    def set_locked(self, locked):
        self.set_session(LockedHint=dbus.Boolean(locked))

    def log_in(self, user, uid):
        self.object(LOGIN, "/org/freedesktop/login1").AddSession(SESSION, "seat0", dbus.UInt32(uid), user, True,
                                                                  dbus_interface=MOCK)
        now = int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6) + 1000000
        self.set_session(TimestampMonotonic=dbus.UInt64(now))

    def log_out(self):
        self.set_session(State="closing")

    def unlock(self):
        self.locked.clear()
        self.set_locked(False)

    # ------------------------------------------------------------------ the agent

    def program(self, name):
        return str(self.build / "src" / name)

    def start_agent(self):
        with open(self.path("agent.yaml"), "w") as f:
            f.write(f"server: {self.server}\nperson: \"{self.person}\"\nx11: yes\n")
        self.start_inheriting("agent/sensor/idem-sensor", [], ["sensor"])
        self.start_inheriting("agent/courier/idem-courier", ["--config", self.path("agent.yaml"), "--state",
                                                             self.path("state")], ["courier", "control", "x11"])
        self.run([self.program("agent/broker/idem-broker"), "--sensor", self.path("sensor"), "--courier",
                  self.path("courier"), "--no-devices", "--notify-bus", self.address],
                 {"DBUS_SYSTEM_BUS_ADDRESS": self.address})
        self.run([self.program("agent/x11/idem-sensor-x11"), "--display", self.display, "--socket", self.path("x11")])

    def start_inheriting(self, name, options, sockets):
        """As systemd starts it from socket units."""
        held = []
        for socket_name in sockets:
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if socket_name == "control" else socket.SOCK_SEQPACKET)
            s.bind(self.path(socket_name))
            s.listen(8)
            held.append(s)

        def inherit():
            high = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD_CLOEXEC, 100) for s in held]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)

        self.run(["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", self.program(name), *options],
                 {"LISTEN_FDS": str(len(held)), "LISTEN_FDNAMES": ":".join(sockets)}, preexec_fn=inherit,
                 close_fds=False)  # pass_fds wants 3, 4, ... to be open before
        for s in held:
            s.close()

    def agent(self, *words):
        """`idem-agent` as the person at the seat: (exit status, what it said)."""
        done = subprocess.run([self.program("agent/tool/idem-agent"), *words, "--socket", self.path("control")],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=DEADLINE)
        return done.returncode, done.stdout

    def tail(self, name, lines=12):
        with contextlib.suppress(OSError), open(self.path(name), errors="replace") as f:
            return "".join(f.readlines()[-lines:])
        return ""
