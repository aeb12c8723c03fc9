# SPDX-License-Identifier: Apache-2.0
"""Both ends of the agent's lines for tests: src/agent/message.h in Python, and a process with an inherited socket.

Waiting is bounded by DEADLINE seconds, and running out of them is a failure."""
import collections
import contextlib
import os
import pathlib
import select
import socket
import struct
import subprocess
import tempfile
import time
import zlib

DEADLINE = 30
ROOT = pathlib.Path(__file__).resolve().parents[2]

(BS_DEVICE, BS_GONE, BS_PRESENCE, BS_LINE, BS_DONE, SB_VERB, BC_PRESENCE, BC_LINE, SC_WINDOW, SC_ALARM, SC_STATE, SC_DONE,
 CS_FRONT, CS_SETTINGS, CS_ACT, CS_HEARD) = range(1, 17)
NOBODY, PRESENT, LOCKED, AWAY, SUSPENDED, REMOTE = range(6)
CUT_OFF, LOCK, NOTIFY = 1, 2, 3
OBSERVE, ACT_NOTIFY, STEP_UP, ACT_LOCK, ACT_CUT_OFF, END_SESSION = range(6)
NOTICE_STEP_UP, NOTICE_LOCKED, NOTICE_CUT_OFF, NOTICE_UNTOUCHED = 3, 4, 5, 8
KINDS, ROWS = 7, 4

# Behind the head: type and length.
BODIES = {
    BS_DEVICE: ("IIIIHHIq", "id group source flags vendor product dpi arrived_us"),
    BS_GONE: ("Q", "number"),
    BS_PRESENCE: ("IIII64s", "presence uid unlocked reserved user"),
    BS_LINE: ("Q", "number"),
    BS_DONE: ("IIiI", "verb number error reserved"),
    SB_VERB: ("II", "verb number"),
    BC_PRESENCE: ("IIII64s", "presence uid unlocked reserved user"),
    BC_LINE: ("Q", "number"),
    SC_ALARM: ("QIIIIfI" + "IIfI" * 4, "number device modality kind action confidence saw_count "
               + " ".join("reason%d count%d value%d reserved%d" % (i, i, i, i) for i in range(4))),
    SC_STATE: ("IIIIII", "presence collecting keyboards pointers dropped broker"),
    SC_DONE: ("IIiI", "verb number error reserved"),
    CS_FRONT: ("Q", "number"),
    CS_SETTINGS: ("IIIIII" + "fI" * (KINDS * ROWS), "collect guard window_keys window_gestures untouched_s step_up_locks "
                  + " ".join("confidence%d action%d" % (i, i) for i in range(KINDS * ROWS))),
    CS_ACT: ("IIII", "action modality notice reserved"),
    CS_HEARD: ("Q", "number"),
}
TUPLES = {kind: collections.namedtuple("Message%d" % kind, names) for kind, (_, names) in BODIES.items()}


def message(kind, **fields):
    form, names = BODIES[kind]
    fields.setdefault("user", b"") if "user" in names.split() else None
    values = [fields.pop(name, 0) for name in names.split()]
    assert not fields, fields
    body = struct.pack("=" + form, *values)
    return struct.pack("=II", kind, 8 + len(body)) + body


def settings(rows=None, **fields):
    """rows: {kind: [(confidence, action), ...]}, the highest confidence first."""
    values = {"collect": 1, "guard": 1, "window_keys": 100, "window_gestures": 10}
    values.update(fields)
    for i in range(KINDS * ROWS):
        values["confidence%d" % i], values["action%d" % i] = 2.0, 0
    for kind, list_of in (rows or {}).items():
        for r, (confidence, action) in enumerate(list_of):
            values["confidence%d" % (kind * ROWS + r)], values["action%d" % (kind * ROWS + r)] = confidence, action
    return message(CS_SETTINGS, **values)


