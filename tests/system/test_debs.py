# SPDX-License-Identifier: Apache-2.0
"""The Debian packages: what is in them and whose it is; installed, upgraded over an older version, removed and purged in
a minimal Debian of their own, where nothing is ever started and what would have been is written down.

IDEM_SOURCE: the tree. IDEM_CACHE: where that Debian is kept as an archive, so that only a first run needs the network.
"""
import glob
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.environ["IDEM_SOURCE"]
CACHE = os.environ["IDEM_CACHE"]
SUITE = "bookworm"
OLD_VERSION = "0.0.1"

# Packages, the files of each but documentation, and which of them are programs. A trailing "/" stands for all below.
CONTENTS = {
    "idem-server": {
        "/etc/idem/policy.yaml", "/etc/idem/server.yaml", "/lib/systemd/system/idem-server.service", "/usr/bin/idem-server",
        "/usr/lib/sysusers.d/idem-server.conf", "/usr/lib/tmpfiles.d/idem-server.conf", "/usr/share/idem/default.pop",
        "/usr/share/idem/demo-policy.yaml", "/usr/share/idem/www/", "/usr/share/man/man8/idem-server.8.gz"},
    "idem-tools": {"/usr/bin/idem", "/usr/share/bash-completion/completions/idem", "/usr/share/man/man1/idem.1.gz"},
    "idem-agent": {
        "/etc/idem/agent.yaml", "/etc/profile.d/idem-agent.sh", "/etc/xdg/autostart/idem-agent.desktop", "/lib/systemd/system/idem-broker.service", "/lib/systemd/system/idem-control.socket",
        "/lib/systemd/system/idem-courier.service", "/lib/systemd/system/idem-courier.socket",
        "/lib/systemd/system/idem-sensor.service", "/lib/systemd/system/idem-sensor.socket", "/usr/bin/idem-agent",
        "/usr/lib/systemd/system-preset/90-idem-agent.preset", "/usr/lib/sysusers.d/idem-agent.conf",
        "/usr/libexec/idem/idem-broker", "/usr/libexec/idem/idem-courier", "/usr/libexec/idem/idem-sensor",
        "/usr/share/bash-completion/completions/idem-agent", "/usr/share/man/man1/idem-agent.1.gz",
        "/usr/share/man/man5/agent.yaml.5.gz", "/usr/share/man/man8/idem-broker.8.gz",
        "/usr/share/man/man8/idem-courier.8.gz", "/usr/share/man/man8/idem-sensor.8.gz"},
    "idem-agent-x11": {
        "/lib/systemd/system/idem-x11.socket", "/usr/lib/systemd/user-preset/90-idem-agent-x11.preset",
        "/usr/lib/systemd/user/idem-sensor-x11.service", "/usr/libexec/idem/idem-sensor-x11",
        "/usr/share/man/man8/idem-sensor-x11.8.gz"},
}
# On after installing; nothing of it runs before a server is named.
ENABLED = {"idem-broker.service", "idem-control.socket", "idem-courier.socket", "idem-sensor.socket", "idem-x11.socket"}
PROGRAM = re.compile(r"/usr/bin/|/usr/libexec/idem/")
# The project has no address of its own.
NOT_OURS = "bogus-mail-host,bogus-mail-host-in-debian-changelog"


def run(*command, check=True, **kwargs):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def field(deb, name):
    return run("dpkg-deb", "--field", deb, name).stdout.strip()


def older(deb, into):
    """The same package with a lower version, and other words in its configuration: what an upgrade finds."""
    tree = tempfile.mkdtemp(prefix="idem-older-")
    try:
        run("dpkg-deb", "--raw-extract", deb, tree)
        control = os.path.join(tree, "DEBIAN", "control")
        with open(control) as f:
            text = f.read().replace(f"(= {field(deb, 'Version')})", f"(= {OLD_VERSION})")
        with open(control, "w") as f:
            f.write(re.sub(r"(?m)^Version: .*$", f"Version: {OLD_VERSION}", text))
        for path in glob.glob(os.path.join(tree, "etc", "idem", "*.yaml")):
            with open(path, "a") as f:
                f.write("# As it was shipped then.\n")
        run("dpkg-deb", "--root-owner-group", "--build", tree, into)
    finally:
        shutil.rmtree(tree)


