# SPDX-License-Identifier: Apache-2.0
"""No acknowledgement on record, no collection: what is refused until then, that nothing of it is stored, and what a new
version, a withdrawal and a restart do."""
import os
import signal
import tempfile
import unittest

from gate_site import api_key
from harness import Server, ServerCase, Session, wait_for, windows
from seat_client import Key, Seat

POLICY = """\
version: 1
enrolment:
  trusted_start: no
  sessions: 1
acknowledgement:
  any:
    version: "%s"
    text:
      en: We look at how you type.
      de: Wir sehen, wie Sie tippen.
"""
ALARM = {"alarms": [{"seq": 1, "device": "keyboard", "kind": "injected-keys", "confidence": 0.999, "saw": [
    {"reason": "holds-short", "count": 5, "value": 2.1}]}]}


class Asking(ServerCase):
    def setUp(self):
        handle, self.policy = tempfile.mkstemp(suffix=".yaml")
        os.close(handle)
        self.addCleanup(os.unlink, self.policy)
        self.write("2026-1")
        self.server = Server(options=["--policy", self.policy])
        self.addCleanup(self.server.close)

    def write(self, version):
        with open(self.policy, "w") as f:
            f.write(POLICY % version)

    def ask(self, session, **more):
        return self.server.call("GET", "/v1/acknowledgement", token=session.token, **more)

    def give(self, session, version="2026-1"):
        return self.server.call("POST", "/v1/acknowledgement", {"version": version}, token=session.token)

    def try_window(self, session):
        return session.post({"windows": [dict(windows("ada", 1, 1)[0], seq=session.seq)]})

    def refused(self, session):
        self.assert_problem(self.try_window(session), 403, "acknowledgement-missing")
        self.assertEqual(self.server.query("SELECT count(*) FROM windows"), [(0,)])

    def lines(self):
        return [a for (a,) in self.server.query("SELECT json_extract(body, '$.action') FROM audit_seats ORDER BY seq")
                if a.startswith("acknowledgement.")]


