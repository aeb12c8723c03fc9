# SPDX-License-Identifier: Apache-2.0
"""Under fire over the network, in small: clients that trickle, crowd, guess tokens, break off, send too much, or come all
at once. The sizes of an attack are bench/fire.py's business; here each defence is seen to work at all."""
import json
import signal
import socket
import time
import unittest

import attackers
from attackers import ask, crowd, dial, metric, patiently, read_answer, request, trickle
from certificates import FileServer
from harness import ServerCase, Session, wait_for

TLS = "tls: {certificate: '{certificate}', key: '{key}'}\n"
PLAIN = "listen: 127.0.0.1:0\n"


class FireCase(unittest.TestCase):
    def serve(self, text, **more):
        server = FileServer(text, **more)
        self.addCleanup(server.close)
        return server


class SlowLoris(FireCase):
    """However busy it looks: each part of a request ends in time."""
    QUICK = PLAIN + "limits: {first: 500 ms, body: 500 ms, answer: 500 ms, idle: 500 ms}\n"

    def assert_cut(self, server, count, beginning, drip, context=None):
        with trickle(server, count, beginning, drip, context=context) as closed:
            wait_for("the end of all that trickle", lambda: closed() == count)
            self.assertEqual(patiently(lambda: ask(server, context=context)[0]), 200)
        self.assertGreaterEqual(metric(server, "idem_connections_overdue_total"), count)

    def test_heads(self):
        self.assert_cut(self.serve(self.QUICK), 50, b"GET /healthz HTTP/1.1\r\nX: ", b"abc")

    def test_a_request_line(self):
        self.assert_cut(self.serve(self.QUICK), 50, b"G", b"E")

    def test_nothing_at_all(self):
        self.assert_cut(self.serve(self.QUICK), 50, b"", b"\r")

    def test_bodies(self):
        server = self.serve(self.QUICK)
        self.assert_cut(server, 50, b"POST /v1/sessions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 5000\r\n\r\n"
                        % server.port, b"x")

    def test_chunks(self):
        server = self.serve(self.QUICK)
        self.assert_cut(server, 50, b"POST /v1/sessions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nTransfer-Encoding: chunked\r\n"
                        b"\r\n4000\r\n" % server.port, b"x")

    def test_a_refused_body_has_no_more_time(self):
        server = self.serve(self.QUICK)
        self.assert_cut(server, 50, b"POST /v1/windows HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 500000\r\n\r\n"
                        % server.port, b"x")

    def test_the_second_head_of_a_connection(self):
        server = self.serve(self.QUICK)
        self.assert_cut(server, 50, request(server) + b"GET / HT", b"T")

    def test_handshakes(self):
        server = self.serve(TLS + self.QUICK)
        with trickle(server, 50, b"\x16\x03\x01\x02\x00", b"\x01") as closed:
            wait_for("the end of all handshakes", lambda: closed() == 50)
            self.assertEqual(patiently(lambda: server.get("/healthz").status), 200)

    def test_a_silent_handshake_costs_nothing(self):
        """The server waits for its client and does not ask over and over: processor time, not time."""
        server = self.serve(TLS + PLAIN)
        self.assertEqual(server.get("/healthz").status, 200)
        silent = crowd(server, 50, say=False)
        half = dial(server, "127.0.2.1")
        half.sendall(b"\x16\x03\x01")
        server.get("/healthz")
        before = attackers.cpu_s(server.process.pid)
        time.sleep(1)
        self.assertLess(attackers.cpu_s(server.process.pid) - before, 0.1)
        self.assertEqual(server.get("/healthz").status, 200)
        for s in (*silent, half):
            s.close()

    def test_heads_inside_tls(self):
        server = self.serve(TLS + self.QUICK)
        self.assert_cut(server, 20, b"GET /healthz HTTP/1.1\r\nX: ", b"abc", server.context())

    def test_answers_that_nobody_takes(self):
        server = self.serve(self.QUICK)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(60)
            s.connect(("127.0.0.1", server.port))
            some = request(server, path="/v1/front") * 40
            before = metric(server, "idem_connections_overdue_total")
            for _ in range(50):  # the kernel's buffers take some megabytes
                s.sendall(some)
            wait_for("the end", lambda: metric(server, "idem_connections_overdue_total") > before)

    def test_a_slow_client_in_time_is_served(self):
        server = self.serve(PLAIN + "limits: {first: 30 s, body: 30 s}\n")
        whole = request(server, "POST", "/v1/sessions", attackers.opening(1))
        with dial(server) as s:
            for i in range(0, len(whole), 7):
                s.sendall(whole[i:i + 7])
            self.assertEqual(read_answer(s)[0], 201)

    def test_an_event_stream_may_stay(self):
        server = self.serve(PLAIN + "limits: {first: 1 s, body: 1 s, answer: 1 s, idle: 1 s}\n")
        with dial(server) as s:
            s.sendall(request(server, path="/v1/stream", token=server.operator))
            wait_for("the stream", lambda: b"200" in s.recv(4096))
            self.outlive(server, s)

    def outlive(self, server, s):
        with trickle(server, 1, b"G", b"E") as closed:
            wait_for("somebody else's end", closed)
            wait_for("the next round", lambda: metric(server, "idem_connections_overdue_total") >= 1)
            patiently(server.open)
            wait_for("an event", lambda: b"event: session" in s.recv(65536))


