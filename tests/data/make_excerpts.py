#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the shipped excerpts out of the BB-MAS desktop recordings: timings with zones instead of keys.

usage: make_excerpts.py bbmas_desktop.csv.gz > bbmas_excerpt.csv

Takes the first 700 strokes of six of the last twelve people, none of whom the default population knows.
"""
import csv
import gzip
import sys

FINGERS = ("1qaz`", "2wsx", "3edc", "45rfvtgb", "67yhnujm", "8ik,", "9ol.", "0p;/-=[]'\\")
ZONE = {key: f"f{finger}" for finger, keys in enumerate(FINGERS) for key in keys}
SPECIAL = {"space", "backspace", "shift", "capslock"}
PEOPLE, STROKES = ("106", "107", "109", "111", "113", "117"), 700


def main(path):
    left = dict.fromkeys(PEOPLE, STROKES)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow("user session zone press_ms release_ms".split())
    with gzip.open(path, "rt", newline="") as f:
        for row in csv.DictReader(f):
            if left.get(row["user"], 0) == 0:
                continue
            left[row["user"]] -= 1
            key = row["key"].lower()
            zone = key if key in SPECIAL else ZONE.get(key, "other")
            out.writerow([row["user"], row["session"], zone, row["press_ms"], row["release_ms"]])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
