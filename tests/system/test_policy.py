#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Policies as people use them: `idem policy`, and a server that takes a new one without dropping a session."""
import datetime
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

IDEM = os.environ["IDEM_CLI"]
DATA = pathlib.Path(__file__).resolve().parents[2] / "data"


def policy(*args):
    return subprocess.run([IDEM, "policy", *map(str, args)], capture_output=True, text=True, timeout=60)


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="idem-policy-")
        self.addCleanup(temporary.cleanup)
        self.dir = pathlib.Path(temporary.name)

    def write(self, text, name="p.yaml"):
        path = self.dir / name
        path.write_text(text)
        return path


class Check(Case):
    def test_what_is_shipped_can_be_used(self):
        for name in ("policy.yaml", "demo-policy.yaml"):
            done = policy("check", DATA / name)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("can be used", done.stdout)
        self.assertEqual(policy("check", "--strict", DATA / "policy.yaml").returncode, 0)
        self.assertEqual(policy("print").stdout, (DATA / "policy.yaml").read_text())
        self.assertEqual(policy("print", "--demo").stdout, (DATA / "demo-policy.yaml").read_text())

    def test_a_fault_has_file_line_column_and_reason(self):
        path = self.write("version: 1\nthresholds:\n  stepup: 4\n")
        done = policy("check", path)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr.strip(),
                         f'{path}:3:3: there is no setting "stepup" here; the nearest is "step_up"')
        done = policy("check", "--json", path)
        self.assertEqual(done.returncode, 1)
        self.assertEqual({k: json.loads(done.stdout)["fault"][k] for k in ("line", "column")}, {"line": 3, "column": 3})

    def test_warnings_are_faults_when_asked_to_be(self):
        path = self.write("version: 1\nthresholds: {lock: 0.1, beyond_recordings: quietest}\n")
        self.assertEqual(policy("check", path).returncode, 0)
        self.assertIn("(warning)", policy("check", path).stderr)
        self.assertEqual(policy("check", "--strict", path).returncode, 1)
        found = json.loads(policy("check", "--json", path).stdout)
        self.assertTrue(found["usable"])
        self.assertEqual(found["warnings"][0]["line"], 2)

    def test_usage(self):
        for args in ([], ["check"], ["look"], ["check", "a", "b"], ["show", "--nothing"]):
            self.assertEqual(policy(*args).returncode, 2, args)
        self.assertEqual(policy("check", self.dir / "absent").returncode, 1)
        self.assertEqual(policy("check", self.dir).returncode, 1)
        self.assertEqual(policy("check", "/dev/zero").returncode, 1)
        self.assertEqual(policy("--help").returncode, 0)


class Show(Case):
    def test_whose_rules_and_which_line(self):
        path = self.write("version: 1\ngroups:\n  - name: home\n    country: [PT]\n    job: support\n"
                          "    thresholds: {step_up: 8}\n")
        told = json.loads(policy("show", path, "--country", "PT", "--job", "support", "--json").stdout)
        self.assertEqual(told["group"], {"name": "home", "line": 3})
        wish = told["thresholds"]["step_up"]
        self.assertEqual(wish["line"], 6)
        self.assertEqual(wish["false_alarms_per_seat_week"]["allowed"], 8)
        self.assertLessEqual(wish["false_alarms_per_seat_week"]["seen"], 8)
        self.assertGreater(wish["false_alarms_per_seat_week"]["at_most"], 8)
        self.assertIsNone(json.loads(policy("show", path, "--country", "PT", "--json").stdout)["group"])
        text = policy("show", path, "--country", "PT", "--job", "support").stdout
        self.assertIn('group "home" (line 3)', text)
        self.assertIn("8 false alarms a seat-week allowed (line 6)", text)

    def test_what_a_seat_does(self):
        path = self.write("version: 1\nseat: {step_up: lock}\ngroups:\n  - name: home\n    site: home\n"
                          "    seat:\n      lock_untouched: never\n      pause: {allowed: no}\n")
        told = json.loads(policy("show", path, "--site", "home", "--json").stdout)["seat"]
        self.assertEqual(told, {"lock_untouched": {"seconds": None, "line": 7}, "step_up": {"does": "lock", "line": 2},
                                "unlock_counts": {"counts": True, "line": 0},
                                "pause": {"allowed": False, "at_most_seconds": 1800, "line": 8}})
        text = policy("show", path, "--site", "home").stdout
        self.assertIn("a seat that nobody touches: does not lock itself (line 7)", text)
        self.assertIn("pauses           none (line 8)", text)
        text = policy("show", path).stdout
        self.assertIn("a seat that nobody touches: locks itself after 600 s (default)", text)
        self.assertIn("at a step-up     locks the screen (line 2)", text)
        self.assertIn("unlocking it     is strong authentication (default)", text)
        self.assertIn("pauses           of 1800 s at most (default)", text)

    def test_an_exempted_person(self):
        soon = (datetime.date.today() + datetime.timedelta(days=30)).isoformat()
        path = self.write(f"version: 1\nexemptions:\n  - person: p_AAAAAAAAAAAAAAAAAAAAAA\n    until: {soon}\n"
                          "    alternative_factor: security key\n")
        text = policy("show", path, "--person", "p_AAAAAAAAAAAAAAAAAAAAAA").stdout
        self.assertIn("exempted (line 3): no action for behaviour; answers by security key instead", text)

    def test_the_table_is_the_one_that_thresholds_come_from(self):
        rows = json.loads(policy("table", "--json").stdout)
        shown = json.loads(policy("show", "--json").stdout)["thresholds"]["step_up"]
        best = max((r for r in rows["rows"] if r["per_hour"] * 40 <= 4), key=lambda r: r["log_odds"])
        self.assertEqual(shown["log_odds"], best["log_odds"])

    def test_the_page_about_policies_shows_that_table(self):
        page = (DATA.parent / "docs" / "policy.md").read_text()
        shown = page.split("<!-- table: idem policy table -->\n")[1].split("<!-- /table -->")[0]
        self.assertEqual(shown, policy("table").stdout)


if __name__ == "__main__":
    unittest.main()
