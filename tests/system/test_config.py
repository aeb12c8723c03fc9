# SPDX-License-Identifier: Apache-2.0
"""The configuration file, its faults by line, and what it settles: addresses, names, TLS, reloading."""
import http.client
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

import certificates
from certificates import NAME, FileServer
from harness import DEADLINE, SERVER, population, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLE = os.path.join(HERE, "..", "..", "packaging", "server.yaml")
POLICY = os.path.join(HERE, "..", "..", "data", "policy.yaml")
TLS = "tls: {certificate: '{certificate}', key: '{key}'}\n"


def run(*options):
    return subprocess.run([SERVER, *options], capture_output=True, text=True, timeout=DEADLINE)


class Faults(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="idem-config-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.file = os.path.join(self.directory, "server.yaml")

    def check(self, text, *options):
        with open(self.file, "w") as f:
            f.write(text)
        return run("--check-config", "--config", self.file, *options)

    def test_the_example_passes(self):
        certificate, key = certificates.make(self.directory)
        os.mkdir(os.path.join(self.directory, "www"))
        answer = run("--check-config", "--config", EXAMPLE, "--population", population(), "--tls-certificate", certificate,
                     "--tls-key", key, "--policy", POLICY,
                     "--www", os.path.join(self.directory, "www"))
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        self.assertIn("good", answer.stdout)
        self.assertEqual(sorted(os.listdir(self.directory)), ["server.crt", "server.key", "www"])

    def test_each_fault_names_its_line(self):
        for line, text, word in (
                (2, "data: x\nlistne: '127.0.0.1:1'", "listen"),
                (1, "listen: localhost:80", "is not an address"),
                (3, "listen:\n  - 127.0.0.1:1\n  - 127.0.0.1", "is not an address"),
                (1, "listen: 0.0.0.0:80", "plain HTTP"),
                (2, "data: x\nlisten: '[::]:80'", "plain HTTP"),
                (2, "plain_http:\n  listen: 192.0.2.1:80", "plain HTTP"),
                (1, "plain_http: {on_any_address: yes}", "everybody on the way"),
                (1, "tls: {certificate: a.pem}", "both a certificate and a key"),
                (1, "tls: {certificate: a.pem, key: b.pem, cipher: rot13}", "cipher"),
                (1, "hosts: 'https://idem.example.com/'", "is not the name of a host"),
                (3, "proxies:\n  - 10.0.0.0/8\n  - 10.0.0.1/8", "network"),
                (1, "threads: 17", "16"),
                (1, "limits: {first: 3}", "unit"),
                (1, "limits: {connections: 1}", "16"),
                (1, "limits: {first: 2 d}", "1 d"),
                (1, "audit: {every: 1 ms}", ""),
                (1, "oidc: {issuer: 'https://x'}", "client_id"),
                (3, "oidc:\n  roles:\n    admins: root", "analyst"),
                (1, "data: [a, b]", "list"),
                (2, "data: a\ndata: b", ""),
                (1, "data: *x", "")):
            with self.subTest(text):
                answer = self.check(text + "\n", "--population", population())
                self.assertEqual((answer.returncode, answer.stdout), (2, ""))
                self.assertIn(f"{self.file}:{line}:", answer.stderr)
                self.assertIn(word, answer.stderr)

    def test_others_need_a_name_and_no_demonstration(self):
        certificate, key = certificates.make(self.directory)
        tls = f"tls: {{certificate: {certificate}, key: {key}}}\nlisten: 0.0.0.0:0\n"
        self.assertIn("hosts", self.check(tls, "--population", population()).stderr)
        named = tls + "hosts: idem.example.com\n"
        self.assertEqual(self.check(named, "--population", population()).returncode, 0)
        self.assertIn(":2: --demo", self.check(named, "--population", population(), "--demo").stderr)

    def test_what_is_no_configuration(self):
        for text in ("", "just words", "- a\n- b", "\x00", "a: b: c", "%YAML 1.1\n---\na: b"):
            self.assertEqual(self.check(text).returncode, 2, text)
        for file in ("/nonexistent", "/dev/zero", self.directory):
            answer = run("--check-config", "--config", file)
            self.assertEqual(answer.returncode, 2)
            self.assertIn(file, answer.stderr)

    def test_a_key_that_does_not_belong_or_is_open_to_others(self):
        certificate, key = certificates.make(self.directory)
        _, other = certificates.make(self.directory, "other")
        text = "tls: {certificate: %s, key: %s}\n"
        self.assertEqual(self.check(text % (certificate, key), "--population", population()).returncode, 0)
        self.assertIn("is not the key of the certificate",
                      self.check(text % (certificate, other), "--population", population()).stderr)
        self.assertIn("/absent", self.check(text % (certificate, "/absent"), "--population", population()).stderr)
        self.assertNotEqual(self.check(text % (key, key), "--population", population()).returncode, 0)
        os.chmod(key, 0o644)
        self.assertIn("chmod", self.check(text % (certificate, key), "--population", population()).stderr)


class Tls(unittest.TestCase):
    def serve(self, text, **more):
        server = FileServer(text, **more)
        self.addCleanup(server.close)
        return server

    def test_sessions_and_windows_go_through_it(self):
        server = self.serve(TLS + f"listen: 127.0.0.1:0\nhosts: {NAME}\n")
        self.assertEqual(server.line.partition("//")[2].partition("/")[0], f"{NAME}:{server.port}")
        connection = server.connect()
        for _ in range(5):
            answer = server.call("POST", "/v1/sessions", {"organisation": "demo", "person": "ada", "seat": "s"},
                                 connection=connection)
            self.assertEqual(answer.status, 201, answer.body)
            self.assertIn("max-age=", answer.headers["Strict-Transport-Security"])
        connection.close()

    def test_big_answers_and_bodies_in_pieces(self):
        server = self.serve(TLS + "listen: 127.0.0.1:0\n")
        front = server.get("/v1/front")
        self.assertEqual(front.status, 200)
        self.assertIn("Strict-Transport-Security", front.headers)
        self.assertEqual(server.call("POST", "/v1/windows", b"x" * 70000, token=server.operator).status, 403)
        opened = server.open()
        self.assertEqual(opened.post(b"x" * 60000).status, 400)
        self.assertEqual(opened.post(b"x" * 66000).status, 413)

    def test_only_modern_protocols(self):
        server = FileServer(TLS + "listen: 127.0.0.1:0\n", start=False)
        self.addCleanup(server.close)
        certificates.make(server.directory, kind="rsa")  # with which older key exchanges would work
        server.start()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = server.context()
            context.minimum_version = context.maximum_version = version
            connection = server.connect(context=context)
            connection.request("GET", "/healthz")
            self.assertEqual(connection.getresponse().status, 200)
            name, _, bits = connection.sock.cipher()
            self.assertGreaterEqual(bits, 128)
            self.assertTrue("GCM" in name or "CHACHA" in name, name)
            connection.close()
        def handshake(*options):
            return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *options],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)

        self.assertEqual(handshake("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256").returncode, 0)
        for options in (["-tls1", "-cipher", "ALL@SECLEVEL=0"], ["-tls1_1", "-cipher", "ALL@SECLEVEL=0"],
                        ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"],
                        ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"]):
            self.assertNotEqual(handshake(*options).returncode, 0, options)

    def test_plain_http_on_a_tls_port_and_the_other_way_round(self):
        server = self.serve(TLS + "listen: 127.0.0.1:0\nplain_http: {listen: 127.0.0.1:0}\n")
        with socket.create_connection(("127.0.0.1", server.port), DEADLINE) as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            self.assertNotIn(b"200", s.recv(1000))
        plain = [p for p in server.ports if p != server.port][0]
        connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=DEADLINE)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertNotIn("Strict-Transport-Security", answer.headers)
        connection.close()
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            server.connect(port=plain).request("GET", "/healthz")
        self.assertEqual(server.get("/healthz").status, 200)

    def test_names_and_pages(self):
        server = self.serve(TLS + f"listen: 127.0.0.1:0\nhosts: [{NAME}, 'other.example:99']\n")
        port = server.port
        for host, origin, status in ((NAME, None, 200), (f"{NAME}:{port}", None, 200), (f"{NAME}:1", None, 403),
                                     ("other.example:99", None, 200), ("other.example", None, 403),
                                     ("evil.example", None, 403), (f"localhost:{port}", None, 200),
                                     (NAME, f"https://{NAME}", 200), (NAME, f"http://{NAME}", 403),
                                     (NAME, "https://evil.example", 403), (NAME, "null", 403)):
            headers = {"Host": host, **({"Origin": origin} if origin else {})}
            self.assertEqual(server.get("/healthz", headers=headers).status, status, headers)

    def test_sighup_reads_the_certificate_again_without_dropping_anybody(self):
        server = self.serve(TLS + "listen: 127.0.0.1:0\n")
        before = ssl.get_server_certificate(("127.0.0.1", server.port))
        connection = server.connect()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        kept = connection.sock
        certificates.make(server.directory)
        server.process.send_signal(signal.SIGHUP)
        wait_for("the new certificate", lambda: ssl.get_server_certificate(("127.0.0.1", server.port)) != before)
        connection.request("GET", "/healthz")
        self.assertEqual(connection.getresponse().status, 200)
        self.assertIs(connection.sock, kept)
        connection.close()
        self.assertEqual(server.get("/healthz").status, 200)

    def test_a_bad_certificate_at_sighup_leaves_the_old_one(self):
        server = self.serve(TLS + "listen: 127.0.0.1:0\n")
        before = ssl.get_server_certificate(("127.0.0.1", server.port))
        context = server.context()
        with open(server.certificate, "w") as f:
            f.write("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for("the complaint", lambda: "stays as it was" in server.stderr())
        self.assertEqual(ssl.get_server_certificate(("127.0.0.1", server.port)), before)
        connection = server.connect(context=context)
        connection.request("GET", "/healthz")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_an_rsa_key_does_too(self):
        server = FileServer(TLS + "listen: 127.0.0.1:0\n", start=False)
        self.addCleanup(server.close)
        certificates.make(server.directory, kind="rsa")
        server.start()
        self.assertEqual(server.get("/healthz").status, 200)


class Addresses(unittest.TestCase):
    def serve(self, text, **more):
        server = FileServer(text, **more)
        self.addCleanup(server.close)
        return server

    def test_ipv6(self):
        self.assertTrue(certificates.has_ipv6(), "this machine has no IPv6 loopback")
        server = self.serve(TLS + "listen: '[::1]:0'\n")
        connection = server.connect("::1")
        connection.request("GET", "/healthz", headers={"Host": f"[::1]:{server.port}"})
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_every_address_takes_both_families(self):
        server = self.serve(TLS + f"listen: '[::]:0'\nhosts: {NAME}\n", demo=False)
        for address in ("::1", "127.0.0.1"):
            connection = server.connect(address)
            connection.request("GET", "/healthz", headers={"Host": NAME})
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()

    def test_plain_http_elsewhere_is_said_loudly(self):
        text = f"listen: 0.0.0.0:0\nhosts: {NAME}\n"
        server = self.serve(text + "plain_http: {on_any_address: everybody on the way may read and change it}\n",
                            demo=False)
        self.assertIn("PLAIN HTTP", server.stderr())
        server.stop()
        again = self.serve(text, options=["--plain-http-on-any-address"], demo=False)
        self.assertIn("PLAIN HTTP", again.stderr())

    def test_options_come_after_the_file(self):
        server = self.serve("listen: 127.0.0.1:1\n", options=["--listen", "127.0.0.2:0", "--port", "0"])
        self.assertIn("http://127.0.0.2:", server.line)
        self.assertEqual(len(server.ports), 2)

    @unittest.skipIf(os.geteuid() != 0, "needs root: to become somebody else")
    def test_the_key_is_read_before_the_rights_are_gone(self):
        data = tempfile.mkdtemp(prefix="idem-user-")
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        nobody = pwd.getpwnam("nobody")
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
        server = self.serve(TLS + "listen: 127.0.0.1:0\nuser: nobody\n", data=data)
        self.assertEqual(os.stat(server.key).st_mode & 0o077, 0)
        with open(f"/proc/{server.process.pid}/status") as f:
            status = f.read()
        self.assertIn("Uid:\t" + "\t".join([str(nobody.pw_uid)] * 4), status)
        self.assertIn("Gid:\t" + "\t".join([str(nobody.pw_gid)] * 4), status)
        self.assertEqual(os.stat(os.path.join(data, "idem.db")).st_uid, nobody.pw_uid)
        self.assertEqual(server.get("/healthz").status, 200)


class Sandbox(unittest.TestCase):
    """Which calls are deadly is test_sandbox.c's; here, that a server is held, with all its threads, and works."""

    def states(self, server):
        """The seccomp modes and no-new-privileges flags of all threads, and whether a sanitizer keeps the filter off."""
        found = set()
        for task in os.listdir(f"/proc/{server.process.pid}/task"):
            with open(f"/proc/{server.process.pid}/task/{task}/status") as f:
                lines = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            found.add((lines["Seccomp"], lines["NoNewPrivs"]))
        with open(f"/proc/{server.process.pid}/maps") as f:
            maps = f.read()
        return found, "libasan" in maps or "libtsan" in maps

    def serve(self, text="", **more):
        server = FileServer(TLS + "listen: 127.0.0.1:0\n" + text, **more)
        self.addCleanup(server.close)
        return server

    def test_all_threads_are_held_on_a_file_system_in_memory(self):
        data = tempfile.mkdtemp(prefix="idem-sandbox-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        server = self.serve("sandbox: yes\naudit: {syslog: yes, every: 1 s}\n", data=data)
        found, sanitized = self.states(server)
        self.assertEqual(found, {("0", "0")} if sanitized else {("2", "1")})
        opened = server.open()
        self.assertEqual(opened.post(b"{}").status, 400)
        server.process.send_signal(signal.SIGHUP)
        wait_for("the certificate", lambda: "read again" in server.stderr())
        opened.close()
        self.assertEqual(server.stop(), 0)

    def test_it_can_be_left_out(self):
        for server in (self.serve("sandbox: no\n"), self.serve(options=["--no-sandbox"])):
            self.assertEqual(self.states(server)[0], {("0", "0")})


if __name__ == "__main__":
    unittest.main(verbosity=2)
