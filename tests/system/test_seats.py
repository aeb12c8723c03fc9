# SPDX-License-Identifier: Apache-2.0
"""Who may send: seats with keys of their own, back ends with API keys, tokens that are renewed. Each attack has its
defined answer and its line in the audit log. The seat is seat_client.py, which shares no code with the server."""
import copy
import json
import os
import re
import subprocess
import time
import unittest

from harness import ServerCase, Server, wait_for, windows
from seat_client import Key, Seat, SeatSession, b64, unb64


class SeatCase(ServerCase):
    def call(self, method, path, body=None, **more):
        return self.server.call(method, path, body, **more)

    def operate(self, path, body=None):
        return self.server.call("POST", path, body, token=self.server.operator)

    def invite(self, name="pc-1", **fields):
        answer = self.operate("/v1/seats", {"name": name, **fields})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["code"]

    def enrol(self, name="pc-1", **fields):
        seat = Seat(self.server)
        answer = seat.register(self.invite(name, **fields))
        self.assertEqual(answer.status, 201, answer.body)
        return seat

    def open(self, seat, **more):
        session = seat.open(**more)
        self.assertIsInstance(session, SeatSession, getattr(session, "body", None))
        return session

    def key(self, name="crm", **fields):
        answer = self.operate("/v1/keys", {"name": name, **fields})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["secret"]

    def web(self, key, person="ada", seat="browser-1", **fields):
        return self.call("POST", "/v1/sessions", {"person": person, "seat": seat, **fields}, token=key)

    def lines(self, action):
        rows = self.server.query("SELECT body, organisation FROM audit UNION ALL "
                                 "SELECT body, organisation FROM audit_seats")
        return [json.loads(body) for body, _ in rows if body and json.loads(body)["action"] == action]

    def assert_line(self, action, subject=None, count=1):
        lines = wait_for("a line " + action, lambda: self.lines(action))
        self.assertEqual(len(lines), count, lines)
        if subject:
            self.assertEqual(lines[0]["subject"], subject)
        return lines[0]


class Enrolling(SeatCase):
    def test_an_operator_invites_and_a_seat_registers(self):
        answer = self.operate("/v1/seats", {"name": "pc-1", "site": "Graz", "country": "AT", "device_class": "laptop"})
        self.assertRegex(answer.json["code"], r"^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$")
        self.assertEqual(answer.json["seat"]["state"], "invited")
        answer = Seat(self.server).register(answer.json["code"])
        seat = answer.json["seat"]
        self.assertEqual((seat["state"], seat["site"], seat["country"], seat["device_class"], seat["organisation"]),
                         ("enrolled", "Graz", "AT", "laptop", "demo"))
        self.assertEqual(self.server.get("/v1/seats").json, {"seats": [seat], "next": None})
        self.assert_line("seat.invited", "seat:pc-1")
        self.assert_line("seat.registered", "seat:pc-1")

    def test_a_code_is_not_kept_and_is_read_as_people_type(self):
        code = self.invite()
        dump = self.server.dump()
        self.assertNotIn(code, dump)
        self.assertNotIn(code.replace("-", ""), dump)
        seat = Seat(self.server)
        body = seat.registration(code)
        body["code"] = " " + code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        self.assertEqual(self.call("POST", "/v1/seats/register", body).status, 201)

    def test_who_has_lost_the_answer_asks_again(self):
        code, seat = self.invite(), Seat(self.server)
        first, second = seat.register(code), seat.register(code)
        self.assertEqual((first.status, first.body), (second.status, second.body))
        self.assert_line("seat.registered")

    def test_a_used_code_registers_nobody_else(self):
        code = self.invite()
        Seat(self.server).register(code)
        self.assert_problem(Seat(self.server).register(code), 409, "code-used")
        self.assert_line("seat.registration-replayed", "seat:pc-1")

    def test_an_expired_code_is_gone(self):
        code = self.invite()
        self.server.stop()
        self.server.alter("UPDATE invitations SET expires_ms = 1000")
        self.server.start()
        self.assert_problem(Seat(self.server).register(code), 410, "code-expired")
        self.assert_line("seat.registration-late", "seat:pc-1")

    def test_an_unknown_code_is_counted(self):
        self.assert_problem(Seat(self.server).register("00000-00000-00000-00000-00000"), 403, "code-unknown")

    def test_a_new_code_voids_the_one_before(self):
        first = self.invite()
        self.assert_problem(self.operate("/v1/seats", {"name": "pc-1"}), 409, "name-taken")
        second = self.invite(again=True)
        self.assert_problem(Seat(self.server).register(first), 403, "code-unknown")
        self.assertEqual(Seat(self.server).register(second).status, 201)

    def test_a_registration_for_another_server_is_worthless_here(self):
        self.assert_problem(Seat(self.server).register(self.invite(), host="evil.example:443"), 403, "signature-wrong")

    def test_a_key_is_on_one_seat_only(self):
        seat = self.enrol("pc-1")
        other = Seat(self.server, key=seat.key)
        self.assert_problem(other.register(self.invite("pc-2")), 409, "key-taken")

    def test_enrolled_again_the_old_key_and_its_sessions_end(self):
        old = self.enrol()
        session = self.open(old)
        new = Seat(self.server)
        self.assertEqual(new.register(self.invite(again=True)).status, 201)
        self.assertEqual(new.id, old.id)
        self.assert_problem(session.send(windows(101, 1, 1)), 409, "session-closed")
        self.assert_problem(old.open(), 403, "signature-wrong")
        self.open(new)
        self.assert_line("seat.registered-again", "seat:pc-1")

    def test_fields_out_of_range_are_refused(self):
        for bad in ({}, {"name": ""}, {"name": "x" * 129}, {"name": "a\nb"}, {"name": 7}, {"name": "a", "site": "x" * 33},
                    {"name": "a", "device_class": "phone"}, {"name": "a", "hours": 0}, {"name": "a", "hours": 721},
                    {"name": "a", "again": 1}, {"name": "a", "colour": "red"}):
            self.assert_problem(self.operate("/v1/seats", bad), 400, "invalid-field")
        good = Seat(self.server).registration(self.invite())
        for field, value in (("code", "x"), ("code", ""), ("code", good["code"] + "0"), ("public_key", "AAAA"),
                             ("public_key", 7), ("signature", good["public_key"]), ("signature", good["signature"] + "=")):
            self.assert_problem(self.call("POST", "/v1/seats/register", {**good, field: value}), 400, "invalid-field")
        self.assert_problem(self.call("POST", "/v1/seats/register", {**good, "signature": b64(bytes(64))}), 403,
                            "signature-wrong")

    def test_only_operators_invite(self):
        session = self.server.open()
        for token in (session.token, self.key()):
            answer = self.call("POST", "/v1/seats", {"name": "x"}, token=token)
            self.assertEqual(answer.status, 403, answer.body)
        self.assert_problem(self.call("POST", "/v1/seats", {"name": "x"}), 401, "token-missing")


