# SPDX-License-Identifier: Apache-2.0
"""The HTTP contract: who may ask what, which bodies are taken, and that every refusal is a problem document."""
import json
import unittest

from harness import CBOR, IDEM_LIST_MAX, Answer, Server, ServerCase, cbor_batch, windows


class Opening(ServerCase):
    def test_a_session_opens_with_token_front_and_window_sizes(self):
        session = self.server.open()
        opened = session.opened
        self.assertEqual(len(opened["token"]), 43)
        self.assertEqual(len(opened["front"]), 16)
        self.assertEqual(opened["level"], "mixed")
        self.assertEqual(opened["window"], {"keyboard": 100, "pointer": 10})
        self.assertEqual(opened["next_seq"], 1)
        s = opened["session"]
        self.assertEqual((s["state"], s["trust"], s["organisation"]), ("enrolling", None, "demo"))
        self.assertEqual(s["enrolment"]["state"], "new")
        self.assertTrue(s["id"].startswith("s_") and s["person"].startswith("p_"))

    def test_one_name_is_one_pseudonym_and_the_name_is_not_kept(self):
        one, two, other = (self.server.open(person=p).opened["session"]["person"] for p in ("ada", "ada", "grace"))
        self.assertEqual(one, two)
        self.assertNotEqual(one, other)
        dump = self.server.dump()
        self.assertNotIn("ada", dump)
        self.assertIn("seat-1", dump)

    def test_fields_out_of_range_are_refused(self):
        good = {"organisation": "demo", "person": "ada", "seat": "s"}
        for bad in ({"organisation": "other"}, {"person": ""}, {"person": "x" * 129}, {"person": 7}, {"seat": None},
                    {"device_class": "phone"}, {"clock_ms": 1}, {"shoe_size": 43}):
            answer = self.server.call("POST", "/v1/sessions", {**good, **bad})
            self.assert_problem(answer, 400, "invalid-field")
        for missing in good:
            body = {k: v for k, v in good.items() if k != missing}
            self.assert_problem(self.server.call("POST", "/v1/sessions", body), 400, "invalid-field")
        self.assertEqual(self.server.call("POST", "/v1/sessions", {**good, "person": "å" * 64}).status, 201)

    def test_what_is_not_json_is_refused(self):
        for body in ("", "{", "[]" * 5, '{"a":1,"a":2}', b"\xff\xfe", "null\0"):
            self.assert_problem(self.server.call("POST", "/v1/sessions", body), 400, "malformed-json")
        self.assert_problem(self.server.call("POST", "/v1/sessions", "[]"), 400, "invalid-field")
        self.assert_problem(self.server.call("POST", "/v1/sessions", "a=b", kind="text/plain"), 415,
                            "unsupported-media-type")


