# SPDX-License-Identifier: Apache-2.0
"""The guest's server, over TLS with an authority of its own, and what it has of the seat; the seat as `idem-agent`
tells of it. All on one machine: its network is lo."""
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess

from scene import output, run, tap, wait_for

URL = "https://localhost:8443"
DATA = pathlib.Path("/var/lib/idem-server-guest")
ETC = pathlib.Path("/etc/idem")


def make_certificate():
    """An authority, and the server's certificate by it."""
    def openssl(*arguments):
        run("openssl", *arguments)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    ETC.mkdir(exist_ok=True)
    openssl("req", "-x509", *curve, "-keyout", "/root/ca.key", "-out", str(ETC / "ca.pem"), "-days", "30", "-subj",
            "/CN=an authority", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-keyout", "/root/server.key", "-out", "/root/server.csr", "-subj", "/CN=localhost")
    pathlib.Path("/root/names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "/root/server.csr", "-CA", str(ETC / "ca.pem"), "-CAkey", "/root/ca.key",
            "-CAcreateserial", "-days", "30", "-extfile", "/root/names", "-out", "/root/server.crt")
    os.chmod(ETC / "ca.pem", 0o644)


class Server:
    def __init__(self, policy="/usr/share/idem/policy.yaml"):
        self.policy, self.process = policy, None

    def start(self):
        self.process = subprocess.Popen(
            ["idem-server", "--population", "/usr/share/idem/default.pop", "--data", str(DATA), "--demo", "--listen",
             "127.0.0.1:8443", "--host", "localhost", "--tls-certificate", "/root/server.crt", "--tls-key",
             "/root/server.key", "--policy", self.policy], stdout=subprocess.PIPE, stderr=None, text=True)
        line = self.process.stdout.readline()
        return tap.check(" on https://" in line, "the server starts")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def query(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{DATA}/idem.db?mode=ro", uri=True, timeout=20)) as database:
            return database.execute(sql).fetchall()

    def windows(self):
        """Sequence numbers by session, in the order of their rows."""
        found = {}
        for session, number in self.query("SELECT session, seq FROM windows ORDER BY row"):
            found.setdefault(session, []).append(number)
        return found

    def count(self):
        return sum(map(len, self.windows().values()))

    def newest(self):
        """The last session that was opened."""
        return self.query("SELECT max(row) FROM sessions")[0][0]

    def held(self):
        """Windows of the newest session."""
        return len(self.windows().get(self.newest(), []))

    def is_whole(self):
        """Of each session every window, once, from the first on."""
        return all(numbers == list(range(1, len(numbers) + 1)) for numbers in self.windows().values())

    def said(self, action):
        return sum(json.loads(body)["action"] == action for (body,) in self.query("SELECT body FROM audit_seats") if body)

    def is_open(self, session):
        return self.query(f"SELECT closed_ms IS NULL FROM sessions WHERE row = {session}") == [(1,)]


server = Server()


def as_person(person, *command, **more):
    return run(*(("runuser", "-u", person, "--") if person != "root" else ()), *command, **more)


def status(person="olga"):
    text = as_person(person, "idem-agent", "status", "--json", check=False).stdout.strip()
    with contextlib.suppress(ValueError):
        return json.loads(text)
    return {}


def is_whole(found):
    """All three processes know of one another."""
    return bool(found.get("processes")) and all(found["processes"].values())


def until(text, probe, **more):
    """A check that something comes about; with the status when it does not."""
    ok = tap.check(wait_for(probe, **more), text)
    if not ok:
        tap.say(json.dumps(status()))
    return ok


def enrol():
    """The seat, as an administrator makes it one."""
    token = ["--server", URL, "--ca", str(ETC / "ca.pem"), "--token-file", str(DATA / "operator.token")]
    code = output("idem", "seat", "add", "seat-1", *token).splitlines()[:1]
    if not tap.check(code, "an operator adds a seat"):
        return
    done = run("idem-agent", "enrol", code[0])
    tap.check(done.returncode == 0, "the seat is enrolled: " + (done.stdout or done.stderr).strip().split("\n")[0])
