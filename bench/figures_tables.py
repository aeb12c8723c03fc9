# SPDX-License-Identifier: Apache-2.0
"""figures_tables.py - which command each figure of the documents comes from, and how it is written down.

JOBS are commands; $D is the folder of recordings, $B what figures_derive.py makes of them. TABLES say which jobs a table
needs, how their answers become Markdown, and which plots of their pages are shown beside it. Every table ends with its
commands. Verdicts in the table of targets are computed, never written by hand."""
import figures_guard
import figures_liveness
import figures_replays
import figures_targets
from figures_words import ci, figure, listed, pct, ratio, share, table, time_or_never

AALTO = "--population $D/aalto_train.csv.gz"
DEVELOPMENT = "--population-users 1-5539 --users 5540-99999 $D/aalto_train.csv.gz"
SAPI = ("--population $D/sapimouse.csv.gz --population-users 1-72 --users 73-96 --enrol-match 3min --probe-match 1min "
        "$D/sapimouse.csv.gz")
GMAIL = "--blocks 20 --enrol 2 --population $D/sapimouse.csv.gz --population $D/gmail26.csv.gz"
MANY_WORDS = "--cost --people 229 --per-length 10 --trials 1000"
LEVELS = ("hand", "mixed", "finger", "fingerrow", "key")
CLOCKS = {"as recorded": "", "probes on 8 ms": "--resample 8 ", "probes on 16 ms": "--resample 16 ",
          "probes on 33 ms": "--resample 33 ", "probes scaled by 1.5": "--scale 1.5 ",
          "33 ms, enrolment too": "--resample 33 --resample-all ",
          "scaled by 1.5, enrolment too": "--scale 1.5 --resample-all "}

JOBS = {"verify-" + level: "idem eval verify --level %s %s $D/aalto_test.csv.gz" % (level, AALTO) for level in LEVELS}
JOBS.update({"pointer-%d" % at: "idem eval blocks %s%s" % (how, SAPI) for at, how in enumerate(CLOCKS.values())})
JOBS.update({
    "shipped": "idem eval verify --population data/default.pop $D/aalto_test.csv.gz",
    "shipped-recentred": "idem eval verify --population data/default.pop --recentre $D/aalto_test.csv.gz",
    "pairs": "idem eval verify --probe 100 --level mixed %s $B/aalto_pairs.csv.gz" % AALTO,
    "pairs-16ms": "idem eval verify --probe 100 --level mixed %s $B/aalto_pairs_16ms.csv.gz" % AALTO,
    "halves": "idem eval verify --probe 100 --cut --enrol 1 --level mixed %s $B/bbmas_halves.csv.gz" % AALTO,
    "halves-recentred":
        "idem eval verify --probe 100 --cut --enrol 1 --level mixed --recentre %s $B/bbmas_halves.csv.gz" % AALTO,
    "gmail-a": "idem eval blocks %s --population-users 1-72,4200000-9999999 --users 1000000-4199999 "
               "$D/gmail26.csv.gz" % GMAIL,
    "gmail-b": "idem eval blocks %s --population-users 1-72,1000000-4199999 --users 4200000-9999999 "
               "$D/gmail26.csv.gz" % GMAIL,
    "balabit": "idem eval challenge --population $D/balabit.csv.gz $D/balabit.csv.gz",
    "balabit-shipped": "idem eval challenge --population data/default.pop $D/balabit.csv.gz",
    "calibration": "idem eval calibration $D/bbmas_desktop.csv.gz",
    "calibration-both": "idem eval calibration --enrol-share 50 --pointer $D/sapimouse.csv.gz $D/bbmas_desktop.csv.gz",
    "takeover": "idem eval takeover --trials 1000 --window-table $D/bbmas_desktop.csv.gz",
    "takeover-mixed": "idem eval takeover --level mixed $D/bbmas_desktop.csv.gz",
    "takeover-shipped":
        "idem eval takeover --population data/default.pop --users 106-117 $D/bbmas_desktop.csv.gz",
    "takeover-sapimouse": "idem eval takeover --enrol-share 50 --pointer $D/sapimouse.csv.gz",
    "takeover-gmail": "idem eval takeover --folds 5 --population $D/sapimouse.csv.gz --pointer $D/gmail26.csv.gz",
    "takeover-mauth": "idem eval takeover --pointer $D/mauth15.csv.gz",
    "takeover-both":
        "idem eval takeover --enrol-share 50 --pointer $D/sapimouse.csv.gz $D/bbmas_desktop.csv.gz",
    "days": "idem eval ageing --level hand %s $D/freihaut_multiday.csv.gz" % AALTO,
    "drift": "idem eval ageing --simulate --level hand %s %s" % (AALTO, DEVELOPMENT),
    "attack": "idem eval ageing --attack --level hand --population $D/bbmas_desktop.csv.gz --population-users 1-60 "
              "--users 61-117 $D/bbmas_desktop.csv.gz",
    "change": "idem eval ageing --change --level hand %s %s" % (AALTO, DEVELOPMENT),
    "warm": "idem eval ageing --warm --level hand %s %s" % (AALTO, DEVELOPMENT),
    "mixed": "idem eval ageing --mixed --level hand %s %s" % (AALTO, DEVELOPMENT),
    "effort-aalto": "idem eval enrolment --level hand %s %s" % (AALTO, DEVELOPMENT),
    "effort-bbmas": "idem eval enrolment --level hand --population $D/bbmas_desktop.csv.gz --population-users 1-60 "
                    "--users 61-117 $D/bbmas_desktop.csv.gz",
    "effort-sapimouse": "idem eval enrolment --population $D/sapimouse.csv.gz --population-users 1-72 --users 73-96 "
                        "$D/sapimouse.csv.gz",
    "leak": "idem eval leak --cost --people 229 %s %s" % (AALTO, DEVELOPMENT),
    "leak-default": "idem eval leak --levels hand --windows 100 %s %s %s" % (MANY_WORDS, AALTO, DEVELOPMENT),
    "leak-thin": "idem eval leak --levels hand --windows 100 --thin 0.3 %s %s %s" % (MANY_WORDS, AALTO, DEVELOPMENT),
})
JOBS.update(figures_guard.JOBS)
JOBS.update(figures_liveness.JOBS)
JOBS.update(figures_replays.JOBS)
POINTER = ["pointer-%d" % at for at in range(len(CLOCKS))]