class Packages:
    """Built once for all tests."""
    made = None

    def __init__(self):
        self.place = tempfile.mkdtemp(prefix="idem-debs-")
        run("packaging/build-debs.sh", self.place, cwd=SOURCE, env={**os.environ, "DEB_BUILD_OPTIONS": "noautodbgsym"})
        self.debs = {field(deb, "Package"): deb for deb in glob.glob(self.place + "/*.deb")}
        self.changes = glob.glob(self.place + "/*.changes")[0]
        os.mkdir(self.place + "/old")
        for deb in self.debs.values():
            older(deb, self.place + "/old")
        self.old = {field(deb, "Package"): deb for deb in glob.glob(self.place + "/old/*.deb")}

    @classmethod
    def get(cls):
        if cls.made is None:
            cls.made = cls()
            unittest.addModuleCleanup(shutil.rmtree, cls.made.place)
        return cls.made

    def needs(self):
        """Names of other packages that these depend on, the first of alternatives."""
        names = set()
        for deb in self.debs.values():
            for entry in field(deb, "Depends").split(","):
                names.add(re.match(r"\s*([a-z0-9.+-]+)", entry)[1])
        return sorted(names - set(self.debs))


class Contents(unittest.TestCase):
    def test_files_and_modes(self):
        packages = Packages.get()
        self.assertEqual(set(packages.debs), set(CONTENTS))
        for package, deb in packages.debs.items():
            found = set()
            for line in run("dpkg-deb", "--contents", deb).stdout.splitlines():
                mode, owner, _, _, _, name = line.split(maxsplit=5)
                path = name.split(" -> ")[0][1:]
                self.assertEqual(owner, "root/root", line)
                if mode[0] == "d":
                    self.assertEqual(mode, "drwxr-xr-x", line)
                    continue
                if mode[0] == "-":
                    self.assertEqual(mode, "-rwxr-xr-x" if PROGRAM.match(path) else "-rw-r--r--", line)
                if not path.startswith("/usr/share/doc/"):
                    found.add(next((whole for whole in CONTENTS[package] if whole.endswith("/") and path.startswith(whole)), path))
            self.assertEqual(found, CONTENTS[package], package)

    def test_configuration_is_the_administrators(self):
        for package, deb in Packages.get().debs.items():
            wanted = sorted(path for path in CONTENTS[package] if path.startswith("/etc/"))
            self.assertEqual(sorted(run("dpkg-deb", "--info", deb, "conffiles", check=False).stdout.split()), wanted, package)

    def test_version_is_the_trees(self):
        with open(os.path.join(SOURCE, "meson.build")) as f:
            version = re.search(r"\bversion: '([^']+)'", f.read())[1]
        for deb in Packages.get().debs.values():
            self.assertEqual(field(deb, "Version"), version)

    def test_lintian(self):
        answer = run("lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", NOT_OURS, Packages.get().changes,
                     check=False)
        self.assertEqual((answer.returncode, answer.stdout), (0, ""), answer.stdout + answer.stderr)


# Forbids everything, and writes down what it has forbidden.
POLICY = """#!/bin/sh
asked=/proc/$(sed -n 's/^PPid:\\t//p' /proc/$PPID/status)/cmdline
grep -q deb-systemd-invoke $asked || asked=/proc/$PPID/cmdline
tr '\\0' ' ' <$asked | sed 's/^.*deb-systemd-invoke //; s/ *$/\\n/' >>/started
exit 101
"""


