# SPDX-License-Identifier: Apache-2.0
"""The gate: what it answers a proxy, what it asks of evidence, what silence leads to, what it records, and that nothing
that breaks opens it. The second half goes through a real nginx to the application of examples/customer-lookup.

Person 101 is the owner, a simulated typist; 202 is somebody else. Four windows enrol."""
import contextlib
import hashlib
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import threading
import unittest

from gate_site import Browser, Proxy, Relay, Site, api_key, bind, needs_nginx, nonce_of, records
from harness import SERVER, Server, ServerCase, Session, wait_for, windows
from seat_client import Key, Seat, SeatSession

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXCERPT = ROOT / "tests" / "data" / "bbmas_excerpt.csv"
ENROL = 4
COOKIE = "a cookie of the owner's browser"
STEP_UP_REQUESTS, LOCK_REQUESTS = 20, 60  # data/policy.yaml
BINDINGS = 2 * 65536  # that there is room for


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Shipped(Server):
    """With the population that ships, for recorded people."""

    def command(self):
        return [SERVER, "--demo", "--population", str(ROOT / "data" / "default.pop"), "--data", self.data, "--port", "0",
                *self.options]


class Case(ServerCase):
    def enrolled(self, person="ada", hands=101, seat="seat-a", more=3):
        """A session of somebody who has enrolled and typed on."""
        session = self.server.open(person=person, seat=seat)
        session.send(windows(hands, 1, ENROL))
        if more:
            session.send(windows(hands, 2, more))
        return session

    def state(self, session):
        return session.read()["state"]

    def unlock(self, session):
        answer = self.server.call("POST", f"/v1/sessions/{session.id}/unlock", token=self.server.operator)
        self.assertEqual(answer.status, 200)


