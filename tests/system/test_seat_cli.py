# SPDX-License-Identifier: Apache-2.0
"""`idem seat`, `idem key` and replays through them: from an operator's invitation to windows that a seat has signed."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import harness
from accounts import PASSWORD, Installation, code_of

IDEM = os.environ["IDEM_CLI"]
EXCERPT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "bbmas_excerpt.csv"


def idem(*args, **more):
    return subprocess.run([IDEM, *map(str, args)], capture_output=True, text=True, timeout=120, **more)


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="idem-seat-")
        self.addCleanup(temporary.cleanup)
        self.dir = pathlib.Path(temporary.name)
        self.key = self.dir / "seat.key"

    def runs(self, *args, **more):
        done = idem(*args, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fails(self, status, *args, says, **more):
        done = idem(*args, **more)
        self.assertEqual(done.returncode, status, done.stdout)
        self.assertIn(says, done.stderr)


class Demo(Case):
    def setUp(self):
        super().setUp()
        self.server = harness.Server(options=["--test-clock"])
        self.addCleanup(self.server.close)
        self.url = f"http://127.0.0.1:{self.server.port}"
        self.at = ("--server", self.url)
        self.who = (*self.at, "--token-file", os.path.join(self.server.data, "operator.token"))

    def enrol(self, name="pc-1", key=None):
        code = self.runs("seat", "add", name, *self.who).splitlines()[0]
        return self.runs("seat", "register", code, "--key", key or self.key, *self.at)

    def test_from_the_invitation_to_the_revocation(self):
        said = self.runs("seat", "add", "pc-1", "--site", "Graz", "--country", "AT", "--device-class", "laptop", *self.who)
        code = said.splitlines()[0]
        self.assertIn("Good once", said)
        self.assertIn("pc-1 is enrolled", self.runs("seat", "register", code.lower(), "--key", self.key, *self.at))
        self.assertEqual(self.key.stat().st_mode & 0o777, 0o600)
        self.assertRegex(self.runs("seat", "list", *self.who), r"1  enrolled  Graz +AT +laptop +pc-1")
        self.assertIn("pc-1 is revoked", self.runs("seat", "revoke", "1", *self.who))
        self.fails(1, "replay", EXCERPT, "--seat", self.key, "--speed", "1000", *self.at, says="")
        answer = json.loads(self.runs("seat", "add", "pc-1", "--again", "--json", *self.who))
        self.fails(1, "seat", "register", answer["code"], "--key", self.key, *self.at, says="registered already")
        self.key.unlink()
        self.assertIn("is enrolled", self.runs("seat", "register", answer["code"], "--key", self.key, *self.at))

    def test_a_recording_through_a_seat(self):
        self.enrol()
        said = self.runs("replay", EXCERPT, "--seat", self.key, "--speed", "2000", "--people", "3", *self.at)
        self.assertIn("failed: 0", said)
        # of a closed session nothing is left that was signed
        kinds = self.server.query("SELECT DISTINCT kind, nonce IS NULL, closed_ms IS NULL FROM sessions")
        self.assertEqual(kinds, [(2, 1, 0)])

    def test_a_recording_through_a_back_end(self):
        secret = self.runs("key", "add", "crm", *self.who).strip()
        (self.dir / "crm.key").write_text(secret + "\n")
        said = self.runs("replay", EXCERPT, "--api-key", self.dir / "crm.key", "--speed", "2000", "--people", "2", *self.at)
        self.assertIn("failed: 0", said)
        self.assertEqual(self.server.query("SELECT DISTINCT kind FROM sessions"), [(1,)])
        self.assertRegex(self.runs("key", "list", *self.who), r"1  good +sessions +crm")
        self.runs("key", "revoke", "1", *self.who)
        self.assertIn("revoked", self.runs("key", "list", *self.who))
        self.fails(1, "key", "add", "crm", *self.who, says="name-taken")

    def test_an_answer_that_was_lost(self):
        code = self.runs("seat", "add", "pc-1", *self.who).splitlines()[0]
        self.runs("seat", "register", code, "--key", self.key, *self.at)
        held = json.loads(self.key.read_text())
        self.key.write_text(json.dumps({**held, "seat_id": 0}))
        self.runs("seat", "register", code, "--key", self.key, *self.at)
        self.assertEqual(json.loads(self.key.read_text()), held)

    def test_what_is_refused_says_why(self):
        self.fails(2, "seat", says="say what")
        self.fails(2, "seat", "paint", says="add NAME")
        self.fails(2, "seat", "add", "x", "--hours", "0", says="--hours")
        self.fails(1, "seat", "list", *self.at, says="--login NAME")
        self.fails(1, "seat", "list", "--server", "http://127.0.0.1:1", "--token-file", self.who[-1], says="127.0.0.1")
        self.fails(2, "seat", "register", "X", *self.at, says="--key FILE")
        self.fails(1, "seat", "register", "X", "--key", self.key, *self.at, says="25 letters")
        self.fails(1, "seat", "register", "00000-00000-00000-00000-00000", "--key", self.key, *self.at, says="code-unknown")
        self.key.chmod(0o644)
        self.fails(1, "seat", "register", "00000-00000-00000-00000-00000", "--key", self.key, *self.at, says="no others can read")
        self.fails(1, "replay", EXCERPT, "--seat", self.dir / "none", *self.at, says="no seat has been registered")
        self.fails(1, "seat", "revoke", "99", *self.who, says="no-such-seat")


class LoggedIn(Case):
    def test_an_operator_logs_in_for_one_command(self):
        server = Installation()
        self.addCleanup(server.close)
        _, secret = server.set_up()
        who = ("--server", f"http://127.0.0.1:{server.port}", "--login", "olga@acme")
        server.forget_steps()
        said = self.runs("seat", "add", "pc-1", *who, input=f"{PASSWORD}\n{code_of(secret)}\n")
        self.runs("seat", "register", said.splitlines()[0], "--key", self.key, *who[:2])
        self.fails(1, "seat", "list", *who, says="login-failed", input="wrong\n000000\n")
        self.fails(1, "seat", "list", *who, says="a line each", input="")


if __name__ == "__main__":
    unittest.main()