class Debian:
    """A minimal Debian of its own, unpacked anew."""

    def __init__(self, needs):
        name = hashlib.sha256(" ".join([SUITE, *needs]).encode()).hexdigest()[:16]
        archive = os.path.join(CACHE, f"debian-{name}.tar")
        if not os.path.exists(archive):
            os.makedirs(CACHE, exist_ok=True)
            run("mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(needs), SUITE, archive + ".new.tar")
            os.rename(archive + ".new.tar", archive)
        self.path = tempfile.mkdtemp(prefix="idem-debian-")
        run("tar", "--extract", "--file", archive, "--directory", self.path, "--exclude=./dev/*")
        run("mknod", "-m", "666", self.at("/dev/null"), "c", "1", "3")
        self.write("/usr/sbin/policy-rc.d", POLICY, 0o755)
        self.write("/etc/dpkg/dpkg.cfg.d/test", "force-unsafe-io\n")
        os.makedirs(self.at("/run/systemd/system"))  # as though systemd ran

    def at(self, path):
        return self.path + path

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        with open(self.at(path), "w") as f:
            f.write(text)
        os.chmod(self.at(path), mode)

    def read(self, path):
        with open(self.at(path)) as f:
            return f.read()

    def has(self, path):
        return os.path.lexists(self.at(path))

    def run(self, *command, check=True):
        return run("unshare", "--mount", "--pid", "--fork", f"--mount-proc={self.path}/proc", "chroot", self.path, *command,
                   check=check, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})

    def install(self, debs):
        names = []
        for deb in debs.values():
            shutil.copy(deb, self.at("/"))
            names.append("/" + os.path.basename(deb))
        # As unattended upgrades do it.
        return self.run("dpkg", "--force-confdef", "--force-confold", "--install", *names)

    def dpkg(self, action, packages):
        return self.run("dpkg", action, *packages)

    def started(self):
        """What would have been done to units since the last call."""
        if not self.has("/started"):
            return set()
        lines = set(filter(None, self.read("/started").splitlines()))
        os.remove(self.at("/started"))
        return lines

    def units(self, action, started):
        return {unit for line in started for unit in line.split()[1:] if line.split()[0] == action}

    def enabled(self):
        links = glob.glob(self.at("/etc/systemd/system/*.wants/idem-*")) + glob.glob(self.at("/etc/systemd/user/*.wants/idem-*"))
        return {os.path.basename(link) for link in links}

    def tree(self, top):
        """Path, owner, mode and bytes of everything below."""
        found = {}
        for where, _, files in os.walk(self.at(top)):
            for path in [where] + [os.path.join(where, name) for name in files]:
                st = os.lstat(path)
                content = pathlib.Path(path).read_bytes() if os.path.isfile(path) else b""
                found[path[len(self.path):]] = (st.st_uid, st.st_gid, st.st_mode, content)
        return found


