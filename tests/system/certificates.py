# SPDX-License-Identifier: Apache-2.0
"""Certificates that tests make for themselves, and a server that is configured by a file."""
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import tempfile

from harness import DEADLINE, SERVER, Server, population

NAME = "idem.example.com"


def make(directory, stem="server", kind="ec"):
    """A self-signed certificate for NAME and loopback; the paths of certificate and key."""
    certificate, key = (os.path.join(directory, stem + end) for end in (".crt", ".key"))
    algorithm = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}[kind]
    subprocess.run(["openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "30", "-subj", "/CN=" + NAME, "-addext",
                    f"subjectAltName=DNS:{NAME},DNS:localhost,IP:127.0.0.1,IP:::1"], check=True, capture_output=True)
    return certificate, key


class FileServer(Server):
    """A server with a configuration file. {certificate} and {key} in its text are paths; listening has to be on port
    0, and what it found is in self.ports, in the order of the file."""

    def __init__(self, text, options=(), demo=True, **more):
        self.demo = ["--demo"] if demo else []
        self.directory = tempfile.mkdtemp(prefix="idem-config-")
        self.certificate, self.key = make(self.directory)
        self.file = os.path.join(self.directory, "server.yaml")
        self.write(text)
        super().__init__(options=options, **more)

    def write(self, text):
        with open(self.file, "w") as f:
            f.write(text.replace("{certificate}", self.certificate).replace("{key}", self.key))

    def command(self):
        return self.wrap + [SERVER, "--config", self.file, "--population", population(), "--data", self.data,
                            *self.demo] + self.options

    def start(self):
        super().start()
        self.ports = listening(self.process.pid)

    def close(self):
        super().close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def context(self):
        return ssl.create_default_context(cafile=self.certificate)

    def connect(self, address="127.0.0.1", port=None, context=None):
        port = port or self.port
        if self.scheme == "https":
            return http.client.HTTPSConnection(address, port, timeout=DEADLINE, context=context or self.context())
        return http.client.HTTPConnection(address, port, timeout=DEADLINE)


def listening(pid):
    """The ports a process listens on, by its descriptors, in the order they were made."""
    inodes = []
    for fd in sorted(os.listdir(f"/proc/{pid}/fd"), key=int):
        target = os.readlink(f"/proc/{pid}/fd/{fd}")
        if target.startswith("socket:["):
            inodes.append(target[8:-1])
    ports = {}
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}") as f:
            for line in list(f)[1:]:
                field = line.split()
                if field[3] == "0A":
                    ports[field[9]] = int(field[1].rpartition(":")[2], 16)
    found = [ports[i] for i in inodes if i in ports]
    return list(dict.fromkeys(found))


def has_ipv6():
    with socket.socket(socket.AF_INET6) as s:
        try:
            s.bind(("::1", 0))
        except OSError:
            return False
    return True
