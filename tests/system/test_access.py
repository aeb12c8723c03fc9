# SPDX-License-Identifier: Apache-2.0
"""Who may see: setting up, logging in and out, roles, organisations, delays, names."""
import http.client
import json
import os
import re
import subprocess
import threading
import unittest

from accounts import PASSWORD, Browser, Installation, code_of
from certificates import FileServer
from harness import DEADLINE, SERVER, Server, windows


class AccessCase(unittest.TestCase):
    def install(self, *options, **how):
        server = Installation(options=options, **how)
        self.addCleanup(server.close)
        return server

    def assert_problem(self, answer, status, name):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.json["type"], "/problems/" + name)


class SetUp(AccessCase):
    def test_the_link_makes_one_operator_once(self):
        server = self.install()
        operator, secret = server.set_up()
        me = operator.get("/v1/me").json
        self.assertEqual((me["name"], me["organisation"], me["roles"], me["needs"]), ("olga", "acme", ["operator"], []))
        again = Browser(server).post("/v1/setup", {"token": server.setup_token, "organisation": "other", "name": "x",
                                                   "password": PASSWORD})
        self.assert_problem(again, 403, "setup-over")
        token = server.setup_token
        server.stop()
        server.start()
        self.assertIsNone(server.setup_token)
        self.assertNotIn("setup=", server.line)
        again = Browser(server).post("/v1/setup", {"token": token, "organisation": "other", "name": "x",
                                                   "password": PASSWORD})
        self.assert_problem(again, 403, "setup-over")
        self.assertEqual(operator.get("/v1/me").status, 401, "log-ins end with the server")
        server.forget_steps()
        self.assertEqual(operator.login("olga", PASSWORD, code_of(secret)).status, 200)

    def test_the_link_makes_one_operator_when_several_race_for_it(self):
        server = self.install()
        bodies = [{"token": server.setup_token, "organisation": "acme-%d" % i, "name": "olga", "password": PASSWORD}
                  for i in range(4)]
        for body in bodies:
            offered = Browser(server).post("/v1/setup", body).json
            body.update(ticket=offered["ticket"], code=code_of(offered["secret"]))
        answers = [None] * len(bodies)
        start = threading.Barrier(len(bodies))

        def use(i):
            start.wait(DEADLINE)
            answers[i] = Browser(server).post("/v1/setup", bodies[i])

        # Passwords are hashed one at a time: all are past the first look at the link before one of them has used it.
        threads = [threading.Thread(target=use, args=(i,)) for i in range(len(bodies))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
        self.assertEqual(sorted(answer.status for answer in answers), [201, 403, 403, 403])
        for answer in answers:
            if answer.status != 201:
                self.assert_problem(answer, 403, "setup-over")
        self.assertEqual(server.query("SELECT count(*) FROM accounts"), [(1,)])
        self.assertEqual(server.query("SELECT count(*) FROM organisations WHERE name LIKE 'acme%'"), [(1,)])

    def test_a_start_without_accounts_prints_another_link(self):
        server = self.install()
        token = server.setup_token
        self.assertEqual(len(token), 43)
        self.assertNotIn(token, server.dump())
        server.stop()
        server.start()
        self.assertNotEqual(server.setup_token, token)
        stale = Browser(server).post("/v1/setup", {"token": token, "organisation": "acme", "name": "x",
                                                   "password": PASSWORD})
        self.assert_problem(stale, 403, "setup-over")
        server.set_up()

    def test_what_a_set_up_refuses(self):
        server = self.install()
        body = {"token": server.setup_token, "organisation": "acme", "name": "olga", "password": PASSWORD}
        post = lambda **change: Browser(server).post("/v1/setup", {**body, **change})
        self.assert_problem(post(token="A" * 43), 403, "setup-over")
        self.assert_problem(post(organisation="demo"), 409, "already-there")
        self.assert_problem(post(organisation="Acme!"), 400, "invalid-field")
        self.assert_problem(post(password="password1234"), 400, "invalid-field")
        self.assert_problem(post(code="123456"), 400, "invalid-field")
        self.assert_problem(post(role="auditor"), 400, "invalid-field")
        offered = post().json
        self.assert_problem(post(ticket=offered["ticket"], code="000000" if code_of(offered["secret"]) != "000000" else "1" * 6),
                            401, "login-failed")
        self.assert_problem(post(ticket="A" * len(offered["ticket"]), code="123456"), 400, "invalid-field")
        self.assertEqual(post(ticket=offered["ticket"], code=code_of(offered["secret"])).status, 201)

    def test_the_demonstration_prints_none(self):
        server = Server()
        self.addCleanup(server.close)
        answer = server.call("POST", "/v1/setup", {"token": "A" * 43, "organisation": "acme", "name": "x",
                                                   "password": PASSWORD})
        self.assert_problem(answer, 403, "setup-over")


ROLES = {"analyst": ["analyst"], "operator": ["operator"], "privacy-officer": ["privacy-officer"],
         "auditor": ["auditor"], "employee": ["employee"], "names": ["analyst", "names"]}


# Who may call what, once more: a row of the server's table that is changed must be changed here, too.
WHO = """
POST /v1/windows session
POST /v1/alarms session
POST /v1/sessions anybody
GET /v1/sessions analyst,operator
GET /v1/sessions/{id} session,api-key,analyst,operator
DELETE /v1/sessions/{id} session,api-key,operator
POST /v1/sessions/{id}/unlock operator
POST /v1/sessions/{id}/confirm operator
GET /v1/people/{id} analyst,operator,privacy-officer
GET /v1/stream analyst,operator
GET /v1/front anybody
GET /v1/policy analyst,operator,privacy-officer,auditor
GET /v1/about anybody
GET /healthz anybody
GET /metrics analyst,operator
GET /v1/audit auditor
GET /v1/audit/head auditor
POST /v1/login anybody
POST /v1/setup anybody
GET /v1/oidc/start anybody
GET /v1/oidc/callback anybody
POST /v1/logout account
GET /v1/me analyst,operator,privacy-officer,auditor,account
POST /v1/me/password account
POST /v1/me/totp account
GET /v1/me/data employee
GET /v1/accounts operator,auditor
POST /v1/accounts operator
POST /v1/accounts/{id} operator
GET /v1/people analyst,operator,privacy-officer
GET /v1/people/{id}/export privacy-officer
POST /v1/people/{id}/erase privacy-officer
GET /v1/gate api-key
GET /v1/gate/records analyst,auditor
POST /v1/bindings/nonce session
POST /v1/bindings api-key
POST /v1/sessions/{id}/step-up api-key,operator
GET /v1/acknowledgement session,api-key,employee
POST /v1/acknowledgement session,api-key,employee
DELETE /v1/acknowledgement session,api-key,employee
POST /v1/sessions/{id}/strong session
POST /v1/sessions/{id}/pause session
GET /v1/sessions/{id}/rules session
POST /v1/challenge anybody
POST /v1/sessions/{id}/token anybody
GET /v1/seats analyst,operator
POST /v1/seats operator
POST /v1/seats/register anybody
POST /v1/seats/{id}/revoke operator
GET /v1/keys operator
POST /v1/keys operator
POST /v1/keys/{id}/revoke operator
POST /v1/people/{id}/name privacy-officer,names
"""


def routes():
    """(method, path, who may) of every route, as the server itself lists them."""
    lines = subprocess.run([SERVER, "--routes"], check=True, capture_output=True, text=True).stdout.splitlines()
    return [(method, path, set(who.split(","))) for method, path, who in (line.split(" ") for line in lines)]


class Roles(unittest.TestCase):
    """Every route with every role, and from another organisation. One server for all: it is only asked."""

    @classmethod
    def setUpClass(cls):
        cls.server = server = Installation(demo=True, options=("--setup", "acme"))
        cls.addClassCleanup(server.close)
        cls.olga, _ = server.set_up()
        cls.people = {role: server.add(cls.olga, role, roles)[0] for role, roles in ROLES.items()}
        cls.people["operator"] = cls.olga
        cls.session = server.open(person="Grace Hopper")
        cls.session.send(windows(101, 1, 2))
        cls.person = cls.session.read()["person"]
        made = server.call("POST", "/v1/accounts", {"name": "demo-auditor", "roles": ["auditor"]}, token=server.operator)
        cls.account = made.json["account"]["id"]
        cls.secrets = (cls.session.id, cls.person, "demo-auditor", "Grace Hopper", cls.session.token)

    def ask(self, who, method, path):
        """The status and the text of the answer; of a stream its head only."""
        browser = self.people.get(who) or Browser(self.server)
        if path != "/v1/stream":
            answer = browser.call(method, path, {} if method == "POST" else None)
            return answer.status, answer.body.decode(errors="replace")
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=DEADLINE)
        connection.request(method, path, headers={"Cookie": f"idem={browser.cookie}"} if browser.cookie else {})
        response = connection.getresponse()
        text = "" if response.status == 200 else response.read().decode()
        connection.close()
        return response.status, text

    def may(self, who, allowed):
        roles = set(ROLES.get(who, ())) | ({"account"} if who in ROLES else set()) | {"anybody"}
        return bool(roles & allowed)

    def test_the_table_is_the_one_that_was_agreed(self):
        agreed = {tuple(line.split()[:2]): set(line.split()[2].split(",")) for line in WHO.split("\n") if line}
        for method, path, allowed in routes():
            self.assertEqual(allowed, agreed.get((method, path), allowed), (method, path))

    def test_each_route_takes_the_roles_that_it_says(self):
        table = routes()
        self.assertGreater(len(table), 25)
        for method, path, allowed in table:
            if path == "/v1/logout":
                continue # ends the log-in; has a test of its own
            for who in (*ROLES, None):
                with self.subTest(method=method, path=path, who=who):
                    status, text = self.ask(who, method, path.replace("{id}", "none"))
                    refused = status in (401, 403) and re.search(
                        "/problems/(token-missing|token-unknown|forbidden-role|forbidden-session)", text)
                    self.assertEqual(bool(refused), not self.may(who, allowed), (status, text[:200]))

    def test_sessions_tokens_open_their_own_session_only(self):
        for method, path, allowed in routes():
            if allowed & {"session", "anybody"}:
                continue
            with self.subTest(method=method, path=path):
                answer = self.server.call(method, path.replace("{id}", "none"), {} if method == "POST" else None,
                                          token=self.session.token)
                self.assertEqual(answer.status, 403, answer.body)

    def test_nothing_crosses_an_organisation(self):
        ids = {"sessions": self.session.id, "people": self.person, "accounts": str(self.account)}
        for method, path, allowed in routes():
            if path in ("/v1/stream", "/v1/logout", "/v1/sessions") and method != "GET" or path == "/v1/logout":
                continue
            target = path.replace("{id}", ids.get(path.split("/")[2] if path.count("/") > 1 else "", "1"))
            for who in ROLES:
                if not self.may(who, allowed):
                    continue
                with self.subTest(method=method, path=target, who=who):
                    status, text = self.ask(who, method, target)
                    if "{id}" in path:
                        self.assertNotEqual(status // 100, 2, text)
                        text = text.replace(target, "")
                    for secret in self.secrets:
                        self.assertNotIn(secret, text)
        # and what is asked in earnest is there neither
        olga, officer = self.people["operator"], self.people["privacy-officer"]
        self.assertEqual(olga.post(f"/v1/accounts/{self.account}", {"disabled": True}).status, 404)
        self.assertEqual(olga.post(f"/v1/sessions/{self.session.id}/unlock").status, 404)
        self.assertEqual(olga.call("DELETE", "/v1/sessions/" + self.session.id).status, 404)
        self.assertEqual(officer.post(f"/v1/people/{self.person}/name", {"reason": "to see"}).status, 404)
        self.assertEqual(olga.post("/v1/accounts", {"name": "e", "roles": ["employee"], "person": self.person}).status, 404)

    def test_streams_are_of_one_organisation(self):
        def watch(headers):
            connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=DEADLINE)
            connection.request("GET", "/v1/stream", headers=headers)
            self.addCleanup(connection.close)
            return connection.getresponse()
        foreign = watch({"Cookie": f"idem={self.people['analyst'].cookie}"})
        own = watch({"Authorization": "Bearer " + self.server.operator})
        session = self.server.open(person="somebody else")
        line = b""
        while session.id.encode() not in line:
            line = own.readline()
        # what is told afterwards comes to the other one, and nothing has before
        key = self.olga.post("/v1/keys", {"name": "streams"}).json["secret"]
        theirs = self.server.call("POST", "/v1/sessions", {"person": "theirs", "seat": "web"}, token=key).json["session"]["id"]
        line, heard = b"", b""
        while theirs.encode() not in line:
            line = foreign.readline()
            heard += line
        self.assertNotIn(session.id.encode(), heard)
        self.assertEqual(heard.count(b"event:"), 1, heard)