@unittest.skipUnless(os.geteuid() == 0, "needs root: packages are installed in a system of their own (mmdebstrap, chroot)")
class Life(unittest.TestCase):
    def setUp(self):
        self.packages = Packages.get()
        self.debian = Debian(self.packages.needs())
        self.addCleanup(shutil.rmtree, self.debian.path)

    def keep(self, user, path, content):
        """A file such as the service of that user would have left."""
        self.debian.write(path, content, 0o600)
        self.debian.run("chown", "-R", f"{user}:{user}", os.path.dirname(path))
        self.debian.run("chmod", "0700", os.path.dirname(path))

    def lived(self):
        """What the services of a company's week would have left."""
        self.keep("idem", "/var/lib/idem/idem.db", "profiles")
        for name in "seat.key", "session", "spool", "front", "rules":
            self.keep("idem-courier", "/var/lib/idem-agent/" + name, "the courier's " + name)
        return self.kept()

    def kept(self):
        return {**self.debian.tree("/var/lib/idem"), **self.debian.tree("/var/lib/idem-agent")}

    def test_installing(self):
        self.debian.install(self.packages.debs)
        self.assertEqual(self.debian.run("dpkg", "--audit").stdout, "")
        data = os.stat(self.debian.at("/var/lib/idem"))
        self.assertEqual(data.st_mode & 0o7777, 0o700)
        self.assertNotEqual(data.st_uid, 0)
        for user in "idem", "idem-sensor", "idem-courier":
            self.assertRegex(self.debian.read("/etc/passwd"), rf"(?m)^{user}:.*:/usr/sbin/nologin$")
        # A server waits for its names and its certificate; deb-systemd-invoke starts nothing that is not enabled.
        self.assertEqual(self.debian.enabled(), ENABLED)
        self.assertLessEqual(ENABLED, self.debian.units("start", self.debian.started()))
        self.programs_run()
        self.units_are_understood()

    def programs_run(self):
        for package in CONTENTS.values():
            for path in package:
                if PROGRAM.match(path):
                    self.assertIn("usage", self.debian.run(path, "--help").stdout, path)
        check = self.debian.run("/usr/bin/idem-server", "--check-config", "--config", "/etc/idem/server.yaml", check=False)
        self.assertIn("tls.crt", check.stderr, "all of the shipped settings but the missing certificate are good")
        self.debian.run("idem", "policy", "check", "/etc/idem/policy.yaml")

    def units_are_understood(self):
        for path in sorted(path for package in CONTENTS.values() for path in package):
            if path.endswith((".service", ".socket")):
                user = ["--user"] if "/systemd/user/" in path else []
                answer = self.debian.run("systemd-analyze", "verify", *user, "--man=no", path, check=False)
                self.assertEqual([line for line in answer.stderr.splitlines() if "idem" in line], [], path)

    def test_upgrading(self):
        self.debian.install(self.packages.old)
        self.debian.started()
        before = self.lived()
        self.debian.run("systemctl", "--root=/", "disable", "idem-control.socket")
        edited = {path: self.debian.read(path).replace("idem.example.com", "idem.our.house").replace("#server", "server")
                  for path in ("/etc/idem/server.yaml", "/etc/idem/agent.yaml")}
        for path, text in edited.items():
            self.debian.write(path, text)
        self.debian.install(self.packages.debs)
        self.assertEqual(self.debian.run("dpkg", "--audit").stdout, "")
        self.assertEqual(self.kept(), before)
        for path, text in edited.items():
            self.assertEqual(self.debian.read(path), text)
        self.assertNotIn("As it was shipped then", self.debian.read("/etc/idem/policy.yaml"))
        # What an administrator has turned off stays off; what runs is restarted, all at once.
        self.assertEqual(self.debian.enabled(), ENABLED - {"idem-control.socket"})
        started = self.debian.started()
        self.assertLessEqual({"idem-server.service", "idem-sensor.service", "idem-courier.service", *ENABLED},
                             self.debian.units("restart", started))
        self.assertEqual(self.debian.units("stop", started), set())

    def test_removing_and_purging(self):
        self.debian.install(self.packages.debs)
        self.debian.started()
        before = self.lived()
        self.debian.dpkg("--remove", self.packages.debs)
        stopped = self.debian.units("stop", self.debian.started())
        self.assertLessEqual({"idem-server.service", "idem-sensor.service", "idem-courier.service", *ENABLED}, stopped)
        for path in {path for package in CONTENTS.values() for path in package}:
            self.assertEqual(self.debian.has(path), path.startswith("/etc/"), path)
        self.assertEqual(self.kept(), before)
        purged = self.debian.dpkg("--purge", self.packages.debs)
        self.assertFalse(self.debian.has("/etc/idem"))
        self.assertEqual(self.debian.enabled(), set())
        # A data base is no package manager's to throw away; what a person has left at a seat is.
        self.assertEqual(self.debian.tree("/var/lib/idem"), {path: was for path, was in before.items() if "agent" not in path})
        self.assertFalse(self.debian.has("/var/lib/idem-agent"))
        self.assertIn("/var/lib/idem (profiles", purged.stderr)
        self.assertIn("erased /var/lib/idem-agent", purged.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
