# SPDX-License-Identifier: Apache-2.0
"""Log-in by OpenID Connect against a real provider (tests/oidc): the way there and back, and attacks on it."""
import http.cookiejar
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from accounts import Browser, Installation, code_of
from certificates import make
from harness import DEADLINE

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "oidc")
REDIRECT = "http://127.0.0.1:1/v1/oidc/callback"  # only a name: the test is the browser
PEOPLE = {
    "s-anna": {"groups": ["analysts"], "preferred_username": "anna", "mfa": True},
    "s-olga": {"groups": ["it-operations", "analysts"], "preferred_username": "olga", "mfa": True},
    "s-weak": {"groups": ["analysts"], "preferred_username": "walter"},
    "s-ada": {"groups": ["everybody"], "preferred_username": "Ada Lovelace"},
    "s-none": {"groups": ["gardeners"], "preferred_username": "nadja", "mfa": True},
}


def setUpModule():
    stamp, lock = (os.path.join(HERE, name) for name in ("node_modules/.installed", "package-lock.json"))
    if not os.path.exists(stamp) or os.path.getmtime(stamp) < os.path.getmtime(lock):
        subprocess.run(["npm", "ci", "--loglevel=error"], cwd=HERE, check=True, stdout=subprocess.DEVNULL)
        open(stamp, "w").close()