class Accounts(AccessCase):
    def test_roles_are_given_by_others_only(self):
        server = self.install()
        olga, _ = server.set_up()
        accounts = {a["name"]: a for a in olga.get("/v1/accounts").json["accounts"]}
        own = accounts["olga"]["id"]
        self.assert_problem(olga.post(f"/v1/accounts/{own}", {"roles": ["operator", "auditor"]}), 409, "own-account")
        self.assert_problem(olga.post(f"/v1/accounts/{own}", {"disabled": True}), 409, "own-account")
        otto, _ = server.add(olga, "otto", ["operator"])
        self.assertEqual(otto.post(f"/v1/accounts/{own}", {"roles": ["auditor"]}).status, 200)
        self.assertEqual(olga.get("/v1/me").status, 401, "a change of roles ends the log-ins")
        self.assert_problem(otto.post(f"/v1/accounts/{otto.id}", {"roles": ["auditor"]}), 409, "own-account")
        self.assertEqual(otto.get("/v1/accounts").json["accounts"][0]["roles"], ["auditor"])

    def test_what_an_account_cannot_be(self):
        server = self.install()
        olga, _ = server.set_up()
        for body in ({"name": "x"}, {"name": "x", "roles": []}, {"name": "x", "roles": ["king"]},
                     {"name": "x", "roles": ["employee", "analyst"]}, {"name": "x", "roles": ["names"]},
                     {"name": "x", "roles": ["operator", "names"]}, {"name": "p_x", "roles": ["analyst"]},
                     {"name": "x" * 49, "roles": ["analyst"]}, {"name": "", "roles": ["analyst"]},
                     {"name": "x\n", "roles": ["analyst"]}, {"name": "x", "roles": ["analyst"], "person": "p_x"},
                     {"name": "x", "roles": ["analyst"], "password": PASSWORD}, {"name": 7, "roles": ["analyst"]}):
            self.assert_problem(olga.post("/v1/accounts", body), 400, "invalid-field")
        self.assert_problem(olga.post("/v1/accounts", {"name": "OLGA", "roles": ["analyst"]}), 409, "already-there")
        employee, _ = server.add(olga, "Ada Lovelace", ["employee"])
        self.assert_problem(olga.post(f"/v1/accounts/{employee.id}", {"roles": ["analyst"]}), 400, "invalid-field")
        self.assert_problem(olga.post("/v1/accounts/999", {"disabled": True}), 404, "no-such-account")
        self.assert_problem(olga.post("/v1/accounts/x", {"disabled": True}), 404, "no-such-account")

    def test_an_employees_name_is_nowhere(self):
        server = self.install()
        olga, _ = server.set_up()
        ada, _ = server.add(olga, "Ada Lovelace", ["employee"])
        me = ada.get("/v1/me").json
        self.assertRegex(me["name"], "^p_")
        self.assertEqual(me["person"], me["name"])
        server.stop()
        self.assertNotIn("lovelace", server.dump().lower())
        self.assertNotIn("lovelace", server.stderr().lower())

    def test_disabling_and_resetting(self):
        server = self.install()
        olga, _ = server.set_up()
        anna, secret = server.add(olga, "anna", ["analyst"])
        self.assertEqual(olga.post(f"/v1/accounts/{anna.id}", {"disabled": True}).status, 200)
        self.assertEqual(anna.get("/v1/me").status, 401)
        server.forget_steps()
        self.assert_problem(Browser(server).login("anna", PASSWORD, code_of(secret)), 401, "login-failed")
        reset = olga.post(f"/v1/accounts/{anna.id}", {"disabled": False, "reset": True}).json
        self.assertEqual((reset["account"]["totp"], reset["account"]["fresh"]), (False, True))
        again = Browser(server)
        self.assert_problem(again.login("anna", PASSWORD), 401, "login-failed")
        first = again.login("anna", reset["password"]).json
        self.assertEqual(first["needs"], ["password", "totp-enrol"])
        self.assert_problem(again.get("/v1/sessions"), 403, "forbidden-role")
        offered = again.post("/v1/me/totp").json
        done = again.post("/v1/me/totp", {"ticket": offered["ticket"], "code": code_of(offered["secret"])}).json
        self.assertEqual(done["needs"], ["password"])
        self.assert_problem(again.get("/v1/sessions"), 403, "forbidden-role")
        changed = again.post("/v1/me/password", {"current": reset["password"], "password": "eight red kettles"}).json
        self.assertEqual(changed["needs"], [])
        self.assertEqual(again.get("/v1/sessions").status, 200)

    def test_what_was_done_is_in_the_audit_log(self):
        server = self.install()
        olga, _ = server.set_up()
        auditor, _ = server.add(olga, "ingrid", ["auditor"])
        anna, _ = server.add(olga, "anna", ["analyst"])
        olga.post(f"/v1/accounts/{anna.id}", {"roles": ["analyst", "names"]})
        Browser(server).login("anna", "not her password")
        lines = [line["line"] for line in auditor.get("/v1/audit").json["lines"]]
        seen = {(line["actor"], line["action"], line.get("subject")) for line in lines}
        for line in (("setup", "setup.done", "account:olga"), ("account:olga", "account.added", "account:anna"),
                     ("account:anna", "login.ok", "account:anna"), ("account:anna", "account.password", "account:anna"),
                     ("account:anna", "account.totp", "account:anna"),
                     ("account:olga", "account.changed", "account:anna")):
            self.assertIn(line, seen)
        change = [line for line in lines if line["action"] == "account.changed"][0]
        self.assertEqual(change["detail"], {"roles": ["analyst", "names"], "before": ["analyst"]})