class Opening(SeatCase):
    def test_a_seat_opens_a_session_and_sends(self):
        seat = self.enrol(site="Graz")
        session = self.open(seat, person="ada", job="support", start="strong")
        self.assertEqual(session.opened["token_life_s"], 900)
        self.assertEqual(session.opened["session"]["seat"], "pc-1")
        some = windows(101, 1, 4)
        self.assertEqual(session.send(some[:3]).json["acknowledged"], 3)
        self.assertEqual(session.send(some[3:]).json["acknowledged"], 4)

    def test_a_challenge_opens_one_session(self):
        seat = self.enrol()
        body = seat.opening()
        self.assertEqual(self.call("POST", "/v1/sessions", body).status, 201)
        self.assert_problem(self.call("POST", "/v1/sessions", body), 409, "challenge-used")
        self.assert_problem(self.call("POST", "/v1/sessions", seat.opening(nonce=body["nonce"])), 409, "challenge-used")
        self.assert_line("session.replayed", "seat:pc-1")

    def test_a_challenge_of_ones_own_making_or_of_before_a_restart_is_none(self):
        seat = self.enrol()
        made = bytearray(unb64(self.call("POST", "/v1/challenge").json["nonce"]))
        made[9] ^= 1
        self.assert_problem(seat.open(nonce=b64(bytes(made))), 409, "challenge-expired")
        old = self.call("POST", "/v1/challenge").json["nonce"]
        self.server.stop()
        self.server.start()
        self.assert_problem(seat.open(nonce=old), 409, "challenge-expired")

    def test_whatever_is_changed_in_an_opening_is_noticed(self):
        seat = self.enrol()
        good = seat.opening(job="support")
        for field, value in (("person", "eve"), ("job", "boss"), ("start", "strong"), ("time_ms", good["time_ms"] + 1),
                             ("instance", b64(os.urandom(16))), ("signature", b64(bytes(64)))):
            self.assert_problem(self.call("POST", "/v1/sessions", {**good, field: value}), 403, "signature-wrong")
        self.assert_problem(self.call("POST", "/v1/sessions", seat.opening(host="evil.example")), 403, "signature-wrong")
        self.assert_problem(self.call("POST", "/v1/sessions", {**good, "seat_id": 99}), 403, "signature-wrong")
        self.assert_problem(Seat(self.server, seat_id=seat.id).open(), 403, "signature-wrong")
        self.assertEqual(self.call("POST", "/v1/sessions", good).status, 201, "nothing was used up by the forgeries")
        self.assert_line("session.signature-wrong", "seat:pc-1")

    def test_fields_out_of_range_are_refused(self):
        seat = self.enrol()
        good = seat.opening()
        for bad in ({"seat_id": 0}, {"seat_id": "1"}, {"person": ""}, {"person": "x" * 129}, {"job": "x" * 33},
                    {"nonce": "AAAA"}, {"time_ms": -1}, {"time_ms": 1.5}, {"instance": b64(bytes(16))},
                    {"start": "supervised"}, {"signature": "x"}, {"organisation": "demo"}, {"seat": "pc-1"},
                    {"device_class": "laptop"}, {"clock_ms": 1}):
            self.assert_problem(self.call("POST", "/v1/sessions", {**good, **bad}), 400, "invalid-field")
        for missing in ("seat_id", "person", "nonce", "time_ms", "instance"):
            body = {k: v for k, v in good.items() if k != missing}
            self.assert_problem(self.call("POST", "/v1/sessions", body), 400, "invalid-field")

    def test_a_clock_that_is_off_is_accepted_and_noted(self):
        seat = self.enrol()
        for ahead_h in (7, -7):
            session = self.open(seat, ahead_ms=ahead_h * 3600 * 1000)
            self.assertAlmostEqual(session.opened["clock_ahead_ms"], ahead_h * 3600 * 1000, delta=60000)
            session.send(windows(101, 1 + ahead_h, 1))
            opened = session.read()["opened"]
            self.assertLess(abs(time.time() - time.mktime(time.strptime(opened, "%Y-%m-%dT%H:%M:%SZ")) + time.timezone),
                            600, "the server's time counts")
        lines = wait_for("two lines", lambda: len(self.lines("session.clock-off")) == 2 and self.lines("session.clock-off"))
        self.assertEqual(sorted(round(line["detail"]["minutes"] / 60) for line in lines), [-7, 7])

    def test_a_clock_off_by_seconds_is_nothing(self):
        seat = self.enrol()
        self.open(seat, ahead_ms=60 * 1000)
        self.open(seat, ahead_ms=400 * 1000)
        self.assert_line("session.clock-off", count=1)

    def test_nobody_else_opens_sessions_on_an_enrolled_seat(self):
        self.enrol("pc-1")
        answer = self.call("POST", "/v1/sessions", {"organisation": "demo", "person": "eve", "seat": "pc-1"})
        self.assert_problem(answer, 409, "seat-enrolled")
        self.assert_problem(self.web(self.key(), seat="pc-1"), 409, "seat-enrolled")
        self.assert_line("session.seat-not-theirs", "seat:pc-1")


