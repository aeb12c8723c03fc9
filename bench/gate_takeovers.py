#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every one of the shipped recordings' people is taken over by every other in the middle of a guarded application: real server,
nginx, application. One look at a customer after each window sent; what it was answered with, before and after.

    IDEM_SERVER=... IDEM_CLI=... bench/gate_takeovers.py [KEYS]

KEYS: after how many of the owner's keys the other one sits down (default 600; 420 is about the end of enrolment)."""
import csv
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))
import test_gate  # noqa: E402


def key_times():
    times = {}
    with open(ROOT / "tests" / "data" / "bbmas_excerpt.csv", newline="") as f:
        rows = csv.reader(f)
        next(rows)
        for row in rows:
            times.setdefault(row[0], []).append(float(row[3]))
    return times


def look(owner, other, at_s):
    case = test_gate.TakenOver()
    case.setUp()
    try:
        return case.looks(f"{owner}:{other}@{at_s}")[0]
    finally:
        case.doCleanups()


def main():
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    times = key_times()
    never = shut = 0
    passed = {}
    for owner in times:
        at = int(times[owner][keys - 1] / 1000) + 1
        for other in times:
            if owner == other:
                continue
            statuses = look(owner, other, at)
            let = statuses.count(200)
            open_at_end = bool(statuses) and statuses[-1] == 200
            never += let == 0
            shut += let > 0 and not open_at_end
            passed[let] = passed.get(let, 0) + 1
            print(f"{owner} taken over by {other} after {keys} keys: {let} of {len(statuses)} looks let through"
                  f"{', and the last one' if open_at_end else ''}", flush=True)
    total = sum(passed.values())
    print(f"{total} takeovers: {never} never passed, {shut} were shut, {total - never - shut} open at the end; "
          f"looks let through: {dict(sorted(passed.items()))}")


if __name__ == "__main__":
    main()
