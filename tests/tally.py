#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tally.py RESULT...: counts single tests and ends in "N passed, N failed"; exit status 1 when any failed.

A RESULT is a meson build directory (its testlog.json: cmocka, unittest and plain programs) or a file of TAP from node.
Whatever does not add up counts as failed: a program that died, ran out of time or reported nothing at all. Skipped
tests are named, and with CI set they count as failed too, but for those whose reason begins with "needs root" or "needs
KVM": an ordinary user on an ordinary machine can run everything else.
"""
import json
import os
import pathlib
import re
import sys


class Tally:
    def __init__(self):
        self.passed, self.failures, self.skips = 0, [], []

    def add(self, where, passed, failed, skipped, ok, details="", excused=0):
        """ok: what the program's own exit status said; a failure it does not count itself is one more.
        excused: how many of the skipped lack nothing but root's rights or KVM."""
        self.passed += passed
        if not ok and failed == 0:
            failed = 1
        if ok and passed + failed + skipped == 0:
            failed, details = 1, "reported no test at all"
        if failed:
            self.failures.append((where, failed, details))
        if skipped:
            self.skips.append((where, skipped, skipped - excused))


def number(pattern, text):
    return sum(int(n) for n in re.findall(pattern, text, re.M))


def excused(text):
    return len(re.findall(r"skipped ['\"]needs (?:root|KVM)", text))


def cmocka(text):
    return (number(r"^\[  PASSED  \] (\d+) test", text), number(r"^\[  FAILED  \] (\d+) test", text),
            number(r"^\[  SKIPPED \] (\d+) test", text))


def unittest(text):
    ran = number(r"^Ran (\d+) test", text)
    failed = number(r"^FAILED .*?failures=(\d+)", text) + number(r"^FAILED .*?errors=(\d+)", text)
    skipped = number(r"^(?:OK|FAILED) .*?skipped=(\d+)", text)
    return max(ran - failed - skipped, 0), failed, skipped


def guest(text):
    return number(r"^# pass (\d+)", text), number(r"^# fail (\d+)", text), 0


def meson(tally, build):
    log = pathlib.Path(build, "meson-logs", "testlog.json")
    if not log.exists():
        return tally.add(build, 0, 1, 0, False, "no test was run")
    for line in log.read_text().splitlines():
        test = json.loads(line)
        text = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
        counts = cmocka(text) if re.search(r"^\[==========\]", text, re.M) else unittest(text)
        counts = guest(text) if re.search(r"^# pass \d", text, re.M) else counts
        ok = test["result"] in ("OK", "EXPECTEDFAIL")
        if test["result"] == "SKIP":
            counts, ok = (0, 0, 1), True
        elif ok and not any(counts):
            counts = (1, 0, 0)  # a plain program: its exit status is the test
        tally.add(f"{build}: {test['name']}", *counts, ok, text if not ok else "", excused(text))


def tap(tally, path):
    text = pathlib.Path(path).read_text(errors="replace")
    passed, failed, skipped = (number(rf"^(?:#|ℹ) {word} (\d+)", text) for word in ("pass", "fail", "skipped"))
    tally.add(path, passed, failed, skipped, not re.search(r"^# exit [1-9]", text, re.M), text)


def main(results):
    tally = Tally()
    for result in results:
        (meson if os.path.isdir(result) else tap)(tally, result)
    for where, count, details in tally.failures:
        print(f"\nFAILED {where}: {count}\n" + "\n".join("    " + line for line in details.splitlines()[-60:]))
    for where, count, due in tally.skips:
        why = "needs root or KVM" if due == 0 else "counts as failed: CI is set" if os.environ.get("CI") else "could not run here"
        print(f"\n*** SKIPPED {where}: {count} ({why}) ***")
    failed = sum(count for _, count, _ in tally.failures)
    failed += sum(due for _, _, due in tally.skips) if os.environ.get("CI") else 0
    print(f"{tally.passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
