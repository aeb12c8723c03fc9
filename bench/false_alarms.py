#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/model/false_alarms.inc: how many false alarms an active hour each threshold of the trust filter
had in recordings. usage: false_alarms.py IDEM RECORDING [OUTPUT]; `make thresholds` calls it. With OUTPUT
missing it compares with the table in the tree and fails when they differ."""
import json
import math
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "..", "src", "model", "false_alarms.inc")
CONFIDENCE = 0.95


def at_most(count):
    """The largest mean of a Poisson variable that still gives `count` or fewer with 5 %; 3.0 for none."""
    def below(mean):
        return sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))
    low, high = 1e-9, count * 3 + 20.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) > 1 - CONFIDENCE else (low, middle)
    return (low + high) / 2


def measure(idem, recording):
    # Thresholds are found on the genuine sessions alone; takeovers are played because some have to be.
    line = [idem, "eval", "takeover", "--trials", "10", "--json", recording]
    return json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout)


def table(found, recording):
    name = os.path.basename(recording)
    rows = []
    for point in found["curve"]:
        count = round(point["false_alarms"])
        row = f"    {{{point['threshold']:.1f}, {count}, {at_most(count):.3f}}},"
        if rows and rows[-1].split(",")[1].strip() == str(count):
            rows.pop()
        rows.append(row)
    return "\n".join([
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/* Made by bench/false_alarms.py (make thresholds); not for editing. Log odds of p_recent; false",
        " * alarms at that threshold in all active hours; how many there may be, 95 %. */",
        f"#define RECORDING \"{name}, {found['people_measured']} people\"",
        f"#define ACTIVE_HOURS {found['active_hours']:.4f}",
        "static const struct row rows[] = {",
        *rows,
        "};", ""])


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    made = table(measure(sys.argv[1], sys.argv[2]), sys.argv[2])
    if len(sys.argv) == 4:
        with open(sys.argv[3], "w") as out:
            out.write(made)
        return
    with open(TABLE) as kept:
        if kept.read() != made:
            sys.exit("false_alarms: the table in the tree is not what the recordings give")


main()