class Crowds(FireCase):
    def test_one_address_has_so_many_connections(self):
        server = self.serve(PLAIN + "limits: {connections_per_address: 20}\n")
        sockets = crowd(server, 20, sources=1)
        with dial(server, "127.0.2.1") as s:
            self.assertEqual(s.recv(100), b"")
        self.assertEqual(ask(server, "127.0.2.2")[0], 200)
        self.assertEqual(metric(server, "idem_connections_turned_away_total"), 1)
        sockets.pop().close()
        wait_for("room", lambda: ask(server, "127.0.2.1")[0] == 200)
        for s in sockets:
            s.close()

    def test_a_proxy_has_as_many_as_it_likes(self):
        server = self.serve(PLAIN + "limits: {connections_per_address: 20}\nproxies: 127.0.2.1\n")
        for s in crowd(server, 60, sources=1):
            s.close()

    def test_the_idle_make_room(self):
        """More connections than there are: nobody new is refused, and whoever has work under way stays."""
        server = self.serve(PLAIN + "limits: {connections: 64}\n")
        stream = dial(server)
        stream.sendall(request(server, path="/v1/stream", token=server.operator))
        wait_for("the stream", lambda: b"200" in stream.recv(4096))
        sockets = crowd(server, 300)
        silent = crowd(server, 300, say=False)
        self.assertEqual(ask(server)[0], 200)
        self.assertGreater(metric(server, "idem_connections_crowded_out_total"), 200)
        server.open()
        wait_for("an event", lambda: b"event: session" in stream.recv(65536))
        for s in (*sockets, *silent, stream):
            s.close()

    def test_idle_tls_connections(self):
        server = self.serve(TLS + PLAIN)
        context = server.context()
        sockets = crowd(server, 100, context)
        self.assertEqual(server.get("/healthz").status, 200)
        for s in sockets:
            s.sendall(request(server))
            self.assertEqual(read_answer(s)[0], 200)
            s.close()


class BadTokens(FireCase):
    TEXT = PLAIN + "limits: {failures_per_minute: 10}\nproxies: 127.0.0.7\n"
    BAD = "x" * 43

    def failures(self, server, count, source, **more):
        return [ask(server, source, path="/v1/sessions", token=self.BAD, **more)[0] for _ in range(count)]

    def test_after_so_many_the_answer_is_429_and_the_connection_ends(self):
        server = self.serve(self.TEXT)
        self.assertEqual(self.failures(server, 10, "127.0.0.5"), [401] * 10)
        with dial(server, "127.0.0.5") as s:
            s.sendall(request(server, path="/v1/sessions", token=self.BAD))
            status, headers, body = read_answer(s)
            self.assertEqual((status, headers["connection"].lower()), (429, "close"))
            self.assertEqual(json.loads(body)["type"], "/problems/too-many-failures")
            self.assertGreater(int(headers["retry-after"]), 0)
            self.assertEqual(s.recv(10), b"")

    def test_a_good_token_is_good_wherever_it_comes_from(self):
        server = self.serve(self.TEXT)
        self.failures(server, 12, "127.0.0.5")
        self.assertEqual(ask(server, "127.0.0.5", path="/v1/sessions", token=server.operator)[0], 200)
        self.assertEqual(ask(server, "127.0.0.5")[0], 200)
        self.assertEqual(self.failures(server, 1, "127.0.0.6"), [401])

    def test_behind_a_proxy_each_is_counted_alone(self):
        server = self.serve(self.TEXT)

        def via(client, count=1):
            return self.failures(server, count, "127.0.0.7", headers=[f"X-Forwarded-For: {client}"])
        via("203.0.113.9", 10)
        self.assertEqual(via("203.0.113.9"), [429])
        self.assertEqual(via("198.51.100.1, 203.0.113.9"), [429])  # what he wrote before does not help
        self.assertEqual(via("203.0.113.9, 203.0.113.10"), [401])
        self.assertEqual(via("2001:db8::1", 11)[-1], 429)
        self.assertEqual(via("2001:db8::2"), [429])  # the same network of 64 bits
        self.assertEqual(set(via("nonsense", 15)), {401})  # nobody to count it on, and not the proxy
        self.assertEqual(set(self.failures(server, 15, "127.0.0.7")), {401})

    def test_a_stranger_cannot_speak_for_others(self):
        server = self.serve(self.TEXT)
        forged = [f"X-Forwarded-For: 203.0.113.{i}" for i in range(12)]
        answers = [self.failures(server, 1, "127.0.0.5", headers=[h])[0] for h in forged]
        self.assertEqual(answers, [401] * 10 + [429] * 2)

    def test_the_log_stays_short(self):
        server = self.serve(self.TEXT)
        for i in range(30):
            self.failures(server, 12, f"127.0.4.{i + 1}")
        lines = [line for line in server.stderr().splitlines() if "bad tokens" in line]
        self.assertTrue(1 <= len(lines) <= 25, lines)
        self.assertNotIn(self.BAD, server.stderr())
        self.assertEqual(metric(server, "idem_bad_tokens_total"), 360)


