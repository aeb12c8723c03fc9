#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the golden vectors: a second, independent writing of the keyboard's model, in numpy.

usage: make_golden.py OUTPUT_FOLDER

Writes a small synthetic recording (golden_train.csv, golden_test.csv) and golden.json with everything that the model
computes from it: the cells' edges, weights, the eigenvoices after EM from a given start, the embedding's centre,
rotation and variances, and every score. Written from the formulas in src/window/histogram.h, src/model/model.h,
eigenvoice.h, plda.h and plda_learn.h and not from the C code: bins by matrices instead of steps, dense inverses instead
of packed factors, scores as logarithms of densities. tests/unit/test_golden.c must arrive at the same numbers.
"""
import csv
import json
import os
import sys

import numpy as np

KEYS = list("etaoinsrhldcumfpgwy") + ["space"] * 4 + ["backspace", "shift"]
PEOPLE_TRAIN, PEOPLE_TEST, SESSIONS, STROKES, RANK, ENROL = 24, 8, 6, 24, 5, 5
FINGERS = ("qaz", "wsx", "edc", "rfvtgb", "yhnujm", "ik", "ol", "p")
SPECIAL = ("space", "backspace", "shift")

BINS, BLUR, CELL_MIN = 7, 15.6, 200
ITERATIONS, RIDGE = 12, 1.0
SLICE = 8  # strokes of a slice, and of a piece: 18 pieces a person, so that there are blocks of 8
REACH, SEED, PAIRS, BLOCK, BLOCK_WEIGHT, MEASURES = 200.0, 1, 2, 8, 40, 100.0


# ---------------------------------------------------------------------------------------------------- the recording


def write(path, people, seed):
    rng = np.random.default_rng(seed)
    with open(path, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow("user session key press_ms release_ms".split())
        for user in range(people):
            hold = {k: rng.normal(4.5, 0.25) for k in sorted(set(KEYS))}
            pace, spread = rng.normal(90, 30), rng.uniform(40, 90)
            for session in range(SESSIONS):
                t = 0.0
                for _ in range(STROKES):
                    key = KEYS[rng.integers(len(KEYS))]
                    held = np.exp(rng.normal(hold[key], 0.2))
                    out.writerow([user, session, key, f"{t:.1f}", f"{t + held:.1f}"])
                    t += max(held + rng.normal(pace, spread), 1.0)


def finger(key):
    return key if key in SPECIAL else next(f"f{i}" for i, keys in enumerate(FINGERS) if key in keys)


def hand(key):
    zone = finger(key)
    return zone if zone in SPECIAL else "L" if int(zone[1]) < 4 else "R"


def measured(path):
    """{person: [session: [stroke: [(slot, ms), ...]]]}: the hold, and the flight that ends in the stroke."""
    people = {}
    with open(path, newline="") as f:
        rows = [(r["user"], r["session"], r["key"], round(1000 * float(r["press_ms"])),
                 round(1000 * float(r["release_ms"]))) for r in csv.DictReader(f)]
    for i, (user, session, key, down, up) in enumerate(rows):
        sessions = people.setdefault(user, [])
        if i == 0 or rows[i - 1][:2] != (user, session):
            sessions.append([])
        stroke = [((finger(key),), np.clip((up - down) / 1000, 5, 1000))]
        if sessions[-1] and 0 <= down - rows[i - 1][3] <= 5_000_000:
            slot = (hand(rows[i - 1][2]), hand(key))
            stroke.append((slot, np.clip((down - rows[i - 1][4]) / 1000, -300, 1500)))
        sessions[-1].append(stroke)
    return people


def every(people):
    return (m for sessions in people.values() for strokes in sessions for stroke in strokes for m in stroke)


# ---------------------------------------------------------------------------------------------------- histograms


def below(d):
    """The share of the triangular kernel below d."""
    t = np.clip(np.asarray(d, float) / BLUR, -1, 1)
    return np.where(t < 0, (1 + t) ** 2 / 2, 1 - (1 - t) ** 2 / 2)


def sevenths(times):
    """Edges: sevenths of the times, counted in steps of 2 ms and blurred."""
    counts = np.zeros(1651 + 2 * 8)
    for t in times:
        counts[8 + int(np.clip(np.floor((t + 300) / 2 + 0.5), 0, 1650))] += 1
    kernel = np.diff(below(2.0 * (np.arange(-8, 10) - 0.5)))
    below_step = np.concatenate([[0], np.cumsum(np.convolve(counts, kernel, "same"))])
    ends = -300 + 2 * (np.arange(len(below_step)) - 8 - 0.5)
    return np.interp(np.arange(1, BINS) * len(times) / BINS, below_step, ends)


CONTRASTS = np.sqrt(2) * np.cos(np.pi * np.outer(np.arange(1, BINS), BINS - np.arange(BINS) - 0.5) / BINS)


def contrasts(edges, ms):
    shares = np.diff(np.concatenate([[0], below(np.asarray(edges) - ms), [1]]))
    return CONTRASTS @ shares


def statistics(cells, edges, strokes):
    n, f = np.zeros(len(cells)), np.zeros((len(cells), BINS - 1))
    for stroke in strokes:
        for slot, ms in stroke:
            if slot in cells:
                n[cells[slot]] += 1
                f[cells[slot]] += contrasts(edges[cells[slot]], ms)
    return n, f


def add(list_of_statistics):
    return sum(n for n, _ in list_of_statistics), sum(f for _, f in list_of_statistics)


# ---------------------------------------------------------------------------------------------------- eigenvoices


def variances(people, cells, edges, units):
    squares, count = np.zeros((len(cells), BINS - 1)), np.zeros(len(cells))
    for slot, ms in every(people):
        if slot in cells:
            squares[cells[slot]] += contrasts(edges[cells[slot]], ms) ** 2
            count[cells[slot]] += 1
    explained = sum(f * f / np.maximum(n, 1)[:, None] for n, f in units)
    freedom = count - sum(n > 0 for n, _ in units)
    return np.clip((squares - explained) / np.maximum(freedom, 1)[:, None], 0.02, 1.5)


def discounts(cells):
    stroke = np.array([0.8 if len(slot) == 1 else 0.7 for slot in cells])
    return stroke[:, None] / np.sqrt(np.arange(1, BINS))


def projection(T, W, n, f):
    """L - I and b."""
    return np.einsum("c,ck,cki,ckj->ij", n, W, T, T, optimize=True), np.einsum("ck,ck,cki->i", f, W, T)


def maximise(T, W, units):
    A, B, moment = np.zeros((len(T), RANK, RANK)), np.zeros(T.shape), np.zeros((RANK, RANK))
    for n, f in units:
        L, b = projection(T, W, n, f)
        V = np.linalg.inv(np.eye(RANK) + L)
        w = V @ b
        second = V + np.outer(w, w)
        A += n[:, None, None] * second
        B += f[:, :, None] * w
        moment += second / len(units)
    T = np.einsum("cij,ckj->cki", np.linalg.inv(A + RIDGE * np.eye(RANK)), B)
    return T @ np.linalg.cholesky(moment)


# ---------------------------------------------------------------------------------------------------- embeddings


class Xoshiro:
    """xoshiro256**, seeded by splitmix64 (Blackman and Vigna): which pairs are drawn follows from the seed."""

    def __init__(self, seed):
        self.s = []
        for _ in range(4):
            seed = self.cut(seed + 0x9E3779B97F4A7C15)
            z = self.cut((seed ^ seed >> 30) * 0xBF58476D1CE4E5B9)
            z = self.cut((z ^ z >> 27) * 0x94D049BB133111EB)
            self.s.append(z ^ z >> 31)

    @staticmethod
    def cut(x):
        return x & (1 << 64) - 1

    def turn(self, x, k):
        return self.cut(x << k) | x >> 64 - k

    def under(self, n):
        a, b, c, d = self.s
        out = self.cut(self.turn(self.cut(b * 5), 7) * 9)
        c, d = c ^ a, d ^ b
        self.s = [a ^ d, b ^ c, c ^ self.cut(b << 17), self.turn(d, 45)]
        return (out >> 32) * n >> 32


def embed(T, W, n, f):
    q = REACH / n.sum()
    L, b = projection(T, W, n, f)
    return np.linalg.solve(np.eye(RANK) + q * L, q * b)


def within_and_between(T, W, pieces):
    points = [np.array([embed(T, W, *piece) for piece in own]) for own in pieces]
    means = np.array([p.mean(0) for p in points])
    centre, freedom = means.mean(0), sum(len(p) - 1 for p in points)
    within = sum((p - m).T @ (p - m) for p, m in zip(points, means)) / freedom
    between = np.cov(means.T) - np.mean([1 / len(p) for p in points]) * within
    for p, m in zip(points, means):
        for at in range(0, len(p) - BLOCK + 1 if len(p) >= 2 * BLOCK else 0, BLOCK):
            d = p[at:at + BLOCK].mean(0) - m
            within = within + np.outer(d, d) * BLOCK * BLOCK_WEIGHT / freedom
    return centre, within, between


def regularised(T, W, pieces, within):
    n = sum(n for own in pieces for n, _ in own)
    gram, _ = projection(T, W, n / n.sum(), np.zeros(W.shape))
    inverse = np.linalg.inv(np.eye(RANK) + REACH * gram)
    theory = inverse @ gram @ inverse
    share, trace = RANK / (RANK + len(pieces)), np.trace(within)
    return (1 - share) * within + share * trace / np.trace(theory) * theory + 1e-6 * trace / RANK * np.eye(RANK)


def diagonalised(within, between):
    inverse = np.linalg.inv(np.linalg.cholesky(within))
    values, vectors = np.linalg.eigh(inverse @ between @ inverse.T)
    return np.maximum(values[::-1], 1e-3), vectors.T[::-1] @ inverse


def pair_sums(pieces):
    """Pairs of sums of k neighbouring pieces of one person that do not overlap."""
    rng = Xoshiro(SEED)
    for own in pieces:
        k = 1
        while 2 * k <= len(own) and k <= 64:
            for _ in range(PAIRS):
                a = rng.under(len(own) - 2 * k + 1)
                b = a + k + rng.under(len(own) - 2 * k - a + 1)
                yield add(own[a:a + k]), add(own[b:b + k])
            k *= 2


def session_and_noise(T, W, rotate, pieces):
    """Per direction: d^2 = 2 session + noise x by least squares weighted by 1 / x^2, neither below its bound."""
    x, d2 = [], []
    for a, b in pair_sums(pieces):
        x.append(MEASURES / a[0].sum() + MEASURES / b[0].sum())
        d2.append((rotate @ (embed(T, W, *a) - embed(T, W, *b))) ** 2)
    x, d2 = np.array(x), np.array(d2)
    design = np.stack([2 / x, np.ones(len(x))], axis=1)
    session, noise = np.linalg.lstsq(design, d2 / x[:, None], rcond=None)[0]
    noise = np.where(session < 0, (d2 / x[:, None]).mean(0), noise)
    session = np.maximum(session, 0)
    low = noise < 0.05
    fitted = ((d2 - 0.05 * x[:, None]) * 2 / x[:, None] ** 2).sum(0) / (4 / x ** 2).sum()
    return np.where(low, np.maximum(fitted, 0), session), np.maximum(noise, 0.05)


def log_density(x, covariance):
    x = np.atleast_1d(x)
    return -0.5 * (x @ np.linalg.solve(covariance, x) + np.linalg.slogdet(2 * np.pi * covariance)[1])


def score(p, s, strokes_p, strokes_s, between, session, noise):
    total = 0
    for i in range(RANK):
        vp, vs = session[i] + noise[i] * MEASURES / strokes_p, session[i] + noise[i] * MEASURES / strokes_s
        joint = between[i] + np.diag([vp, vs])
        total += (log_density([p[i], s[i]], joint) - log_density(p[i], joint[:1, :1]) -
                  log_density(s[i], joint[1:, 1:]))
    return total


# ---------------------------------------------------------------------------------------------------- all together


def learn(train):
    times = {}
    for slot, ms in every(train):
        times.setdefault(slot, []).append(ms)
    cells = {slot: i for i, slot in enumerate(sorted(s for s, t in times.items() if len(t) >= CELL_MIN))}
    edges = np.array([sevenths(times[slot]) for slot in cells])
    pieces = [[statistics(cells, edges, strokes[at:at + SLICE]) for strokes in sessions
               for at in range(0, STROKES, SLICE)] for sessions in train.values()]
    units = [add(own) for own in pieces]
    W = discounts(cells) / variances(train, cells, edges, units)
    start = np.random.default_rng(0).normal(size=(len(cells), BINS - 1, RANK)) * 0.1
    T = start
    for _ in range(ITERATIONS):
        T = maximise(T, W, units)
    centre, within, between = within_and_between(T, W, pieces)
    between, rotate = diagonalised(regularised(T, W, pieces, within), between)
    session, noise = session_and_noise(T, W, rotate, pieces)
    return {"cells": cells, "edges": edges, "weight": W, "start": start, "load": T, "centre": centre,
            "between": between, "rotate": rotate, "session": session, "noise": noise}


def scores(m, test):
    def point(sessions):
        n, f = statistics(m["cells"], m["edges"], [stroke for strokes in sessions for stroke in strokes])
        return m["rotate"] @ (embed(m["load"], m["weight"], n, f) - m["centre"]), n.sum()

    profiles = [point(sessions[:ENROL]) for sessions in test.values()]
    probes = [point(sessions[ENROL:ENROL + 1]) for sessions in test.values()]
    return [[score(p, s, np_, ns, m["between"], m["session"], m["noise"]) for s, ns in probes] for p, np_ in profiles]


def main(folder):
    train, test = (os.path.join(folder, f"golden_{n}.csv") for n in ("train", "test"))
    write(train, PEOPLE_TRAIN, 1)
    write(test, PEOPLE_TEST, 2)
    m = learn(measured(train))
    golden = {"rank": RANK, "enrol": ENROL, "slice": SLICE, "cells": list(m["cells"]), "scores": scores(m, measured(test))}
    for name in ("edges", "weight", "start", "load", "centre", "between", "rotate", "session", "noise"):
        golden[name] = np.round(m[name], 9).tolist()
    golden["scores"] = np.round(golden["scores"], 9).tolist()
    with open(os.path.join(folder, "golden.json"), "w") as f:
        json.dump(golden, f, indent=None, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
