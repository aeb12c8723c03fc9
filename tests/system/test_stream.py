# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: every change reaches those who watch; one who does not read is let go; the page's files."""
import json
import os
import socket
import tempfile
import unittest

from harness import CBOR, DEADLINE, Server, ServerCase, cbor_batch, wait_for, windows


class Watcher:
    """Reads /v1/stream on a socket of its own."""

    def __init__(self, server, buffer=None):
        self.socket = socket.socket()
        self.socket.settimeout(DEADLINE)
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.connect((server.host, server.port))
        self.socket.sendall((f"GET /v1/stream HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n"
                             f"Authorization: Bearer {server.operator}\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.head = []
        while line := self.file.readline().strip():
            self.head.append(line.decode())

    def typed_event(self):
        """The next event as (type, object), or None at the end; comments are passed over."""
        kind = None
        while True:
            line = self.file.readline()
            if not line:
                return None
            if line.startswith(b"event: "):
                kind = line[7:].decode().strip()
            if line.startswith(b"data: "):
                return kind, json.loads(line[6:])

    def event(self):
        """The next session object."""
        while typed := self.typed_event():
            if typed[0] == "session":
                return typed[1]
        return None

    def close(self):
        self.file.close()
        self.socket.close()


class Stream(ServerCase):
    def watch(self, **how):
        watcher = Watcher(self.server, **how)
        self.addCleanup(watcher.close)
        return watcher

    def test_changes_arrive(self):
        watcher = self.watch()
        self.assertIn("HTTP/1.1 200 OK", watcher.head)
        self.assertIn("Content-Type: text/event-stream", watcher.head)
        session = self.server.open()
        self.assertEqual(watcher.event()["id"], session.id)
        session.send(windows(101, 1, 16))
        event = watcher.event()
        while event["windows"]["keyboard"] < 16:
            event = watcher.event()
        self.assertEqual(event["enrolment"]["state"], "enrolled")
        session.close()
        while event["state"] != "closed":
            event = watcher.event()

    def test_everybody_who_watches_is_told(self):
        watchers = [self.watch() for _ in range(5)]
        session = self.server.open()
        self.assertEqual({w.event()["id"] for w in watchers}, {session.id})

    def test_stopping_ends_the_stream(self):
        watcher = self.watch()
        self.assertEqual(self.server.stop(), 0)
        self.assertIsNone(watcher.event())

    def test_more_streams_than_there_are_places(self):
        watchers = [self.watch() for _ in range(64)]
        self.assertTrue(all("HTTP/1.1 200 OK" in w.head for w in watchers))
        answer = self.server.get("/v1/stream")
        self.assert_problem(answer, 503, "overloaded")
        self.assertEqual(answer.headers["Retry-After"], "1")
        watchers[0].close()
        # that a client has left is seen when it is told of something
        wait_for("a place", lambda: self.server.open() and "HTTP/1.1 200 OK" in self.watch().head)

    def test_one_who_does_not_read_is_let_go(self):
        self.watch(buffer=4096)
        sessions = [self.server.open(person="p%d" % i) for i in range(50)]

        def dropped():
            for s in sessions:
                s.post(cbor_batch(101, 1, 1, s.seq), kind=CBOR)
                s.seq += 1
            return b"\nidem_stream_drops_total 1\n" in self.server.get("/metrics").body

        wait_for("the reader to be let go", dropped)
        wait_for("the stream to end", lambda: b"\nidem_streams 0\n" in self.server.get("/metrics").body)


class Page(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        www = os.path.join(directory.name, "www")
        os.makedirs(os.path.join(www, "assets"))
        files = {"index.html": "<!doctype html>", "assets/app-1.js": "1", "edge.wasm": "\0asm", ".hidden": "x"}
        for name, content in files.items():
            with open(os.path.join(www, name), "w") as f:
                f.write(content)
        with open(os.path.join(directory.name, "secret"), "w") as f:
            f.write("secret")
        os.symlink("../secret", os.path.join(www, "link"))
        self.server = Server(options=("--www", www))
        self.addCleanup(self.server.close)

    def get(self, path, **headers):
        return self.server.call("GET", path, headers=headers)

    def test_files_come_with_their_types_and_a_policy(self):
        for path, kind in (("/", "text/html; charset=utf-8"), ("/index.html", "text/html; charset=utf-8"),
                           ("/assets/app-1.js", "text/javascript; charset=utf-8"), ("/edge.wasm", "application/wasm")):
            answer = self.get(path)
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, kind))
            self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertIn("immutable", self.get("/assets/app-1.js").headers["Cache-Control"])
        tag = self.get("/").headers["ETag"]
        self.assertEqual(self.get("/", **{"If-None-Match": tag}).status, 304)

    def test_nothing_else_can_be_named(self):
        for path in ("/../secret", "/assets/../../secret", "/%2e%2e/secret", "/link", "/.hidden", "/assets", "/assets/",
                     "//index.html", "/index.html/", "/nothing"):
            self.assertEqual(self.get(path).status, 404, path)


if __name__ == "__main__":
    unittest.main()
