# SPDX-License-Identifier: Apache-2.0
"""figures_liveness.py - the tables of docs/guard-pointer.md: which command they come from and how they are written down."""
from figures_targets import AT_LEAST, AT_MOST, row
from figures_words import ci, pct, table

JOBS = {"liveness": "idem eval liveness --skip-bad --teach $D/delbot.csv.gz --human $D/sapimouse.csv.gz "
                    "--human $D/gmail26.csv.gz --human $D/mauth15.csv.gz --human $D/balabit.csv.gz "
                    "$D/delbot.csv.gz $D/barkworth_mouse.csv.gz $D/barkworth_keys.csv.gz"}


def area(found, key):
    return "%.3f (%s)" % (found[key], ci((found[key + "_low"], found[key + "_high"]), 1, 3))


def alarms(found):
    return ["%d of %d" % (found["alarmed"], found["programs"]), "%d" % found["alarmed5"],
            " / ".join("-" if found[k] is None else "%d" % found[k] for k in ("at_p50", "at_p95"))]


def named(label):
    return label.replace(".csv.gz", "").replace("circles_bot_", "")


def everything(found):
    return {named(r["label"]).removesuffix(": all"): r for r in found["shipped"] if r["label"].endswith(": all")}


def targets(a):
    found = a["liveness"]
    whole, three = everything(found), lambda x: "%.3f" % x
    rows = []
    for name in whole:
        r = whole[name]
        rows.append(row("%s, AUC a session, shipped weights" % name, AT_LEAST, .99, r["auc"],
                        ci((r["auc_low"], r["auc_high"]), 1, 3), three))
        if not name.endswith("keys"):
            rows.append(row("%s, AUC of at most 3 gestures" % name, AT_LEAST, .95, r["auc3"],
                            ci((r["auc3_low"], r["auc3_high"]), 1, 3), three))
    for r in found["left_out"][:-1]:
        rows.append(row("%s, never seen, AUC a session" % named(r["label"]), AT_LEAST, .99, r["auc"],
                        ci((r["auc_low"], r["auc_high"]), 1, 3), three))
    human = found["human"]
    rows.append(row("false alarms in {:,} gestures of people".format(human["gestures"]), AT_MOST, 0,
                    human["false_alarms"], "", lambda x: "%d" % x))
    return table(["what", "target", "measured", "95 %", ""], rows)


def shipped(a):
    rows = [[named(r["label"]), area(r, "auc"), area(r, "auc3"), *alarms(r), "%d" % r["false_alarms"]]
            for r in a["liveness"]["shipped"]]
    return table(["program", "AUC a session (95 %)", "of 3 gestures (95 %)", "alarmed", "by the 5th", "gesture 50 / 95 %",
                  "people alarmed"], rows)


def left_out(a):
    narrow = {r["label"]: r for r in a["liveness"]["left_out_narrow"]}
    rows = [[named(r["label"]), area(r, "auc"), area(r, "auc3"), area(narrow[r["label"]], "auc"),
             area(narrow[r["label"]], "auc3")] for r in a["liveness"]["left_out"]]
    return table(["never seen", "AUC a session (95 %)", "of 3 gestures", "without made hands", "of 3 gestures"], rows)


def styles(a):
    rows = [[r["label"], pct(r["alarmed5"] / r["sessions"], 0), pct(r["alarmed"] / r["sessions"], 0),
             "%.1f" % r["nats"]] for r in a["liveness"]["styles"]]
    return table(["made program, its kind never seen", "alarmed by the 5th gesture", "by the 8th", "nats a movement"], rows)


def people(a):
    rows = [[named(r["label"]), "%d" % r["people"], "{:,}".format(r["sessions"]), "%.1f" % r["hours"],
             "{:,}".format(r["gestures"]), "%d" % r["false_alarms"], "%.3f" % r["upper95_per_1000_gestures"],
             "%.3f" % r["upper95_per_hour"], pct(r["human"] / r["sessions"])] for r in a["liveness"]["people"]]
    said = ["- %s" % "; ".join([named(x["file"]), "person %s" % x["person"], "session %s" % x["session"],
                                "gesture %d" % x["gesture"], x["cause"]]) for x in a["liveness"]["alarms"]]
    return "%s\n\n%s" % (
        table(["recording", "people", "sessions", "active hours", "gestures", "false alarms", "at most, 1,000 gestures (95 %)",
               "at most, an hour (95 %)", "sessions told human"], rows),
        "\n".join(["What was alarmed:", "", *said]) if said else "Nothing was alarmed.")


def replays(a):
    rows = [[r["label"].replace("noise", "up to") + " px and ms", "%d" % r["sessions"], "%d" % r["alarmed"],
             "%d" % r["as_replay"]] for r in a["liveness"]["replays"]]
    return table(["played again, displaced by", "sessions", "alarmed", "called a replay"], rows)