class Table:
    def __init__(self, jobs, body, plots=()):
        self.jobs = list(jobs)
        self.body = body
        self.plots = plots

    def render(self, answers):
        return "%s\n\n%s" % (self.body(answers), "<br>".join("`%s`" % JOBS[job] for job in self.jobs))


class Bare(Table):
    """A table whose commands stand elsewhere in the same document, or in its own rows."""

    def render(self, answers):
        return self.body(answers)


def scores_row(name, found, *more):
    interval = found["ci95"]
    return [name, *more, figure(found, "eer_user_mean"), figure(found, "eer_global"),
            "%.3f (%s)" % (found["cllr"], ci(interval["cllr"], 1, 3)), "%.3f" % found["cllr_min"],
            share(found["fnmr_at_fmr"]["0.01"])]


SCORES = ["EER per user (95 %)", "EER global (95 %)", "Cllr (95 %)", "least Cllr", "FNMR at FMR 1 %"]


def verify(a):
    rows = [scores_row("`%s`" % level, a["verify-" + level]) for level in LEVELS]
    rows += [scores_row("shipped population (`%s`)" % a["shipped"]["level"], a["shipped"]),
             scores_row("the same, recentred on those 500", a["shipped-recentred"])]
    return table(["level"] + SCORES, rows)


def cross(a):
    return table(["probes of 100 keys, level `mixed`"] + SCORES + ["Cllr : least"], [
        scores_row(name, a[job]) + ["%.2f" % (a[job]["cllr"] / a[job]["cllr_min"])] for name, job in (
            ("Aalto's test people, their own clock", "pairs"), ("Aalto's test people, 15.6 ms clock", "pairs-16ms"),
            ("BB-MAS, second half against first", "halves"), ("the same, recentred on those 116", "halves-recentred"))])


def run_of(found, blocks):
    return next(r for r in found["runs"] if r["blocks"] == blocks)


def auc(found):
    return "%.3f (%s)" % (found["auc"], ci(found["ci95"]["auc"], 1, 3))


