# SPDX-License-Identifier: Apache-2.0
"""figures_guard.py - the tables of docs/guard.md: which commands they come from and how they are written down.

People and files that the guard's rules were set on, and those that they were not, are commands of their own."""
from figures_targets import AT_LEAST, AT_MOST, row
from figures_words import listed, pct, table

PEOPLE = {"set on": "--human $D/aalto_train.csv.gz --human $D/bbmas_desktop.csv.gz --users 1-117/2",
          "not set on": "--human $D/aalto_test.csv.gz --human $D/bbmas_desktop.csv.gz --users 2-117/2 "
                        "--human $D/freihaut_multiday.csv.gz --human $D/barkworth_keys.csv.gz"}
JOBS = {"injection": "idem eval injection --clocks %s $D/injection_payloads.csv.gz" % PEOPLE["not set on"],
        "injection-set": "idem eval injection %s $D/injection_payloads.csv.gz" % PEOPLE["set on"]}


def targets(a):
    """The worst of the devices that hold no key as long as a finger does; the people and sources of both commands."""
    models = [m for m in a["injection"]["models"].values() if not m["humanised"]]
    worst = {p: max((float("inf") if m[p] is None else m[p] for m in models)) for p in ("key_p50", "key_p99")}
    human = [a[job]["human"] for job in JOBS]
    honest = [r for r in a["injection"]["honest"] if r["label"] != "home-row functions"]
    whole = lambda x: "%g" % x
    rows = [row("payloads of six or more key-downs noticed, the worst of %d devices with inhuman holds" % len(models),
                AT_LEAST, .995, min(m["alarmed"] / m["payloads"] for m in models), "", lambda x: pct(x, 2)),
            row("key-down by which half are noticed, the worst", AT_MOST, 4, worst["key_p50"], "", whole),
            row("key-down by which 99 % are noticed, the worst", AT_MOST, 9, worst["key_p99"], "", whole),
            row("false alarms in {:,} keys of people".format(sum(h["keys"] for h in human)), AT_MOST, 0,
                sum(h["false_alarms"] for h in human), "", whole),
            row("honest fast sources, known as such, but for home-row functions, taken for a macro", AT_LEAST, 1,
                sum(r["macro"] for r in honest) / sum(r["streams"] for r in honest), "", pct)]
    return table(["what", "target", "measured", ""], [r[:3] + r[4:] for r in rows])


def readme(a):
    """What a newcomer wants to know: the worst of the devices, all people, what is behind the pointer's figures."""
    models = [m for m in a["injection"]["models"].values() if not m["humanised"]]
    worst = {p: max((m[p] if m[p] is not None else float("inf")) for m in models) for p in ("key_p50", "key_p99")}
    kernel = {p: max((m["clone"][p] if m["clone"][p] is not None else float("inf")) for m in models)
              for p in ("key_p50", "key_p99")}
    typing = [a[job]["human"] for job in JOBS]
    pointing, bots = a["liveness"]["human"], {r["label"]: r for r in a["liveness"]["shipped"]}
    again = a["replays"]["attacks"][0]
    honest = a["replays"]["honest"][0]
    rows = [["%d public payloads through %d injecting devices whose holds no finger makes" % (models[0]["payloads"], len(models)),
             "`idem eval injection`", "noticed: **%s**, half by key-down %d, 99 %% by %d; as a kernel sees a cloned device, %d and %d" % (
                 pct(min(m["alarmed"] / m["payloads"] for m in models), 1), worst["key_p50"], worst["key_p99"],
                 kernel["key_p50"], kernel["key_p99"])],
            ["people at a keyboard", "`idem eval injection --human`", "**%d** false alarms in %s keys" % (
                sum(h["false_alarms"] for h in typing), "{:,}".format(sum(h["keys"] for h in typing)))],
            ["people at a pointer", "`idem eval liveness --human`", "**%d** false alarms in %s movements, %.0f active hours" % (
                pointing["false_alarms"], "{:,}".format(pointing["gestures"]), pointing["hours"])],
            ["programs in a browser's form, never learned from", "`idem eval liveness`",
             "AUC a session: pointer %.3f, of three movements %.3f; keys %.3f" % (
                 bots["barkworth_mouse.csv.gz: all"]["auc"], bots["barkworth_mouse.csv.gz: all"]["auc3"],
                 bots["barkworth_keys.csv.gz: all"]["auc"])],
            ["a window sent again, by anybody, at any time", "`idem eval replays`",
             "found: **%s**; %d of %s honest windows flagged" % (pct(again["found"], 0), honest["false_alarms"],
                                                               "{:,}".format(honest["windows"]))]]
    return table(["what", "by", "figure"], rows)


def keys(found, more=""):
    """Median and 99 %."""
    return " / ".join(listed(found["key_p%d%s" % (p, more)], "%d") for p in (50, 99))


def keys_of(found, name):
    """The same under another name."""
    return " / ".join(listed(found["%s%d" % (name, p)], "%d") for p in (50, 99))


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
                     "%s, %s" % (few(after[row["label"]]["kernel"], n), keys_of(after[row["label"]], "kernel_p")),
                     "%s, %s" % (few(model["ukip"]["alarmed"], n), listed(model["ukip"]["key_p50"], "%d")),
                     "%s, %s" % (few(model["duckhunt"]["alarmed"], n), listed(model["duckhunt"]["key_p50"], "%d"))])
    return table(["%d payloads through" % found["devices"][0]["payloads"], "alarmed", "key 50 / 99 %", "just attached",
                  "clone of a trusted one", "behind a hand, in a page", "behind a hand, by a kernel",
                  "ukip, key 50 %", "duckhunt, key 50 %"], rows)


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
