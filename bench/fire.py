# SPDX-License-Identifier: Apache-2.0
"""The server under fire over the network, at full size; prints the table of docs/reliability.md.

    bench/fire.py BUILD [--scale N] [--only NAME...]

Needs nothing but a build. Everything stays on loopback (strangers are other addresses of 127.0.0.0/8), every attack is
bounded in count and time, and the servers are its own. --scale 10 makes every attack ten times smaller. A Witness asks
for /healthz from an address of his own all the while: how long he waited says whether others were still served, and is
a figure of the machine, its load and this very program; processor time and kilobytes are the server's."""
import argparse
import contextlib
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "system"))
TLS = "tls: {certificate: '{certificate}', key: '{key}'}\n"
PLAIN = "listen: 127.0.0.1:0\n"
PATIENT = "limits: {first: 10 min, idle: 10 min}\n"


def row(what, figure):
    print(f"| {what} | {figure} |", flush=True)


@contextlib.contextmanager
def serving(text, **more):
    server = FileServer(text, **more)
    try:
        yield server
    finally:
        server.close()


def seen(witness):
    assert witness.statuses <= {200}, witness.statuses
    return (f"{len(witness.waits)} honest requests, all answered; they waited {1e3 * witness.quantile(0.5):.1f} ms (median), "
            f"{1e3 * witness.quantile(0.99):.0f} ms (99th of 100), {1e3 * max(witness.waits):.0f} ms at most")


def idle(count, tls):
    name = "TLS" if tls else "plain"
    with serving((TLS if tls else "") + PLAIN + PATIENT) as server:
        context = server.context() if tls else None
        for s in attackers.crowd(server, 20, context):  # what is allocated once
            s.close()
        memory, cpu = attackers.resident_kb(server.process.pid), attackers.cpu_s(server.process.pid)
        with attackers.Witness(server, context, pause=0.05) as witness:
            sockets = attackers.crowd(server, count, context)
            used = attackers.cpu_s(server.process.pid) - cpu
            grown = attackers.resident_kb(server.process.pid) - memory
            time.sleep(3)
        for s in sockets[::100]:
            s.sendall(attackers.request(server))
            assert attackers.read_answer(s)[0] == 200
        for s in sockets:
            s.close()
        row(f"{count:,} idle connections, {name}: resident", f"{grown / count:.1f} kB each")
        row(f"the same: server's processor time to accept{', shake hands' if tls else ''} and answer once",
            f"{1e3 * used / (count + len(witness.waits)):.2f} ms each")
        row(f"the same: meanwhile and for 3 s afterwards", seen(witness))


def handshakes(count, kind):
    with serving(TLS + PLAIN, start=False) as server:
        certificates.make(server.directory, kind=kind)
        server.start()
        context = server.context()
        server.get("/healthz")
        cpu = attackers.cpu_s(server.process.pid)
        for i in range(count):
            attackers.dial(server, f"127.0.2.{1 + i % 16}", context=context).close()
        used = (attackers.cpu_s(server.process.pid) - cpu) / count
        row(f"TLS 1.3 handshakes, {'ECDSA P-256' if kind == 'ec' else 'RSA 2048'}, {count:,} of them",
            f"{1e3 * used:.2f} ms of the server's processor time each, so {1 / used:,.0f} a second and core")


def loris(count):
    head = b"GET /healthz HTTP/1.1\r\nX: "
    for what, beginning, drip in (("heads", lambda s: head, b"abc"),
                                  ("bodies", lambda s: attackers.request(s, "POST", "/v1/sessions", b"x")[:-1].replace(
                                      b"Length: 1\r\n", b"Length: 5000\r\n"), b"x")):
        with serving(PLAIN) as server, attackers.Witness(server) as witness:
            start = time.monotonic()
            with attackers.trickle(server, count, beginning(server), drip, every=1) as closed:
                wait_for("the end of all of them", lambda: closed() == count)
            row(f"{count:,} connections whose {what} trickle, one byte a second",
                f"all closed by the server after {time.monotonic() - start:.0f} s; {seen(witness)}")