def pointer(a):
    first = a["pointer-0"]
    rows = [["SapiMouse, %d block%s" % (n, "s" if n > 1 else ""), auc(r), figure(r, "eer_user_mean"),
             figure(r, "eer_global"), "%.2f" % (r["cllr"] / r["cllr_min"])]
            for n in (1, 2, 3, 4, 5) for r in [run_of(first, n)]]
    for half, job in (("first", "gmail-a"), ("second", "gmail-b")):
        for n in (5, 20):
            r = run_of(a[job], n)
            rows.append(["gmail26, other sessions, %s half, %d blocks" % (half, n), auc(r), figure(r, "eer_user_mean"),
                         figure(r, "eer_global"), "%.2f" % (r["cllr"] / r["cllr_min"])])
    for name, job in (("Balabit challenge", "balabit"), ("the same, shipped population", "balabit-shipped")):
        r = a[job]
        rows.append([name, auc(r), figure(r, "eer_user_mean"), figure(r, "eer_global"),
                     "%.2f" % (r["cllr"] / r["cllr_min"])])
    return table(["set", "AUC (95 %)", "EER per user (95 %)", "EER global (95 %)", "Cllr : least"], rows)


def clocks(a):
    rows = []
    for at, name in enumerate(CLOCKS):
        runs = [run_of(a["pointer-%d" % at], n) for n in (1, 3, 5)]
        turned = runs[2].get("flipped")
        rows.append([name] + [auc(r) for r in runs] + [figure(runs[2], "eer_global")] +
                    ["%s / %s" % (share(turned["genuine"]), share(turned["impostor"])) if turned else ""])
    return table(["SapiMouse 73-96", "AUC 1 block", "3 blocks", "5 blocks", "EER global, 5",
                  "decisions turned at 5, genuine / impostor"], rows)


def reliability_row(r, *more):
    return [*more, "%.3f (%s)" % (r["cllr"], ci(r["cllr_ci95"], 1, 3)), "%.3f" % r["cllr_min"], "%.2f" % r["ratio"],
            share(r["eer"])]


def calibration(a):
    head = ["score", "profile", "probe"]
    rows = [reliability_row(r, "single", "%d windows" % r["profile_windows"], "%d strokes" % r["probe_strokes"])
            for r in a["calibration"]["scores"] if r["sufficient"]]
    rows += [reliability_row(r, "filter's posterior", "1,000 keys", "%d window%s" % (
        r["windows"], "s" * (r["windows"] > 1))) for r in a["calibration"]["posterior"]]
    return table(head + ["Cllr (95 %)", "least", "ratio", "EER"], rows)


def fusion(a):
    found = {(r["after_seconds"], r["name"]): r for r in a["calibration-both"]["fusion"]}
    profiles = ("both", "keyboard", "pointer")
    rows = [["%d s" % at] + [share(found[at, who]["eer"]) for who in profiles] +
            ["%.3f : %.3f" % (found[at, who]["cllr"], found[at, who]["cllr_min"]) for who in profiles] +
            [ci(found[at, "both"]["cllr_ci95"], 1, 3)] for at in (30, 60, 120)]
    return table(["activity", *("EER, " + who for who in profiles), *("Cllr : least, " + who for who in profiles),
                  "95 %, both"], rows)


TAKEOVERS = (("keyboard, BB-MAS", "takeover"), ("the same at level `mixed`", "takeover-mixed"),
             ("keyboard, shipped population, its 12 unseen people", "takeover-shipped"),
             ("pointer, SapiMouse", "takeover-sapimouse"), ("pointer, gmail26, across sessions", "takeover-gmail"),
             ("pointer, mauth15, one game", "takeover-mauth"), ("both, chimeric", "takeover-both"))


def point(found, hours):
    return next(p for p in found["operating_points"] if round(p["asked_hours_between"]) == hours)


def point_cells(p):
    if p["detected"] is None:
        return ["no such threshold"] + [""] * 3
    return [figure(p, "detected"), time_or_never(p["strokes_p50"], p["strokes_p90"]),
            time_or_never(p["seconds_p50"], p["seconds_p90"]), share(p["held_out"]["detected"])]


