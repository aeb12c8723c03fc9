#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the golden vectors that hold libidem and the numpy reference of the model together.

usage: make_golden.py REFERENCE.py OUTPUT_FOLDER

Writes a small synthetic recording (golden_train.csv, golden_test.csv), runs the reference program on it
and keeps what it computed: cells, means, deviations, weights, the start and the result of the EM
algorithm, and every score. tests/unit/test_golden.c must arrive at the same numbers.
"""
import csv
import io
import json
import os
import runpy
import sys
import contextlib

import numpy as np

KEYS = list("etaoinsrhldcumfpgwy") + ["space"] * 4 + ["backspace", "shift"]
PEOPLE_TRAIN, PEOPLE_TEST, SESSIONS, STROKES, RANK, ENROL = 24, 8, 6, 24, 5, 5


def write(path, people, seed):
    rng = np.random.default_rng(seed)
    with open(path, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow("user session key press_ms release_ms".split())
        for user in range(people):
            hold = {k: rng.normal(4.5, 0.25) for k in set(KEYS)}
            pace, spread = rng.normal(90, 30), rng.uniform(40, 90)
            for session in range(SESSIONS):
                t = 0.0
                for _ in range(STROKES):
                    key = KEYS[rng.integers(len(KEYS))]
                    held = np.exp(rng.normal(hold[key], 0.2))
                    out.writerow([user, session, key, f"{t:.1f}", f"{t + held:.1f}"])
                    t += max(held + rng.normal(pace, spread), 1.0)


def main(reference, folder):
    train, test = (os.path.join(folder, f"golden_{n}.csv") for n in ("train", "test"))
    write(train, PEOPLE_TRAIN, 1)
    write(test, PEOPLE_TEST, 2)
    for path in (train, test):
        import gzip
        with open(path, "rb") as f, gzip.open(path + ".gz", "wb") as g:
            g.write(f.read())
    sys.argv = [reference, train + ".gz", test + ".gz", "--rank", str(RANK), "--enrol", str(ENROL),
                "--probe", str(STROKES)]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        g = runpy.run_path(reference)
    holds = {i: z for z, i in g["hold_zones"].items()}
    flights = {i: z for z, i in g["flight_zones"].items()}
    hold_count, flight_count = g["NH"], g["NF"]

    def name(slot):
        if slot < hold_count:
            return [holds.get(slot, "other")]
        a, b = divmod(slot - hold_count, flight_count)
        return [flights.get(a, "other"), flights.get(b, "other")]

    golden = {
        "rank": RANK, "enrol": ENROL,
        "cells": [name(int(s)) for s in g["keep"]],
        "mean": g["mu"].tolist(), "sd": g["sd"].tolist(),
        "weight": g["W"].tolist(),
        "start": (np.random.default_rng(0).normal(size=g["T"].shape) * 0.1).tolist(),
        "load": g["T"].tolist(),
        "scores": g["S"].tolist(),
        "eer_user_mean": float(np.mean(g["per"])) / 100,
        "said": said.getvalue().strip().splitlines()[-1].split("  (")[0],
    }
    with open(os.path.join(folder, "golden.json"), "w") as f:
        json.dump(golden, f, indent=None, separators=(",", ":"))
        f.write("\n")
    for path in (train, test):
        os.remove(path + ".gz")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