class Access(ServerCase):
    def test_foreign_host_and_origin_are_refused_on_every_route(self):
        for method, path in (("GET", "/"), ("GET", "/healthz"), ("GET", "/metrics"), ("GET", "/v1/front"),
                             ("GET", "/v1/stream"), ("POST", "/v1/sessions"), ("POST", "/v1/windows"),
                             ("GET", "/v1/sessions"), ("DELETE", "/v1/sessions/s_x"), ("GET", "/v1/people/p_x")):
            for host in ("evil.example", "evil.example:%d" % self.server.port, "127.0.0.1", "127.0.0.1:1", ""):
                answer = self.server.call(method, path, headers={"Host": host}, token=self.server.operator)
                self.assert_problem(answer, 403, "forbidden-host")
            for origin in ("http://evil.example", "null", "https://127.0.0.1:%d" % self.server.port):
                answer = self.server.call(method, path, headers={"Origin": origin}, token=self.server.operator)
                self.assert_problem(answer, 403, "forbidden-origin")

    def test_own_names_are_accepted(self):
        for name in ("127.0.0.1", "localhost", "[::1]", "LOCALHOST"):
            place = "%s:%d" % (name, self.server.port)
            answer = self.server.call("GET", "/healthz", headers={"Host": place, "Origin": "http://" + place})
            self.assertEqual((answer.status, answer.json), (200, {"status": "ok"}))

    def test_a_place_given_twice_is_refused(self):
        ours = f"127.0.0.1:{self.server.port}"
        for twice in (("Host", ours, "evil.example"), ("Host", ours, ours), ("Origin", "http://" + ours, "http://evil.example")):
            connection = self.server.connect()
            connection.putrequest("GET", "/healthz", skip_host=True)
            if twice[0] != "Host":
                connection.putheader("Host", ours)
            for value in twice[1:]:
                connection.putheader(twice[0], value)
            connection.endheaders()
            self.assert_problem(Answer(connection.getresponse()), 403, "forbidden-host")
            connection.close()

    def test_tokens_open_what_is_theirs_only(self):
        mine, theirs = self.server.open(), self.server.open(person="grace")
        path = "/v1/sessions/" + theirs.id
        call = self.server.call
        self.assert_problem(call("GET", path, token=mine.token), 403, "forbidden-session")
        self.assert_problem(call("DELETE", path, token=mine.token), 403, "forbidden-session")
        self.assert_problem(call("POST", path + "/unlock", token=theirs.token), 403, "forbidden-session")
        for reads in ("/v1/sessions", "/v1/stream", "/metrics", "/v1/people/" + mine.opened["session"]["person"]):
            self.assert_problem(call("GET", reads, token=mine.token), 403, "forbidden-session")
            self.assert_problem(call("GET", reads), 401, "token-missing")
        self.assert_problem(call("POST", "/v1/windows", {"windows": []}, token=self.server.operator), 403,
                            "forbidden-session")
        self.assertEqual(call("GET", path, token=theirs.token).status, 200)
        self.assertEqual(self.server.get(path).status, 200)

    def test_unknown_tokens(self):
        for header in ("Bearer " + "x" * 43, "Bearer x", "Basic " + self.server.operator, "Bearer ", ""):
            answer = self.server.call("GET", "/v1/sessions", headers={"Authorization": header})
            self.assert_problem(answer, 401, "token-unknown")
            self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")

    def test_what_is_not_there(self):
        get = self.server.get
        for path in ("/v1/sessions/s_" + "A" * 22, "/v1/sessions/x", "/v1/sessions/s_" + "!" * 22):
            self.assert_problem(get(path), 404, "no-such-session")
        for path in ("/v1/people/p_" + "A" * 22, "/v1/people/x"):
            self.assert_problem(get(path), 404, "no-such-person")
        for path in ("/v1/nothing", "/v1/sessions/", "/v1/sessions/a/b", "/nothing.js", "/../etc/passwd",
                     "/%2e%2e/etc/passwd", "/v1/sessions/" + "a" * 65):
            self.assert_problem(get(path), 404, "no-such-route")
        answer = self.server.call("PUT", "/v1/sessions", "{}", token=self.server.operator)
        self.assert_problem(answer, 405, "method-not-allowed")
        self.assertEqual(answer.headers["Allow"], "GET, POST")