def takeover(a):
    rows = []
    for name, job in TAKEOVERS:
        points = [point(a[job], hours) for hours in (10, 50)]
        allowed = ["1 in 10 h", "1 in 50 h"]
        if points[0]["threshold"] == points[1]["threshold"]:
            points, allowed = points[:1], ["either"]
        for p, hours in zip(points, allowed):
            alarms = "-" if p["false_alarms"] is None else "%d; %s" % (
                p["false_alarms"], ci(p["ci95"]["false_alarms_per_hour"], 1, 2))
            rows.append([name, "%d, %.1f h" % (a[job]["people_measured"], a[job]["active_hours"]), hours, alarms,
                         *point_cells(p)])
    return table(["recording", "people, active hours", "allowed", "false alarms; an hour, 95 %",
                  "detected within 300 s (95 %)", "strokes p50 / p90", "seconds p50 / p90",
                  "detected, threshold held out"], rows)


def people(a):
    rows = []
    for name, job in TAKEOVERS:
        for p in (point(a[job], hours) for hours in (10, 50)):
            who = p["people"]
            if p["detected"] is not None and p["false_alarms"] > 0:
                rows.append([name, "1 in %.0f h" % p["asked_hours_between"], "%.2f" % p["false_alarms_per_seat_week"],
                             ci(p["ci95"]["false_alarms_per_seat_week"], 1, 2), share(who["with_an_alarm"]),
                             "%.2f" % who["worst_5_percent_per_hour"], share(who["above_one_a_month"]),
                             listed(p["false_alarms_per_seat_year_extrapolated"], "%.0f")])
    return table(["recording", "allowed", "false alarms a seat-week", "95 %", "people with an alarm",
                  "worst 5 %: an hour", "people above one a month", "a seat-year, *extrapolated by a fitted tail*"], rows)


def fused_takeover(a):
    rows = [[r["name"], *(figure(point(r, h), "detected") if point(r, h).get("ci95") else
                          share(point(r, h)["detected"]) for h in (10, 50)),
             *(time_or_never(point(r, h)["seconds_p50"], point(r, h)["seconds_p90"]) for h in (10, 50))]
            for r in a["takeover-both"]["fusion"]]
    return table(["the same people", "detected at 1 in 10 h", "at 1 in 50 h", "seconds p50 / p90 at 1 in 10 h",
                  "at 1 in 50 h"], rows)


def lengths(a):
    words = {r["keys"]: r for r in a["leak"]["words"] if r["label"] == "hand"}
    worst = figures_targets.worst(a["leak"], "hand")
    runs = {r["keys"]: r for r in a["takeover"]["windows"]}
    rows = []
    for keys in (10, 15, 25, 50, 100):
        run = runs.get(keys, a["takeover"])
        rows.append(["%d%s" % (keys, " (default)" if keys == 100 else ""),
                     *(figure(point(run, h), "detected") if point(run, h).get("ci95") else
                       share(point(run, h)["detected"]) for h in (10, 50)),
                     "%s; %s" % (ratio(words[keys]["lr_mean"]), worst[keys]), listed(run.get("bytes_per_window"), "%.0f"),
                     listed(run.get("windows_per_second"), "%.3f")])
    return table(["keys a window, `hand`", "detected at 1 in 10 h", "at 1 in 50 h", "leak: mean LR of a word; worst (95 %)",
                  "bytes (CBOR)", "windows a second and active seat"], rows)


def leak(a):
    found = a["leak"]
    rows = []
    for level in LEVELS:
        worst = figures_targets.worst(found, level)
        for r in (r for r in found["words"] if r["label"] == level):
            same = {kind: next(x for x in found[kind] if x["label"] == level and x["keys"] == r["keys"])
                    for kind in ("strokes", "recovered", "cost")}
            rows.append(["`%s`" % level, str(r["keys"]), *(ratio(r["lr_%d" % n]) for n in (4, 8, 12)),
                         ratio(r["lr_mean"]), worst[r["keys"]], share(same["strokes"]["solved"], 0),
                         "%s (%s)" % (share(same["recovered"]["words_recovered"], 0),
                                      share(same["recovered"]["words_by_chance"], 0)),
                         share(same["recovered"]["passwords_recovered"], 0), pct(same["cost"]["eer_user_100"], 2)])
    return table(["level", "keys", "LR, 4 letters", "8", "12", "all", "worst word (95 %)", "times told to 5 ms",
                  "words read (chance)", "passwords", "EER, 100 keys"], rows)