class Gate(Case):
    def setUp(self):
        super().setUp()
        self.backend = api_key(self.server, "crm", "sessions")
        self.proxy = Proxy(self.server)

    def bound(self, cookie=COOKIE, **more):
        session = self.enrolled(**more)
        self.assertEqual(bind(self.server, self.backend, session, cookie).status, 201)
        return session

    def step_up(self, session, key=None):
        return self.server.call("POST", f"/v1/sessions/{session.id}/step-up", token=key or self.backend).status

    # ---------------------------------------------------------------- answers

    def test_the_owner_passes_and_it_is_on_record(self):
        session = self.bound()
        passed = self.proxy.ask(COOKIE)
        self.assertEqual((passed.status, passed.body, passed.headers["Idem-Trust"]), (204, b"", "medium"))
        self.assertEqual(self.proxy.ask(COOKIE, kind="ordinary").status, 204)
        one, two = records(self.server, resource="customer/4711")
        person = session.read()["person"]
        self.assertEqual((one["person"], one["session"], one["answer"], one["cause"], one["level"], one["class"]),
                         (person, session.id, "pass", "matches", "medium", "sensitive"))
        self.assertEqual(one["actor"], "key:proxy")
        self.assertTrue(one["hour"].endswith(":00:00Z"))
        self.assertEqual(two["cause"], "unsuspected")
        self.assertEqual(records(self.server, person=person), [one, two])
        self.assertEqual(records(self.server, person=person, after=one["seq"]), [two])

    def test_a_proxy_hands_on_where_the_page_is_from(self):
        self.bound()
        page = {"Idem-Cookie": COOKIE, "Idem-Resource": "customer/4711", "Idem-Class": "ordinary",
                "Origin": "https://lookup.example.com"}
        ask = lambda path: self.server.call("GET", path, token=self.proxy.key, headers=page)
        self.assertEqual(ask("/v1/gate").status, 204)
        self.assertEqual(ask("/v1/gate/records").status, 403)

    def test_what_is_not_bound_is_asked_whoever_else_is_trusted(self):
        self.bound()
        for cookie in (None, "another", COOKIE + "x"):
            answer = self.proxy.ask(cookie)
            self.assert_problem(answer, 401, "step-up-needed")
            challenge = answer.headers["WWW-Authenticate"]
            self.assertIn('Bearer error="insufficient_user_authentication"', challenge)
            self.assertRegex(challenge, r'acr_values="[^"]+", max_age=300$')
        self.assertEqual({(r["person"], r["cause"]) for r in records(self.server, resource="customer/4711")},
                         {(None, "unbound")})

    def test_a_hash_of_the_cookie_does_as_well(self):
        self.bound()
        self.assertEqual(self.proxy.ask(Idem_Cookie_Hash=sha256(COOKIE)).status, 204)
        self.assertEqual(self.proxy.ask(Idem_Cookie_Hash=sha256(COOKIE)[:-1]).status, 401)
        self.assertEqual(self.proxy.ask(COOKIE, Idem_Cookie_Hash=sha256("other")).status, 401)

    def test_only_a_proxys_key_asks_and_only_with_a_label(self):
        session = self.bound()
        self.assert_problem(self.proxy.ask(COOKIE, key=self.backend), 403, "forbidden-role")
        self.assertIn(self.proxy.ask(COOKIE, key=session.token).status, (401, 403))
        self.assertEqual(self.server.call("GET", "/v1/gate").status, 401)
        for label in (None, "customer 4711", "https://crm.example/customer/4711?id=1", "http://a/b", "x" * 129, "a\u00e9"):
            headers = {"Idem_Cookie": COOKIE}
            self.assertEqual(self.proxy.ask(resource=label, **headers).status, 400, label)
        self.assertEqual(self.proxy.ask(COOKIE, kind="no such class").status, 400)
        self.assertEqual(self.proxy.ask(COOKIE, kind="unheard-of").status, 204)  # as the strictest, which he fulfils

    # ---------------------------------------------------------------- bindings

    def test_a_nonce_binds_once_and_the_right_person_only(self):
        session = self.enrolled()
        nonce = nonce_of(session)
        said = {"nonce": nonce, "cookie_hash": sha256(COOKIE), "person": "ada"}

        def post(**fields):
            return self.server.call("POST", "/v1/bindings", {**said, **fields}, token=self.backend)
        self.assert_problem(post(person="grace"), 403, "binding-refused")
        self.assert_problem(post(), 403, "binding-refused")  # used up by that
        said["nonce"] = nonce_of(session)
        self.assertEqual(post().json, {"session": session.id})
        self.assert_problem(post(), 403, "binding-refused")
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)
        for wrong in ({"nonce": "x"}, {"nonce": "A" * 43}):
            self.assert_problem(post(**wrong), 403, "binding-refused")
        for wrong in ({"cookie_hash": "12"}, {"cookie_hash": 12}, {"person": ""}, {"more": "x"}, {"session": session.id},
                      {"client": "a b"}, {"client": ""}):
            self.assert_problem(post(**wrong), 400, "invalid-field")
        del said["nonce"]
        self.assert_problem(post(session=session.id), 403, "binding-refused")  # this key has not opened it

    def test_who_may_bind(self):
        session = self.enrolled()
        self.assert_problem(bind(self.server, self.proxy.key, session, COOKIE), 403, "forbidden-role")
        self.assertIn(self.server.call("POST", "/v1/bindings/nonce", token=self.backend).status, (401, 403))
        self.assertEqual(self.server.call("POST", "/v1/bindings/nonce").status, 401)

    def test_a_cookie_has_one_session_and_ends_with_it(self):
        one = self.bound()
        two = self.enrolled(person="ada", seat="seat-b", more=0)
        self.assertEqual(bind(self.server, self.backend, two, COOKIE).status, 201)  # he logged in there
        self.proxy.ask(COOKIE)
        self.assertEqual(records(self.server, resource="customer/4711")[-1]["session"], two.id)
        two.close()
        self.assertEqual(self.proxy.ask(COOKIE).status, 401)
        self.assertEqual(bind(self.server, self.backend, one, COOKIE).status, 201)
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)

    def key_id(self, name):
        keys = self.server.call("GET", "/v1/keys", token=self.server.operator).json["keys"]
        return next(k["id"] for k in keys if k["name"] == name)

    def revoke(self, name):
        answer = self.server.call("POST", f"/v1/keys/{self.key_id(name)}/revoke", token=self.server.operator)
        self.assertEqual(answer.status, 200)

    def test_a_revoked_key_takes_all_its_sessions_from_the_gate_at_once(self):
        many = 150  # more than are closed within the revocation itself
        for i in range(many):
            made = self.server.call("POST", "/v1/sessions", {"person": f"p{i}", "seat": f"web-{i}", "start": "strong"},
                                    token=self.backend).json
            bound = self.server.call("POST", "/v1/bindings", {
                "session": made["session"]["id"], "person": f"p{i}", "cookie_hash": sha256(f"c{i}")}, token=self.backend)
            self.assertEqual(bound.status, 201, bound.body)
        ask = lambda: {self.proxy.ask(f"c{i}", kind="ordinary").headers.get("Idem-Trust") for i in range(many)}
        self.assertEqual(ask(), {"low"})
        self.assertEqual(self.server.query("SELECT count(*) FROM bindings"), [(many,)])
        self.revoke("crm")
        self.assertEqual(ask(), {None})
        self.assertEqual({self.proxy.ask(f"c{i}", kind="ordinary").status for i in range(many)}, {401})
        self.assertEqual(self.server.query("SELECT count(*) FROM bindings"), [(0,)])

    def test_what_a_revoked_key_has_bound_is_bound_no_more(self):
        other = api_key(self.server, "other", "sessions")
        session = self.seat_session()
        for key, cookie in ((self.backend, "one"), (other, "two")):
            self.assertEqual(bind(self.server, key, session, cookie).status, 201)
        self.revoke("crm")
        bound = lambda: self.server.query("SELECT api_key FROM bindings")
        self.assertEqual(bound(), [(self.key_id("other"),)])
        record = lambda cookie: self.proxy.ask(cookie, resource="customer/" + cookie) and records(
            self.server, resource="customer/" + cookie)[-1]["session"]
        self.assertIsNone(record("one"))
        self.assertEqual(record("two"), session.id)

    def seat_session(self):
        invited = self.server.call("POST", "/v1/seats", {"name": "pc-1"}, token=self.server.operator)
        seat = Seat(self.server)
        self.assertEqual(seat.register(invited.json["code"]).status, 201)
        session = seat.open(person="ada", start="strong")
        self.assertIsInstance(session, SeatSession)
        return session

    def test_a_stolen_token_of_a_seat_binds_no_browser(self):
        session = self.seat_session()
        for body in (None, {}, {"counter": 1}, session.renewal(), session.binding(key=Key())):
            answer = self.server.call("POST", "/v1/bindings/nonce", body, token=session.token)
            self.assertIn(answer.status, (400, 403), body)
            self.assertNotIn(b"expires_in", answer.body)
        self.assert_problem(self.server.call("POST", "/v1/bindings/nonce", token=session.token), 403, "signature-wrong")
        self.assertEqual(bind(self.server, self.backend, session, COOKIE).status, 201)

    def test_what_a_seat_has_signed_for_a_nonce_is_good_once(self):
        session = self.seat_session()
        said = session.binding()
        self.assertEqual(session.ask_nonce(said).status, 201)
        self.assert_problem(session.ask_nonce(said), 409, "counter-used")
        self.server.stop()
        self.server.start()
        self.assert_problem(session.ask_nonce(said), 409, "counter-used")
        self.assertEqual(session.ask_nonce().status, 201)
        self.assertEqual(session.renew().status, 200)

    def test_a_restart_keeps_bindings_and_what_they_are_worth(self):
        session = self.bound()
        nonce = nonce_of(session)
        self.server.stop()
        self.server.start()
        self.assertEqual(self.proxy.ask(COOKIE).status, 401)
        session.send(windows(101, 4, 1))
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)
        lost = self.server.call("POST", "/v1/bindings", {"nonce": nonce, "cookie_hash": sha256("x"), "person": "ada"},
                                token=self.backend)
        self.assert_problem(lost, 403, "binding-refused")
        self.assertEqual(len(records(self.server, resource="customer/4711")), 2)

    def test_killing_the_server_is_no_way_to_a_new_allowance_of_silence(self):
        session = self.bound()
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)
        for kind in ("sensitive", "ordinary"):
            self.server.kill()
            self.server.start()
            asked = [self.proxy.ask(COOKIE, kind=kind) for _ in range(3)]
            self.assertEqual([answer.status for answer in asked], [401] * 3)
            self.assertEqual(records(self.server, resource="customer/4711")[-1]["cause"], "silence")
        # whoever answers the step-up has the rest of the lock's allowance, and no more
        asked, status = len(asked), 0
        while status != 403:
            asked += 1
            if (status := self.proxy.ask(COOKIE, kind="ordinary").status) == 401:
                self.assertEqual(self.step_up(session), 204)
        self.assertEqual(asked, LOCK_REQUESTS - STEP_UP_REQUESTS + 1)

    def test_more_bindings_than_there_is_room_for_keep_no_server_from_starting(self):
        session = self.bound()
        self.server.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(self.server.data, "idem.db"))) as database, database:
            names = [row[1] for row in database.execute("PRAGMA table_info(sessions)")]
            change = {"row": "1000 + i", "id": "randomblob(16)", "token_hash": "randomblob(32)"}
            database.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4097)"
                             f" INSERT INTO sessions SELECT {', '.join(change.get(name, name) for name in names)}"
                             " FROM n, (SELECT * FROM sessions LIMIT 1)")
            database.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 32)"
                             " INSERT INTO bindings SELECT organisation, randomblob(32), row, 0, 1, NULL"
                             " FROM n, sessions WHERE row > 1000")
        self.server.start()
        self.assertIn("the oldest of them have been unbound", self.server.stderr())
        self.assertEqual(self.server.query("SELECT count(*) FROM bindings"), [(BINDINGS,)])
        session.send(windows(101, 4, 1))
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)  # the newest
        full = bind(self.server, self.backend, session, "another")
        self.assert_problem(full, 503, "overloaded")
        self.assertEqual(self.server.query("SELECT count(*) FROM bindings"), [(BINDINGS,)])

    def test_another_organisations_application_finds_nothing(self):
        self.bound()
        self.server.stop()
        self.server.alter("INSERT INTO organisations (name) VALUES ('acme')")
        self.server.alter("UPDATE api_keys SET organisation = (SELECT row FROM organisations WHERE name = 'acme')"
                          " WHERE name = 'proxy'")
        self.server.start()
        self.assertEqual(self.proxy.ask(COOKIE).status, 401)
        self.assertEqual(records(self.server, resource="customer/4711"), [])  # nor is it on our record

    # ---------------------------------------------------------------- a cookie carried off

    def test_another_client_is_denied_and_nothing_changes_for_the_owner(self):
        session = self.enrolled()
        self.assertEqual(bind(self.server, self.backend, session, COOKIE, client="192.0.2.1").status, 201)
        self.assertEqual(self.proxy.ask(COOKIE, client="192.0.2.1").status, 204)
        before = session.read()
        for _ in range(LOCK_REQUESTS + 5):
            self.assert_problem(self.proxy.ask(COOKIE, client="198.51.100.7"), 403, "gate-denied")
        self.assert_problem(self.proxy.ask(COOKIE), 403, "gate-denied")  # the proxy does not say
        self.assertEqual(self.proxy.ask(COOKIE, client="192.0.2.1").status, 204)
        self.assertEqual(session.read(), before)
        self.assertEqual(records(self.server, resource="customer/4711")[1]["cause"], "other-client")
        self.assertNotIn("192.0.2.1", self.server.dump())

    # ---------------------------------------------------------------- evidence

    def test_a_takeover_closes_it_and_strong_authentication_does_not_open_it(self):
        session = self.bound(more=8)
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)
        answers = []
        for w in windows(202, 1, 12):
            session.send([w])
            answers.append(self.proxy.ask(COOKIE).status)
            if answers[-1] == 401:
                self.step_up(session)
                self.assertNotEqual(self.proxy.ask(COOKIE).status, 204)
        closed = next(i for i, status in enumerate(answers) if status != 204)
        self.assertLess(closed, 6)
        self.assertNotIn(204, answers[closed:])

    def test_whoever_answers_every_step_up_never_sees_what_is_sensitive(self):
        self.enrolled().close()
        session = self.server.open(person="ada", seat="seat-b")  # by ada's password, and her second factor
        self.assertEqual(bind(self.server, self.backend, session, COOKIE).status, 201)
        self.assertEqual(self.proxy.ask(COOKIE).status, 401)
        self.assertEqual(self.step_up(session), 204)
        self.assertEqual(self.proxy.ask(COOKIE).status, 401)
        self.assertEqual(self.proxy.ask(COOKIE, kind="ordinary").status, 204)  # which that is enough for
        for w in windows(202, 1, 15):
            session.send([w])
            if self.step_up(session) != 204:
                break
            self.assertNotEqual(self.proxy.ask(COOKIE).status, 204)
        self.assertEqual(self.state(session), "locked")
        self.assertEqual(self.step_up(session), 409)
        self.assertEqual(self.proxy.ask(COOKIE, kind="ordinary").status, 403)
        levels = {r["level"] for r in records(self.server, person=session.read()["person"])}
        self.assertLessEqual(levels, {"none", "low"})

    def test_nobody_who_does_not_type_sees_what_is_sensitive(self):
        self.enrolled().close()
        session = self.server.open(person="ada", seat="seat-b")
        bind(self.server, self.backend, session, COOKIE)
        answers = set()
        while self.step_up(session) == 204:
            answers.add(self.proxy.ask(COOKIE).status)
        self.assertEqual(answers, {401, 403})
        wait_for("the lock", lambda: self.state(session) == "locked")

    def test_until_enrolled_it_asks_and_then_lets_the_ordinary_through(self):
        session = self.server.open()  # after a strong authentication, which counts for a while
        bind(self.server, self.backend, session, COOKIE)
        session.send(windows(101, 1, 2))
        self.assertEqual(self.proxy.ask(COOKIE, kind="ordinary").status, 204)
        self.assertEqual(self.step_up(session), 204)
        self.assertEqual(self.proxy.ask(COOKIE, kind="ordinary").status, 204)
        self.assertEqual(self.proxy.ask(COOKIE).status, 401)
        self.assertEqual({r["cause"] for r in records(self.server, resource="customer/4711")}, {"not-enrolled"})

    def test_who_may_vouch(self):
        session = self.bound()
        other = api_key(self.server, "wiki", "sessions")
        self.assertEqual(self.step_up(session, key=other), 404)  # it has bound nobody to it
        self.assertEqual(self.step_up(session, key=self.proxy.key), 403)
        self.assertIn(self.step_up(session, key=session.token), (401, 403))
        self.assertEqual(self.step_up(session, key=self.server.operator), 204)
        self.assertEqual(self.server.call("POST", "/v1/sessions/nobody/step-up", token=self.backend).status, 404)
        session.close()
        self.assertIn(self.step_up(session), (404, 409))

    def test_the_policy_in_force_decides_and_its_line_is_on_record(self):
        policy = pathlib.Path(self.server.data) / "policy.yaml"
        text = (ROOT / "data" / "demo-policy.yaml").read_text()
        self.assertIn("until_enrolled: step-up", text)
        policy.write_text(text.replace("until_enrolled: step-up", "until_enrolled: deny"))
        self.server.stop()
        self.server.options += ["--policy", str(policy)]
        self.server.start()
        session = self.server.open()
        bind(self.server, self.backend, session, COOKIE)
        self.assert_problem(self.proxy.ask(COOKIE), 403, "gate-denied")
        (told,) = records(self.server, resource="customer/4711")
        self.assertIn("until_enrolled: deny", policy.read_text().splitlines()[told["line"] - 1])
        self.assertTrue(self.server.get("/v1/policy").json["id"].startswith(told["policy"]))
        policy.write_text(text)
        self.server.process.send_signal(signal.SIGHUP)
        wait_for("the new policy", lambda: self.proxy.ask(COOKIE).status == 401)

    def test_a_key_that_is_revoked_asks_no_more(self):
        self.bound()
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)
        keys = {k["name"]: k["id"] for k in self.server.get("/v1/keys").json["keys"]}
        revoked = self.server.call("POST", f"/v1/keys/{keys['proxy']}/revoke", token=self.server.operator)
        self.assertEqual(revoked.status, 200)
        self.assert_problem(self.proxy.ask(COOKIE), 401, "token-unknown")

    # ---------------------------------------------------------------- silence

    def test_silence_is_asked_and_then_locked(self):
        session = self.bound()
        answers = [self.proxy.ask(COOKIE, kind="ordinary").status for _ in range(STEP_UP_REQUESTS + 1)]
        self.assertEqual(answers, [204] * STEP_UP_REQUESTS + [401])
        self.assertEqual(self.step_up(session), 204)
        self.assertEqual(self.proxy.ask(COOKIE, kind="ordinary").status, 204)
        while (status := self.proxy.ask(COOKIE, kind="ordinary").status) != 403:
            if status == 401:
                self.assertEqual(self.step_up(session), 204)
        wait_for("the lock", lambda: self.state(session) == "locked")
        told = [r["answer"] for r in records(self.server, resource="customer/4711")]
        self.assertEqual(len(told), LOCK_REQUESTS + 1)
        self.assertEqual(told[-1], "lock")
        session.send(windows(101, 3, 2))  # too late
        self.assertEqual(self.proxy.ask(COOKIE, kind="ordinary").status, 403)
        self.server.stop()
        self.server.start()
        self.assertEqual(self.proxy.ask(COOKIE, kind="ordinary").status, 403)
        self.unlock(session)
        session.send(windows(101, 4, 1))
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)

    def test_who_types_is_not_silent(self):
        session = self.bound()
        for w in windows(101, 3, 5):
            for _ in range(STEP_UP_REQUESTS):
                self.assertEqual(self.proxy.ask(COOKIE).status, 204)
            session.send([w])

    # ---------------------------------------------------------------- never open

    def test_a_worker_that_stands_still_closes_it(self):
        sessions = [self.bound()] + [self.server.open(seat=f"seat-{i}") for i in range(5)]
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)
        with contextlib.closing(sqlite3.connect(os.path.join(self.server.data, "idem.db"))) as held:
            held.execute("BEGIN IMMEDIATE")  # each command of the worker's waits for that
            threads = [threading.Thread(target=s.close) for s in sessions[1:]]
            for t in threads:
                t.start()
            wait_for("the gate to close", lambda: self.proxy.ask("unbound").status == 503)
            self.assert_problem(self.proxy.ask(COOKIE), 503, "gate-closed")
            held.rollback()
        for t in threads:
            t.join()
        wait_for("the gate to open", lambda: self.proxy.ask("unbound").status == 401)
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)

    def test_what_cannot_be_recorded_is_not_let_through(self):
        self.bound()
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)
        with contextlib.closing(sqlite3.connect(os.path.join(self.server.data, "gate.db"))) as held:
            held.execute("BEGIN IMMEDIATE")
            answer = self.proxy.ask(COOKIE)
            self.assert_problem(answer, 503, "gate-closed")
            self.assertIn("Retry-After", answer.headers)
            self.assert_problem(self.proxy.ask("unbound"), 503, "gate-closed")
            held.rollback()
        self.assertEqual(self.proxy.ask(COOKIE).status, 204)
        self.assertEqual([r["answer"] for r in records(self.server, resource="customer/4711")], ["pass", "pass"])

    def test_what_was_let_through_is_on_record_after_a_crash(self):
        self.bound()
        for i in range(10):
            self.assertEqual(self.proxy.ask(COOKIE, resource=f"customer/{i}").status, 204)
        self.server.kill()
        self.server.start()
        for i in range(10):
            self.assertEqual(len(records(self.server, resource=f"customer/{i}")), 1)

    def test_a_flood_of_refusals_is_summed_up(self):
        for _ in range(150):
            self.assertEqual(self.proxy.ask("nobody's").status, 401)
        self.server.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(self.server.data, "gate.db"))) as held:
            told = [n for n, in held.execute("SELECT json_extract(body, '$.count') FROM gate")]
        self.assertEqual(sum(told), 150)
        self.assertLess(len(told), 110)

    def test_the_record_holds_no_more_than_it_says(self):
        self.bound()
        self.proxy.ask(COOKIE, client="192.0.2.1")
        self.server.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(self.server.data, "gate.db"))) as held:
            dump = "\n".join(held.iterdump())
            hours = [at for at, in held.execute("SELECT at_ms FROM gate")]
        dump = re.sub('"[ps]_[A-Za-z0-9_-]{22}"', "", dump)  # random, so they may spell anything
        for word in ("ada", "seat-a", "192.0.2.1", COOKIE, sha256(COOKIE)):
            self.assertNotIn(word, dump)
        self.assertEqual({at % 3600000 for at in hours}, {0})

    def test_whoever_reads_the_record_is_in_the_audit_log(self):
        self.bound()
        records(self.server, resource="customer/4711")
        lines = self.server.get("/v1/audit").json["lines"]
        read = [line["line"] for line in lines if line["line"] and line["line"]["action"] == "gate.read"]
        self.assertEqual([r["detail"] for r in read], [{"resource": "customer/4711"}])
        self.assertIn(self.server.call("GET", "/v1/gate/records?resource=x", token=self.backend).status, (401, 403))
        self.assertEqual(self.server.get("/v1/gate/records").status, 400)


