# SPDX-License-Identifier: Apache-2.0
"""Who may see: setting up, logging in and out, roles, organisations, delays, names."""
import unittest

from accounts import PASSWORD, Browser, Installation, code_of
from harness import Server


class AccessCase(unittest.TestCase):
    def install(self, *options):
        server = Installation(options=options)
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


if __name__ == "__main__":
    unittest.main()