class Clones(SeatCase):
    def clone(self, seat):
        return Seat(self.server, key=seat.key, seat_id=seat.id)

    def test_two_machines_at_once(self):
        seat = self.enrol()
        session = self.open(seat)
        session.send(windows(101, 1, 1))
        self.assert_problem(self.clone(seat).open(), 409, "seat-cloned")
        self.assertEqual((session.read()["state"], session.read()["doubts"]), ("step-up", ["seat-cloned"]))
        self.assert_line("seat.cloned", "seat:pc-1")

    def test_the_doubt_stands_across_a_restart_until_strong_authentication(self):
        seat = self.enrol()
        session = self.open(seat)
        self.clone(seat).open()
        self.server.stop()
        self.server.start()
        self.assertEqual(session.read()["state"], "step-up")
        self.assertEqual(self.operate(f"/v1/sessions/{session.id}/unlock").json["doubts"], [])
        self.assertEqual(session.read()["state"], "enrolling")
        self.server.stop()
        self.server.start()
        self.assertEqual(session.read()["state"], "enrolling")

    def test_one_machine_may_have_several_sessions(self):
        seat = self.enrol()
        one, two = self.open(seat, person="ada"), self.open(seat, person="bob")
        self.assertEqual([s.read()["doubts"] for s in (one, two)], [[], []])

    def test_a_machine_that_was_started_anew_goes_on_alone(self):
        seat = self.enrol()
        before = self.open(seat)
        self.server.call("DELETE", "/v1/sessions/" + before.id, token=before.token)
        after = self.clone(seat)
        self.open(after)
        self.assert_line("seat.run-changed", "seat:pc-1")
        # The run before never comes back: if it does, there are two machines.
        self.assert_problem(seat.open(), 409, "seat-cloned")
        self.assert_line("seat.cloned", "seat:pc-1")

    def come_and_go(self, seat):
        session = self.open(seat)
        self.server.call("DELETE", "/v1/sessions/" + session.id, token=session.token)

    def test_a_run_that_comes_back_is_a_clone_though_nobody_is_there(self):
        seat, after = self.enrol(), None
        after = self.clone(seat)
        for machine in (seat, after):
            self.come_and_go(machine)
        self.assert_problem(seat.open(), 409, "seat-cloned")
        self.come_and_go(after)

    def test_a_thief_who_opens_twice_does_not_push_the_owner_out_of_mind(self):
        seat = self.enrol()
        self.come_and_go(seat)
        for _ in range(3):
            self.come_and_go(self.clone(seat))
        self.server.stop()
        self.server.start()
        self.assert_problem(seat.open(), 409, "seat-cloned")
        self.assert_line("seat.cloned", "seat:pc-1")
        self.assertEqual(len(self.lines("seat.run-changed")), 3)

    def test_runs_that_change_faster_than_machines_start_are_doubted(self):
        seat = self.enrol()
        for _ in range(4):
            self.come_and_go(seat)
            seat.instance = os.urandom(16)
        session = self.open(seat)
        self.assertEqual((session.read()["state"], session.read()["doubts"]), ("step-up", ["seat-cloned"]))
        self.assert_line("seat.cloned", "seat:pc-1")
        self.server.stop()
        self.server.start()
        self.assertEqual(session.read()["doubts"], ["seat-cloned"])

    def test_many_machines_start_at_once(self):
        seats = [self.enrol(f"pc-{i}") for i in range(5)]
        for _ in range(2):
            for seat in seats:
                session = self.open(seat)
                self.call("DELETE", "/v1/sessions/" + session.id, token=session.token)
                seat.instance = os.urandom(16)
        self.assertEqual(self.lines("seat.cloned"), [])

    def test_a_clone_across_a_restart_of_the_server(self):
        seat = self.enrol()
        self.open(seat)
        self.server.stop()
        self.server.start()
        self.assert_problem(self.clone(seat).open(), 409, "seat-cloned")