@needs_nginx
class Lookup(Case):
    """Through nginx, at the application."""

    def setUp(self):
        super().setUp()
        self.site = Site(self.server)
        self.addCleanup(self.site.close)

    def test_the_owner_works_here_and_whoever_has_the_cookies_gets_nothing_there(self):
        seat_a = self.enrolled()
        here = Browser(self.site).log_in(seat=seat_a)
        self.assertEqual((here.look(), here.list()), (200, 200))
        there = Browser(self.site, "127.0.0.2").log_in()  # with the password and the code of the account
        self.assertNotEqual(there.cookie, here.cookie)
        self.assertEqual((there.look(), there.list()), (401, 401))
        copied = Browser(self.site, "127.0.0.2", here.cookie)  # or with the very cookie
        self.assertEqual((copied.look(), copied.list()), (403, 403))
        self.assertEqual((here.look(), here.list()), (200, 200))
        self.assertEqual(self.state(seat_a), "ok")
        page = here.call("GET", "/customers/4711")
        self.assertIn("Maria Kölbl", page.body.decode())
        self.assertEqual(page.headers["Idem-Trust"], "medium")
        answers = [(r["person"] is not None, r["answer"], r["cause"])
                   for r in records(self.server, resource="customer/4711")]
        self.assertEqual(answers, [(True, "pass", "matches"), (False, "step-up", "unbound"),
                                   (True, "deny", "other-client"), (True, "pass", "matches"), (True, "pass", "matches")])

    def test_what_401_brings_the_browser(self):
        browser = Browser(self.site)
        asked = browser.call("GET", "/customers/4711")
        self.assertEqual(asked.status, 401)
        self.assertIn("insufficient_user_authentication", asked.headers["WWW-Authenticate"])
        self.assertIn(b"<form", asked.body)
        self.assertNotIn(b"Maria", asked.body)

    def test_a_seat_of_somebody_else_is_not_the_log_ins(self):
        grace = self.enrolled(person="grace", hands=202, seat="seat-g")
        browser = Browser(self.site).log_in("ada", seat=grace)  # ada's password, at grace's seat
        self.assertEqual(browser.look(), 401)

    def test_whoever_answers_every_step_up_never_sees_a_customer(self):
        self.enrolled().close()
        seat_b = self.server.open(person="ada", seat="seat-b")
        browser = Browser(self.site).log_in(seat=seat_b)
        for w in windows(202, 1, 12):
            seat_b.send([w])
            browser.step_up()
            self.assertIn(browser.look(), (401, 403))
        self.assertEqual(self.state(seat_b), "locked")

    def test_silence(self):
        seat_a = self.enrolled()
        browser = Browser(self.site).log_in(seat=seat_a)
        looks = [browser.look() for _ in range(STEP_UP_REQUESTS + 1)]
        self.assertEqual(looks, [200] * STEP_UP_REQUESTS + [401])
        self.assertEqual(browser.step_up(), 200)
        self.assertEqual(browser.list(), 200)
        while (status := browser.list()) != 403:
            if status == 401:
                browser.step_up()
        wait_for("the lock", lambda: self.state(seat_a) == "locked")
        self.assertEqual(browser.look(), 403)

    def test_two_cookies_are_judged_and_believed_alike(self):
        seat_a = self.enrolled()
        here = Browser(self.site).log_in(seat=seat_a)
        other = Browser(self.site).log_in("grace")
        both = Browser(self.site, cookie=f"{other.cookie}; lookup={here.cookie}")
        self.assertEqual(both.look(), 401)

    def test_paths_that_are_no_customers(self):
        here = Browser(self.site).log_in(seat=self.enrolled())
        for path in ("/customers/4711/", "/customers/x", "/customers/4711%2f..", "/idem-gate", "/step-up-page", "/other"):
            self.assertEqual(here.call("GET", path).status, 404, path)
        self.assertEqual(here.call("GET", "/x/../customers/4711?a=b").status, 200)  # and recorded as what it is
        self.assertEqual(len(records(self.server, resource="customer/4711")), 1)

    def test_without_a_server_nothing_opens(self):
        here = Browser(self.site).log_in(seat=self.enrolled())
        self.assertEqual(here.look(), 200)
        self.server.process.send_signal(signal.SIGSTOP)
        self.assertEqual(here.look(), 500)
        self.server.process.send_signal(signal.SIGCONT)
        wait_for("the gate", lambda: here.look() == 200)
        self.server.kill()
        self.assertEqual(here.look(), 500)