class Windows(ServerCase):
    def setUp(self):
        super().setUp()
        self.session = self.server.open()
        self.some = windows(101, 1, 8)

    def body(self, **changes):
        return {"windows": [{**self.some[0], **changes}]}

    def test_json_and_cbor_are_acknowledged_alike(self):
        beside = Server()  # on the same one they would be somebody else's windows, sent again
        self.addCleanup(beside.close)
        one = self.session.post({"windows": self.some}).json
        two = beside.open(person="grace").post(cbor_batch(101, 1, 8), kind=CBOR).json
        self.assertEqual((one["acknowledged"], one["missing"]), (8, []))
        self.assertEqual((two["acknowledged"], two["missing"]), (8, []))
        same = ("windows", "enrolment", "state", "trust")
        self.assertEqual([one["session"][k] for k in same], [two["session"][k] for k in same])
        rows = [server.windows() for server in (self.server, beside)]
        self.assertEqual(rows[0], rows[1])
        self.assertEqual(len(rows[0]), 8)
        self.assertNotIn(None, [payload for _, payload in rows[0]])

    def test_repeats_are_harmless_and_gaps_reported(self):
        send = lambda *seqs: self.session.post({"windows": [dict(self.some[0], seq=s) for s in seqs]})
        self.assertEqual(send(1).json["missing"], [])
        self.assertEqual(send(5).json["missing"], [[2, 4]])
        again = send(1, 5).json
        self.assertEqual((again["acknowledged"], again["missing"]), (5, [[2, 4]]))
        self.assertEqual(again["session"]["windows"]["keyboard"], 2)
        self.assertEqual(send(3, 3).json["missing"], [[2, 2], [4, 4]])
        self.assertEqual(send(4, 2).json["missing"], [])
        self.assertEqual(self.session.read()["windows"]["keyboard"], 5)
        rows = self.server.query("SELECT seq FROM windows ORDER BY row")
        self.assertEqual([r[0] for r in rows], [1, 5, 3, 4, 2])

    def test_too_many_gaps_and_too_far(self):
        send = lambda seq: self.session.post(self.body(seq=seq))
        for i in range(16):
            self.assertEqual(send(2 + 2 * i).status, 200)
        self.assert_problem(send(100), 409, "too-many-gaps")
        self.assertEqual(send(33).status, 200)
        self.assert_problem(send(33 + 100001), 409, "sequence-too-far")
        read = self.session.read()
        self.assertEqual((len(read["missing"]), read["windows"]["keyboard"]), (16, 17))

    def test_one_bad_number_refuses_the_request_whole(self):
        answer = self.session.post({"windows": [dict(self.some[0], seq=1), dict(self.some[1], seq=200000)]})
        self.assert_problem(answer, 409, "sequence-too-far")
        self.assertEqual(self.session.read()["windows"]["keyboard"], 0)

    def test_fields_out_of_range_name_their_place(self):
        cells = self.some[0]["cells"]
        for bad in ({"seq": 0}, {"seq": 2**31}, {"seq": 1.5}, {"modality": "voice"}, {"front": "xyz"},
                    {"strokes": 0}, {"strokes": 1001}, {"strokes": 1}, {"duration_ms": -1}, {"cells": {}},
                    {"cells": [cells[0][:-1]]}, {"cells": cells[::-1]}, {"cells": [[0, 64, 10**6, *[0] * 5]]},
                    {"cells": [[0, 63, *[0] * 6]]}, {"cells": [[10**6, 64, *[0] * 6]]}, {"cells": [[0, -64, *[0] * 6]]},
                    {"modality": "pointer"}, {"text": "secret"}):
            problem = self.assert_problem(self.session.post(self.body(**bad)), 400, "invalid-field")
            self.assertTrue(problem["detail"].startswith("windows[0]"), problem["detail"])
        for missing in self.some[0]:
            w = {k: v for k, v in self.some[0].items() if k != missing}
            self.assert_problem(self.session.post({"windows": [w]}), 400, "invalid-field")
        for body in ({}, {"windows": []}, {"windows": [{**self.some[0], "cells": cells[:1]}] * 65}, {"windows": self.some, "x": 1},
                     {"windows": self.some, "clock_ms": 1}, []):
            self.assert_problem(self.session.post(body), 400, "invalid-field")
        self.assertEqual(self.session.read()["windows"]["keyboard"], 0)

    def test_another_front(self):
        self.assert_problem(self.session.post(self.body(front="0123456789abcdef")), 409, "front-mismatch")

    def test_broken_bodies(self):
        good = cbor_batch(101, 1, 2)
        for body in (b"", good[:-1], good[:20], good + b"\0", b"\xff" * 10, b"\xa1", b"\x9f", b"\x5b" + b"\xff" * 8):
            answer = self.session.post(body, kind=CBOR)
            self.assertEqual(answer.status, 400, body)
            self.assertIn(answer.json["type"], ("/problems/malformed-cbor", "/problems/invalid-field"))
        self.assert_problem(self.session.post(good[:-1], kind=CBOR), 400, "malformed-cbor")
        for body in ("", "{", json.dumps(self.body())[:-1], "\0"):
            self.assert_problem(self.session.post(body), 400, "malformed-json")
        self.assert_problem(self.session.post(json.dumps(self.body()), kind="text/xml"), 415, "unsupported-media-type")
        self.assertEqual(self.session.read()["windows"]["keyboard"], 0)

    def test_bodies_over_the_limit(self):
        for size in (65537, 300000):
            self.assert_problem(self.session.post(" " * size), 413, "body-too-large")
        body = json.dumps({"windows": self.some})
        self.assertEqual(self.session.post(body + " " * (65536 - len(body))).status, 200)

    def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(self):
        connection = self.server.connect()
        connection.putrequest("POST", "/v1/windows")
        for header in (("Authorization", "Bearer " + self.session.token), ("Content-Type", "application/json"),
                       ("Content-Length", str(10**9)), ("Expect", "100-continue")):
            connection.putheader(*header)
        connection.endheaders()
        self.assert_problem(Answer(connection.getresponse()), 413, "body-too-large")
        connection.close()

    def test_a_body_that_announces_nothing_is_cut_off(self):
        connection = self.server.connect()
        connection.request("POST", "/v1/windows", (b" " * 1000 for _ in range(100)),
                           {"Authorization": "Bearer " + self.session.token, "Content-Type": "application/json"},
                           encode_chunked=True)
        self.assert_problem(Answer(connection.getresponse()), 413, "body-too-large")
        connection.close()

    def test_a_refused_request_leaves_the_connection_usable(self):
        connection = self.server.connect()
        answer = self.session.post("x" * 1000, connection=connection)
        self.assert_problem(answer, 400, "malformed-json")
        self.assertEqual(self.session.post({"windows": self.some}, connection=connection).status, 200)
        connection.close()

    def test_a_closed_session_takes_nothing_and_keeps_no_window(self):
        self.session.send(self.some)
        self.assertEqual(self.session.close().status, 204)
        self.assertEqual(self.session.close().status, 204)
        self.assert_problem(self.session.post(self.body(seq=9)), 409, "session-closed")
        answer = self.server.call("POST", f"/v1/sessions/{self.session.id}/unlock", token=self.server.operator)
        self.assert_problem(answer, 409, "session-closed")
        self.assertEqual(self.session.read()["state"], "closed")
        self.assertEqual(self.server.query("SELECT * FROM windows"), [])