class Revoking(SeatCase):
    options = ("--test-clock",)  # its metrics are exact

    def test_a_revoked_seat_is_out_at_once(self):
        seat = self.enrol()
        session = self.open(seat)
        some = windows(101, 1, 2)
        self.assertEqual(session.send(some[:1]).status, 200)
        answer = self.operate(f"/v1/seats/{seat.id}/revoke")
        self.assertEqual((answer.status, answer.json["state"]), (200, "revoked"))
        self.assert_problem(session.send(some[1:]), 409, "session-closed")
        self.assert_problem(session.renew(), 401, "token-missing")
        self.assert_problem(seat.open(), 403, "seat-revoked")
        self.assertEqual(session.read()["state"], "closed")
        self.assert_line("seat.revoked", "seat:pc-1")
        self.assert_line("session.seat-revoked", "seat:pc-1")
        self.server.stop()
        self.server.start()
        self.assert_problem(seat.open(), 403, "seat-revoked")

    def learned(self):
        metrics = self.server.get("/metrics").body.decode()
        return int(re.search(r"^idem_windows_learned_total (\d+)$", metrics, re.M)[1])

    def test_what_a_revoked_seat_sent_teaches_nothing(self):
        for person, ends in ((101, "closed"), (102, "revoked")):
            seat = self.enrol(f"pc-{person}")
            for seed in (1, 2, 3):  # enrolled in the first two, learned from the third
                session = self.open(seat, person=f"person {person}", start="strong")
                session.send(windows(person, seed, 12))
                before = self.learned()
                if seed < 3 or ends == "closed":
                    self.call("DELETE", "/v1/sessions/" + session.id, token=session.token)
                else:
                    self.operate(f"/v1/seats/{seat.id}/revoke")
            self.assertEqual(self.learned() > before, ends == "closed", ends)

    def test_revoking_twice_and_what_is_not_there(self):
        seat = self.enrol()
        for _ in range(2):
            self.assertEqual(self.operate(f"/v1/seats/{seat.id}/revoke").status, 200)
        self.assert_line("seat.revoked")
        for wrong in ("99", "x", "-1", "9" * 40):
            self.assert_problem(self.operate(f"/v1/seats/{wrong}/revoke"), 404, "no-such-seat")
            self.assert_problem(self.operate(f"/v1/keys/{wrong}/revoke"), 404, "no-such-key")

    def test_a_revoked_seat_can_be_enrolled_again(self):
        seat = self.enrol()
        self.operate(f"/v1/seats/{seat.id}/revoke")
        again = Seat(self.server)
        self.assertEqual(again.register(self.invite(again=True)).json["seat"]["state"], "enrolled")
        self.open(again)

    def test_a_code_of_before_the_revocation_does_not_bring_the_seat_back(self):
        code, seat = self.invite(), Seat(self.server)
        seat.register(code)
        self.operate(f"/v1/seats/{seat.id}/revoke")
        self.assert_problem(seat.register(code), 409, "code-used")


