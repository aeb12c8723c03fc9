# SPDX-License-Identifier: Apache-2.0
"""The disk is full: nothing is acknowledged that is not held, the answer says what to do, and the service recovers.

Once with a limit on the size of files, which needs no rights, and once with a small file system of its own, which needs
root and is reported as skipped without it."""
import os
import resource
import subprocess
import tempfile
import unittest

from harness import Server, ServerCase, windows


class FullDisk(ServerCase):
    def setUp(self):
        """Each test makes its own server."""

    def fill(self, session):
        """Sends until the server refuses sixty windows, then until it refuses one; how many were acknowledged."""
        some, held = windows(101, 1, 60), 0
        for at_once in (60, 1):
            while (answer := session.post(self.batch(some[:at_once], held))).status == 200:
                held += at_once
                self.assertLess(held, 100000, "the disk did not fill up")
            self.assert_problem(answer, 507, "storage-full")
        return held

    def alarm(self, server, session):
        saw = [{"reason": "holds-short", "count": 5, "value": 2}]
        body = {"seq": 1, "device": "keyboard", "kind": "injected-keys", "confidence": 1, "saw": saw}
        return server.call("POST", "/v1/alarms", {"alarms": [body]}, token=session.token)

    def batch(self, some, held):
        return {"windows": [dict(w, seq=held + i + 1) for i, w in enumerate(some)]}

    def check_full(self, server, session, held):
        self.assertEqual(session.read()["windows"]["keyboard"], held)
        self.assert_problem(session.post(self.batch(windows(101, 1, 1), held)), 507, "storage-full")
        body = {"organisation": "demo", "person": "grace", "seat": "s"}
        self.assert_problem(server.call("POST", "/v1/sessions", body), 507, "storage-full")
        state = session.read()["state"]
        self.assert_problem(self.alarm(server, session), 507, "storage-full")
        self.assertEqual(session.read()["state"], state)  # it has not acted either
        self.assert_problem(session.close(), 507, "storage-full")
        self.assertEqual(server.call("GET", "/healthz").status, 200)
        self.assertEqual(session.read()["windows"]["keyboard"], held)

    def check_recovered(self, server, session, held):
        answer = session.post(self.batch(windows(101, 1, 1), held))
        self.assertEqual((answer.json["acknowledged"], answer.json["missing"]), (held + 1, []))
        server.open(person="grace")
        self.assertEqual(self.alarm(server, session).json["session"]["state"], "locked")
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assertEqual(session.read()["guard"]["kind"], "injected-keys")
        self.assertEqual(session.read()["windows"]["keyboard"], held + 1)
        count = server.query("SELECT count(*), count(DISTINCT seq) FROM windows")[0]
        self.assertEqual(count, (held + 1, held + 1))

    def test_a_limit_on_file_size(self):
        soft = 512 * 1024
        server = Server(preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY)))
        self.addCleanup(server.close)
        session = server.open()
        held = self.fill(session)
        self.check_full(server, session, held)
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        server.preexec = None
        self.check_recovered(server, session, held)

    def test_a_full_file_system(self):
        data = tempfile.mkdtemp(prefix="idem-full-")
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", data], capture_output=True)
        if mount.returncode != 0:
            os.rmdir(data)
            self.skipTest("needs root, to mount a file system: " + mount.stderr.decode().strip())
        self.addCleanup(lambda: (subprocess.run(["umount", data], check=True), os.rmdir(data)))
        server = Server(data=data)
        self.addCleanup(server.close)
        session = server.open()
        with open(os.path.join(data, "ballast"), "wb") as ballast:
            ballast.write(b"x" * 400000)
        held = self.fill(session)
        self.check_full(server, session, held)
        os.remove(os.path.join(data, "ballast"))
        self.check_recovered(server, session, held)


if __name__ == "__main__":
    unittest.main(verbosity=2)
