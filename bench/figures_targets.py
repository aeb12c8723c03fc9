# SPDX-License-Identifier: Apache-2.0
"""figures_targets.py - what was aimed at and whether it was reached. A target is reached when the figure itself is; its
interval stands beside it, since many reach to the other side."""
import figures_words as words
from figures_words import ci, listed, pct, share, table

NEEDED = ["verify-mixed", "verify-finger", "shipped", "shipped-recentred", "pairs", "pairs-16ms", "halves",
          "pointer-0", "gmail-a", "gmail-b", "balabit", "calibration", "calibration-both", "takeover",
          "takeover-sapimouse", "takeover-both", "leak-default"]
HEADLINE = ["verify-mixed", "shipped-recentred", "pointer-0", "takeover", "takeover-both", "leak-default"]
AT_LEAST, AT_MOST = 1, -1


def worst(leak, level):
    """{keys: the highest likelihood ratio of any word tested, with its interval}."""
    return {keys: "%s %s (%s-%s)" % (r["label"].split(": ")[1].split(" ")[0],
                                     *(words.ratio(r[k]) for k in ("lr", "lr_low", "lr_high")))
            for keys, r in worst_rows(leak, level).items()}


def worst_rows(leak, level):
    found = {}
    for r in leak["worst"]:
        if r["label"].startswith(level + ":") and r["lr"] > found.get(r["keys"], {"lr": 0})["lr"]:
            found[r["keys"]] = r
    return found


def blocks(found, count):
    return next(r for r in found["runs"] if r["blocks"] == count)


def at_fifty(found):
    return next(p for p in found["operating_points"] if round(p["asked_hours_between"]) == 50)


def row(name, way, aim, value, interval, how):
    """One line of the table; None never happened, which no limit allows."""
    reached = value is not None and (value - aim) * way >= 0
    return [name, ("at least " if way > 0 else "at most ") + how(aim), "never" if value is None else how(value),
            interval, "reached" if reached else "**missed**"]


def percent(name, way, aim, found, key):
    return row(name, way, aim, found[key], ci(found["ci95"][key], 100, 2), lambda x: pct(x, 2))


def auc(name, aim, found):
    return row(name, AT_LEAST, aim, found["auc"], ci(found["ci95"]["auc"], 1, 3), lambda x: "%.3f" % x)


def ratio(name, found):
    return row(name, AT_MOST, 1.15, found["cllr"] / found["cllr_min"], "", lambda x: "%.2f" % x)


def keyboard(a):
    mixed, finger = a["verify-mixed"], a["verify-finger"]
    return [percent("Aalto, `mixed`, EER per user", AT_MOST, .012, mixed, "eer_user_mean"),
            percent("the same, global", AT_MOST, .032, mixed, "eer_global"),
            percent("Aalto, `finger`, EER per user", AT_MOST, .010, finger, "eer_user_mean"),
            percent("the same, global", AT_MOST, .030, finger, "eer_global"),
            percent("a stretch: per user, the best ever published, which knew every key", AT_MOST, .0077, mixed,
                    "eer_user_mean"),
            percent("shipped population on Aalto, EER per user (level `%s`)" % a["shipped"]["level"], AT_MOST, .03,
                    a["shipped"], "eer_user_mean"),
            percent("the same, recentred", AT_MOST, .03, a["shipped-recentred"], "eer_user_mean"),
            percent("100-key probes, clean clock (Aalto), EER per user", AT_MOST, .02, a["pairs"], "eer_user_mean"),
            percent("the same on a 15.6 ms clock", AT_MOST, .04, a["pairs-16ms"], "eer_user_mean"),
            percent("other data on a 15.6 ms clock (BB-MAS halves)", AT_MOST, .04, a["halves"], "eer_user_mean")]


def calibration(a):
    rows = [ratio("Cllr : least, Aalto `mixed`", a["verify-mixed"]), ratio("Aalto, 15.6 ms clock", a["pairs-16ms"]),
            ratio("BB-MAS halves, population Aalto", a["halves"])]
    single = [r for r in a["calibration"]["scores"] if r["sufficient"]]
    rows.append(ratio("BB-MAS, single scores, the worst of %d rows" % len(single),
                      max(single, key=lambda r: r["ratio"])))
    return rows + [ratio("the filter's posterior after %d window%s" % (r["windows"], "s" * (r["windows"] > 1)), r)
                   for r in a["calibration"]["posterior"]]