class Windows(SeatCase):
    def setUp(self):
        super().setUp()
        self.seat = self.enrol()
        self.session = self.open(self.seat)
        self.some = windows(101, 1, 6)
        self.session.send(self.some[:2])

    def assert_held(self, count):
        self.assertIsNone(self.session.read()["windows"])  # whose seat it is, is nobody's demonstration
        self.assertEqual(self.server.query("SELECT count(*) FROM windows"), [(count,)])

    def test_a_token_alone_sends_nothing(self):
        body, _ = self.session.batch(self.some[2:3])
        self.assert_problem(self.session.post({"windows": body["windows"]}), 403, "signature-wrong")
        self.assert_line("window.signature-wrong", self.session.id)
        self.assert_held(2)

    def test_tampered_windows(self):
        body, _ = self.session.batch(self.some[2:4])
        for i, change in enumerate(("duration_ms", "seq", "previous", "signature", "other key")):
            forged = copy.deepcopy(body)
            if change == "previous":
                forged["previous"] = b64(os.urandom(32))
            elif change == "signature":
                forged["signature"] = b64(os.urandom(64))
            elif change == "other key":
                forged, _ = self.session.batch(self.some[2:4], key=Key())
            else:
                forged["windows"][0][change] += 1
            self.assert_problem(self.session.post(forged), 403, "signature-wrong")
        self.assert_line("window.signature-wrong", self.session.id)
        self.assert_held(2)
        self.assertEqual(self.session.post(body).status, 200)

    def test_a_missing_window_breaks_the_chain(self):
        body, _ = self.session.batch(self.some[3:4], first=4)
        self.assert_problem(self.session.post(body), 409, "chain-broken")
        body, _ = self.session.batch([self.some[2], self.some[4]])
        body["windows"][1]["seq"] = 5
        self.assertEqual(self.session.post(body).status, 403)
        self.assert_line("window.chain-broken", self.session.id)
        self.assert_held(2)

    def test_reordered_windows_break_the_chain(self):
        one, link = self.session.batch(self.some[2:3])
        two, _ = self.session.batch(self.some[3:4], first=4, link=link)
        self.assert_problem(self.session.post(two), 409, "chain-broken")
        self.assertEqual(self.session.post(one).status, 200)
        self.assertEqual(self.session.post(two).status, 200)
        self.assert_held(4)

    def test_another_past_is_not_this_sessions(self):
        other, _ = self.session.batch(self.some[2:3], link=bytes(32))
        self.assert_problem(self.session.post(other), 409, "chain-broken")

    def test_a_repeat_is_harmless_and_a_batch_may_overlap(self):
        body, link = self.session.batch(self.some[2:4])
        answers = [self.session.post(body) for _ in range(3)]
        self.assertEqual([a.status for a in answers], [200] * 3)
        self.assertEqual({a.json["acknowledged"] for a in answers}, {4})
        start = self.session.link
        overlapping, after = self.session.batch(self.some[2:5], first=3, link=start)
        self.assertEqual(self.session.post(overlapping).json["acknowledged"], 5)
        forged, _ = self.session.batch([self.some[5], self.some[3], self.some[4], self.some[5]], first=3, link=start)
        self.assert_problem(self.session.post(forged), 409, "chain-broken")
        self.assert_held(5)

    def test_the_chain_goes_on_after_kill_9(self):
        self.server.kill()
        self.server.start()
        self.assertEqual(self.session.send(self.some[2:4]).status, 200)
        broken, _ = self.session.batch(self.some[4:5], link=bytes(32))
        self.assert_problem(self.session.post(broken), 409, "chain-broken")

    def test_windows_of_another_session_of_the_same_seat(self):
        other = self.open(self.seat, person="bob")
        body, _ = self.session.batch(self.some[2:3])
        body["windows"][0]["seq"] = 1
        self.assert_problem(other.post(body), 403, "signature-wrong")

    def test_half_a_seal_is_refused(self):
        body, _ = self.session.batch(self.some[2:3])
        for field in ("previous", "signature"):
            self.assert_problem(self.session.post({k: v for k, v in body.items() if k != field}), 400, "invalid-field")
        for value in ("", "x", 7, None, b64(bytes(31))):
            self.assert_problem(self.session.post({**body, "previous": value}), 400, "invalid-field")


