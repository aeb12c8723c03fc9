#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A customer-lookup application, as small as one can be: people log in with a password and a code, and look at
customers. It stands behind a reverse proxy that asks idem's gate before each look at a customer (nginx.conf).

What it does for that, and all it does:

    log-in    binds its cookie to the idem session of the same seat, by the nonce that the seat's agent handed to the
              log-in page. Where people have no agents it opens a web session for the page's SDK instead, and binds to
              that (--web-sessions); otherwise a log-in without a nonce is bound to nothing, and sees nothing
    step-up   when the proxy sends somebody here, asks for the code again, and reports it to idem

It never asks idem whether to show a customer: the proxy has done so before a request comes here. So it must not be
reachable but through the proxy. Customers and people are made up; so is their second factor, which is six digits that
never change. Nothing here is an example of how to store passwords.

usage: app.py [--port N] [--idem URL] [--web-sessions] --key FILE      (FILE holds the API key of a back end: scope "sessions")
"""
import argparse
import hashlib
import hmac
import html
import http.client
import http.cookies
import http.server
import json
import pathlib
import re
import secrets
import ssl
import sys
import threading
import urllib.parse

COOKIE = "lookup"
BODY_MAX = 4096
LOGINS_MAX = 10000
CUSTOMERS = json.loads((pathlib.Path(__file__).parent / "customers.json").read_text())
PEOPLE = {"ada": ("correct horse", "314159"), "grace": ("battery staple", "271828")}


class Idem:
    """The three calls of a back end. Whatever goes wrong, the gate stays shut: nothing here opens it."""

    def __init__(self, url, key):
        self.url = urllib.parse.urlsplit(url)
        self.key = key

    def call(self, path, body):
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        more = {"context": ssl.create_default_context()} if self.url.scheme == "https" else {}
        connection = kind(self.url.hostname, self.url.port, timeout=5, **more)
        try:
            connection.request("POST", path, json.dumps(body) if body is not None else None,
                               {"Authorization": "Bearer " + self.key, "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else {}
        except (OSError, ValueError, http.client.HTTPException) as e:
            print(f"idem cannot be asked: {e}", file=sys.stderr)
            return 0, {}
        finally:
            connection.close()

    def bind(self, person, cookie, client, **which):
        """To a seat's session by nonce=..., or to one of our own by session=...; its id, or None."""
        said = {"cookie_hash": hashlib.sha256(cookie.encode()).hexdigest(), "person": person, "client": client, **which}
        status, answer = self.call("/v1/bindings", said)
        return answer.get("session") if status == 201 else None

    def open(self, person):
        status, answer = self.call("/v1/sessions", {"person": person, "seat": "web"})
        return (answer["session"]["id"], answer["token"]) if status == 201 else (None, None)

    def step_up(self, session):
        return self.call(f"/v1/sessions/{session}/step-up", None)[0] == 204


class Logins:
    """By the hash of the cookie: who, and which idem session, if any."""

    def __init__(self):
        self.lock = threading.Lock()
        self.held = {}

    def add(self, cookie, person, session, token):
        with self.lock:
            while len(self.held) >= LOGINS_MAX:
                self.held.pop(next(iter(self.held)))
            self.held[hashlib.sha256(cookie.encode()).digest()] = (person, session, token)

    def find(self, cookie):
        with self.lock:
            return self.held.get(hashlib.sha256(cookie.encode()).digest()) if cookie else None