class Acknowledgement(Asking):
    def test_nothing_is_stored_before_it(self):
        session = self.server.open()
        self.refused(session)
        state = self.ask(session).json
        self.assertEqual((state["state"], state["version"], state["text"]),
                         ("missing", "2026-1", "We look at how you type."))
        given = self.give(session)
        self.assertEqual((given.status, given.json["state"]), (200, "given"))
        session.send(windows("ada", 1, 1))
        self.assertEqual(self.server.query("SELECT version, country, hour_ms % 3600000 FROM acknowledgements"),
                         [("2026-1", "", 0)])
        self.assertEqual(self.lines(), ["acknowledgement.given"])

    def test_languages(self):
        session = self.server.open()
        german = self.server.call("GET", "/v1/acknowledgement?language=de", token=session.token).json
        self.assertEqual((german["language"], german["text"]), ("de", "Wir sehen, wie Sie tippen."))
        other = self.server.call("GET", "/v1/acknowledgement?language=fi", token=session.token).json
        self.assertEqual(other["language"], "en")

    def test_what_was_not_shown_is_not_acknowledged(self):
        session = self.server.open()
        for version in ("2025-9", "", "2026-1 "):
            self.assert_problem(self.give(session, version), 409, "acknowledgement-outdated")
        answer = self.server.call("POST", "/v1/acknowledgement", {"version": 1}, token=session.token)
        self.assert_problem(answer, 400, "invalid-field")
        self.refused(session)

    def test_it_is_the_person_s_not_the_session_s(self):
        first, other = self.server.open(), self.server.open("eva")
        self.give(first)
        self.refused(other)
        again = self.server.open(seat="seat-2")
        self.assertEqual(self.ask(again).json["state"], "given")
        again.send(windows("ada", 1, 1))

    def test_it_outlives_a_restart(self):
        session, other = self.server.open(), self.server.open("eva")
        self.give(session)
        self.server.kill()
        self.server.start()
        session.send(windows("ada", 1, 1))
        self.assert_problem(self.try_window(other), 403, "acknowledgement-missing")

    def test_a_new_version_is_asked_for_in_open_sessions(self):
        session = self.server.open()
        self.give(session)
        session.send(windows("ada", 1, 1))
        self.write("2026-2")
        self.server.process.send_signal(signal.SIGHUP)
        wait_for("the new policy", lambda: self.ask(session).json["state"] == "outdated")
        self.assert_problem(self.try_window(session), 403, "acknowledgement-missing")
        self.assertEqual(self.give(session, "2026-2").status, 200)
        session.send(windows("ada", 1, 2)[1:])

    def test_withdrawing(self):
        session, other = self.server.open(), self.server.open("eva")
        for one in (session, other):
            self.give(one)
        session.send(windows("ada", 1, 3))
        other.send(windows("eva", 1, 3))
        self.assertEqual(self.server.call("DELETE", "/v1/acknowledgement", token=session.token).status, 204)
        self.assertEqual(self.try_window(session).status, 409)  # it has ended
        self.assertEqual(self.server.query("SELECT DISTINCT session FROM windows"), [(2,)])
        self.assertEqual(session.read()["enrolment"]["keyboard"]["have"], 0)
        self.assertNotEqual(other.read()["state"], "closed")
        self.assertEqual(self.ask(self.server.open()).json["state"], "given")  # a token speaks for its session only
        self.assertEqual(self.lines(), 2 * ["acknowledgement.given"] + ["acknowledgement.stopped"])

    def test_alarms_are_taken_all_the_same(self):
        session = self.server.open()
        answer = self.server.call("POST", "/v1/alarms", ALARM, token=session.token)
        self.assertEqual(answer.status, 200, answer.body)
        self.refused(session)

    def test_who_may(self):
        session = self.server.open()
        self.assertEqual(self.server.call("GET", "/v1/acknowledgement").status, 401)
        self.assert_problem(self.server.get("/v1/acknowledgement"), 403, "forbidden-role")  # staff is nobody's own
        self.assertEqual(self.ask(session).status, 200)


class Countries(Asking):
    """Each country's text is a text of its own, whatever its version is called."""
    key = None
    TEXTS = POLICY + """\
  AT: {version: "2026-1", text: We look at how you type in Vienna.}
  DE: {version: "2026-1", text: %s}
"""

    def write(self, version, german="We look at how you type in Berlin."):
        with open(self.policy, "w") as f:
            f.write(self.TEXTS % (version, german))

    def open(self, person, country):
        self.key = self.key or api_key(self.server, "crm", "sessions")
        answer = self.server.call("POST", "/v1/sessions", {"person": person, "seat": "desk-" + country, "country": country},
                                  token=self.key)
        self.assertEqual(answer.status, 201, answer.body)
        return Session(self.server, answer.json)

    def test_one_country_s_counts_for_no_other(self):
        vienna = self.open("ada", "AT")
        self.give(vienna)
        vienna.send(windows("ada", 1, 1))
        for country in ("DE", "PT"):
            with self.subTest(country=country):
                other = self.open("ada", country)
                self.assertEqual(self.ask(other).json["state"], "outdated")
                self.assert_problem(self.try_window(other), 403, "acknowledgement-missing")

    def test_one_text_counts_wherever_it_is_in_force(self):
        first = self.open("ada", "PT")
        self.give(first)
        self.open("ada", "ES").send(windows("ada", 1, 1))

    def test_other_words_under_the_same_version_are_another_text(self):
        berlin, vienna = self.open("ada", "DE"), self.open("eva", "AT")
        for session in (berlin, vienna):
            self.give(session)
        berlin.send(windows("ada", 1, 1))
        self.write("2026-1", "We also read your mail.")
        self.server.process.send_signal(signal.SIGHUP)
        wait_for("the new policy", lambda: self.ask(berlin).json["state"] == "outdated")
        self.assert_problem(self.try_window(berlin), 403, "acknowledgement-missing")
        vienna.send(windows("eva", 1, 1))
        said = self.server.stderr()
        self.assertRegex(said, r'\(DE\) was changed under the same version "2026-1"')
        self.assertNotIn("(AT) was changed", said)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.ask(berlin).json["state"], "outdated")

    def test_where_there_is_no_text_nothing_is_given(self):
        with open(self.policy, "w") as f:
            f.write("version: 1\nacknowledgement:\n  AT: {version: '1', text: Vienna.}\n")
        self.server.stop()
        self.server.start()
        session = self.open("ada", "PT")
        self.assert_problem(self.give(session, ""), 409, "acknowledgement-outdated")
        self.refused(session)