class Tokens(SeatCase):
    options = ("--token-seconds", "5")  # the one before is good for a second longer

    def test_a_session_of_a_seat_is_renewed_by_its_key_alone(self):
        session = self.open(self.enrol())
        old = session.token
        self.assertEqual(session.renew().status, 200)
        self.assertNotEqual(session.token, old)
        self.assertEqual(session.send(windows(101, 1, 1)).status, 200)
        self.assert_problem(session.renew(session.renewal(counter=1)), 409, "counter-used")
        self.assert_problem(session.renew(session.renewal(key=Key())), 403, "signature-wrong")
        self.assert_problem(session.renew({}, token=session.token), 400, "invalid-field")
        self.assert_line("token.renewal-replayed", session.id)

    def test_a_token_used_after_its_renewal_was_stolen(self):
        session = self.open(self.enrol())
        stolen = session.token
        session.renew()
        path = "/v1/sessions/" + session.id
        self.assertEqual(self.call("GET", path, token=stolen).status, 200, "requests may be on their way")
        wait_for("the old token's end", lambda: self.call("GET", path, token=stolen).status == 401)
        self.assert_problem(self.call("GET", path, token=stolen), 401, "token-expired")
        self.assert_line("token.reused", session.id)
        wait_for("the doubt", lambda: session.read()["doubts"] == ["token-reused"])
        self.assertEqual(session.read()["state"], "step-up")

    def test_a_token_of_long_ago_is_known_too(self):
        session = self.open(self.enrol())
        stolen = session.token
        for _ in range(3):
            session.renew()
        self.assert_problem(self.call("GET", "/v1/sessions/" + session.id, token=stolen), 401, "token-expired")
        self.assert_line("token.reused", session.id)

    def test_an_expired_token_opens_nothing(self):
        session, key = self.open(self.enrol()), self.key()
        web = self.web(key).json
        for one in (session.opened, web):  # both waits are one
            path = "/v1/sessions/" + one["session"]["id"]
            wait_for("the token's end", lambda: self.call("GET", path, token=one["token"]).status == 401)
        self.a_seat_gets_another(session)
        self.a_page_asks_its_back_end(key, web)

    def a_seat_gets_another(self, session):
        self.assert_problem(session.send(windows(101, 1, 1)), 401, "token-expired")
        self.assertEqual(session.renew().status, 200)
        self.assertEqual(session.send(windows(101, 1, 1)).status, 200)
        self.assertEqual(session.read()["doubts"], [], "late is not stolen")

    def test_a_token_works_on_its_session_only(self):
        seat = self.enrol()
        one, two = self.open(seat, person="ada"), self.open(seat, person="bob")
        self.assert_problem(self.call("GET", "/v1/sessions/" + two.id, token=one.token), 403, "forbidden-session")
        body, _ = two.batch(windows(101, 1, 1))
        self.assert_problem(two.post(body, token=one.token), 403, "signature-wrong")
        key = self.key()
        web = self.web(key).json
        other = self.web(key, person="bob").json
        answer = self.call("POST", f"/v1/sessions/{other['session']['id']}/token", token=web["token"])
        self.assert_problem(answer, 403, "forbidden-session")

    def test_a_page_renews_with_its_token_and_its_back_end_with_the_key(self):
        key = self.key()
        web = self.web(key).json
        path = f"/v1/sessions/{web['session']['id']}/token"
        token = self.call("POST", path, token=web["token"]).json["token"]
        self.assertEqual(self.call("POST", path, token=token).status, 200)
        self.assertEqual(self.call("POST", path, token=key).status, 200)
        self.assert_problem(self.call("POST", path), 401, "token-missing")
        self.assert_problem(self.call("POST", path, token="x" * 43), 401, "token-unknown")
        self.assert_problem(self.call("POST", "/v1/sessions/s_" + "A" * 22 + "/token", token=key), 404, "no-such-session")

    def a_page_asks_its_back_end(self, key, web):
        path = f"/v1/sessions/{web['session']['id']}/token"
        self.assert_problem(self.call("POST", path, token=web["token"]), 401, "token-expired")
        self.assertEqual(self.call("POST", path, token=key).status, 200)

    def test_a_token_outlives_kill_9_as_far_as_it_goes(self):
        session = self.open(self.enrol())
        session.renew()
        self.server.kill()
        self.server.start()
        self.assertEqual(session.renew().status, 200)
        self.assertEqual(session.send(windows(101, 1, 1)).status, 200)

    def test_the_demonstrations_tokens_last_as_long_as_their_session(self):
        session = self.server.open()
        self.assertEqual((session.opened["token_expires"], session.opened["token_life_s"]), (None, None))


class Places(SeatCase):
    def from_place(self, address, path, token):
        connection = self.server.connect()
        connection.source_address = (address, 0)
        self.addCleanup(connection.close)
        return self.call("GET", path, token=token, connection=connection)

    def test_a_web_token_from_two_places_in_turn(self):
        web = self.web(self.key()).json
        path = "/v1/sessions/" + web["session"]["id"]
        for address in ("127.0.0.1", "127.0.0.2"):
            self.assertEqual(self.from_place(address, path, web["token"]).status, 200)
        self.assert_line("token.moved", web["session"]["id"])
        self.assertEqual(self.server.get(path).json["doubts"], [], "somebody may travel")
        self.from_place("127.0.0.1", path, web["token"])
        wait_for("the doubt", lambda: self.server.get(path).json["doubts"] == ["token-torn"])
        self.assertEqual(self.server.get(path).json["state"], "step-up")
        self.assert_line("token.torn", web["session"]["id"])
        self.assertNotIn("127.0.0", self.server.dump())

    def test_a_seats_stolen_token_is_noted_and_worth_nothing(self):
        session = self.open(self.enrol())
        path = "/v1/sessions/" + session.id
        for address in ("127.0.0.1", "127.0.0.2", "127.0.0.1"):
            self.from_place(address, path, session.token)
        self.assert_line("token.moved", session.id)
        self.assertEqual(session.read()["doubts"], [], "what is signed cannot come from elsewhere")


