# SPDX-License-Identifier: Apache-2.0
"""A server with accounts: the set-up link, log-ins as a browser makes them, one-time codes."""
import base64
import contextlib
import hashlib
import hmac
import os
import sqlite3
import struct
import time

from harness import Server

PASSWORD = "seven green kettles"


def code_of(secret, drift=0):
    """The one-time code of a secret in base32, of now or of steps away (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + drift)
    mac = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    at = mac[-1] & 15
    return "%06d" % ((struct.unpack(">I", mac[at:at + 4])[0] & 0x7fffffff) % 1000000)


class Browser:
    """Keeps the cookie and the CSRF token of one log-in, and sends both."""

    def __init__(self, server):
        self.server = server
        self.cookie = self.csrf = None
        self.name = "idem"
        self.id = None

    def call(self, method, path, body=None, csrf=True, headers=None, **more):
        head = dict(headers or {})
        if self.cookie:
            head["Cookie"] = f"{self.name}={self.cookie}"
        if csrf and self.csrf and method != "GET":
            head["Idem-CSRF"] = self.csrf
        answer = self.server.call(method, path, body, headers=head, **more)
        self.take(answer)
        return answer

    def take(self, answer):
        given = answer.headers.get("Set-Cookie")
        if given:
            pair = given.split(";")[0]
            self.name, _, value = pair.partition("=")
            self.cookie = value or None
        if answer.status in (200, 201) and answer.body.startswith(b"{") and "csrf" in answer.json:
            self.csrf = answer.json["csrf"]

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.call("POST", path, {} if body is None else body, **more)

    def login(self, name, password, totp=None, organisation=None):
        body = {"name": name, "password": password}
        if totp:
            body["totp"] = totp
        if organisation:
            body["organisation"] = organisation
        return self.post("/v1/login", body)


class Installation(Server):
    """A server without the demonstration, unless it is asked for; its first start prints the set-up link."""

    def __init__(self, demo=False, **how):
        self.demo = demo
        super().__init__(**how)

    def command(self):
        return [word for word in super().command() if self.demo or word != "--demo"]

    def start(self):
        super().start()
        self.setup_token = None
        # The second line is there when there is a link: it is printed with the first one.
        if not os.path.exists(os.path.join(self.data, "has-accounts")) or "--setup" in self.options:
            self.setup_token = self.process.stdout.readline().strip().partition("#setup=")[2]

    def set_up(self, organisation="acme", name="olga", password=PASSWORD, token=None):
        """Uses the link; the operator's browser and secret."""
        browser = Browser(self)
        body = {"token": token or self.setup_token, "organisation": organisation, "name": name, "password": password}
        offered = browser.post("/v1/setup", body)
        assert offered.status == 200, offered.body
        secret = offered.json["secret"]
        done = browser.post("/v1/setup", dict(body, ticket=offered.json["ticket"], code=code_of(secret)))
        assert done.status == 201, done.body
        open(os.path.join(self.data, "has-accounts"), "w").close()
        return browser, secret

    def forget_steps(self):
        """Codes of this half-minute may be used again: a test does not wait."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.data, "idem.db"), timeout=30)) as database, database:
            database.execute("UPDATE accounts SET totp_step = -1")

    def add(self, operator, name, roles, organisation="acme", password=PASSWORD, **fields):
        """Makes an account and logs it in for the first time; its browser and secret."""
        made = operator.post("/v1/accounts", {"name": name, "roles": roles, **fields})
        assert made.status == 201, made.body
        browser = Browser(self)
        first = browser.login(name, made.json["password"], organisation=organisation)
        assert first.status == 200 and "password" in first.json["needs"], first.body
        changed = browser.post("/v1/me/password", {"current": made.json["password"], "password": password})
        assert changed.status == 200, changed.body
        secret = None
        if changed.json["needs"]:
            secret = self.enrol(browser)
        browser.id = made.json["account"]["id"]
        return browser, secret

    @staticmethod
    def enrol(browser):
        offered = browser.post("/v1/me/totp")
        assert offered.status == 200, offered.body
        secret = offered.json["secret"]
        done = browser.post("/v1/me/totp", {"ticket": offered.json["ticket"], "code": code_of(secret)})
        assert done.status == 200 and done.json["needs"] == [], done.body
        return secret