def leak_default(a):
    rows = []
    for name, job in (("as it leaves", "leak-default"), ("30 % of the measurements withheld", "leak-thin")):
        r, cost = a[job]["words"][0], a[job]["cost"][0]
        rows.append([name, *(listed(r["lr_%d" % n], "%.2f") for n in range(4, 13)), "%.2f" % r["lr_mean"],
                     figures_targets.worst(a[job], "hand")[100], share(a[job]["strokes"][0]["solved"], 0),
                     "%s / %s" % (pct(cost["eer_user_100"], 2), pct(cost["eer_global_100"], 2))])
    return table(["`hand`, 100 keys", *("LR %d" % n for n in range(4, 13)), "all", "worst word (95 %)",
                  "times told to 5 ms", "EER, 100 keys"], rows)


def days(a):
    rows = [[r["label"], pct(r["eer_user_static"]), pct(r["eer_user_adapted"]),
             "%.1f (%.1f to %.1f)" % tuple(100 * r[k] for k in ("difference", "difference_low", "difference_high")),
             "%s / %s" % (pct(r["eer_global_static"]), pct(r["eer_global_adapted"])),
             "%.2f / %.2f" % (r["cllr_static"], r["cllr_adapted"]),
             "%s / %s" % (share(r["fnmr_static"], 0), share(r["fnmr_adapted"], 0))] for r in a["days"]["age"]]
    return table(["since enrolment", "EER fixed", "EER learning", "difference, 95 %", "global fixed / learning",
                  "Cllr fixed / learning", "FNMR at the fixed profiles' FMR of 1 %"], rows)


def half_life(a):
    found = a["days"]["half_life"] + a["days"]["bound"]
    rows = [["EER per user"] + [pct(r["eer_user"]) for r in found],
            ["95 %"] + [ci((r["eer_low"], r["eer_high"])) for r in found],
            ["lessons kept"] + [share(r["lessons"], 0) for r in found]]
    return table([""] + [r["label"] for r in found], rows)


def attack(a):
    both = [("impostor", "impostor accepted"), ("owner", "owner accepted"), ("over", "profile prefers the impostor")]
    rows = [[str(r["day"])] + ["%s / %s" % (share(r[k + "_off"], 0), share(r[k + "_on"], 0)) for k, _ in both]
            for r in a["attack"]["walk"] if r["day"] % 10 == 0]
    rows += [["40, %s" % r["label"]] + [share(r[k], 0) for k, _ in both] for r in a["attack"]["bound"]
             if r["bound"] in (-1, 0, .5)]
    return table(["day"] + [name + ", without / with the bound" for _, name in both], rows)


def drift(a):
    rows = [[r["label"], *(pct(r["eer_%d" % d], 2) for d in (10, 20, 40)),
             "%s (%s)" % (pct(r["eer_60"], 2), ci((r["eer_60_low"], r["eer_60_high"]), 100, 2)), share(r["kept"], 0)]
            for r in a["drift"]["simulated"] if r["step"] > 0 and
            any(r["label"].endswith(way) for way in ("fixed", "half-life 20", "no bound"))]
    return table(["w moves by so much a day", "EER after 10 days", "20", "40", "60 (95 %)", "lessons kept"], rows)


def change(a):
    rows = [[r["label"], share(r["locked"]), share(r["asked"]),
             share(r["locked_at_3"])] for r in a["change"]["verdicts"]]
    return table(["", "locked", "asked", "locked when shifts are looked at"], rows)


def recovery(a):
    rows = [[r["label"], "%s (%s)" % (pct(r["eer_user"], 2), ci((r["eer_user_low"], r["eer_user_high"]), 100, 2)),
             "%.2f (%.2f)" % (r["cllr"], r["cllr_min"])] for r in a["change"]["recovery_hand"]
            if "nothing" not in r["label"]]
    return table(["re-enrolment with a hurt hand", "EER of four-window probes (95 %)", "Cllr (least)"], rows)