class Provider:
    def __init__(self, *tls, redirect=REDIRECT, context=None):
        self.context = context
        self.process = subprocess.Popen(["node", "provider.mjs", redirect, *tls], cwd=HERE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.issuer = self.process.stdout.readline().strip()
        assert self.issuer, "the provider did not start"
        self.tell("/people", PEOPLE)

    def tell(self, path, body):
        request = urllib.request.Request(self.issuer + path, json.dumps(body).encode(), method="POST")
        urllib.request.urlopen(request, timeout=DEADLINE, context=self.context).close()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows redirects within the provider; the one that leads back is the answer."""

    def redirect_request(self, request, file, code, message, headers, url):
        if url.startswith(REDIRECT):
            raise urllib.error.HTTPError(url, code, message, headers, file)
        return super().redirect_request(request, file, code, message, headers, url)


class OidcCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.mkdtemp(prefix="idem-oidc-")
        cls.addClassCleanup(shutil.rmtree, directory)
        cls.provider = Provider()
        cls.addClassCleanup(cls.provider.close)
        cls.server = Installation(options=("--config", cls.config(directory, cls.provider.issuer)))
        cls.addClassCleanup(cls.server.close)
        cls.olga, _ = cls.server.set_up("acme", "local-olga")

    @staticmethod
    def config(directory, issuer, **more):
        with open(os.path.join(directory, "secret"), "w") as f:
            f.write("a secret of 40 characters, and no less of it\n")
        lines = [f"issuer: {issuer}", "client_id: idem", f"client_secret_file: {directory}/secret",
                 f"redirect_uri: {REDIRECT}", "organisation: acme", "name_claim: preferred_username",
                 "roles: {analysts: analyst, it-operations: operator, everybody: employee}"]
        lines += [f"{name}: {value}" for name, value in more.items()]
        path = os.path.join(directory, "server.yaml")
        with open(path, "w") as f:
            f.write("oidc:\n" + "".join("  " + line + "\n" for line in lines))
        return path

    def setUp(self):
        self.provider.tell("/mischief", {"kind": "honest"})
        self.provider.tell("/people", PEOPLE)

    def start(self, browser):
        """Sets the browser's cookie of the way; where the provider is."""
        answer = browser.get("/v1/oidc/start")
        self.assertEqual(answer.status, 303, answer.body)
        browser.way = answer.headers["Set-Cookie"].split(";")[0]
        browser.cookie = None
        return answer.headers["Location"]

    def at_provider(self, location, account, **headers):
        """What the browser brings back from the provider: the query of the callback."""
        opener = urllib.request.build_opener(Stay, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
                                             *([urllib.request.HTTPSHandler(context=self.provider.context)]
                                               if self.provider.context else []))
        request = urllib.request.Request(location, headers={"X-Account": account, **headers})
        with self.assertRaises(urllib.error.HTTPError) as caught:
            opener.open(request, timeout=DEADLINE)
        caught.exception.close()
        self.assertTrue(caught.exception.url.startswith(REDIRECT), caught.exception.url)
        return urllib.parse.urlsplit(caught.exception.url).query

    def back(self, browser, query, way=None):
        answer = self.server.call("GET", "/v1/oidc/callback?" + query, headers={"Cookie": way or browser.way})
        browser.name = "idem"
        browser.take(answer)
        return answer

    def login(self, account):
        browser = Browser(self.server)
        location = self.start(browser)
        answer = self.back(browser, self.at_provider(location, account))
        return browser, answer

    def assert_refused(self, answer, where="/#oidc=refused"):
        self.assertEqual((answer.status, answer.headers["Location"]), (303, where))
        self.assertIsNone(answer.headers["Set-Cookie"])
        self.assertEqual(answer.body, b"")


class LogIn(OidcCase):
    def test_the_way_there(self):
        browser = Browser(self.server)
        answer = browser.get("/v1/oidc/start")
        url = urllib.parse.urlsplit(answer.headers["Location"])
        query = dict(urllib.parse.parse_qsl(url.query))
        self.assertEqual((query["response_type"], query["client_id"], query["redirect_uri"], query["code_challenge_method"]),
                         ("code", "idem", REDIRECT, "S256"))
        for name in ("state", "nonce", "code_challenge"):
            self.assertRegex(query[name], "^[A-Za-z0-9_-]{43}$")
        cookie, *flags = answer.headers["Set-Cookie"].split("; ")
        self.assertEqual(flags, ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=600"])
        for name in ("state", "nonce", "code_challenge"):
            self.assertNotIn(query[name], cookie)
        again = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(browser.get("/v1/oidc/start").headers["Location"]).query))
        self.assertFalse({query[n] for n in ("state", "nonce", "code_challenge")} & set(again.values()))
        self.assertTrue(self.server.call("GET", "/v1/about").json["oidc"])

    def test_staff_by_name_and_with_the_roles_of_their_groups(self):
        browser, answer = self.login("s-anna")
        self.assertEqual((answer.status, answer.headers["Location"]), (303, "/"))
        name, *flags = answer.headers["Set-Cookie"].split("; ")
        self.assertEqual(flags, ["Path=/", "HttpOnly", "SameSite=Strict"])
        me = browser.get("/v1/me").json
        self.assertRegex(me["name"], "^oidc/anna/[0-9a-f]{6}$")
        self.assertEqual((me["organisation"], me["roles"], me["needs"], me["local"]), ("acme", ["analyst"], [], False))
        self.assertEqual(browser.get("/v1/sessions").status, 200)
        self.assertEqual(browser.get("/v1/accounts").status, 403)
        browser, _ = self.login("s-olga")
        self.assertEqual(browser.get("/v1/me").json["roles"], ["analyst", "operator"])

    def test_an_employee_is_a_pseudonym(self):
        browser, _ = self.login("s-ada")
        me = browser.get("/v1/me").json
        self.assertEqual((me["roles"], me["needs"]), (["employee"], []))
        self.assertRegex(me["name"], "^p_")
        self.assertEqual(browser.get("/v1/me/data").status, 200)
        dump = self.server.dump().lower()
        for word in ("lovelace", "s-ada"):
            self.assertNotIn(word, dump)

    def test_staff_without_a_second_factor_there_needs_one_here(self):
        browser, _ = self.login("s-weak")
        me = browser.get("/v1/me").json
        self.assertEqual((me["roles"], me["needs"]), (["analyst"], ["totp-enrol"]))
        self.assertEqual(browser.get("/v1/sessions").status, 403)
        offered = browser.post("/v1/me/totp").json
        done = browser.post("/v1/me/totp", {"ticket": offered["ticket"], "code": code_of(offered["secret"])})
        self.assertEqual(done.json["needs"], [])
        self.assertEqual(browser.get("/v1/sessions").status, 200)
        again, _ = self.login("s-weak")
        self.assertEqual(again.get("/v1/me").json["needs"], ["totp"])
        self.assertEqual(again.get("/v1/sessions").status, 403)
        self.server.forget_steps()
        self.assertEqual(again.post("/v1/me/totp", {"code": code_of(offered["secret"])}).json["needs"], [])
        self.assertEqual(again.get("/v1/sessions").status, 200)
        self.assertEqual(again.post("/v1/me/password", {"current": "x", "password": "seven red kettles"}).status, 400)

    def test_roles_follow_the_provider(self):
        browser, _ = self.login("s-olga")
        self.assertEqual(browser.get("/v1/accounts").status, 200)
        self.provider.tell("/people", {**PEOPLE, "s-olga": {**PEOPLE["s-olga"], "groups": ["analysts"]}})
        later, _ = self.login("s-olga")
        self.assertEqual(later.get("/v1/me").json["roles"], ["analyst"])
        self.assertEqual(browser.get("/v1/accounts").status, 401, "the log-in with the roles of before has ended")

    def test_who_has_no_role_has_no_account(self):
        browser, answer = self.login("s-none")
        self.assert_refused(answer)
        self.assertNotIn("nadja", self.server.dump())

    def test_who_is_disabled_stays_so(self):
        browser, _ = self.login("s-anna")
        row = browser.get("/v1/me").json["account"]
        self.assertEqual(self.olga.post(f"/v1/accounts/{row}", {"disabled": True}).status, 200)
        self.assert_refused(self.login("s-anna")[1])
        self.olga.post(f"/v1/accounts/{row}", {"disabled": False})

    def test_an_employee_does_not_become_staff_nor_the_other_way_round(self):
        self.login("s-ada")
        self.provider.tell("/people", {**PEOPLE, "s-ada": {**PEOPLE["s-ada"], "groups": ["analysts"]}})
        self.assert_refused(self.login("s-ada")[1])

    def test_saying_no_at_the_provider(self):
        browser = Browser(self.server)
        self.start(browser)
        self.assert_refused(self.back(browser, "error=access_denied&state=x"))


