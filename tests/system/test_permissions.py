# SPDX-License-Identifier: Apache-2.0
"""Files that hold secrets are their owner's alone; the server refuses what it cannot trust and says why.

As root every file can be read and these tests would pass for the wrong reason, so the server runs as nobody."""
import contextlib
import os
import pwd
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import unittest

from harness import Server, ServerCase, population

NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=%d" % NOBODY.pw_gid, "--clear-groups"] if os.geteuid() == 0 else []


class Permissions(ServerCase):
    def setUp(self):
        population()
        self.data = tempfile.mkdtemp(prefix="idem-nobody-")
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)
        if AS_NOBODY:
            os.chown(self.data, NOBODY.pw_uid, NOBODY.pw_gid)

    def serve(self):
        server = Server(data=self.data, wrap=AS_NOBODY)
        self.addCleanup(server.close)
        return server

    def refused(self):
        """The words of a server that does not start."""
        with self.assertRaises(AssertionError) as caught:
            self.serve()
        return str(caught.exception)

    def mode(self, name):
        return stat.S_IMODE(os.stat(os.path.join(self.data, name)).st_mode)

    def test_everything_is_its_owners_alone(self):
        server = self.serve()
        server.open()
        for name in os.listdir(self.data):
            self.assertEqual(self.mode(name) & 0o077, 0, name)
        for secret in ("operator.token", "pseudonym.key"):
            self.assertEqual(self.mode(secret), 0o600)
        with open(os.path.join(self.data, "operator.token")) as f:
            self.assertEqual(f.read().strip(), server.operator)

    def test_the_token_stays_the_same(self):
        first = self.serve()
        first.stop()
        self.assertEqual(self.serve().operator, first.operator)

    def test_a_secret_that_others_can_read_is_refused(self):
        self.serve().stop()
        for secret in ("operator.token", "pseudonym.key"):
            path = os.path.join(self.data, secret)
            os.chmod(path, 0o644)
            self.assertIn("chmod 600", self.refused())
            os.chmod(path, 0o600)
        self.serve()

    def test_a_data_base_that_others_can_open_is_refused(self):
        self.serve().stop()
        path = os.path.join(self.data, "idem.db")
        for mode in (0o640, 0o604, 0o622):
            os.chmod(path, mode)
            self.assertIn("chmod 600", self.refused())
        os.chmod(path, 0o600)
        self.serve()

    def test_a_link_in_the_place_of_the_data_base_is_refused(self):
        os.symlink(os.path.join(self.data, "elsewhere.db"), os.path.join(self.data, "idem.db"))
        self.assertIn("is not a file", self.refused())
        self.assertNotIn("elsewhere.db", os.listdir(self.data))

    def test_a_directory_that_others_can_write_to_is_refused(self):
        for mode in (0o770, 0o702, 0o777):
            os.chmod(self.data, mode)
            self.assertIn("chmod 700", self.refused())
        os.chmod(self.data, 0o755)
        self.serve()

    def test_a_damaged_secret_is_refused(self):
        self.serve().stop()
        path = os.path.join(self.data, "operator.token")
        for content in ("", "short\n", "!" * 43 + "\n", "x" * 100):
            with open(path, "w") as f:
                f.write(content)
            self.assertIn("43 characters", self.refused())

    def test_a_lost_key_is_not_replaced_while_it_has_people(self):
        server = self.serve()
        server.open()
        server.stop()
        os.remove(os.path.join(self.data, "pseudonym.key"))
        self.assertIn("pseudonym.key", self.refused())
        self.assertFalse(os.path.exists(os.path.join(self.data, "pseudonym.key")))

    def test_a_directory_that_cannot_be_read_or_written(self):
        for mode in (0o000, 0o500):
            os.chmod(self.data, mode)
            self.assertIn("Permission denied", self.refused())
        os.chmod(self.data, 0o700)

    def test_somebody_elses_data_base_is_refused(self):
        path = os.path.join(self.data, "idem.db")
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE theirs (x)")
        if AS_NOBODY:
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        os.chmod(path, 0o600)
        self.assertIn("another program", self.refused())


class Options(unittest.TestCase):
    def run_server(self, *options):
        return subprocess.run([os.environ["IDEM_SERVER"], *options], capture_output=True, text=True, timeout=60)

    def test_help(self):
        answer = self.run_server("--help")
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        for option in ("--population", "--port", "--data", "--www", "--threads", "--test-clock"):
            self.assertIn(option, answer.stdout)

    def test_what_it_does_not_know_it_refuses(self):
        good = ("--population", population())
        for options in (("--verbose",), ("extra",), ("--port", "70000"), ("--port", "x"), ("--threads", "0"),
                        ("--port",)):
            answer = self.run_server(*good, *options)
            self.assertEqual((answer.returncode, answer.stdout), (2, ""), options)
            self.assertIn("--help", answer.stderr)
        self.assertEqual(self.run_server().returncode, 2)

    def test_a_damaged_population_is_refused_with_a_reason(self):
        with tempfile.TemporaryDirectory() as data:
            path = os.path.join(data, "bad.pop")
            with open(population(), "rb") as f:
                content = bytearray(f.read())
            content[len(content) // 2] ^= 1
            with open(path, "wb") as f:
                f.write(content)
            answer = self.run_server("--population", path, "--data", data)
            self.assertEqual(answer.returncode, 1)
            self.assertIn("bad.pop", answer.stderr)


if __name__ == "__main__":
    unittest.main()
