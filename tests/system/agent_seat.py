# SPDX-License-Identifier: Apache-2.0
"""A seat for the tests of the agent's courier: the real process, started as systemd would start it, between a broker and
a sensor that are sockets of the test and speak src/agent/message.h."""
import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

from harness import DEADLINE, ServerCase, wait_for, windows

COURIER = os.environ["IDEM_COURIER"]
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)
(B_DEVICE, B_GONE, B_PRESENCE, B_LINE, B_DONE, VERB, PRESENCE, LINE, WINDOW, ALARM, STATE, DONE, FRONT, SETTINGS,
 ACT, HEARD) = range(1, 17)
NOBODY, PRESENT, LOCKED, AWAY, SUSPENDED, REMOTE = range(6)
OBSERVE, NOTIFY, STEP_UP, LOCK, CUT_OFF, END_SESSION = range(6)
(COLLECTING, ACKNOWLEDGE, N_STEP_UP, N_LOCKED, N_CUT_OFF, N_ALARM, OFFLINE, UNTOUCHED, PAUSED, RESUMED) = range(1, 11)
INJECTED_KEYS = 2
HOLDS_SHORT = 1


def message(kind, body):
    return struct.pack("=II", kind, 8 + len(body)) + body


def packed(window):
    """A window of simulate's as the sensor hands it over (src/agent/pack.h)."""
    cells = b"".join(struct.pack(f"=I{len(c) - 1}i", *c) for c in window["cells"])
    return message(WINDOW, struct.pack("=IIIIQ", ("keyboard", "pointer").index(window["modality"]), window["strokes"],
                                       window["duration_ms"], len(window["cells"]), int(window["front"], 16)) + cells)


def alarm(kind=INJECTED_KEYS, confidence=0.999, action=LOCK, modality=0, value=2.1, number=1):
    saw = struct.pack("=IIfI", HOLDS_SHORT, 8, value, 0) + 3 * struct.pack("=IIfI", 0, 0, 0, 0)
    return message(ALARM, struct.pack("=QIIIIfI", number, 1, modality, kind, action, confidence, 1) + saw)


def state(presence=PRESENT, collecting=0, keyboards=1, pointers=1):
    return message(STATE, struct.pack("=IIIIII", presence, collecting, keyboards, pointers, 0, 1))


def start_inheriting(arguments, fds, **more):
    """A process that has these descriptors as 3, 4, ... and no other. Whatever this process has there, or does not: so they
    go out of the way first, and pass_fds, which wants each of its descriptors to be open before preexec_fn, is not used. What
    Python opens itself is closed by the kernel."""
    def inherit():
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in fds]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a test that is killed leaves nothing behind

    return subprocess.Popen(arguments, preexec_fn=inherit, close_fds=False, **more)


