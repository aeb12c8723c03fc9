# SPDX-License-Identifier: Apache-2.0
"""Attacks over the network, in any size: used small by test_fire.py and at full size by bench/fire.py.

Everything stays on loopback; strangers are other addresses of 127.0.0.0/8. Every attack is bounded in count, and each
wait by DEADLINE."""
import contextlib
import http.client
import json
import os
import selectors
import socket
import ssl
import threading
import time

from harness import DEADLINE, wait_for


def dial(server, source="127.0.0.1", port=None, context=None, hello=True):
    """A connected socket; with context it speaks TLS. hello=False: the handshake is left to the caller."""
    s = socket.socket()
    s.settimeout(DEADLINE)
    s.bind((source, 0))
    s.connect(("127.0.0.1", port or server.port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context:
        s = context.wrap_socket(s, server_hostname="localhost", do_handshake_on_connect=hello)
    return s


def request(server, method="GET", path="/healthz", body=b"", token=None, headers=(), port=None):
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port or server.port}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def read_answer(s):
    """Status, headers (lower case) and body of one answer; status 0 when the connection ended instead."""
    data = b""
    while b"\r\n\r\n" not in data:
        try:
            piece = s.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            return 0, {}, data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict((k.lower(), v.strip()) for k, _, v in (line.partition(":") for line in lines[1:]))
    length = int(headers.get("content-length", 0))
    while len(body) < length:
        piece = s.recv(65536)
        if not piece:
            break
        body += piece
    return int(lines[0].split()[1]), headers, body


def ask(server, source="127.0.0.1", context=None, **what):
    with dial(server, source, what.get("port"), context) as s:
        s.sendall(request(server, **what))
        return read_answer(s)


def patiently(call):
    """What the call answers, once it is neither cut off nor nothing: under short limits a busy machine can make an honest
    client too slow, too."""
    def attempt():
        with contextlib.suppress(OSError, http.client.HTTPException):
            return call()
        return None
    return wait_for("an answer", attempt)


def metric(server, name):
    for line in patiently(lambda: server.get("/metrics")).body.decode().splitlines():
        if line.startswith(name + " "):
            return int(line.split()[1])
    raise AssertionError("there is no metric " + name)


def resident_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Witness:
    """Somebody honest, at an address of his own, who asks for /healthz all the time: how long he waits, in seconds,
    and what he was answered."""

    def __init__(self, server, context=None, source="127.9.9.9", pause=0.005):
        self.server, self.context, self.source, self.pause = server, context, source, pause
        self.waits, self.statuses, self.done = [], set(), threading.Event()

    def watch(self):
        while not self.done.is_set():
            start = time.monotonic()
            try:
                status = ask(self.server, self.source, self.context)[0]
            except OSError as error:
                status = type(error).__name__
            self.waits.append(time.monotonic() - start)
            self.statuses.add(status)
            time.sleep(self.pause)

    def __enter__(self):
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def quantile(self, q):
        waits = sorted(self.waits)
        return waits[min(len(waits) - 1, int(q * len(waits)))]


@contextlib.contextmanager
def trickle(server, count, beginning, drip, every=0.1, sources=8, context=None):
    """count connections that send beginning, and then one byte of drip at a time as long as they may. Yields a function
    that says how many of them have been closed by the server."""
    sockets = [dial(server, f"127.0.1.{1 + i % sources}", None, context) for i in range(count)]
    for s in sockets:
        s.sendall(beginning)
    open_ones, done = set(sockets), threading.Event()

    def drip_on():
        at = 0
        while not done.wait(every) and open_ones:
            for s in list(open_ones):
                try:
                    s.setblocking(False)
                    with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
                        if not s.recv(65536):
                            raise ConnectionResetError
                    s.send(drip[at % len(drip):][:1])
                except (BlockingIOError, ssl.SSLWantWriteError):
                    pass
                except OSError:
                    open_ones.discard(s)
            at += 1

    thread = threading.Thread(target=drip_on)
    thread.start()
    try:
        yield lambda: count - len(open_ones)
    finally:
        done.set()
        thread.join()
        for s in sockets:
            s.close()


def crowd(server, count, context=None, sources=16, say=True):
    """count connections that have asked once (say) and stay."""
    sockets = []
    for i in range(count):
        s = dial(server, f"127.0.2.{1 + i % sources}", None, context)
        if say:
            s.sendall(request(server))
            assert read_answer(s)[0] == 200, i
        sockets.append(s)
    return sockets


class Client:
    """One connection of a burst: sends its requests one after the other, and keeps what was answered."""

    def __init__(self, server, source):
        self.server, self.socket = server, dial(server, source)
        self.socket.setblocking(False)
        self.data = b""

    def send(self, data):
        self.socket.send(data)

    def answers(self):
        self.data += self.socket.recv(262144)
        while b"\r\n\r\n" in self.data:
            head, _, rest = self.data.partition(b"\r\n\r\n")
            at = head.lower().index(b"content-length:") + 15
            length = int(head[at:].split(b"\r\n")[0])
            if len(rest) < length:
                return
            self.data = rest[length:]
            yield int(head.split(b" ", 2)[1]), rest[:length]


def burst(server, count, connections, body_of, path="/v1/sessions"):
    """count requests over so many connections, each sending as soon as it was answered. A dictionary from status to the
    bodies of these answers."""
    clients = [Client(server, f"127.0.3.{1 + i % 16}") for i in range(connections)]
    selector, answers, sent = selectors.DefaultSelector(), {}, 0
    end = time.monotonic() + 10 * DEADLINE
    try:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
            if sent < count:
                client.send(request(server, "POST", path, body_of(sent)))
                sent += 1
        done = 0
        while done < count:
            assert time.monotonic() < end, f"{done} of {count} were answered"
            for key, _ in selector.select(1):
                for status, body in key.data.answers():
                    answers.setdefault(status, []).append(body)
                    done += 1
                    if sent < count:
                        key.data.send(request(server, "POST", path, body_of(sent)))
                        sent += 1
    finally:
        selector.close()
        for client in clients:
            client.socket.close()
    return answers


def opening(i):
    return json.dumps({"organisation": "demo", "person": f"person {i}", "seat": f"seat {i}"}).encode()