class Crumbs(ServerCase):
    def test_a_window_below_the_asked_size_is_refused_whole(self):
        session = self.server.open()
        crumb = windows(101, 1, 1, keys=10)[0]
        answer = session.post({"windows": [windows(101, 1, 1)[0], dict(crumb, seq=2)]})
        self.assert_problem(answer, 400, "invalid-field")
        self.assertIn("fewer strokes", answer.json["detail"])
        self.assertEqual(session.read()["windows"]["keyboard"], 0)


class Reading(ServerCase):
    def test_the_list_is_newest_first_and_bounded(self):
        ids = [self.server.open(person="p%d" % i).id for i in range(IDEM_LIST_MAX + 5)]
        listed = [s["id"] for s in self.server.get("/v1/sessions").json["sessions"]]
        self.assertEqual(listed, ids[::-1][:IDEM_LIST_MAX])

    def test_a_person_shows_how_far_enrolment_is(self):
        session = self.server.open()
        path = "/v1/people/" + session.opened["session"]["person"]
        self.assertEqual(self.server.get(path).json["state"], "new")
        session.send(windows(101, 1, 1))
        person = self.server.get(path).json
        self.assertEqual((person["state"], person["enrolment"]["keyboard"]["have"]), ("enrolling", 100))
        session.send(windows(101, 2, 3))
        person = self.server.get(path).json
        self.assertEqual(person["state"], "enrolled")
        self.assertEqual(person["profiles"][0]["strokes"], 400)
        self.assertTrue(person["profiles"][0]["enrolled"])

    def test_the_front_is_cached_by_its_tag(self):
        answer = self.server.call("GET", "/v1/front")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/octet-stream"))
        self.assertEqual(answer.headers["ETag"], '"%s"' % self.server.open().opened["front"])
        again = self.server.call("GET", "/v1/front", headers={"If-None-Match": answer.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))

    def test_metrics_count_windows_and_name_nobody(self):
        session = self.server.open()
        session.send(windows(101, 1, 3))
        text = self.server.get("/metrics").body.decode()
        self.assertIn("\nidem_windows_total 0\n", text)  # by the thousand: nobody's work shows in it
        self.assertIn("\nidem_sessions 1\n", text)
        for secret in (session.id, session.opened["session"]["person"], "seat-1", "ada"):
            self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()
