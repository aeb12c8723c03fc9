# SPDX-License-Identifier: Apache-2.0
"""The customer-lookup application of examples/ behind a real nginx, asking a real server's gate: what the tests of the
gate share. Every process listens on a free port of 127.0.0.1 and dies with its test."""
import hashlib
import http.client
import http.server
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

from harness import DEADLINE, Answer, wait_for
from seat_client import SeatSession

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "customer-lookup"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PEOPLE = {"ada": ("correct horse", "314159"), "grace": ("battery staple", "271828")}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def api_key(server, name, *scopes):
    made = server.call("POST", "/v1/keys", {"name": name, "scopes": list(scopes)}, token=server.operator)
    assert made.status == 201, made.body
    return made.json["secret"]


class Proxy:
    """What a reverse proxy asks, without one."""

    def __init__(self, server, key=None):
        self.server = server
        self.key = key or api_key(server, "proxy", "gate")

    def ask(self, cookie=None, resource="customer/4711", kind="sensitive", client=None, key=None, **headers):
        named = {"Idem-Cookie": cookie, "Idem-Resource": resource, "Idem-Class": kind, "Idem-Client": client, **headers}
        return self.server.call("GET", "/v1/gate", token=key or self.key,
                                headers={k.replace("_", "-"): v for k, v in named.items() if v is not None})


class Site:
    """nginx and the application in front of a server."""

    def __init__(self, server, *app_options):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="idem-site-"))
        self.processes = []
        self.keys = {"sessions": api_key(server, "crm", "sessions"), "gate": api_key(server, "nginx", "gate")}
        idem = f"{server.host}:{server.port}"
        app = self.start_app(idem, app_options)
        self.port = free_port()
        conf = (EXAMPLE / "nginx.conf").read_text()
        for here, there in (("127.0.0.1:8787", idem), ("127.0.0.1:8080", app), ("127.0.0.1:8088", f"127.0.0.1:{self.port}")):
            assert here in conf
            conf = conf.replace(here, there)
        (self.dir / "nginx.conf").write_text(conf)
        (self.dir / "idem-key.conf").write_text(f'proxy_set_header Authorization "Bearer {self.keys["gate"]}";\n')
        self.start([NGINX, "-p", str(self.dir), "-c", "nginx.conf", "-g", "daemon off; user root;"])
        wait_for("nginx", lambda: listens(self.port))

    def start(self, command, **more):
        self.errors = open(self.dir / "errors", "a")
        process = subprocess.Popen(command, stderr=self.errors, text=True, **more)
        self.processes.append(process)
        return process

    def start_app(self, idem, options):
        (self.dir / "app.key").write_text(self.keys["sessions"])
        app = self.start([sys.executable, "-B", str(EXAMPLE / "app.py"), "--port", "0", "--idem", "http://" + idem,
                          "--key", str(self.dir / "app.key"), *options], stdout=subprocess.PIPE)
        return app.stdout.readline().strip().removeprefix("http://")

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(DEADLINE)
            if process.stdout:
                process.stdout.close()
        self.errors.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Relay:
    """Stands between `idem replay` and a server. Opens sessions for another person than the recording's, and calls
    opened(session token) and sent() before it hands an answer on."""

    def __init__(self, server, person, opened, sent):
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if (self.command, self.path) == ("POST", "/v1/sessions"):
                    body = json.dumps({**json.loads(body), "person": person}).encode()
                answer = server.call(self.command, self.path, body or None, headers={
                    k: v for k, v in self.headers.items() if k in ("Authorization", "Content-Type")})
                if answer.status == 201 and self.path == "/v1/sessions":
                    opened(answer.json["token"])
                if answer.status == 200 and self.path == "/v1/windows":
                    sent()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_DELETE = forward

            def log_message(self, *args):
                pass
        relay.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        relay.url = f"http://127.0.0.1:{relay.http.server_port}"
        relay.thread = threading.Thread(target=relay.http.serve_forever)
        relay.thread.start()

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


class Browser:
    """One browser on one machine; machine: an address of this computer's."""

    def __init__(self, site, machine="127.0.0.1", cookie=None):
        self.site, self.machine, self.cookie = site, machine, cookie

    def call(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=DEADLINE, source_address=(self.machine, 0))
        head = dict(headers or {})
        if self.cookie:
            head["Cookie"] = "lookup=" + self.cookie
        c.request(method, path, urllib.parse.urlencode(body) if body is not None else None,
                  {**head, **FORM} if body is not None else head)
        answer = Answer(c.getresponse())
        c.close()
        kept = answer.headers.get("Set-Cookie", "")
        if kept.startswith("lookup="):
            self.cookie = kept[len("lookup="):].split(";")[0]
        return answer

    def log_in(self, person="ada", seat=None):
        """seat: the session whose agent hands a nonce to the page, or that nonce."""
        password, code = PEOPLE[person]
        said = {"person": person, "password": password, "code": code}
        if seat:
            said["nonce"] = seat if isinstance(seat, str) else nonce_of(seat)
        answer = self.call("POST", "/login", said)
        assert answer.status == 200 and self.cookie, answer.body
        return self

    def step_up(self, person="ada"):
        return self.call("POST", "/step-up", {"code": PEOPLE[person][1]}).status

    def look(self, number=4711):
        return self.call("GET", f"/customers/{number}").status

    def list(self):
        return self.call("GET", "/customers/").status


def nonce_of(session, token=None):
    """session: one of the harness, or a server and a session's token."""
    server, token = (session, token) if token else (session.server, session.token)
    signed = session.binding() if isinstance(session, SeatSession) else None
    made = server.call("POST", "/v1/bindings/nonce", signed, token=token)
    assert made.status == 201, made.body
    return made.json["nonce"]


def bind(server, key, session, cookie, person="ada", **more):
    return server.call("POST", "/v1/bindings", {"nonce": nonce_of(session), "person": person, **more,
                                                "cookie_hash": hashlib.sha256(cookie.encode()).hexdigest()}, token=key)


def records(server, **which):
    answer = server.get("/v1/gate/records?" + urllib.parse.urlencode(which))
    assert answer.status == 200, answer.body
    return answer.json["records"]


needs_nginx = unittest.skipUnless(NGINX, "nginx is not installed")