class Attacks(OidcCase):
    def test_identity_tokens_that_do_not_hold(self):
        for kind in ("nonce", "audience", "two audiences", "party", "issuer", "expired", "future", "stranger", "wrong kind",
                     "none", "changed", "hs256", "long"):
            with self.subTest(kind):
                self.provider.tell("/mischief", {"kind": kind})
                browser, answer = self.login("s-anna")
                self.assert_refused(answer)
                self.assertEqual(browser.get("/v1/me").status, 401)
        for kind in ("honest", "resigned", "es256"):
            with self.subTest(kind):
                self.provider.tell("/mischief", {"kind": kind})
                self.assertEqual(self.login("s-anna")[1].headers["Location"], "/")

    def test_an_answer_is_taken_once(self):
        browser = Browser(self.server)
        query = self.at_provider(self.start(browser), "s-anna")
        self.assertEqual(self.back(browser, query).headers["Location"], "/")
        self.assert_refused(self.back(Browser(self.server), query, browser.way))

    def test_a_code_is_taken_once(self):
        first, second = Browser(self.server), Browser(self.server)
        query = dict(urllib.parse.parse_qsl(self.at_provider(self.start(first), "s-anna")))
        other = dict(urllib.parse.parse_qsl(self.at_provider(self.start(second), "s-anna")))
        self.assertEqual(self.back(first, urllib.parse.urlencode(query)).headers["Location"], "/")
        # the first one's code in the second one's answer: used already, and of another verifier
        self.assert_refused(self.back(second, urllib.parse.urlencode({**other, "code": query["code"]})))

    def test_a_code_of_another_browser(self):
        victim, mallory = Browser(self.server), Browser(self.server)
        stolen = dict(urllib.parse.parse_qsl(self.at_provider(self.start(victim), "s-anna")))
        own = dict(urllib.parse.parse_qsl(self.at_provider(self.start(mallory), "s-weak")))
        self.assert_refused(self.back(mallory, urllib.parse.urlencode({**own, "code": stolen["code"]})))

    def test_the_state_of_another_browser(self):
        victim, mallory = Browser(self.server), Browser(self.server)
        query = self.at_provider(self.start(mallory), "s-weak")
        self.start(victim)
        # log-in CSRF: the victim's browser is led to an answer that is meant for mallory's
        self.assert_refused(self.back(victim, query))
        self.assert_refused(self.server.call("GET", "/v1/oidc/callback?" + query))
        self.assert_refused(self.back(victim, query, way="idem-oidc=" + "A" * 75))

    def test_an_answer_of_another_provider(self):
        browser = Browser(self.server)
        query = dict(urllib.parse.parse_qsl(self.at_provider(self.start(browser), "s-anna")))
        self.assertEqual(query["iss"], self.provider.issuer)
        self.assert_refused(self.back(browser, urllib.parse.urlencode({**query, "iss": "https://evil.example"})))

    def test_arguments_of_any_kind(self):
        browser = Browser(self.server)
        self.start(browser)
        for query in ("", "state=x", "code=x", "state=" + "x" * 43 + "&code=" + "x" * 2000, "state=%00&code=%00",
                      "state=" + "x" * 43 + "&code=x&iss=" + "x" * 600):
            self.assert_refused(self.back(browser, query))

    def test_a_session_of_before_does_not_last(self):
        fixed = Browser(self.server)
        location = self.start(fixed)
        query = self.at_provider(location, "s-anna")
        answer = self.server.call("GET", "/v1/oidc/callback?" + query,
                                  headers={"Cookie": fixed.way + "; idem=" + "A" * 43})
        self.assertNotIn("A" * 43, answer.headers["Set-Cookie"])