def warm(a):
    ways = {"cold": 0, "carried over as it is": 25, "carried over": 50}
    rows = []
    for windows in (2, 5, 10):
        cells = [next(r for r in a["warm"]["warm"] if r["label"] == "%d windows, %s" % (windows, way) and
                      r["warm"] == strokes) for way, strokes in ways.items()]
        rows.append([str(windows)] + ["%s (%s) / %.2f (%.2f)" % (
            pct(r["eer_user"], 2), ci((r["eer_user_low"], r["eer_user_high"]), 100, 2), r["cllr"], r["cllr_min"])
            for r in cells])
    return table(["windows there", "cold: EER (95 %) / Cllr (least)", "25 strokes carried over as they are",
                  "50 strokes, shifts taken out"], rows)


def two_people(a):
    found = {(r["label"], r["windows"]): r for r in a["mixed"]["mixed"]}
    rows = [[name] + ["%s (%s)" % (share(r["mixed"]), ci((r["low"], r["high"])))
                      for r in (found[name, 16], found[name, 24])]
            for name in dict.fromkeys(label for label, _ in found)]
    return table(["called mixed (95 %)", "16 windows", "24 windows"], rows)


def effort(a):
    def cell(job, part, windows):
        r = next((r for r in a[job].get(part, ()) if r["windows"] == windows), None)
        return "-" if r is None or r["eer_user"] is None else "%s (%s) / %.2f (%.2f)" % (
            pct(r["eer_user"]), ci((r["eer_user_low"], r["eer_user_high"])), r["cllr"], r["cllr_min"])
    columns = (("Aalto development", "effort-aalto", "four_windows"), ("BB-MAS 61-117", "effort-bbmas", "four_windows"),
               ("the same, spread over the session", "effort-bbmas", "four_windows_spread"),
               ("SapiMouse 73-96", "effort-sapimouse", "four_windows"))
    rows = [[str(w)] + [cell(job, part, w) for _, job, part in columns] for w in (2, 5, 10, 20, 50)]
    return table(["windows"] + [name for name, _, _ in columns], rows)


def readme(a):
    best, mouse = a["verify-mixed"], run_of(a["pointer-0"], 5)
    rows = [
        ["Aalto typing, 500 unseen people, 50-key probes, population 1,129 others, level `mixed`",
         "`%s`" % JOBS["verify-mixed"], "EER per user **%s**, global %s, Cllr %.3f (least possible %.3f)" % (
             pct(best["eer_user_mean"], 2), pct(best["eer_global"], 2), best["cllr"], best["cllr_min"]),
         "%s; %s" % (ci(best["ci95"]["eer_user_mean"], 100, 2), ci(best["ci95"]["eer_global"], 100, 2))]]
    for name, job in (("the same at `hand`, the default level", "verify-hand"),
                      ("the same with the population that ships", "shipped"),
                      ("that population recentred on the 500 profiles", "shipped-recentred")):
        r = a[job]
        rows.append([name, "`%s`" % JOBS[job], "EER per user %s, global %s" % (pct(r["eer_user_mean"], 2),
                                                                             pct(r["eer_global"], 2)),
                     "%s; %s" % (ci(r["ci95"]["eer_user_mean"], 100, 2), ci(r["ci95"]["eer_global"], 100, 2))])
    rows.append(["SapiMouse, people 73-96, runs of 5 blocks of 128 events", "`%s`" % JOBS["pointer-0"],
                 "AUC **%.3f**, EER %s" % (mouse["auc"], pct(mouse["eer_global"])), ci(mouse["ci95"]["auc"], 1, 3)])
    rows.append(["Balabit challenge; its impostors are not unknown to the population", "`%s`" % JOBS["balabit"],
                 "AUC %.3f, EER %s" % (a["balabit"]["auc"], pct(a["balabit"]["eer_global"])),
                 ci(a["balabit"]["ci95"]["auc"], 1, 3)])
    for name, job in (("takeovers at the keyboard, one false alarm in 50 h allowed", "takeover"),
                      ("takeovers, keyboard and pointer together (chimeric), the same", "takeover-both")):
        p = point(a[job], 50)
        rows.append([name, "`%s`" % JOBS[job], "no such threshold" if p["detected"] is None else
                     "noticed within 300 s: **%s**" % share(p["detected"], 0),
                     "" if p["detected"] is None else ci(p["ci95"]["detected"], 100, 0)])
    return table(["protocol", "command", "figure", "95 % interval"], rows)