class Keys(SeatCase):
    def test_a_back_end_opens_sessions_for_its_users(self):
        key = self.key()
        answer = self.web(key, site="Graz", country="AT", job="support", start="strong", device_class="laptop")
        self.assertEqual(answer.status, 201, answer.body)
        session = answer.json["session"]
        self.assertEqual((session["seat"], session["device_class"]), ("browser-1", "laptop"))
        self.assertNotIn("nonce", answer.json)
        body = {"windows": [dict(windows(101, 1, 1)[0], seq=1)]}
        self.assertEqual(self.call("POST", "/v1/windows", body, token=answer.json["token"]).status, 200)
        self.assertNotIn(key, self.server.dump())

    def test_a_back_end_reads_and_closes_what_it_has_opened(self):
        key, other, gate = self.key(), self.key("wiki"), self.key("proxy", scopes=["gate"])
        path = "/v1/sessions/" + self.web(key).json["session"]["id"]
        self.assertEqual(self.call("GET", path, token=key).json["seat"], "browser-1")
        for wrong, status, name in ((other, 404, "no-such-session"), (gate, 403, "forbidden-role")):
            self.assert_problem(self.call("GET", path, token=wrong), status, name)
            self.assert_problem(self.call("DELETE", path, token=wrong), status, name)
        self.assert_problem(self.call("POST", path + "/token", token=other), 404, "no-such-session")
        self.assertEqual(self.call("DELETE", path, token=key).status, 204)
        self.assertEqual(self.call("GET", path, token=key).json["state"], "closed")

    def test_keys_outlive_a_restart_and_end_with_their_sessions_when_revoked(self):
        key = self.key()
        web = self.web(key).json
        self.server.stop()
        self.server.start()
        self.assertEqual(self.web(key).status, 201)
        listed = self.server.get("/v1/keys").json["keys"]
        self.assertEqual([(k["name"], k["scopes"], k["revoked"]) for k in listed], [("crm", ["sessions"], False)])
        self.assertEqual(self.operate(f"/v1/keys/{listed[0]['id']}/revoke").json["revoked"], True)
        self.assert_problem(self.call("POST", "/v1/windows", {"windows": [dict(windows(101, 1, 1)[0], seq=1)]},
                                      token=web["token"]), 409, "session-closed")
        self.assert_problem(self.call("POST", f"/v1/sessions/{web['session']['id']}/token", token=key), 401,
                            "token-unknown")
        self.server.stop()
        self.server.start()
        self.assert_problem(self.call("POST", f"/v1/sessions/{web['session']['id']}/token", token=key), 401,
                            "token-unknown")
        self.assert_line("key.added", "key:crm")
        self.assert_line("key.revoked", "key:crm")

    def test_a_key_in_a_page_is_refused_and_told(self):
        key = self.key()
        ours = f"http://127.0.0.1:{self.server.port}"
        for headers in ({"Origin": ours}, {"Sec-Fetch-Site": "same-origin"}):
            answer = self.call("POST", "/v1/sessions", {"person": "ada", "seat": "b"}, token=key, headers=headers)
            self.assert_problem(answer, 403, "key-from-page")
        self.assert_line("key.from-page", "key:crm")

    def test_a_key_for_the_gate_opens_no_sessions(self):
        gate = self.key("proxy", scopes=["gate"])
        self.assert_problem(self.web(gate), 403, "forbidden-role")
        web = self.web(self.key()).json
        answer = self.call("POST", f"/v1/sessions/{web['session']['id']}/token", token=gate)
        self.assertIn(answer.status, (401, 403))

    def test_fields_out_of_range_are_refused(self):
        key = self.key()
        for bad in ({"start": "supervised"}, {"start": 7}, {"site": "x" * 33}, {"country": 7}, {"job": None},
                    {"device_class": "phone"}, {"api_key": 1}, {"organisation": 7}):
            self.assert_problem(self.web(key, **bad), 400, "invalid-field")
        self.assert_problem(self.web(key, organisation="other"), 403, "forbidden-role")
        for bad in ({}, {"name": ""}, {"name": "a b"}, {"name": "x" * 49}, {"name": "a", "scopes": []},
                    {"name": "a", "scopes": ["all"]}, {"name": "a", "scopes": "gate"}, {"name": "a", "x": 1}):
            self.assert_problem(self.operate("/v1/keys", bad), 400, "invalid-field")
        self.assert_problem(self.operate("/v1/keys", {"name": "crm"}), 409, "name-taken")


class Lists(SeatCase):
    def test_all_keys_can_be_seen(self):
        for i in range(203):
            self.key(f"k{i:03}")
        seen, after = [], 0
        while after is not None:
            page = self.server.get(f"/v1/keys?after={after}").json
            seen += [key["name"] for key in page["keys"]]
            after = page["next"]
        self.assertEqual(seen, [f"k{i:03}" for i in range(203)])
        command = [os.environ["IDEM_CLI"], "key", "list", "--server", f"http://{self.server.host}:{self.server.port}",
                   "--token-file", os.path.join(self.server.data, "operator.token")]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.assertEqual([line.split()[-1] for line in shown.splitlines()][-203:], seen)

    def test_a_page_begins_after_a_number(self):
        for what in ("seats", "keys"):
            for wrong in ("9" * 20, "-1", "x", "", "1x", "%20"):
                answer = self.server.get(f"/v1/{what}?after={wrong}")
                self.assert_problem(answer, 400, "invalid-field")
            self.assertEqual(self.server.get(f"/v1/{what}?after={'9' * 18}").json, {what: [], "next": None})