class Tokens(Asking):
    """What somebody does with a token that he has stolen from a seat, or from a page."""

    def setUp(self):
        super().setUp()
        self.key = api_key(self.server, "crm", "sessions")

    def seat(self, name):
        invited = self.server.call("POST", "/v1/seats", {"name": name}, token=self.server.operator)
        seat = Seat(self.server)
        self.assertEqual(seat.register(invited.json["code"]).status, 201)
        return seat

    def call(self, method, body=None, token=None, query=""):
        return self.server.call(method, "/v1/acknowledgement" + query, body, token=token)

    def test_a_seat_s_token_gives_nothing(self):
        session, other = self.seat("pc-1").open(), self.seat("pc-2").open(person="eva")
        for body in ({"version": "2026-1"}, session.acknowledgement("2026-1", key=Key()), session.acknowledgement("2025-9")
                     | {"version": "2026-1"}, other.acknowledgement("2026-1")):
            self.assert_problem(self.call("POST", body, session.token), 403, "signature-wrong")
        self.assertEqual(self.server.query("SELECT * FROM acknowledgements"), [])
        answer = self.call("POST", session.acknowledgement("2026-1"), session.token)
        self.assertEqual((answer.status, answer.json["state"]), (200, "given"))
        self.assertEqual(session.send(windows("ada", 1, 1)).status, 200)

    def test_a_seat_s_token_withdraws_for_its_session_only(self):
        sessions = [self.seat(name).open() for name in ("pc-1", "pc-2")]
        self.call("POST", sessions[0].acknowledgement("2026-1"), sessions[0].token)
        for session in sessions:
            self.assertEqual(session.send(windows("ada", 1, 1)).status, 200)
        self.assertEqual(self.call("DELETE", token=sessions[0].token).status, 204)
        self.assertEqual([s.read()["state"] == "closed" for s in sessions], [True, False])
        self.assertEqual(sessions[1].send(windows("ada", 1, 1)).status, 200)
        self.assertEqual(self.server.query("SELECT DISTINCT session FROM windows"), [(2,)])
        self.assertEqual(self.lines(), ["acknowledgement.given", "acknowledgement.stopped"])

    def test_a_page_gives_and_its_back_end_withdraws(self):
        opened = [self.server.call("POST", "/v1/sessions", {"person": "ada", "seat": name}, token=self.key).json
                  for name in ("tab-1", "tab-2", "tab-3")]
        pages = [Session(self.server, answer) for answer in opened]
        self.assertEqual(self.give(pages[0]).status, 200)
        self.assertEqual(self.call("DELETE", token=pages[0].token).status, 204)
        self.assertEqual([p.read()["state"] == "closed" for p in pages], [True, False, False])
        self.assertEqual(self.call("DELETE", token=self.key, query="?session=" + pages[1].id).status, 204)
        self.assertEqual([p.read()["state"] == "closed" for p in pages], [True, True, True])
        self.assertEqual(self.server.query("SELECT * FROM acknowledgements"), [])


class Demo(ServerCase):
    def test_the_demonstration_asks_for_none(self):
        session = self.server.open()
        state = self.server.call("GET", "/v1/acknowledgement", token=session.token).json
        self.assertEqual((state["state"], state["text"]), ("not-required", None))
        session.send(windows("ada", 1, 1))


if __name__ == "__main__":
    unittest.main()