class Line:
    """One end of a line, and what came over it."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(DEADLINE)

    def send(self, data, fds=()):
        socket.send_fds(self.sock, [data], list(fds))

    def receive(self, timeout=DEADLINE):
        """(type, body, descriptor or None), or None at the end of the line."""
        self.sock.settimeout(timeout)
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, 65536, 4)
        except ConnectionResetError:
            return None
        if not data:
            return None
        kind, length = struct.unpack_from("=II", data)
        assert length == len(data), (length, len(data))
        return kind, data[8:], fds[0] if fds else None

    def close(self):
        self.sock.close()


class Sensor(Line):
    """What it was last told, and the acts it was asked for."""

    def __init__(self, sock):
        super().__init__(sock)
        self.acts, self.settings, self.front = [], None, None
        self.collecting = 0

    def take(self, timeout=DEADLINE):
        got = self.receive(timeout)
        if got is None:
            raise AssertionError("the courier has hung up on the sensor")
        kind, body, fd = got
        if kind == ACT:
            action, modality, notice, _ = struct.unpack("=IIII", body)
            self.acts.append((action, modality, notice))
        elif kind == SETTINGS:
            self.settings = dict(zip(("collect", "guard", "keys", "gestures", "untouched", "step_up_locks"),
                                     struct.unpack_from("=IIIIII", body)))
            self.answer()
        elif kind == FRONT:
            self.front = os.pread(fd, 2 ** 20, 0)
            os.close(fd)
            assert len(self.front) == struct.unpack("=Q", body)[0]
        return kind

    def answer(self):
        """As the real one does: it says when it begins and when it ends."""
        if self.collecting != self.settings["collect"]:
            self.collecting = self.settings["collect"]
            self.send(state(collecting=self.collecting))

    def until(self, what, probe, timeout=DEADLINE):
        while not probe():
            try:
                self.take(timeout)
            except TimeoutError as late:
                raise AssertionError(f"waited in vain for {what}; acts {self.acts}, settings {self.settings}") from late

    def until_collect(self, wanted=1):
        self.until(f"collect {wanted}", lambda: self.settings and self.settings["collect"] == wanted)

    def until_act(self, act):
        self.until(f"act {act}", lambda: act in self.acts)

    def quiet(self, seconds=0.3):
        """What is there by now."""
        with contextlib.suppress(TimeoutError):
            while True:
                self.take(seconds)


class Seat:
    """A directory, a configuration, an enrolled key and, once started, the courier."""

    def __init__(self, server, config=None, enrol=True, url=None):
        self.server = server
        self.directory = tempfile.mkdtemp(prefix="idem-seat-")
        self.state = os.path.join(self.directory, "state")
        os.mkdir(self.state, 0o700)
        self.config = os.path.join(self.directory, "agent.yaml")
        self.configure(url or f"http://127.0.0.1:{server.port}", **(config or {}))
        self.listening = {name: self.listen(name) for name in ("courier", "control", "x11")}
        self.process = self.broker = self.sensor = None
        self.log = open(os.path.join(self.directory, "log"), "w+")
        self.unlocked = 1
        if enrol:
            self.enrol()

    def configure(self, url, **settings):
        with open(self.config, "w") as f:
            f.write(f"server: {url}\n" + "".join(f"{k}: {v}\n" for k, v in settings.items()))

    def listen(self, name):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if name == "control" else socket.SOCK_SEQPACKET)
        sock.bind(os.path.join(self.directory, name))
        sock.listen(8)
        return sock

    def enrol(self, name="pc-1", **fields):
        """Through the command line, as an administrator would without the courier."""
        answer = self.server.call("POST", "/v1/seats", {"name": name, **fields}, token=self.server.operator)
        assert answer.status == 201, answer.body
        subprocess.run([os.environ["IDEM_CLI"], "seat", "register", answer.json["code"], "--key",
                        os.path.join(self.state, "seat.key"), "--server",
                        f"{self.server.scheme}://{self.server.host}:{self.server.port}"], check=True, capture_output=True)

    def start(self):
        names = list(self.listening)
        env = dict(os.environ, LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
        self.process = start_inheriting(
            ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", COURIER, "--config", self.config, "--state", self.state],
            [sock.fileno() for sock in self.listening.values()], env=env, stdout=self.log,
            stderr=self.log)
        return self

    def connect(self):
        """Another broker."""
        if self.broker:
            self.broker.close()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(os.path.join(self.directory, "courier"))
        self.broker = Line(sock)

    def introduce(self):
        """The broker connects and hands over a line to the sensor."""
        self.connect()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sensor = Sensor(ours)
        self.broker.send(message(LINE, struct.pack("=Q", 0)), [theirs.fileno()])
        theirs.close()
        self.sensor.send(state())
        return self.sensor

    def presence(self, which=PRESENT, user="ada", uid=1000, unlocked=None):
        self.unlocked = self.unlocked if unlocked is None else unlocked
        if which == NOBODY:
            user, uid = "", 0
        self.broker.send(message(PRESENCE, struct.pack("=IIII64s", which, uid, self.unlocked, 0, user.encode())))

    def unlock(self, **more):
        self.presence(PRESENT, unlocked=self.unlocked + 1, **more)

    def send(self, person, seed, count, first=0):
        for w in windows(person, seed, first + count)[first:]:
            self.sensor.send(packed(w))

    def ask(self, request, **fields):
        """One question over the control socket, as the person at the seat."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(DEADLINE)
            sock.connect(os.path.join(self.directory, "control"))
            sock.sendall(json.dumps({"request": request, **fields}).encode() + b"\n")
            with sock.makefile("rb") as f:
                return json.loads(f.readline())

    def said(self):
        with open(self.log.name) as f:
            return f.read()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(DEADLINE)
        for line in (self.broker, self.sensor):
            if line:
                line.close()
        self.broker = self.sensor = None
        return status

    def kill(self):
        return self.stop(signal.SIGKILL)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        for sock in self.listening.values():
            sock.close()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class CourierCase(ServerCase):
    config = None
    policy = None

    def setUp(self):
        if self.policy:
            handle, self.policy_file = tempfile.mkstemp(suffix=".yaml")
            os.close(handle)
            self.addCleanup(os.unlink, self.policy_file)
            self.write_policy(self.policy)
            self.options = [*self.options, "--policy", self.policy_file]
        super().setUp()
        self.seat = self.new_seat()

    def write_policy(self, text):
        with open(self.policy_file, "w") as f:
            f.write(text)

    def new_seat(self, **more):
        seat = Seat(self.server, self.config, **more)
        self.addCleanup(seat.close)
        self.addCleanup(self.tell, seat)
        return seat

    def tell(self, seat):
        """What the courier said, when the test has failed."""
        if any(error for _, error in getattr(self._outcome, "errors", [])):
            print(seat.said())

    def meet(self, **more):
        """The courier runs and has heard from a broker and a sensor."""
        self.seat.start().introduce()
        self.seat.presence(**more)

    def begin(self, **more):
        self.meet(**more)
        self.seat.sensor.until_collect()

    def again(self, **more):
        """The courier after it was stopped or killed."""
        self.begin(**more)

    def held(self):
        """(session, number) of every window that the server has had."""
        return self.server.query("SELECT session, seq FROM windows ORDER BY row")

    def wait_held(self, count):
        wait_for(f"{count} windows", lambda: len(self.held()) >= count)

    def assert_held(self, *pairs):
        """So many windows of each session, each once."""
        expected = [(session, n) for session, count in pairs for n in range(1, count + 1)]
        wait_for(f"{len(expected)} windows", lambda: len(self.held()) >= len(expected))
        self.assertEqual(self.held(), expected)

    def spool(self):
        """What root is told of it."""
        return self.seat.ask("status")["spool"]

    def sessions(self):
        """(row, closed) of all."""
        return self.server.query("SELECT row, closed_ms IS NOT NULL FROM sessions ORDER BY row")

    def restart_server(self):
        """At the same port: a seat knows no other."""
        if "--port" not in self.server.options:
            self.server.options += ["--port", str(self.server.port)]
        self.server.process.stdout.close()
        self.server.errors.close()
        self.server.start()