VERIFY = ["verify-" + level for level in LEVELS]
README = ["verify-mixed", "verify-hand", "shipped", "shipped-recentred", "pointer-0", "balabit", "takeover",
          "takeover-both"]
TABLES = {
    "readme": Bare(README, readme),
    "headline": Bare(figures_targets.HEADLINE, figures_targets.headline),
    "targets": Bare(figures_targets.NEEDED, figures_targets.targets),
    "verify": Table(VERIFY + ["shipped", "shipped-recentred"], verify,
                    [("det-keyboard.svg", "verify-mixed", "Detection")]),
    "cross": Table(["pairs", "pairs-16ms", "halves", "halves-recentred"], cross),
    "pointer": Table(["pointer-0", "gmail-a", "gmail-b", "balabit", "balabit-shipped"], pointer,
                     [("det-pointer.svg", "pointer-0", "Detection, 5 blocks")]),
    "clocks": Table(POINTER, clocks),
    "calibration": Table(["calibration"], calibration,
                         [("reliability-score.svg", "calibration", "keyboard, probes of 50 strokes"),
                          ("reliability-filter.svg", "calibration", "the filter, after so many windows")]),
    "fusion": Table(["calibration-both"], fusion),
    "takeover": Table([job for _, job in TAKEOVERS], takeover,
                      [("takeover-keyboard.svg", "takeover", "False alarms against the share detected")]),
    "people": Bare([job for _, job in TAKEOVERS], people),
    "fused-takeover": Bare(["takeover-both"], fused_takeover),
    "windows": Table(["takeover", "leak"], lengths),
    "days": Table(["days"], days),
    "half-life": Bare(["days"], half_life),
    "drift": Table(["drift"], drift),
    "attack": Table(["attack"], attack, [("attack.svg", "attack", "A profile under attack, without and with the bound")]),
    "change": Table(["change"], change),
    "recovery": Bare(["change"], recovery),
    "warm": Table(["warm"], warm),
    "mixed": Table(["mixed"], two_people),
    "enrolment": Table(["effort-aalto", "effort-bbmas", "effort-sapimouse"], effort,
                       [("enrolment.svg", "effort-bbmas", "Probes of four windows, enrolment spread over time")]),
    "injection-targets": Bare(["injection", "injection-set"], figures_guard.targets),
    "injection": Table(["injection"], figures_guard.injection,
                       [("injection.svg", "injection", "Payloads not yet noticed after so many key-downs")]),
    "readme-guard": Bare(["injection", "injection-set", "liveness", "replays"], figures_guard.readme),
    "injection-clocks": Bare(["injection"], figures_guard.clocks),
    "injection-people": Table(["injection", "injection-set"], figures_guard.people),
    "injection-honest": Bare(["injection"], figures_guard.honest),
    "injection-claims": Bare(["injection"], figures_guard.claims),
    "liveness-targets": Bare(["liveness"], figures_liveness.targets),
    "liveness": Table(["liveness"], figures_liveness.shipped),
    "liveness-left-out": Bare(["liveness"], figures_liveness.left_out),
    "liveness-styles": Bare(["liveness"], figures_liveness.styles),
    "liveness-people": Bare(["liveness"], figures_liveness.people),
    "liveness-replays": Bare(["liveness"], figures_liveness.replays),
    "replays-honest": Bare(list(figures_replays.JOBS), figures_replays.honest),
    "replays-distances": Bare(list(figures_replays.JOBS), figures_replays.distances),
    "replays": Table(["replays", "replays-aalto", "replays-password"], figures_replays.attacks),
    "replays-scatter": Bare(["replays"], figures_replays.scatter),
    "replays-pointer": Table(["replays-pointer", "replays-mail"], figures_replays.pointer),
    "leak": Table(["leak"], leak),
    "leak-default": Table(["leak-default", "leak-thin"], leak_default),
}