class Keys(OidcCase):
    def test_the_provider_turns_its_keys(self):
        self.assertEqual(self.login("s-anna")[1].headers["Location"], "/")
        self.provider.tell("/rotate", {})
        # the keys are not fetched again more often than every ten seconds
        for _ in range(30):
            answer = self.login("s-anna")[1]
            if answer.headers["Location"] == "/":
                break
            self.assert_refused(answer)
            time.sleep(1)
        self.assertEqual(answer.headers["Location"], "/")


class Transport(OidcCase):
    """A provider that nobody vouches for, one that is away, one that is slow."""

    @classmethod
    def setUpClass(cls):
        pass

    def install(self, issuer, **more):
        directory = tempfile.mkdtemp(prefix="idem-oidc-")
        self.addCleanup(shutil.rmtree, directory)
        self.server = Installation(options=("--config", self.config(directory, issuer, **more)))
        self.addCleanup(self.server.close)
        self.server.set_up()

    def setUp(self):
        pass

    def provide(self, *how, **more):
        self.provider = Provider(*how, **more)
        self.addCleanup(self.provider.close)
        return self.provider

    def test_tls_with_an_authority_of_ones_own(self):
        directory = tempfile.mkdtemp(prefix="idem-oidc-")
        self.addCleanup(shutil.rmtree, directory)
        certificate, key = make(directory)
        provider = self.provide(certificate, key, context=ssl.create_default_context(cafile=certificate))
        self.install(provider.issuer, ca_file=certificate)
        self.assertEqual(self.login("s-anna")[1].headers["Location"], "/")
        self.install(provider.issuer)
        self.assert_refused(Browser(self.server).get("/v1/oidc/start"), "/#oidc=unreachable")
        self.assertIn("certificate", self.server.stderr())

    def test_another_issuers_document(self):
        provider = self.provide()
        self.install(provider.issuer.replace("127.0.0.1", "localhost"))
        self.assert_refused(Browser(self.server).get("/v1/oidc/start"), "/#oidc=unreachable")

    def test_away_and_slow(self):
        provider = self.provide()
        self.install(provider.issuer)
        browser = Browser(self.server)
        query = self.at_provider(self.start(browser), "s-anna")
        provider.tell("/slow", {"ms": 60000})
        waiting = threading.Thread(target=lambda: self.assert_refused(self.back(browser, query)))
        waiting.start()
        # nobody else waits for it
        self.assertEqual(self.server.call("GET", "/v1/about").status, 200)
        self.assertEqual(Browser(self.server).login("olga", "not the password").status, 401)
        waiting.join()
        provider.close()
        self.assertEqual(Browser(self.server).get("/v1/oidc/start").status, 303, "where it is was known before")

    def test_without_a_provider_there_is_no_route(self):
        server = Installation()
        self.addCleanup(server.close)
        self.assertEqual(Browser(server).get("/v1/oidc/start").status, 404)
        self.assertEqual(Browser(server).get("/v1/oidc/callback").status, 404)
        self.assertFalse(server.call("GET", "/v1/about").json["oidc"])


if __name__ == "__main__":
    unittest.main()