def knows(person, password, code):
    right = PEOPLE.get(person, ("", ""))
    same = [hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(right, (password, code))]
    return person in PEOPLE and all(same)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    idem = None
    web_sessions = False
    logins = Logins()

    # ------------------------------------------------------------------ what is shown

    def page(self, status, title, body, headers=()):
        text = f"<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title}</h1>{body}".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def ask_login(self, status=200, why=""):
        """The nonce is what a seat's agent, or its extension of the browser, fills in."""
        self.page(status, "Log in", f"<p>{why}</p><form method=post action=/login><input name=person placeholder=person>"
                  "<input name=password type=password placeholder=password><input name=code placeholder=code>"
                  "<input name=nonce type=hidden><button>Log in</button></form>")

    def ask_code(self, status=200):
        self.page(status, "Is it still you?", "<p>Your code, please. For some customers a code is not enough: work on for"
                  " a moment, as you always do, and try again.</p><form method=post action=/step-up>"
                  "<input name=code placeholder=code><button>Confirm</button></form>")

    def show_customer(self, number):
        customer = CUSTOMERS.get(number)
        if customer is None:
            return self.page(404, "No such customer", "")
        rows = "".join(f"<tr><th>{html.escape(k)}<td>{html.escape(v)}" for k, v in customer.items())
        self.page(200, f"Customer {number}", f"<table>{rows}</table>")

    def show_list(self):
        rows = "".join(f"<li><a href=/customers/{n}>{html.escape(c['name'])}</a>" for n, c in CUSTOMERS.items())
        self.page(200, "Customers", f"<ul>{rows}</ul>")

    # ------------------------------------------------------------------ what is asked

    def cookie(self):
        held = http.cookies.SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        return held.value if held else None

    def form(self):
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_MAX:
            self.close_connection = True
            return {}
        fields = urllib.parse.parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"))
        return {name: values[0] for name, values in fields.items()}

    def client(self):
        """As the proxy sees the browser, and will tell the gate. Nobody else can reach us."""
        return self.headers.get("X-Real-IP", self.client_address[0])

    def log_in(self):
        said = self.form()
        person, nonce = said.get("person", ""), said.get("nonce", "")
        if not knows(person, said.get("password", ""), said.get("code", "")):
            return self.ask_login(403, "That was not right.")
        cookie, session, token = secrets.token_urlsafe(32), None, None
        if nonce:
            session = self.idem.bind(person, cookie, self.client(), nonce=nonce)
        elif self.web_sessions:
            opened, token = self.idem.open(person)
            session = self.idem.bind(person, cookie, self.client(), session=opened) if opened else None
        self.logins.add(cookie, person, session, token)
        self.page(200, "Logged in", "<a href=/customers/>Customers</a>",
                  [("Set-Cookie", f"{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Strict")])

    def step_up(self):
        login, code = self.logins.find(self.cookie()), self.form().get("code", "")
        if login is None or login[1] is None:
            return self.ask_login(403, "Log in at your own seat.")
        person, session, _ = login
        if not hmac.compare_digest(PEOPLE[person][1].encode(), code.encode()) or not self.idem.step_up(session):
            return self.ask_code(403)
        self.page(200, "Thank you", "<a href=/customers/>Customers</a>")

    # ------------------------------------------------------------------ methods

    def do_GET(self):
        path = self.path.split("?")[0]
        login = self.logins.find(self.cookie())
        found = re.fullmatch(r"/customers/([0-9]{1,9})", path)
        if path in ("/", "/login"):
            self.ask_login()
        elif path == "/step-up":  # the proxy's page for 401
            self.ask_code() if login else self.ask_login()
        elif login is None:
            self.ask_login(403)
        elif path == "/customers/":
            self.show_list()
        elif path == "/session":  # for the page's SDK: the token of a web session, to whoever logged in
            self.page(200, "Session", html.escape(login[2] or ""))
        elif found:
            self.show_customer(found[1])
        else:
            self.page(404, "Nothing here", "")

    do_HEAD = do_GET

    def do_POST(self):
        if self.path == "/login":
            self.log_in()
        elif self.path == "/step-up":
            self.step_up()
        else:
            self.close_connection = True
            self.page(404, "Nothing here", "")

    def log_message(self, *args):
        """Who looked at what is in the gate's record; a second one would be kept by nobody's rules."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--idem", default="http://127.0.0.1:8787")
    parser.add_argument("--key", required=True)
    parser.add_argument("--web-sessions", action="store_true")
    args = parser.parse_args()
    Handler.web_sessions = args.web_sessions
    Handler.idem = Idem(args.idem, pathlib.Path(args.key).read_text().strip())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