class LogIn(AccessCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Installation()
        cls.addClassCleanup(cls.server.close)
        cls.olga, cls.secret = cls.server.set_up()

    def setUp(self):
        self.server.forget_steps()

    def login(self, browser=None, **change):
        body = {"name": "olga", "password": PASSWORD, "totp": code_of(self.secret), **change}
        return (browser or Browser(self.server)).post("/v1/login", {k: v for k, v in body.items() if v is not None})

    def test_the_cookie(self):
        answer = self.login()
        self.assertEqual(answer.status, 200)
        name, *flags = answer.headers["Set-Cookie"].split("; ")
        self.assertRegex(name, "^idem=[A-Za-z0-9_-]{43}$")
        self.assertEqual(flags, ["Path=/", "HttpOnly", "SameSite=Strict"])
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        token = name.partition("=")[2]
        self.assertNotIn(token, self.server.dump())
        # a log-in's token is not a bearer's, and nobody learns whether it is good
        self.assertEqual(self.server.call("GET", "/v1/me", token=token).status, 401)

    def test_a_code_is_taken_once(self):
        code = code_of(self.secret)
        self.assertEqual(self.login(totp=code).status, 200)
        self.assert_problem(self.login(totp=code), 401, "login-failed")

    def test_wrong_is_wrong(self):
        anna, _ = self.server.add(self.olga, "anna", ["analyst"])
        answers = [self.login(name="nobody", totp=None), self.login(password="not the password"),
                   self.login(totp="000000" if code_of(self.secret) != "000000" else "111111"),
                   self.login(organisation="elsewhere"), self.login(name="anna", password="eight red kettles", totp=None)]
        for answer in answers:
            self.assert_problem(answer, 401, "login-failed")
        self.assertEqual(len({answer.body for answer in answers}), 1, "each is the same answer")
        self.assert_problem(self.login(totp=None), 401, "second-factor-needed")
        self.assertEqual(self.login(name="OLGA", organisation="acme").status, 200)

    def test_what_is_no_log_in(self):
        for body in ({}, {"name": "olga"}, {"name": "olga", "password": 7}, {"name": ["olga"], "password": "x"},
                     {"name": "olga", "password": "x" * 257}, {"name": "olga", "password": "x", "role": "king"},
                     {"name": "olga", "password": "x", "totp": "1234567"}):
            self.assert_problem(Browser(self.server).post("/v1/login", body), 400, "invalid-field")
        self.assert_problem(Browser(self.server).call("POST", "/v1/login", b"name=olga", kind="text/plain"), 415,
                            "unsupported-media-type")
        self.assert_problem(Browser(self.server).call("POST", "/v1/login", b"{"), 400, "malformed-json")

    def test_a_token_of_before_is_worth_nothing(self):
        fixed = Browser(self.server)
        fixed.cookie = "A" * 43 # as somebody else has set it
        self.assertEqual(self.login(fixed).status, 200)
        self.assertNotEqual(fixed.cookie, "A" * 43)
        first = fixed.cookie
        self.server.forget_steps()
        self.assertEqual(self.login(fixed).status, 200)
        self.assertNotEqual(fixed.cookie, first)
        old = Browser(self.server)
        old.cookie = first
        self.assertEqual(old.get("/v1/me").status, 401)

    def test_logging_out(self):
        browser = Browser(self.server)
        self.login(browser)
        kept = Browser(self.server)
        kept.cookie = browser.cookie
        answer = browser.post("/v1/logout")
        self.assertEqual(answer.status, 204)
        self.assertIn("Max-Age=0", answer.headers["Set-Cookie"])
        self.assertEqual(kept.get("/v1/me").status, 401)

    def test_a_change_of_password_ends_the_others(self):
        mine, other = Browser(self.server), Browser(self.server)
        bert, _ = self.server.add(self.olga, "bert", ["employee"])
        for browser in (mine, other):
            self.assertEqual(browser.login("bert", PASSWORD).status, 200)
        before = mine.cookie
        self.assert_problem(mine.post("/v1/me/password", {"current": "wrong", "password": "nine blue kettles"}), 401,
                            "login-failed")
        self.assert_problem(mine.post("/v1/me/password", {"current": PASSWORD, "password": "short"}), 400, "invalid-field")
        self.assert_problem(mine.post("/v1/me/password", {"current": PASSWORD, "password": PASSWORD}), 400,
                            "invalid-field")
        self.assertEqual(mine.post("/v1/me/password", {"current": PASSWORD, "password": "nine blue kettles"}).status, 200)
        self.assertNotEqual(mine.cookie, before)
        self.assertEqual(mine.get("/v1/me").status, 200)
        self.assertEqual(other.get("/v1/me").status, 401)
        self.assertEqual(bert.get("/v1/me").status, 401)

    def test_cross_site_requests(self):
        browser = Browser(self.server)
        self.login(browser)
        body = {"name": "mallory", "roles": ["operator"]}
        self.assert_problem(browser.post("/v1/accounts", body, csrf=False), 403, "csrf-missing")
        self.assert_problem(browser.post("/v1/accounts", body, headers={"Idem-CSRF": "A" * 43}, csrf=False), 403,
                            "csrf-missing")
        other = Browser(self.server)
        self.server.forget_steps()
        self.login(other)
        self.assert_problem(browser.post("/v1/accounts", body, headers={"Idem-CSRF": other.csrf}, csrf=False), 403,
                            "csrf-missing")
        self.assert_problem(browser.post("/v1/accounts", body, headers={"Origin": "http://evil.example"}), 403,
                            "forbidden-origin")
        self.assert_problem(browser.post("/v1/logout", csrf=False), 403, "csrf-missing")
        # a page of another origin cannot log somebody in either
        self.assert_problem(Browser(self.server).post("/v1/login", {}, headers={"Origin": "http://evil.example"}), 403,
                            "forbidden-origin")

    def test_a_ticket_is_of_one_account(self):
        carl, _ = self.server.add(self.olga, "carl", ["employee"])
        dora, _ = self.server.add(self.olga, "dora", ["employee"])
        offered = carl.post("/v1/me/totp").json
        self.assert_problem(dora.post("/v1/me/totp", {"ticket": offered["ticket"], "code": code_of(offered["secret"])}),
                            400, "invalid-field")
        done = carl.post("/v1/me/totp", {"ticket": offered["ticket"], "code": code_of(offered["secret"])})
        self.assertEqual(done.status, 200)
        # from now on it is needed, though the role does not ask for it; and only its holder replaces it
        self.assert_problem(Browser(self.server).login("carl", PASSWORD), 401, "second-factor-needed")
        self.assert_problem(carl.post("/v1/me/totp"), 400, "invalid-field")
        self.server.forget_steps()
        self.assertEqual(carl.post("/v1/me/totp", {"code": code_of(offered["secret"])}).status, 200)

    def test_a_ticket_of_before_replaces_no_factor(self):
        erna, _ = self.server.add(self.olga, "erna", ["employee"])
        show = lambda offered: erna.post("/v1/me/totp", {"ticket": offered["ticket"],
                                                         "code": code_of(offered["secret"])})
        stolen, own = (erna.post("/v1/me/totp").json for _ in range(2))
        self.assertEqual(show(own).status, 200)
        self.assert_problem(show(stolen), 400, "invalid-field")
        self.assert_problem(show(own), 400, "invalid-field")  # nor twice
        # with a factor in place a ticket is given for a code of it, and is good once
        self.server.forget_steps()
        stolen = erna.post("/v1/me/totp", {"code": code_of(own["secret"])}).json
        self.server.forget_steps()
        new = erna.post("/v1/me/totp", {"code": code_of(own["secret"])}).json
        self.assertEqual(show(new).status, 200)
        self.assert_problem(show(stolen), 400, "invalid-field")


class Tls(AccessCase):
    def test_the_cookie_is_the_hosts_and_secure(self):
        server = FileServer("listen: 127.0.0.1:0\ntls: {certificate: {certificate}, key: {key}}\n")
        self.addCleanup(server.close)
        made = server.call("POST", "/v1/accounts", {"name": "ada", "roles": ["employee"]}, token=server.operator).json
        browser = Browser(server)
        answer = browser.login("ada", made["password"], organisation="demo")
        name, *flags = answer.headers["Set-Cookie"].split("; ")
        self.assertRegex(name, "^__Host-idem=[A-Za-z0-9_-]{43}$")
        self.assertEqual(flags, ["Path=/", "HttpOnly", "SameSite=Strict", "Secure"])
        self.assertEqual(browser.get("/v1/me").status, 200)
        # under the name that a plain page could set, it is nobody's
        browser.name = "idem"
        self.assertEqual(browser.get("/v1/me").status, 401)
        browser.name = "__Host-idem"
        gone = browser.post("/v1/logout").headers["Set-Cookie"]
        self.assertTrue(gone.startswith("__Host-idem=;") and gone.endswith("; Secure"), gone)


class Delays(AccessCase):
    def test_failures_delay_an_account_and_one_that_is_not_there(self):
        server = self.install()
        olga, secret = server.set_up()
        for name in ("olga", "nobody"):
            for _ in range(6):
                self.assert_problem(Browser(server).login(name, "not the password"), 401, "login-failed")
            answer = Browser(server).login(name, PASSWORD, code_of(secret))
            self.assert_problem(answer, 429, "too-many-attempts")
            self.assertLessEqual(int(answer.headers["Retry-After"]), 30)
        # who is in stays in, and an operator can end another's delay
        self.assertEqual(olga.get("/v1/me").status, 200)
        anna, secret = server.add(olga, "anna", ["analyst"])
        for _ in range(6):
            Browser(server).login("anna", "not the password")
        self.assert_problem(Browser(server).login("anna", PASSWORD, code_of(secret)), 429, "too-many-attempts")
        reset = olga.post(f"/v1/accounts/{anna.id}", {"reset": True}).json
        self.assertEqual(Browser(server).login("anna", reset["password"]).status, 200)

    def test_a_stranger_elsewhere_delays_nobody(self):
        server = self.install()
        _, secret = server.set_up()
        elsewhere = lambda: http.client.HTTPConnection(server.host, server.port, timeout=DEADLINE,
                                                       source_address=("127.0.0.2", 0))
        guess = lambda name: server.call("POST", "/v1/login", {"name": name, "password": "not the password"},
                                         connection=elsewhere())
        for name in ("olga", "nobody"):
            for _ in range(6):
                self.assert_problem(guess(name), 401, "login-failed")
            self.assert_problem(guess(name), 429, "too-many-attempts")
        server.forget_steps()
        self.assertEqual(Browser(server).login("olga", PASSWORD, code_of(secret)).status, 200)
        self.assert_problem(guess("olga"), 429, "too-many-attempts")  # her success is not his

    def test_failures_delay_an_address(self):
        server = self.install()
        server.set_up()
        for i in range(21):
            self.assertEqual(Browser(server).login("nobody-%d" % i, "not the password").status, 401)
        self.assert_problem(Browser(server).login("somebody", "not the password"), 429, "too-many-attempts")

    def test_a_lock_out_is_a_line(self):
        server = self.install()
        olga, _ = server.set_up()
        auditor, _ = server.add(olga, "ingrid", ["auditor"])
        for _ in range(6):
            Browser(server).login("olga", "not the password")
        lines = [line["line"] for line in auditor.get("/v1/audit").json["lines"]]
        self.assertIn(("system", "login.locked", "account:olga"),
                      [(line["actor"], line["action"], line.get("subject")) for line in lines])


class Flood(AccessCase):
    def test_windows_flow_while_log_ins_flood(self):
        server = self.install("--setup", "acme", demo=True)
        server.set_up()
        session = server.open()
        stop, statuses = threading.Event(), []

        def flood(number):
            i = 0
            while not stop.is_set():
                i += 1
                statuses.append(Browser(server).login("nobody-%d-%d" % (number, i), "not the password").status)

        threads = [threading.Thread(target=flood, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        try:
            for batch in windows(101, 1, 8):
                session.send([batch])
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(session.read()["windows"]["keyboard"], 8)
        # one hash at a time, four of an address in the queue: the rest is told to come again, or to wait
        self.assertLessEqual(set(statuses), {401, 429, 503})
        self.assertLessEqual(statuses.count(401), 21)


class Oneself(AccessCase):
    def test_an_employee_sees_all_of_the_own_and_nothing_else(self):
        server = Server()
        self.addCleanup(server.close)
        made = server.call("POST", "/v1/accounts", {"name": "Ada Lovelace", "roles": ["employee"]}, token=server.operator).json
        ada = Browser(server)
        self.assertEqual(ada.login("Ada Lovelace", made["password"], organisation="demo").json["needs"], ["password"])
        self.assertEqual(ada.get("/v1/me/data").status, 403, "not before the password is hers")
        ada.post("/v1/me/password", {"current": made["password"], "password": PASSWORD})
        before = ada.get("/v1/me/data").json
        self.assertEqual((before["person"], before["sessions"], before["windows"]), (None, [], []))
        session, other = server.open(person="Ada Lovelace"), server.open(person="Grace Hopper", seat="seat-2")
        session.send(windows(101, 1, 20))
        other.send(windows(102, 2, 3))
        data = ada.get("/v1/me/data").json
        me = ada.get("/v1/me").json
        self.assertEqual(data["person"]["id"], me["person"])
        self.assertEqual([s["id"] for s in data["sessions"]], [session.id])
        self.assertEqual([w["seq"] for w in data["windows"]], list(range(20, 0, -1)))
        window = data["windows"][0]
        self.assertEqual((window["strokes"], window["modality"]), (100, "keyboard"))
        self.assertTrue(any("left" in cell["what"] for cell in window["cells"]))
        self.assertIn(("decision", session.id), [(d["line"]["action"], d["line"]["subject"]) for d in data["decisions"]])
        self.assertEqual(data["more"], [])
        self.assertEqual(data.pop("name"), "Ada Lovelace")  # it is held, sealed, and hers
        text = json.dumps(data)
        for secret in (other.id, other.read()["person"], "Hopper", session.token):
            self.assertNotIn(secret, text)
        # what the privacy officer exports is the same, and a line
        export = server.get(f"/v1/people/{me['person']}/export").json
        self.assertEqual(export["windows"], data["windows"])
        self.assertIsNone(export["name"], "a name takes a reason")
        export = server.get(f"/v1/people/{me['person']}/export?reason=her+letter+of+May").json
        self.assertEqual(export["name"], "Ada Lovelace")
        lines = [line["line"] for line in server.get("/v1/audit").json["lines"]]
        self.assertIn(("demo", "person.exported", me["person"]),
                      [(line["actor"], line["action"], line.get("subject")) for line in lines])
        session.close()
        self.assertEqual(ada.get("/v1/me/data").json["windows"], [], "windows go with their session")

    def test_windows_beyond_number(self):
        server = Server()
        self.addCleanup(server.close)
        session = server.open(person="Ada Lovelace")
        for seed in range(5):
            session.send(windows(101, seed, 20), at_once=20)
        person = session.read()["person"]
        export = server.get(f"/v1/people/{person}/export").json
        self.assertEqual(len(export["windows"]), 32)
        self.assertEqual(export["more"], ["windows"])


class CommandLine(AccessCase):
    def idem(self, *words, typed=""):
        """Exit code, standard output and error of `idem account`."""
        done = subprocess.run([os.environ["IDEM_CLI"], "account", *words, "--server", f"http://127.0.0.1:{self.server.port}"],
                              input=typed, capture_output=True, text=True, timeout=DEADLINE)
        return done.returncode, done.stdout, done.stderr

    def test_accounts(self):
        self.server = self.install()
        olga, secret = self.server.set_up()
        ask = lambda *words: (self.server.forget_steps(), self.idem(
            *words, "--login", "olga", typed=f"{PASSWORD}\n{code_of(secret)}\n"))[1]
        code, out, err = ask("add", "anna", "--role", "analyst", "--role", "names")
        self.assertEqual(code, 0, err)
        password = out.split("\n")[2]
        anna = Browser(self.server)
        self.assertEqual(anna.login("anna", password).json["needs"], ["password", "totp-enrol"])
        code, out, err = ask("list")
        self.assertEqual(code, 0, err)
        self.assertEqual([line.split()[0] for line in out.splitlines()], ["1", "2"])
        self.assertIn("analyst,names", out)
        self.assertEqual(ask("disable", "2")[0], 0)
        self.assertEqual(anna.get("/v1/me").status, 401)
        self.assertEqual(ask("enable", "2")[0], 0)
        self.assertEqual(ask("roles", "2", "--role", "auditor")[0], 0)
        code, out, _ = ask("reset", "2", "--json")
        self.assertEqual(anna.login("anna", json.loads(out)["password"]).status, 200)
        self.assertEqual(anna.get("/v1/me").json["roles"], ["auditor"])
        code, _, err = ask("disable", "1")
        self.assertEqual(code, 1)
        self.assertIn("own-account", err)
        code, _, err = self.idem("list", "--login", "olga", typed="not the password\n\n")
        self.assertEqual(code, 1)
        self.assertIn("login-failed", err)
        for words in ((), ("add",), ("add", "x"), ("list", "x"), ("paint", "2"), ("disable", "x"), ("disable", "2", "--role", "x")):
            self.assertEqual(self.idem(*words, "--login", "olga", typed=f"{PASSWORD}\n\n")[0] in (1, 2), True, words)
        # the commands have logged out behind them
        self.assertEqual(olga.get("/v1/me").status, 200)


class Names(AccessCase):
    def test_a_look_up_is_a_line_before_it_is_an_answer(self):
        server = self.install("--setup", "acme", demo=True)
        server.open(person="Grace Hopper")
        call = lambda path, body: server.call("POST", path, body, token=server.operator)
        person = server.get("/v1/people").json["people"][0]["id"]
        for body in ({}, {"reason": ""}, {"reason": "x" * 201}, {"reason": "a\nb"}, {"reason": 7}):
            self.assert_problem(call(f"/v1/people/{person}/name", body), 400, "invalid-field")
        answer = call(f"/v1/people/{person}/name", {"reason": "alarm 7 of today"})
        self.assertEqual(answer.json, {"id": person, "name": "Grace Hopper"})
        lines = [line["line"] for line in server.get("/v1/audit").json["lines"]]
        looked = [line for line in lines if line["action"] == "name.looked-up"]
        self.assertEqual([(line["actor"], line["subject"], line["detail"]) for line in looked],
                         [("demo", person, {"reason": "alarm 7 of today"})])
        self.assertNotIn("Hopper", json.dumps(lines))
        self.assert_problem(call("/v1/people/p_AAAAAAAAAAAAAAAAAAAAAA/name", {"reason": "x"}), 404, "no-such-person")


if __name__ == "__main__":
    unittest.main()