@needs_nginx
class WebSessions(Case):
    """Without agents: the application opens a session for its page's SDK and binds to that."""

    def test_the_session_of_the_very_page(self):
        self.enrolled().close()
        site = Site(self.server, "--web-sessions")
        self.addCleanup(site.close)
        browser = Browser(site).log_in()
        self.assertEqual((browser.look(), browser.list()), (401, 200))
        token = re.search("<h1>Session</h1>(.+)", browser.call("GET", "/session").body.decode())[1]
        page = Session(self.server, {"token": token, "session": {"id": ""}})
        page.send(windows(101, 3, 3))
        self.assertEqual(browser.look(), 200)
        page.send(windows(202, 1, 3))
        self.assertNotEqual(browser.look(), 200)


@needs_nginx
class TakenOver(Case):
    """Recorded people: somebody sits down at somebody else's session, of which a log-in is bound."""

    def setUp(self):
        self.server = Shipped(options=("--test-clock",))
        self.addCleanup(self.server.close)

    def looks(self, takeover, speed=5000):
        """What each look at a customer was answered with, one after each window sent."""
        site, statuses, browser = Site(self.server), [], []
        self.addCleanup(site.close)
        relay = Relay(self.server, "ada",
                      lambda token: browser.append(Browser(site).log_in(seat=nonce_of(self.server, token))),
                      lambda: statuses.append(browser[0].look()))
        self.addCleanup(relay.close)
        done = subprocess.run([os.environ["IDEM_CLI"], "replay", str(EXCERPT), "--server", relay.url, "--speed",
                               str(speed), "--takeover", takeover, "--people", "0"], capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return statuses, done.stdout

    def test_a_session_that_is_taken_over_sees_no_customer_any_more(self):
        statuses, said = self.looks("107:117@190")
        self.assertIn("the hands are 117's now", said)
        self.assertIn(200, statuses)
        first = statuses.index(200)
        closed = next(i for i in range(first, len(statuses)) if statuses[i] != 200)
        self.assertNotIn(200, statuses[closed:])
        self.assertEqual(set(statuses[:first]), {401})  # until he was enrolled and compared
        told = records(self.server, resource="customer/4711")
        self.assertEqual(len(told), len(statuses))
        self.assertEqual(len({r["person"] for r in told}), 1)
        self.assertEqual({(r["answer"], r["level"]) for r in told[first:closed]}, {("pass", "medium")})
        self.assertEqual({r["level"] for r in told[closed:]} - {"none", "low"}, set())
        self.assertEqual(told[-1]["level"], "none")


if __name__ == "__main__":
    unittest.main()
