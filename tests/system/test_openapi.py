# SPDX-License-Identifier: Apache-2.0
"""openapi.yaml against the server: every route is described and every description has its route; each documented
status occurs; nothing undocumented answers, neither by status nor by media type nor by a field. The server is driven once
over all routes, good and bad, and every answer is held against the description."""
import hashlib
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import unittest

import jsonschema
import yaml

import test_oidc
from accounts import PASSWORD, Browser, Installation, code_of
from harness import DEADLINE, SERVER, Answer, Server, Session, cbor_batch, windows
from seat_client import Seat, SeatSession

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SPEC = yaml.safe_load((ROOT / "openapi.yaml").read_text())
METHODS = ("get", "post", "delete")


def pattern(path):
    return re.compile("^" + re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "$")


# Longest first: /v1/seats/register is not the seat "register".
PATHS = sorted(((pattern(path), path) for path in SPEC["paths"]), key=lambda p: (p[1].count("{"), -len(p[1])))
RESOLVER = jsonschema.RefResolver("", SPEC)


def resolve(part):
    while "$ref" in part:
        part = RESOLVER.resolve(part["$ref"])[1]
    return part


def operation(method, target):
    path = target.split("?")[0]
    for regex, name in PATHS:
        if regex.match(path) and method.lower() in SPEC["paths"][name]:
            return name, SPEC["paths"][name][method.lower()]
    return None, None


def documented():
    """(method, path, status) of everything that the description says can happen."""
    for path, item in SPEC["paths"].items():
        for method in METHODS:
            for status in item.get(method, {}).get("responses", {}):
                yield method.upper(), path, int(status)


class Recorder:
    """Mixed into a server: holds every answer against the description and remembers it."""
    seen = set()
    anywhere = set()

    def call(self, method, path, body=None, **more):
        answer = super().call(method, path, body, **more)
        self.hold(method, path, answer)
        return answer

    def hold(self, method, target, answer):
        name, op = operation(method, target)
        where = f"{method} {target}: {answer.status} {answer.body[:300]!r}"
        if op is None:
            assert answer.status in (404, 405), "undocumented: " + where
            return
        status = str(answer.status)
        response = op["responses"].get(status)
        if response is None:
            assert status in SPEC["x-any-route"], "undocumented status: " + where
            self.anywhere.add(answer.status)
            response = SPEC["x-any-route"][status]
        else:
            self.seen.add((method, name, answer.status))
        self.hold_body(resolve(response), answer, where)

    def hold_body(self, response, answer, where):
        content = response.get("content", {})
        kind = (answer.headers.get("Content-Type") or "").split(";")[0]
        if not content:
            assert answer.body == b"", "a body where none is documented: " + where
            return
        assert kind in content, f"undocumented media type {kind}: {where}"
        schema = content[kind].get("schema")
        if schema is None or not kind.endswith("json"):
            return
        try:
            jsonschema.Draft202012Validator(schema, resolver=RESOLVER).validate(answer.json)
        except jsonschema.ValidationError as fault:
            raise AssertionError(f"{fault.message[:400]} at {list(fault.absolute_path)}: {where}") from None


class Watched(Recorder, Installation):
    pass


class WatchedDemo(Recorder, Server):
    pass


def problem(answer):
    return answer.json["type"].rpartition("/")[2]