class Line:
    """One end of a SOCK_SEQPACKET line."""

    def __init__(self, end):
        self.end = end
        end.setblocking(False)

    def send(self, data, *fds):
        if fds:
            socket.send_fds(self.end, [data], list(fds))
        else:
            self.end.send(data)

    def say(self, kind, *fds, **fields):
        self.send(message(kind, **fields), *fds)

    def receive(self, seconds=DEADLINE):
        """(type, fields or bytes); None: nothing came in that time; (0, None): the line is at its end."""
        if not select.select([self.end], [], [], seconds)[0]:
            return None
        try:
            data = self.end.recv(65536)
        except ConnectionResetError:
            return 0, None
        if not data:
            return 0, None
        kind, length = struct.unpack_from("=II", data)
        assert length == len(data)
        if kind == SC_WINDOW:
            return kind, data
        return kind, TUPLES[kind](*struct.unpack("=" + BODIES[kind][0], data[8:]))

    def wait_for(self, kind, **fields):
        """The next message of that type with these fields; others are passed over."""
        deadline = time.monotonic() + DEADLINE
        seen = []
        while (left := deadline - time.monotonic()) > 0:
            got = self.receive(left)
            seen.append(got)
            if got is None or got[0] == 0:
                break
            if got[0] == kind and all(getattr(got[1], k) == v for k, v in fields.items()):
                return got[1]
        raise AssertionError("no message %d with %r among %r" % (kind, fields, seen))

    def wait_end(self):
        while (got := self.receive()) is not None:
            if got[0] == 0:
                return
        raise AssertionError("the line does not end")

    def close(self):
        self.end.close()


def pair():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def sealed(data, seals=None):
    """A memory file that holds data; by default sealed as the sensor wants it."""
    import fcntl
    fd = os.memfd_create("front", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    wanted = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW if seals is None else seals
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, wanted)
    return fd


def shipped_front(name="default.pop"):
    """The front in a population: behind "IDMP", version and length."""
    data = (ROOT / "data" / name).read_bytes()
    return data[12:12 + int.from_bytes(data[8:12], "little")]


def shipped_front_at(level):
    """The same cells, said to be of that level (enum idem_level)."""
    body = bytearray(shipped_front()[:-4])
    body[8:12] = level.to_bytes(4, "little")
    return bytes(body) + zlib.crc32(body).to_bytes(4, "little")


class Process:
    """A program that inherits a listening socket of that name, as systemd hands it over."""

    def __init__(self, program, name, *arguments, uid=None):
        self.directory = tempfile.mkdtemp(prefix="idem-agent-")
        os.chmod(self.directory, 0o755)
        self.path = os.path.join(self.directory, name)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listening.bind(self.path)
        os.chmod(self.path, 0o666)
        listening.listen(8)
        self.log = open(os.path.join(self.directory, "log"), "w+b")
        script = 'LISTEN_FDS=1 LISTEN_FDNAMES=%s LISTEN_PID=$$ exec "$0" "$@" 3<&%d' % (name, listening.fileno())
        self.process = subprocess.Popen(["/bin/sh", "-c", script, program, *arguments], pass_fds=[listening.fileno()],
                                        stdin=subprocess.DEVNULL, stderr=self.log, user=uid, group=uid,
                                        extra_groups=[] if uid else None)
        listening.close()
        self.pid = self.process.pid

    def connect(self):
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        end.connect(self.path)
        return Line(end)

    def says(self):
        self.log.seek(0)
        return self.log.read().decode()

    def wait_says(self, text, times=1):
        deadline = time.monotonic() + DEADLINE
        while self.says().count(text) < times:
            assert time.monotonic() < deadline, "%r is not in the log:\n%s" % (text, self.says())
            time.sleep(0.01)

    def wait(self):
        return self.process.wait(DEADLINE)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()
        with contextlib.suppress(OSError):
            for name in os.listdir(self.directory):
                os.unlink(os.path.join(self.directory, name))
            os.rmdir(self.directory)
