# SPDX-License-Identifier: Apache-2.0
"""What comes with the agent's programs: manual pages that man(1) has nothing to say about and that know every command and
option, completion that follows the programs' own help, and what a log-in runs, which must never break one."""
import configparser
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAN, AGENT_FILES, COMPLETION = ROOT / "man", ROOT / "packaging" / "agent", ROOT / "packaging" / "completion" / "idem"
AGENT, IDEM = os.environ["IDEM_AGENT"], os.environ["IDEM_CLI"]


def run(*args, **more):
    return subprocess.run(args, capture_output=True, text=True, timeout=60, **more)


class Pages(unittest.TestCase):
    def pages(self):
        pages = sorted(MAN.glob("*.[1-9]"))
        self.assertGreaterEqual(len(pages), 8)
        return pages

    def test_no_page_has_a_warning(self):
        env = {**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "100"}
        for page in self.pages():
            done = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page), env=env)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page.name)
        with tempfile.NamedTemporaryFile("w", suffix=".1") as broken:
            broken.write(".TH X 1\n.SH NAME\nx \\- y\n.PPX\n")
            broken.flush()
            self.assertIn("PPX", run("man", "--warnings", "-l", "-Tutf8", "-Z", broken.name, env=env).stderr)

    def test_each_is_installed_and_named_in_the_others(self):
        listed = set(re.findall(r"'([^']+\.[1-9])'", (MAN / "meson.build").read_text()))
        self.assertEqual(listed, {p.name for p in self.pages()})
        for page in self.pages():
            text = page.read_text()
            self.assertRegex(text, r"(?m)^\.SH NAME\n\S+ \\- \S")
            for name, section in re.findall(r"(?m)^\.BR (idem[a-z0-9-]*|agent\.yaml) \((\d)\)", text):
                self.assertTrue((MAN / f"{name}.{section}").exists(), f"{page.name} names {name}({section})")

    def test_the_command_has_no_secrets(self):
        page = (MAN / "idem-agent.1").read_text().replace("\\-", "-")
        commands = re.findall(r"(?m)^  ([a-z]+)  +\S", run(AGENT, "--help").stdout)
        self.assertEqual(len(commands), 9)
        for command in commands:
            self.assertRegex(page, rf"(?m)^\.B {command}$|^\\fB{command}\\fR", command)
            for option in re.findall(r"(?m)^  (--[a-z]+)", run(AGENT, command, "--help").stdout):
                self.assertTrue(option in page or option == "--help", option)

    def test_settings_are_the_example_s(self):
        page = (MAN / "agent.yaml.5").read_text()
        named = set(re.findall(r"(?m)^\\fB([a-z0-9_]+):\\fR", page))
        example = set(re.findall(r"(?m)^#?([a-z0-9_]+):", (ROOT / "packaging" / "agent.yaml").read_text()))
        self.assertEqual(named, example)


class Completion(unittest.TestCase):
    def complete(self, *words):
        script = ('source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _idem; printf "%s\\n" "${COMPREPLY[@]}"')
        path = os.pathsep.join([os.path.dirname(AGENT), os.path.dirname(IDEM), os.environ["PATH"]])
        done = run("bash", "-c", script, str(COMPLETION), *words, env={**os.environ, "PATH": path})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()

    def test_commands(self):
        self.assertEqual(self.complete("idem-agent", "st"), ["status"])
        self.assertIn("acknowledge", self.complete("idem-agent", ""))
        self.assertEqual(self.complete("idem", "bac"), ["backup"])
        self.assertEqual(self.complete("idem", "seat", ""), ["add", "list", "revoke", "register"])

    def test_options(self):
        self.assertEqual(self.complete("idem-agent", "watch", "--"), ["--all", "--help", "--json", "--once", "--socket"])
        self.assertEqual(self.complete("idem-agent", "pause", "--j"), [])
        self.assertIn("--server", self.complete("idem", "seat", "add", "x", "--s"))
        self.assertEqual(self.complete("idem", "backup", "--data", "/et"), ["/etc"])
        self.assertEqual(self.complete("idem", "frown", "-"), [])


class LogIn(unittest.TestCase):
    def script(self, folder, at, program):
        text = (AGENT_FILES / "idem-agent.sh").read_text()
        self.assertEqual(text.count("/run/idem-agent/control"), 1)
        path = pathlib.Path(folder, "profile.sh")
        path.write_text(text.replace("/run/idem-agent/control", at).replace("/usr/bin/idem-agent", program))
        return path

    def test_it_breaks_no_shell(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "agent")
            program.write_text(f"#!/bin/sh\necho ran >>{folder}/ran\nexit 1\n")
            program.chmod(0o755)
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(f"{folder}/control")
            path = self.script(folder, f"{folder}/control", str(program))
            for shell in ("sh", "bash"):
                done = run(shell, "-euc", f". {path}; echo alive")
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "alive\n", ""))
            self.assertFalse(os.path.exists(f"{folder}/ran"))  # no terminal, no person
            inside = f"set -eu; . {path}; echo alive"
            for env, runs in (({}, True), ({"SSH_CONNECTION": "x"}, False), ({"DISPLAY": ":0"}, False)):
                done = run("script", "-qec", f"bash --norc --noprofile -ic '{inside}'", "/dev/null",
                           env={"PATH": "/usr/bin:/bin", **env}, stdin=subprocess.DEVNULL)
                self.assertIn("alive", done.stdout)
                self.assertEqual(os.path.exists(f"{folder}/ran"), runs)
                if runs:
                    os.unlink(f"{folder}/ran")
            listening.close()

    def test_without_the_agent(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self.script(folder, f"{folder}/none", f"{folder}/none")
            done = run("bash", "--norc", "--noprofile", "-ic", f"set -eu; . {path}; echo alive")
            self.assertEqual((done.returncode, done.stdout), (0, "alive\n"))

    def test_the_desktop_entry(self):
        entry = configparser.ConfigParser(interpolation=None, strict=True)
        entry.optionxform = str
        entry.read(AGENT_FILES / "idem-agent.desktop")
        self.assertEqual(entry.sections(), ["Desktop Entry"])
        entry = entry["Desktop Entry"]
        self.assertEqual((entry["Type"], entry["Exec"], entry["Terminal"]),
                         ("Application", "/usr/bin/idem-agent welcome", "false"))


if __name__ == "__main__":
    unittest.main()