class Drive(unittest.TestCase):
    """In the order of the tests' names; the last one counts."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.mkdtemp(prefix="idem-openapi-")
        cls.addClassCleanup(shutil.rmtree, directory)
        text = (ROOT / "data" / "policy.yaml").read_text()
        policy = os.path.join(directory, "policy.yaml")
        pathlib.Path(policy).write_text(text.replace("until_enrolled: step-up", "until_enrolled: allow-ordinary"))
        test_oidc.setUpModule()
        provider = test_oidc.Provider()
        cls.addClassCleanup(provider.close)
        config = test_oidc.OidcCase.config(directory, provider.issuer)
        cls.server = server = Watched(options=["--config", config, "--policy", policy])
        cls.addClassCleanup(server.close)
        Browser(server).post("/v1/setup", {"token": "A" * 43, "organisation": "acme", "name": "x", "password": PASSWORD})
        Browser(server).post("/v1/setup", {"organisation": "acme"})
        body = {"token": server.setup_token, "organisation": "demo", "name": "olga", "password": PASSWORD}
        Browser(server).post("/v1/setup", body)
        offered = Browser(server).post("/v1/setup", dict(body, organisation="acme")).json
        wrong = "000000" if code_of(offered["secret"]) != "000000" else "111111"
        Browser(server).post("/v1/setup", dict(body, organisation="acme", ticket=offered["ticket"], code=wrong))
        cls.olga, cls.secret = server.set_up()
        cls.staff = {name: server.add(cls.olga, name, roles)[0] for name, roles in {
            "anna": ["analyst", "names"], "paul": ["privacy-officer"], "ingrid": ["auditor"]}.items()}
        cls.key = cls.make_key("crm", ["sessions"])
        cls.gate = cls.make_key("proxy", ["gate"])

    @classmethod
    def make_key(cls, name, scopes):
        return cls.olga.post("/v1/keys", {"name": name, "scopes": scopes}).json["secret"]

    def open(self, person="Ada Lovelace", **more):
        answer = self.server.call("POST", "/v1/sessions", {"person": person, "seat": "web", "start": "strong",
                                                           "country": "DE", **more}, token=self.key)
        self.assertEqual(answer.status, 201, answer.body)
        return Session(self.server, answer.json)

    def acknowledge(self, session):
        state = self.server.get("/v1/acknowledgement", token=session.token).json
        if state["version"] is not None:
            signed = isinstance(session, SeatSession)
            body = session.acknowledgement(state["version"]) if signed else {"version": state["version"]}
            self.server.call("POST", "/v1/acknowledgement", body, token=session.token)

    # ------------------------------------------------------------ what needs no more than the route

    def test_01_who_asks(self):
        """Without a token, with a wrong one, and with one that does not do."""
        session = self.open("somebody")
        for method, path, who in routes():
            target = path.replace("{id}", "none")
            body = {} if method == "POST" else None
            if "anybody" in who or path in ("/v1/logout",):
                continue
            self.server.call(method, target, body)
            self.server.call(method, target, body, token=(self.gate if "api-key" not in who else self.server.operator or "A" * 43))
            if "session" not in who:
                self.assertEqual(self.server.call(method, target, body, token=session.token).status, 403)
            elif not who & {"api-key"}:
                self.assertEqual(self.server.call(method, target, body, token=self.gate).status, 403)

    def test_02_bodies(self):
        """Not JSON, a field too many, the wrong media type, too much."""
        session = self.open("somebody else")
        for method, path, who in routes():
            op = SPEC["paths"][path][method.lower()]
            if "requestBody" not in op:
                continue
            ask = self.asker(path, who, session)
            target = path.replace("{id}", self.id_for(path, session))
            for body, how in (("{", {}), ({"no such field": 1}, {}), ("[]", {"kind": "text/plain"}), ("x" * 70000, {})):
                ask(method, target, body, **how)

    def asker(self, path, who, session):
        if "session" in who:
            return lambda *a, **k: self.server.call(*a, token=session.token, **k)
        if "anybody" in who and path == "/v1/sessions" or "api-key" in who:
            return lambda *a, **k: self.server.call(*a, token=self.key, **k)
        for role, browser in (("operator", self.olga), ("privacy-officer", self.staff["paul"]), ("account", self.olga)):
            if role in who:
                return browser.call
        return self.server.call

    def id_for(self, path, session):
        kind = path.split("/")[2]
        return {"sessions": session.id, "people": session.opened["session"]["person"], "accounts": "1", "seats": "1",
                "keys": "1"}.get(kind, "none")

    def test_03_ids_that_are_nobodys(self):
        session = self.open("a third")
        for method, path, who in routes():
            if "{id}" not in path:
                continue
            kind = path.split("/")[2]
            ask = self.asker(path, who - {"session"}, session)
            target = path.replace("{id}", {"sessions": "s_" + "A" * 22, "people": "p_" + "A" * 22}.get(kind, "99"))
            body = {"reason": "to see whether there is one"} if kind == "people" and method == "POST" else {}
            answer = ask(method, target, body if method == "POST" else None)
            self.assertIn(answer.status, (400, 401, 404), answer.body)

    # ------------------------------------------------------------ sessions, windows, alarms

    def test_10_a_session_of_a_back_end(self):
        session = self.open()
        refused = session.post({"windows": [dict(w, seq=1) for w in windows(101, 1, 1)]})
        self.assertEqual(problem(refused), "acknowledgement-missing")
        self.server.get("/v1/acknowledgement", token=session.token)
        self.server.get("/v1/acknowledgement?session=x", token=self.key)
        self.server.get(f"/v1/acknowledgement?session={session.id}", token=self.key)
        self.server.call("POST", "/v1/acknowledgement", {"version": "no such"}, token=session.token)
        self.acknowledge(session)
        self.assertEqual(session.send(windows(101, 1, 3))["acknowledged"], 3)
        self.assertEqual(session.post(cbor_batch(101, 9, 1, first=4), kind="application/cbor").status, 200)
        far = [dict(w, seq=200000) for w in windows(101, 3, 1)]
        self.assertEqual(problem(session.post({"windows": far})), "sequence-too-far")
        saw = [{"reason": "holds-short", "count": 8, "value": 2.1}]
        alarm = {"seq": 1, "device": "keyboard", "kind": "macro", "confidence": 0.9, "saw": saw}
        self.server.call("POST", "/v1/alarms", {"alarms": [alarm]}, token=session.token)
        self.server.call("POST", "/v1/alarms", {"alarms": [dict(alarm, confidence=0.5)]}, token=session.token)
        self.server.call("GET", f"/v1/sessions/{session.id}", token=session.token)
        self.olga.get(f"/v1/sessions/{session.id}")
        self.olga.get("/v1/sessions")
        self.olga.post(f"/v1/sessions/{session.id}/unlock")
        self.olga.post(f"/v1/sessions/{session.id}/confirm")
        self.server.call("POST", f"/v1/sessions/{session.id}/step-up", token=self.key)
        renewed = self.server.call("POST", f"/v1/sessions/{session.id}/token", token=session.token)
        self.assertEqual(renewed.status, 200, renewed.body)
        session.token = renewed.json["token"]
        other = self.open("another still")
        self.server.call("GET", f"/v1/sessions/{session.id}", token=other.token)
        self.server.call("DELETE", f"/v1/sessions/{session.id}", token=other.token)
        self.server.call("POST", f"/v1/sessions/{session.id}/token", token=other.token)
        self.server.call("DELETE", f"/v1/acknowledgement?session={session.id}", token=self.key)
        self.server.call("DELETE", f"/v1/sessions/{other.id}", token=other.token)
        for what in ("unlock", "confirm"):
            self.assertEqual(self.olga.post(f"/v1/sessions/{other.id}/{what}").status, 409)
        self.server.call("POST", f"/v1/sessions/{other.id}/step-up", token=self.key)
        self.server.call("POST", f"/v1/sessions/{other.id}/token", token=self.key)
        self.server.call("POST", "/v1/bindings/nonce", token=other.token)
        page = {"Origin": f"http://{self.server.host}:{self.server.port}"}
        body = {"person": "Eve", "seat": "web"}
        self.assertEqual(problem(self.server.call("POST", "/v1/sessions", body, token=self.key, headers=page)), "key-from-page")
        self.server.call("POST", "/v1/sessions", body)
        self.server.call("POST", "/v1/sessions", body, token="A" * 43)

    def test_11_seats(self):
        invited = self.olga.post("/v1/seats", {"name": "desk", "country": "DE"})
        self.assertEqual(invited.status, 201, invited.body)
        code = invited.json["code"]
        self.olga.post("/v1/seats", {"name": "desk"})
        self.olga.get("/v1/seats")
        self.olga.get("/v1/seats?after=x")
        self.olga.get("/v1/keys?after=x")
        seat = Seat(self.server)
        self.server.call("POST", "/v1/seats/register", dict(seat.registration(code), signature="A" * 86))
        self.assertEqual(seat.register(code).status, 201)
        seat.register(code)
        Seat(self.server).register(code)
        self.olga.post("/v1/seats", {"name": "desk"})
        session = seat.open(person="Grace Hopper", start="strong")
        self.assertEqual(Seat(self.server, seat.key, seat.id).open(person="Grace Hopper").status, 409)
        version = self.server.get("/v1/acknowledgement", token=session.token).json["version"]
        bare = self.server.call("POST", "/v1/acknowledgement", {"version": version}, token=session.token)
        self.assertEqual(problem(bare), "signature-wrong")
        self.acknowledge(session)
        self.assertEqual(session.send(windows(202, 1, 2)).status, 200)
        body, _ = session.batch(windows(202, 2, 1), link=b"\0" * 32)
        self.server.call("POST", "/v1/windows", body, token=session.token)
        body, _ = session.batch(windows(202, 2, 1), key=Seat(self.server).key)
        self.server.call("POST", "/v1/windows", body, token=session.token)
        self.server.call("POST", f"/v1/sessions/{session.id}/token", session.renewal())
        self.server.call("POST", f"/v1/sessions/{session.id}/token", session.renewal(counter=1))
        self.server.call("POST", f"/v1/sessions/{session.id}/token", session.renewal(key=Seat(self.server).key))
        session.ask_nonce()
        session.ask_nonce(session.binding(counter=1))
        session.ask_nonce(session.binding(key=Seat(self.server).key))
        session.ask_nonce({"counter": "x"})
        session.counter = 50
        self.assertEqual(session.rules().status, 200)
        for method, what in (("GET", "rules"), ("POST", "strong"), ("POST", "pause")):
            self.assertEqual(self.server.call(method, "/v1/sessions/none/" + what, token=session.token).status, 404)
        self.assertEqual(problem(session.strong()), "unlock-not-counted", "its key is in two places")
        self.olga.post(f"/v1/sessions/{session.id}/unlock")
        self.assertEqual(session.strong().status, 200)
        self.assertEqual(session.strong("x" * 70000).status, 413)
        session.strong({"counter": "x"})
        session.strong(session.counted(b"idem strong authentication 1\0", counter=1))
        session.strong(session.counted(b"idem strong authentication 1\0", key=Seat(self.server).key))
        session.counter = 60
        self.assertEqual(session.pause(60).status, 200)
        self.assertEqual(problem(session.send(windows(202, 3, 1))), "session-paused")
        self.assertEqual(session.pause(0).status, 200)
        self.assertEqual(problem(session.pause(60)), "pause-not-allowed")
        session.pause(60, {"counter": "x"})
        session.pause(60, session.pausing(60, counter=1))
        session.pause(60, session.pausing(60, key=Seat(self.server).key))
        session.pause(60, "x" * 70000)
        self.server.call("GET", f"/v1/sessions/{session.id}?next=x", token=session.token)
        session.counter = 70
        self.assertEqual(session.send(windows(202, 3, 1)).status, 200)
        for _ in range(9):
            refused = session.pause(60)
        self.assertEqual(problem(refused), "too-many-statements")
        session.pause(0)
        session.counter = 100
        for _ in range(9):
            refused = session.strong()
        self.assertEqual(problem(refused), "too-many-statements")
        second = seat.open(person="Ida Rhodes")
        self.server.call("DELETE", f"/v1/sessions/{second.id}", token=second.token)
        self.assertEqual(second.rules().status, 409)
        used = seat.opening(person="Grace Hopper")
        self.server.call("POST", "/v1/sessions", dict(used, signature="A" * 86))
        self.olga.post(f"/v1/seats/{seat.id}/revoke")
        self.assertEqual(seat.open(person="Grace Hopper").status, 403)

    def test_12_a_code_that_has_expired(self):
        code = self.olga.post("/v1/seats", {"name": "late", "hours": 1}).json["code"]
        self.server.alter("UPDATE invitations SET expires_ms = 1 WHERE used_ms IS NULL")
        self.assertEqual(Seat(self.server).register(code).status, 410)
        self.assertEqual(Seat(self.server).register("00000-00000-00000-00000-00000").status, 403)

    # ------------------------------------------------------------ the gate

    def test_20_the_gate(self):
        session = self.open("Gudrun")
        self.acknowledge(session)
        cookie = hashlib.sha256(b"cookie of gudrun").hexdigest()
        nonce = self.server.call("POST", "/v1/bindings/nonce", token=session.token).json["nonce"]
        body = {"nonce": nonce, "cookie_hash": cookie, "person": "Gudrun"}
        bound = self.server.call("POST", "/v1/bindings", body, token=self.key)
        self.assertEqual(bound.status // 100, 2, bound.body)
        self.server.call("POST", "/v1/bindings", body, token=self.key)
        ask = lambda **more: self.server.call("GET", "/v1/gate", token=self.gate, headers={
            "Idem-Cookie-Hash": cookie, "Idem-Resource": "customer/4711", "Idem-Class": "sensitive", **more})
        self.assertEqual(ask().status, 401)
        self.assertEqual(ask(**{"Idem-Class": "ordinary"}).status, 204)
        ask(**{"Idem-Resource": "https://example.com/customer"})
        self.server.call("GET", "/v1/gate", token=self.key, headers={"Idem-Resource": "customer/1"})
        self.assertEqual(self.staff["ingrid"].get("/v1/gate/records?resource=customer/4711").status, 200)

    # ------------------------------------------------------------ people who look

    def test_30_staff(self):
        anna, paul, ingrid = (self.staff[name] for name in ("anna", "paul", "ingrid"))
        session = self.open("Rosalind Franklin")
        person = session.opened["session"]["person"]
        self.assertEqual(paul.post(f"/v1/people/{person}/name", {"reason": "a complaint of hers"}).status, 200)
        paul.get("/v1/people")
        paul.get("/v1/people?after=x")
        anna.get(f"/v1/people/{person}")
        anna.get("/metrics")
        ingrid.get("/v1/audit")
        ingrid.get("/v1/audit?limit=0")
        ingrid.get("/v1/audit?log=audit_seats")
        ingrid.get("/v1/audit/head")
        ingrid.get("/v1/gate/records")
        ingrid.get("/v1/gate/records?person=x")
        ingrid.get("/v1/policy")
        ingrid.get("/v1/accounts?after=x")
        account = [a for a in self.olga.get("/v1/accounts").json["accounts"] if a["name"] == "anna"][0]
        employee, _ = self.server.add(self.olga, "Rosalind Franklin", ["employee"], person=person)
        employee.get("/v1/me/data")
        paul.get(f"/v1/people/{person}/export")
        employee.get("/v1/acknowledgement")
        employee.call("DELETE", "/v1/acknowledgement")
        paul.post(f"/v1/people/{person}/erase", {"reason": "she has asked for it"})
        olga = self.olga
        self.assertEqual(olga.post(f"/v1/accounts/{account['id']}", {"reset": True}).status, 200)
        own = olga.get("/v1/me").json["account"]
        olga.post(f"/v1/accounts/{own}", {"disabled": True})
        olga.post("/v1/accounts", {"name": "olga", "roles": ["analyst"]})
        olga.post("/v1/keys", {"name": "crm"})
        olga.get("/v1/keys")
        key = [k for k in olga.get("/v1/keys").json["keys"] if k["name"] == "crm"][0]
        olga.post(f"/v1/keys/{key['id']}/revoke")
        olga.post("/v1/me/password", {"current": "wrong", "password": PASSWORD + "!"})
        olga.post("/v1/me/totp", {"code": "000000"})
        self.assertEqual(olga.call("POST", "/v1/logout", {}, csrf=False).status, 403)
        self.assertEqual(olga.post("/v1/logout").status, 204)
        olga.cookie = None
        olga.post("/v1/logout")
        olga.post("/v1/me/password", {})
        Browser(self.server).login("olga", "not hers")
        Browser(self.server).login("olga", PASSWORD)

    def test_31_anybody(self):
        for path in ("/healthz", "/v1/about", "/v1/front", "/v1/oidc/start", "/v1/oidc/callback?code=x&state=y"):
            self.server.call("GET", path)
        etag = self.server.call("GET", "/v1/front").headers["ETag"]
        self.server.call("GET", "/v1/front", headers={"If-None-Match": etag})
        self.server.call("POST", "/v1/challenge")

    # ------------------------------------------------------------ any route

    def test_40_a_full_disk(self):
        demo = WatchedDemo(preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (320 * 1024, resource.RLIM_INFINITY)))
        self.addCleanup(demo.close)
        session = demo.open()
        some = windows(101, 1, 60)
        for first in range(1, 20000, len(some)):
            answer = session.post({"windows": [dict(w, seq=first + i) for i, w in enumerate(some)]})
            if answer.status != 200:
                break
        self.assertEqual(answer.status, 507, answer.body)
        self.assertEqual(demo.call("GET", "/v1/oidc/start").status, 404)
        self.assertEqual(demo.call("GET", "/v1/oidc/callback").status, 404)

    def test_41_floods(self):
        demo = WatchedDemo()
        self.addCleanup(demo.close)
        for _ in range(100):
            if demo.call("GET", "/v1/sessions", token="B" * 43).status == 429:
                break
        streams = []
        for _ in range(80):
            connection = demo.connect()
            connection.request("GET", "/v1/stream", headers={"Authorization": "Bearer " + demo.operator})
            response = connection.getresponse()
            streams.append(connection)
            if response.status == 503:
                break
            self.assertEqual((response.status, response.headers["Content-Type"]), (200, "text/event-stream"))
            Recorder.seen.add(("GET", "/v1/stream", 200))
        demo.hold("GET", "/v1/stream", Answer(response))
        self.assertEqual(response.status, 503)

    def test_42_host_and_origin(self):
        self.server.call("GET", "/v1/front", headers={"Host": "evil.example"})
        self.server.call("GET", "/v1/front", headers={"Origin": "https://evil.example"})
        self.server.call("GET", "/v1/front", headers={"Transfer-Encoding": "identity"})

    def test_50_nothing_else_answers(self):
        for path in SPEC["paths"]:
            for method in ("PUT", "PATCH", "TRACE", "GET", "POST", "DELETE"):
                if method.lower() in SPEC["paths"][path]:
                    continue
                answer = super(Recorder, self.server).call(method, path.replace("{id}", "none"))
                self.assertIn(answer.status, (404, 405, 429, 501), (method, path))
        for path in ("/v1", "/v1/", "/v2/sessions", "/v1/windows/1", "/v1/admin", "/debug", "/v1/sessions/x/y/z"):
            self.assertEqual(self.server.call("GET", path).status, 404, path)

    def test_60_the_description_has_every_route(self):
        described = {(method.upper(), path) for path, item in SPEC["paths"].items() for method in METHODS if method in item}
        self.assertEqual(described, {(method, path) for method, path, _ in routes()})

    def test_61_who_may_is_said(self):
        for method, path, who in routes():
            said = set(SPEC["paths"][path][method.lower()]["x-who"])
            self.assertEqual(said, who, (method, path))

    def test_70_each_documented_status_has_occurred(self):
        missing = sorted(set(documented()) - Recorder.seen)
        self.assertEqual(missing, [])
        self.assertEqual(set(map(int, SPEC["x-any-route"])) - Recorder.anywhere, set())


def routes():
    lines = subprocess.run([SERVER, "--routes"], check=True, capture_output=True, text=True).stdout.splitlines()
    return [(method, path, set(who.split(","))) for method, path, who in (line.split(" ") for line in lines)]


if __name__ == "__main__":
    unittest.main()
