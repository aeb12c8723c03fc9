# SPDX-License-Identifier: Apache-2.0
"""figures_derive.py - recordings that are made from recordings, for questions that the originals do not ask.

  aalto_pairs.csv.gz     Aalto's test people: sessions 0-9 as they are, 10 and 11 put together as one, 12 and 13 too,
                         so that a probe holds 100 keys
  aalto_pairs_16ms.csv.gz  the same on a clock that ticks every 15.625 ms; each session meets it at another moment
  bbmas_halves.csv.gz    BB-MAS people: the first half of the keys is session `first`, the rest `second`"""
import csv
import gzip
import itertools
import re

TICK = 15.625
SOURCES = {"aalto_pairs.csv.gz": "aalto_test.csv.gz", "aalto_pairs_16ms.csv.gz": "aalto_test.csv.gz",
           "bbmas_halves.csv.gz": "bbmas_desktop.csv.gz"}


def recordings(command):
    """Names of the recordings that a command needs."""
    made = re.findall(r"\$B/([\w.]+)", command)
    return set(re.findall(r"\$D/([\w.]+)", command)) | {SOURCES[name] for name in made}


def make(command, data, out):
    """Makes what a command needs and is not there yet."""
    for name in re.findall(r"\$B/([\w.]+)", command):
        if not (out / name).is_file():
            rows = read(data / SOURCES[name])
            write(out / name, {"aalto_pairs.csv.gz": pairs, "aalto_pairs_16ms.csv.gz": coarse,
                               "bbmas_halves.csv.gz": halves}[name](rows))


def read(path):
    with gzip.open(path, "rt", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return [[user, session, key, float(press), float(release) if release else None]
                for user, session, key, press, release in rows]


def write(path, rows):
    with gzip.open(path, "wt", newline="", compresslevel=1) as file:
        out = csv.writer(file)
        out.writerow(("user", "session", "key", "press_ms", "release_ms"))
        for user, session, key, press, release in rows:
            out.writerow((user, session, key, "%.0f" % press, "" if release is None else "%.0f" % release))


def pairs(rows):
    for _, mine in itertools.groupby(rows, lambda row: row[0]):
        end = 0
        for session, strokes in itertools.groupby(mine, lambda row: row[1]):
            number = int(session)
            if number == 14:
                continue
            start = end + 500 if number in (11, 13) else 0
            name = number - 1 if start else number
            for user, _, key, press, release in strokes:
                shifted = None if release is None else release + start
                end = max(press + start, shifted or 0)
                yield [user, str(name), key, press + start, shifted]


def coarse(rows):
    phase = 0
    for _, strokes in itertools.groupby(pairs(rows), lambda row: row[:2]):
        phase = (phase + TICK * 0.618034) % TICK
        for user, session, key, press, release in strokes:
            yield [user, session, key, tick(press, phase), None if release is None else tick(release, phase)]


def tick(ms, phase):
    """The last tick at or before a time, counted from the session's first."""
    return (ms + phase) // TICK * TICK


def halves(rows):
    for _, mine in itertools.groupby(rows, lambda row: row[0]):
        mine = list(mine)
        for at, (user, _, key, press, release) in enumerate(mine):
            yield [user, "first" if at < len(mine) / 2 else "second", key, press, release]