def pointer(a):
    first = a["pointer-0"]
    rows = [auc("SapiMouse, AUC at %d block%s" % (n, "s" * (n > 1)), aim, blocks(first, n))
            for n, aim in ((1, .94), (3, .98), (5, .99))]
    rows.append(percent("SapiMouse, EER at 5 blocks, global", AT_MOST, .05, blocks(first, 5), "eer_global"))
    for half, job in (("first", "gmail-a"), ("second", "gmail-b")):
        rows += [auc("across sessions (gmail26, %s half), AUC at %d blocks" % (half, n), aim, blocks(a[job], n))
                 for n, aim in ((5, .96), (20, .985))]
    return rows + [auc("Balabit challenge, AUC", .98, a["balabit"]),
                   percent("the same, EER", AT_MOST, .06, a["balabit"], "eer_global")]


def fusion(a):
    rows = {(r["name"], r["after_seconds"]): r for r in a["calibration-both"]["fusion"]}
    found = []
    for seconds in (30, 60, 120):
        both = rows["both", seconds]["eer"]
        alone = min(rows[one, seconds]["eer"] for one in ("keyboard", "pointer"))
        found.append(["both after %d s, EER (chimeric)" % seconds, "below either alone, " + share(alone), share(both),
                      "", "reached" if both < alone else "**missed**"])
    return found


def takeover(a):
    rows = []
    for name, job, unit, half, most in (("keyboard", "takeover", "strokes", 50, 200),
                                        ("pointer, SapiMouse", "takeover-sapimouse", "seconds", 15, 90),
                                        ("both", "takeover-both", "seconds", 15, 90)):
        p = at_fifty(a[job])
        for which, aim in (("p50", half), ("p90", most)):
            key = "%s_%s" % (unit, which)
            rows.append(row("takeover at 1 false alarm in 50 h, %s, %s %s" % (name, unit, which), AT_MOST, aim, p[key],
                            ci(p["ci95"][key], 1, 0), lambda x: "%.0f" % x))
    return rows


def leak(a):
    r = worst_rows(a["leak-default"], "hand")[100]
    return [row("leak at the default (`hand`, 100 keys): highest LR of 90 words", AT_MOST, 2, r["lr"],
                ci((r["lr_low"], r["lr_high"]), 1), lambda x: "%.1f" % x)]


def targets(a):
    rows = keyboard(a) + calibration(a) + pointer(a) + fusion(a) + takeover(a) + leak(a)
    reached = sum("missed" not in r[-1] for r in rows)
    return "%d of %d reached.\n\n%s" % (reached, len(rows), table(
        ["what", "target", "measured", "95 %", ""], rows))


def headline(a):
    best, mouse, shipped = a["verify-mixed"], blocks(a["pointer-0"], 5), a["shipped-recentred"]
    keys, both = at_fifty(a["takeover"]), at_fifty(a["takeover-both"])
    word = worst_rows(a["leak-default"], "hand")[100]
    return table(["question", "answer", "95 %"], [
        ["Fifty keys of somebody whom nobody trained on: how often is he confused with another?",
         "**%s** (equal error rate per user, level `mixed`)" % pct(best["eer_user_mean"], 2),
         ci(best["ci95"]["eer_user_mean"], 100, 2)],
        ["The same with the population that ships, recentred", "**%s**" % pct(shipped["eer_user_mean"], 2),
         ci(shipped["ci95"]["eer_user_mean"], 100, 2)],
        ["Some twenty gestures of the pointer (5 blocks), one session against another", "AUC **%.3f**" % mouse["auc"],
         ci(mouse["ci95"]["auc"], 1, 3)],
        ["A stranger takes over a session; one false alarm in 50 active hours allowed: noticed within 300 s?",
         "keyboard **%s**, keyboard and pointer **%s**" % (share(keys["detected"], 0), share(both["detected"], 0)),
         "%s; %s" % (ci(keys["ci95"]["detected"] if keys.get("ci95") else (None, None), 100, 0),
                     ci(both["ci95"]["detected"] if both.get("ci95") else (None, None), 100, 0))],
        ["What a window tells about a word at most (likelihood ratio; 1 is nothing)", "**%s**" % listed(word["lr"], "%.1f"),
         ci((word["lr_low"], word["lr_high"]), 1)]])
