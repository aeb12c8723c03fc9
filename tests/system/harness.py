# SPDX-License-Identifier: Apache-2.0
"""What the system tests share: a server process with a data directory of its own, a small HTTP client, simulated typists.

Every server listens on a free port and dies with its test. No test reads a clock to decide whether it passed: waiting
is bounded by DEADLINE seconds, and running out of them is a failure."""
import contextlib
import ctypes
import ctypes.util
import functools
import http.client
import json
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile
import time
import unittest

SERVER = os.environ["IDEM_SERVER"]
SIMULATE = os.environ["IDEM_SIMULATE"]
DEADLINE = 60
IDEM_LIST_MAX = 200
JSON = "application/json"
CBOR = "application/cbor"


@functools.lru_cache(maxsize=None)
def population():
    """The simulated population, made once a test program."""
    path = os.path.join(tempfile.mkdtemp(prefix="idem-population-"), "simulated.pop")
    subprocess.run([SIMULATE, "population", path], check=True)
    os.chmod(os.path.dirname(path), 0o755)
    return path


@functools.lru_cache(maxsize=None)
def windows(person, seed, count, first=1, keys=100, passage=None):
    """passage: the number of a text that is copied, whatever the seed of its timing."""
    which = (person, seed, first, count, keys) + (() if passage is None else (passage,))
    out = subprocess.run([SIMULATE, "windows", population(), *map(str, which)],
                         check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


@functools.lru_cache(maxsize=None)
def cbor_batch(person, seed, count, first=1):
    out = subprocess.run([SIMULATE, "cbor", population(), *map(str, (person, seed, first, count))],
                         check=True, capture_output=True, text=True).stdout
    return bytes.fromhex(out.strip())


@functools.lru_cache(maxsize=None)
def sodium():
    return ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")


def unseal(key, table, organisation, person, row, sealed):
    """What src/store/seal.h has sealed, or None when this key and place did not seal it."""
    label = table.encode() + organisation.to_bytes(8, "little") + person + row
    out = ctypes.create_string_buffer(max(len(sealed) - 41, 1))
    if len(sealed) < 41 or sealed[0] != 1 or sodium().crypto_aead_xchacha20poly1305_ietf_decrypt(
            out, None, None, sealed[25:], ctypes.c_ulonglong(len(sealed) - 25), label, ctypes.c_ulonglong(len(label)),
            sealed[1:25], key) != 0:
        return None
    return out.raw[:len(sealed) - 41]


def wait_for(what, probe):
    """Calls probe() until it answers something true, which is returned."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        answer = probe()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"waited {DEADLINE} s in vain for {what}")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    def __init__(self, data=None, options=(), preexec=None, wrap=(), start=True):
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="idem-data-")
        self.options = list(options)
        self.preexec = preexec
        self.wrap = list(wrap)
        self.process = None
        self.population = None
        if start:
            self.start()

    def command(self):
        return self.wrap + [SERVER, "--population", self.population or population(), "--data", self.data, "--port", "0", "--demo"] + self.options

    def start(self):
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        preexec_fn=self.preexec)
        self.line = self.process.stdout.readline().strip()
        if not self.line:
            self.process.wait(DEADLINE)
            raise AssertionError("the server did not start: " + self.stderr())
        self.scheme, _, address = self.line.split(" on ")[1].partition("://")
        address, _, self.operator = address.partition("/")
        self.operator = self.operator.partition("#operator=")[2]
        self.host, _, port = address.rpartition(":")
        self.port = int(port)

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(DEADLINE)

    def kill(self):
        return self.stop(signal.SIGKILL)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        if self.process:
            self.process.stdout.close()
            self.errors.close()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=DEADLINE)

    def call(self, method, path, body=None, token=None, kind=JSON, headers=None, connection=None):
        head = dict(headers or {})
        if token:
            head["Authorization"] = "Bearer " + token
        if body is not None:
            head.setdefault("Content-Type", kind)
            if not isinstance(body, (bytes, str)):
                body = json.dumps(body)
        c = connection or self.connect()
        c.request(method, path, body, head)
        answer = Answer(c.getresponse())
        if connection is None:
            c.close()
        return answer

    def get(self, path, token=None, **more):
        return self.call("GET", path, token=token or self.operator, **more)

    def open(self, person="ada", seat="seat-1", **fields):
        answer = self.call("POST", "/v1/sessions", {"organisation": "demo", "person": person, "seat": seat, **fields})
        assert answer.status == 201, answer.body
        return Session(self, answer.json)

    def query(self, sql):
        """Rows of the server's data base."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.data, "idem.db"))) as database:
            return database.execute(sql).fetchall()

    def keys(self):
        """Of all people: (organisation, person) -> key."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.data, "keys.db"))) as database:
            return {row[:2]: row[2] for row in database.execute("SELECT organisation, person, key FROM keys")}

    def windows(self):
        """(number, payload) of every window at rest, opened with its person's key."""
        keys = self.keys()
        rows = self.query("SELECT w.seq, s.organisation, s.person, s.id, w.payload FROM windows w"
                          " JOIN sessions s ON s.row = w.session ORDER BY w.row")
        return [(seq, unseal(keys[organisation, person], "w", organisation, person, session + seq.to_bytes(8, "little"),
                             sealed)) for seq, organisation, person, session, sealed in rows]

    def strokes(self):
        """(organisation, person) -> strokes in the keyboard's profile, opened with its person's key."""
        found, keys = {}, self.keys()
        for organisation, person, device, modality, front, sealed in self.query(
                "SELECT organisation, person, device_class, modality, front, bytes FROM profiles WHERE modality = 0"):
            row = bytes((device, modality)) + (front % 2 ** 64).to_bytes(8, "little")
            opened = unseal(keys[organisation, person], "p", organisation, person, row, sealed)
            found[organisation, person] = struct.unpack_from("<f", opened, 16 + 20)[0]
        return found

    def alter(self, sql, *values):
        """Changes the data base of a server that is not running."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.data, "idem.db"))) as database, database:
            database.execute(sql, values)

    def dump(self):
        with contextlib.closing(sqlite3.connect(os.path.join(self.data, "idem.db"))) as database:
            return "\n".join(database.iterdump())


class Session:
    """One open session and the number of its next window."""

    def __init__(self, server, opened):
        self.server = server
        self.opened = opened
        self.token = opened["token"]
        self.id = opened["session"]["id"]
        self.seq = 1

    def post(self, body, **more):
        return self.server.call("POST", "/v1/windows", body, token=self.token, **more)

    def send(self, some, at_once=1, **fields):
        """Sends windows under this session's own numbers; the last answer."""
        answer = None
        for i in range(0, len(some), at_once):
            batch = [dict(w, seq=self.seq + k) for k, w in enumerate(some[i:i + at_once])]
            answer = self.post({"windows": batch, **fields})
            assert answer.status == 200, answer.body
            self.seq += len(batch)
        return answer.json

    def read(self):
        return self.server.get("/v1/sessions/" + self.id).json

    def close(self):
        return self.server.call("DELETE", "/v1/sessions/" + self.id, token=self.token)


class ServerCase(unittest.TestCase):
    """A test case with one server, self.server, for each test."""
    options = ()

    def setUp(self):
        self.server = Server(options=self.options)
        self.addCleanup(self.server.close)

    def assert_problem(self, answer, status, name):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json
        self.assertEqual(problem["type"], "/problems/" + name)
        self.assertEqual(problem["status"], status)
        for member in ("title", "detail", "action"):
            self.assertTrue(problem[member], member)
        return problem