def tokens(count):
    answers = {}
    with serving(PLAIN) as server, attackers.Witness(server) as witness:
        cpu = attackers.cpu_s(server.process.pid)
        for i in range(count):
            status = attackers.ask(server, f"127.0.5.{1 + i % 20}", path="/v1/sessions", token="x" * 43)[0]
            answers[status] = answers.get(status, 0) + 1
        used = attackers.cpu_s(server.process.pid) - cpu
        good = attackers.ask(server, "127.0.5.1", path="/v1/sessions", token=server.operator)[0]
        lines = len([line for line in server.stderr().splitlines() if "bad tokens" in line])
        assert good == 200 and set(answers) <= {401, 429}, (good, answers)
    row(f"{count:,} bad tokens from 20 addresses",
        f"{answers.get(401, 0):,} answered 401, {answers.get(429, 0):,} answered 429; {1e6 * used / count:.0f} us of processor time each, the "
        f"witness's {len(witness.waits):,} requests included; {lines} lines of log; a good token from there: {good}")


def bodies(count):
    with serving(PLAIN) as server, attackers.Witness(server) as witness:
        statuses = {}
        whole = attackers.request(server, "POST", "/v1/sessions", attackers.opening(1))
        too_long = attackers.request(server, "POST", "/v1/sessions", b"x" * 70000)
        for i in range(count):
            with attackers.dial(server, f"127.0.3.{1 + i % 16}") as s:
                s.sendall(too_long)
                status = attackers.read_answer(s)[0]
                statuses[status] = statuses.get(status, 0) + 1
            with attackers.dial(server, f"127.0.3.{1 + i % 16}") as s:
                s.sendall(whole[:1 + i % (len(whole) - 1)])
        wait_for("the broken ones' end", lambda: attackers.metric(server, "idem_connections") <= 3)
        assert set(statuses) == {413}, statuses
        assert server.query("SELECT count(*) FROM sessions") == [(0,)]
        row(f"{count:,} bodies of 70 kB and {count:,} requests broken off",
            f"each of the former answered 413; no session, no connection left; {seen(witness)}")


def burst(count):
    with serving(PLAIN) as server:
        with attackers.Witness(server) as witness:
            answers = attackers.burst(server, count, 500, attackers.opening)
        opened = [json.loads(body) for body in answers.get(201, [])]
        statuses = {status: len(bodies) for status, bodies in sorted(answers.items())}
        assert sum(statuses.values()) == count and set(statuses) <= {201, 429, 503}, statuses
        assert server.query("SELECT count(*) FROM sessions") == [(len(opened),)]
        server.kill()
        server.start()
        for o in opened[::max(1, len(opened) // 100)]:
            assert attackers.ask(server, path="/v1/sessions/" + o["session"]["id"], token=o["token"])[0] == 200
        row(f"{count:,} sessions opened in a burst over 500 connections",
            ", ".join(f"{n:,} answered {status}" for status, n in statuses.items()) +
            f"; every one that was acknowledged is there after kill -9; {seen(witness)}")


def main():
    parts = {
        "idle": lambda n: (idle(10000 // n, False), idle(10000 // n, True)),
        "handshakes": lambda n: (handshakes(2000 // n, "ec"), handshakes(2000 // n, "rsa")),
        "loris": lambda n: loris(1000 // n),
        "tokens": lambda n: tokens(20000 // n),
        "bodies": lambda n: bodies(2000 // n),
        "burst": lambda n: burst(50000 // n),
    }
    wanted = OPTIONS.only or list(parts)
    print("| attack | what came of it |\n|---|---|")
    for name in wanted:
        parts[name](OPTIONS.scale)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--only", nargs="*")
    OPTIONS = parser.parse_args()
    os.environ["IDEM_SERVER"] = os.path.join(OPTIONS.build, "src", "server", "idem-server")
    os.environ["IDEM_SIMULATE"] = os.path.join(OPTIONS.build, "tests", "system", "simulate")
    import attackers
    import certificates
    from certificates import FileServer
    from harness import wait_for
    main()
