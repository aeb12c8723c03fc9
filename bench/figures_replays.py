# SPDX-License-Identifier: Apache-2.0
"""figures_replays.py - the tables of docs/guard-replay.md: which commands they come from and how they are written down."""
from figures_words import ci, pct, table

AALTO = "--population $D/aalto_train.csv.gz"
KEYS = (("replays", "BB-MAS"), ("replays-aalto", "Aalto"), ("replays-password", "one password"))
POINTER = (("replays-pointer", "SapiMouse"), ("replays-mail", "web mail"))
JOBS = {"replays": "idem eval replays %s --users 2-117/2 $D/bbmas_desktop.csv.gz" % AALTO,
        "replays-aalto": "idem eval replays %s $D/aalto_test.csv.gz" % AALTO,
        "replays-password": "idem eval replays %s $D/freihaut_multiday.csv.gz" % AALTO,
        "replays-pointer": "idem eval replays --population $D/sapimouse.csv.gz --population-users 1-72 --users 73-96 "
                           "$D/sapimouse.csv.gz",
        "replays-mail": "idem eval replays --population $D/sapimouse.csv.gz --population-users 1-72 $D/gmail26.csv.gz"}
CHECKS = {"whole": "sent before", "seen": "by others", "parts": "parts", "near": "near", "shifted": "shifted",
          "bent": "thin cells", "wholes": "whole counts", "loose": "no path", "even": "too even", "refused": "refused"}


def honest(a):
    rows = []
    for job, name in KEYS + POINTER:
        for r in a[job]["honest"]:
            moved = r["nearest_shifted"] if r["same_text"] else None
            rows.append([name, r["label"], "{:,}".format(r["windows"]), "%d" % r["false_alarms"], pct(r["upper95"], 2),
                         "%d" % r["same_text"], "%d" % r["nearest"], "%d" % moved if moved is not None else "-",
                         "%.2f" % r["least_even"] if r["least_even"] else "-"])
    return table(["people of", "windows", "number", "false alarms", "at most (95 %)", "same keys as before", "nearest, bits",
                  "moved, bits", "least scatter"], rows)


def distances(a):
    rows = []
    for job, name in KEYS + POINTER:
        r = a[job]["distances"][0]
        rows.append([name, "{:,}".format(r["pairs"]), *("%.1f" % r[k] for k in ("least", "in_10000", "in_100", "median")),
                     "10^%d" % round(r["false_log10"]), pct(r["told"], 2)])
    return table(["people of", "pairs", "nearest", "1 in 10,000 below", "1 in 100 below", "half below",
                  "false alarms a window of *near*", "told by a bit"], rows)


def found(row):
    return "%s (%s)" % (pct(row["found"]), ci((row["low"], row["high"])))


def attacks(a):
    other = {job: {r["label"]: r for r in a[job]["attacks"]} for job, _ in KEYS}
    rows = []
    for r in a["replays"]["attacks"]:
        by = sorted(((r[key], name) for key, name in CHECKS.items() if r[key] >= .01), reverse=True)
        rows.append([r["label"], *(found(other[job][r["label"]]) for job, _ in KEYS),
                     ", ".join("%s %.0f" % (name, 100 * share) for share, name in by) or "nothing"])
    return table(["window", *("found, %s" % name for _, name in KEYS), "by, % (BB-MAS)"], rows)


def pointer(a):
    other = {r["label"]: r for r in a["replays-mail"]["attacks"]}
    return table(["window", *("found, %s" % name for _, name in POINTER)],
                 [[r["label"], found(r), found(other[r["label"]])] for r in a["replays-pointer"]["attacks"]])


def scatter(a):
    rows = a["replays"]["scatter"]
    runs = sorted({r["run"] for r in rows})
    by = {(r["label"], r["run"]): r for r in rows}
    names = list(dict.fromkeys(r["label"] for r in rows))
    return table(["windows", *("%d in a row (%d runs): least, median; below every honest" % (n, by["honest", n]["runs"])
                               for n in runs)],
                 [[name, *("%.2f, %.2f; %s" % (r["least"], r["median"], pct(r["below_honest"], 0))
                           for r in (by[name, n] for n in runs))] for name in names])