class Bodies(ServerCase):
    """Too long, too short, broken off, two lengths at once."""

    def raw(self, data, shut=None):
        with dial(self.server) as s:
            s.sendall(data)
            if shut is not None:
                s.shutdown(shut)
            return read_answer(s)

    def head(self, *headers, path="/v1/sessions"):
        return "\r\n".join([f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{self.server.port}",
                            "Content-Type: application/json", *headers, "", ""]).encode()

    def test_too_long(self):
        self.assertEqual(self.raw(self.head("Content-Length: 65537") + b"x" * 65537)[0], 413)
        self.assertEqual(self.raw(self.head("Content-Length: 99999999999"))[0], 413)
        self.assertIn(self.raw(self.head("Content-Length: 99999999999999999999999999"))[0], (0, 400, 413))
        self.assertIn(self.raw(self.head("Content-Length: -1"))[0], (0, 400))
        chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
        self.assertEqual(self.raw(self.head("Transfer-Encoding: chunked") + chunk * 20 + b"0\r\n\r\n")[0], 413)

    def test_endless_chunks_end(self):
        with dial(self.server) as s:
            s.sendall(self.head("Transfer-Encoding: chunked"))
            chunk = b"4000\r\n" + b"x" * 16384 + b"\r\n"
            with self.assertRaises(OSError):
                for _ in range(10000):
                    s.sendall(chunk)

    def test_two_lengths_are_none(self):
        body = attackers.opening(1)
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        length = f"Content-Length: {len(body)}"
        for headers, sent in (((length, length), body), ((length, "Content-Length: 0"), body),
                              (("Content-Length: 0", length), body),
                              ((length, "Transfer-Encoding: chunked"), chunk),
                              (("Transfer-Encoding: chunked", "Content-Length: 0"), chunk),
                              (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), chunk),
                              (("Transfer-Encoding: gzip, chunked",), chunk), (("Transfer-Encoding: identity",), chunk)):
            with self.subTest(headers), dial(self.server) as s:
                s.sendall(self.head(*headers) + sent + request(self.server))
                status, _, answer = read_answer(s)
                self.assertIn(status, (0, 400))
                if status:
                    self.assertEqual(json.loads(answer)["type"], "/problems/length-unclear")
                    self.assertEqual(read_answer(s)[0], 0)  # what follows is nobody's request
        self.assertEqual(self.raw(self.head("Transfer-Encoding: chunked") + chunk)[0], 201)

    def test_broken_off(self):
        server = FileServer(PLAIN + "limits: {first: 500 ms, body: 500 ms}\n")
        self.addCleanup(server.close)
        whole = request(server, "POST", "/v1/sessions", attackers.opening(1))
        for end in (lambda s: s.shutdown(socket.SHUT_WR), lambda s: s.close()):
            sockets = [dial(server) for _ in range(1, len(whole))]
            for length, s in enumerate(sockets, 1):
                s.sendall(whole[:length])
                end(s)
            wait_for("nobody", lambda: metric(server, "idem_connections") == 1)
            for s in sockets:
                s.close()
        self.assertEqual(patiently(lambda: server.get("/v1/sessions")).json["sessions"], [])
        self.assertEqual(server.stop(signal.SIGTERM), 0)

    def test_heads_without_end(self):
        with dial(self.server) as s:
            s.sendall(b"GET /" + b"a" * 20000)
            self.assertIn(read_answer(s)[0], (0, 400, 413, 414, 431))
        with dial(self.server) as s:
            with self.assertRaises(OSError):
                s.sendall(b"GET / HTTP/1.1\r\n")
                for i in range(100000):
                    s.sendall(b"X%d: y\r\n" % i * 100)
        self.assertEqual(ask(self.server)[0], 200)


class Burst(ServerCase):
    def test_all_are_answered_and_none_is_lost(self):
        count = 2000
        with attackers.Witness(self.server) as witness:
            answers = attackers.burst(self.server, count, 100, attackers.opening)
        self.assertEqual(sum(map(len, answers.values())), count)
        self.assertLessEqual(set(answers), {201, 429, 503})
        opened = [json.loads(body) for body in answers[201]]
        self.assertEqual(witness.statuses, {200})
        self.assertEqual(len({o["session"]["id"] for o in opened}), len(opened))
        self.assertEqual(self.server.query("SELECT count(*) FROM sessions"), [(len(opened),)])
        for o in opened[::200]:
            self.assertEqual(Session(self.server, o).read()["id"], o["session"]["id"])


if __name__ == "__main__":
    unittest.main()