class Organisations(SeatCase):
    """Another organisation's seats, keys and sessions are not there."""

    def setUp(self):
        super().setUp()
        self.mine = self.enrol("pc-1")
        self.my_key = self.key("crm")
        self.my_session = self.open(self.mine)
        self.my_web = self.web(self.my_key).json
        self.server.stop()
        self.server.alter("INSERT INTO organisations (name) VALUES ('other')")
        self.server.alter("UPDATE seats SET organisation = (SELECT row FROM organisations WHERE name = 'other')"
                          " WHERE name = 'pc-1'")
        self.server.alter("UPDATE api_keys SET organisation = (SELECT row FROM organisations WHERE name = 'other')")
        self.server.start()

    def test_nothing_of_another_organisation_is_seen_or_revoked(self):
        self.assertEqual(self.server.get("/v1/seats").json["seats"], [])
        self.assertEqual(self.server.get("/v1/keys").json["keys"], [])
        self.assert_problem(self.operate(f"/v1/seats/{self.mine.id}/revoke"), 404, "no-such-seat")
        self.assert_problem(self.operate("/v1/keys/1/revoke"), 404, "no-such-key")
        self.invite("pc-1")  # the name is free here

    def test_a_key_of_one_organisation_renews_no_token_of_another(self):
        answer = self.call("POST", f"/v1/sessions/{self.my_web['session']['id']}/token", token=self.my_key)
        self.assert_problem(answer, 404, "no-such-session")

    def test_one_name_is_two_people(self):
        there = self.web(self.my_key).json["session"]
        self.assertEqual(there["organisation"], "other")
        self.assertNotEqual(there["person"], self.my_web["session"]["person"])
        self.assert_problem(self.server.get("/v1/sessions/" + there["id"]), 404, "no-such-session")

    def test_a_seat_opens_sessions_in_its_own(self):
        self.mine.instance = self.mine.instance
        session = self.mine.open(person="ada")
        self.assertEqual(session.opened["session"]["organisation"], "other")


class Floods(SeatCase):
    def test_many_forgeries_are_one_line(self):
        session = self.open(self.enrol())
        body, _ = session.batch(windows(101, 1, 1))
        body["signature"] = b64(bytes(64))
        for _ in range(50):
            self.assert_problem(session.post(body), 403, "signature-wrong")
        self.assert_line("window.signature-wrong", session.id, count=1)

    def forge(self, seats):
        """By somebody who has no key; the statuses."""
        body = seats[0].opening()
        return [self.call("POST", "/v1/sessions", dict(body, seat_id=seat.id, signature=b64(bytes(64)))).status
                for seat in seats]

    def counted(self, action):
        return sum(line["detail"]["times"] for line in self.lines(action))

    def test_forgeries_for_many_seats_are_few_lines(self):
        seats = [self.enrol(f"pc-{i}") for i in range(40)]
        self.assertEqual(self.forge(seats), [403] * 40)
        self.server.stop()  # writes what it has counted
        self.assertEqual(len(self.lines("session.signature-wrong")), 16)
        self.assertEqual(self.counted("seat.refused"), 24)

    def test_who_forges_on_gets_no_lines_and_keeps_nobody_out(self):
        seats = [self.enrol(f"pc-{i}") for i in range(10)]
        self.assertEqual(set(self.forge(seats * 6)), {403})
        self.assertEqual(set(self.forge(seats)), {429})
        self.open(seats[0])
        wait_for("the lines", lambda: len(self.lines("session.signature-wrong")) == 10)

    def test_guessed_codes_and_false_registrations_count_for_their_address(self):
        guesser = Seat(self.server)
        guess = guesser.registration("00000-00000-00000-00000-00000")
        forged = dict(guess, signature=b64(bytes(64)))
        for _ in range(30):
            self.assert_problem(self.call("POST", "/v1/seats/register", guess), 403, "code-unknown")
            self.assert_problem(self.call("POST", "/v1/seats/register", forged), 403, "signature-wrong")
        for body in (guess, forged):
            self.assert_problem(self.call("POST", "/v1/seats/register", body), 429, "too-many-failures")
        self.enrol()

    def test_many_challenges_cost_nothing(self):
        for _ in range(200):
            self.assertEqual(self.call("POST", "/v1/challenge").status, 201)


class Yielding(SeatCase):
    """A machine that counts as alive for half a minute: it begins its silence first and is looked at last (by this name),
    while the other tests run."""

    @classmethod
    def begin(cls):
        case = cls()
        case.server = cls.kept = Server()
        unittest.addModuleCleanup(cls.kept.close)
        seat = case.enrol()
        cls.before = case.open(seat)
        cls.after = Seat(cls.kept, key=seat.key, seat_id=seat.id)
        case.assert_problem(cls.after.open(), 409, "seat-cloned")

    def setUp(self):
        self.server = self.kept

    def test_a_machine_that_has_been_silent_gives_way(self):
        deadline = time.monotonic() + 60
        while not isinstance(self.after.open(), SeatSession):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(1)
        self.assertEqual(self.before.read()["state"], "closed")
        self.assert_problem(self.before.send(windows(101, 1, 1)), 409, "session-closed")


def setUpModule():
    Yielding.begin()


if __name__ == "__main__":
    unittest.main()
