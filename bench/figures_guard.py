# SPDX-License-Identifier: Apache-2.0
"""figures_guard.py - the tables of docs/guard.md: which commands they come from and how they are written down.

People and files that the guard's rules were set on, and those that they were not, are commands of their own."""
from figures_words import listed, table

PEOPLE = {"set on": "--human $D/aalto_train.csv.gz --human $D/bbmas_desktop.csv.gz --users 1-117/2",
          "not set on": "--human $D/aalto_test.csv.gz --human $D/bbmas_desktop.csv.gz --users 2-117/2 "
                        "--human $D/freihaut_multiday.csv.gz --human $D/barkworth_keys.csv.gz"}
JOBS = {"injection": "idem eval injection --clocks %s $D/injection_payloads.csv.gz" % PEOPLE["not set on"],
        "injection-set": "idem eval injection %s $D/injection_payloads.csv.gz" % PEOPLE["set on"]}


def keys(found, more=""):
    """Median and 99 %."""
    return " / ".join(listed(found["key_p%d%s" % (p, more)], "%d") for p in (50, 99))


def few(count, of):
    """So many, and the share if that says more."""
    return "all" if count == of else "%d (%.1f %%)" % (count, 100 * count / of) if count else "none"


def injection(a):
    found, rows = a["injection"], []
    after = {r["label"]: r for r in found["after_hand"]}
    for row, model in zip(found["devices"], found["models"].values()):
        n = model["payloads"]
        rows.append([row["label"], few(model["alarmed"], n), keys(model), keys(model["attached"]), keys(model["clone"]),
                     "%s, %s" % (few(after[row["label"]]["alarmed"], n), keys(after[row["label"]])),
                     "%s, %s" % (few(model["ukip"]["alarmed"], n), listed(model["ukip"]["key_p50"], "%d")),
                     "%s, %s" % (few(model["duckhunt"]["alarmed"], n), listed(model["duckhunt"]["key_p50"], "%d"))])
    return table(["%d payloads through" % found["devices"][0]["payloads"], "alarmed", "key 50 / 99 %", "just attached",
                  "clone of a trusted one", "behind a hand", "ukip, key 50 %", "duckhunt, key 50 %"], rows)


def clocks(a):
    names = ("fine", "browser", "ms", "coarse", "late", "stalls")
    rows = [[r["label"], *("%s, %s" % (few(r[c], r["payloads"]), listed(r[c + "_p99"], "%d")) for c in names)]
            for r in a["injection"]["clocks"]]
    return table(["alarmed, key 99 %", "1 µs", "0.1 ms", "1 ms", "15.6 ms", "up to 1 ms late", "a busy host"], rows)


def people_of(found, told):
    """A row a file, and one for all of them."""
    rows = []
    size = len(found["people"]) // 3
    peers = {r["label"]: r for r in found["people_peers"]}
    for fresh, attached, lasting in zip(*(found["people"][i * size:(i + 1) * size] for i in range(3))):
        name = fresh["label"].split(",")[0]
        other = peers.get(name)
        rows.append([name.replace(".csv.gz", "") + told, "{:,}".format(fresh["keys"]), "{:,}".format(fresh["sessions"]),
                     "%d / %d / %d" % (fresh["false_alarms"], attached["false_alarms"], lasting["false_alarms"]),
                     "%.2f" % fresh["upper95_per_million_keys"],
                     *([str(other[k]) for k in ("ukip", "ukip_repeat", "duckhunt")] if other else ["", "", ""])])
    return rows


def people(a):
    rows = people_of(a["injection"], "") + people_of(a["injection-set"], " (rules set on it)")
    said = ["- %s" % "; ".join([alarm["file"].replace(".csv.gz", ""), "person %s" % alarm["person"],
                                "session %s" % alarm["session"], "key %d" % alarm["key"], alarm["cause"]])
            for job in ("injection", "injection-set") for alarm in a[job]["alarms"]
            if alarm["pass"] == "a device each session"]
    return "%s\n\n%s" % (
        table(["recording", "keys", "sessions", "false alarms: a device each session / just attached / one a person",
               "at most, a million keys (95 %)", "sessions alarmed: ukip", "ukip, repeats counted", "duckhunt"], rows),
        "\n".join(["What was alarmed:", "", *said]) if said else "Nothing was alarmed.")


def honest(a):
    rows = [[r["label"], str(r["streams"]), *(few(r[k], r["streams"]) for k in (
        "macro", "human", "insufficient", "alarmed", "undeclared_macro", "undeclared_human", "undeclared_alarmed"))]
            for r in a["injection"]["honest"]]
    return table(["source", "streams", "known: macro", "human", "too little", "alarm", "unknown: macro", "human",
                  "alarm"], rows)


def claims(a):
    names = ("token", "scanner", "steno", "macro_pad", "autotype")
    rows = [[r["label"], *("%s, %s" % (few(r[c], r["payloads"]), listed(r[c + "_p99"], "%d")) for c in names)]
            for r in a["injection"]["claims"]]
    return table(["alarmed, key 99 %; it claims to be", "a security key", "a scanner", "a steno machine", "a macro pad",
                  "a password manager"], rows)
