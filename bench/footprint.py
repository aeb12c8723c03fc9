#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""footprint.py [--hours N]: what the agent's three processes cost a seat, beside a Python peer, as a table with targets.

Boots the guest of tests/guest (Debian, systemd, the units with their hardening), enrols it at a server of its own, and
plays one stream to both: a mouse of a thousand reports a second and ten keys a second. Growth is looked for over an
hour's events, a hundred times as fast; --hours plays less.

Where there is no KVM the processor is emulated. Its time is then counted in instructions, at 10^9 of them a second: no
real processor's figure, the same on every machine, and on a processor that does more in a second it is less. IDEM_BUILD
names the build directory."""
import argparse
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/guest"))
import images  # noqa: E402
import machine  # noqa: E402
import run  # noqa: E402

OURS = ("broker", "sensor", "courier")
LIMIT = 6 * 3600  # seconds: an end
MEMORY_KB, PROCESSOR, HEARTBEATS = 8 * 1024, 0.001, 2  # the last: a minute
GROWTH_KB = 64  # of anonymous memory, for all three: what an allocator may round


def measured(how, build, hours):
    tree, version = images.kernel(build / "guest")
    make, memory, says = run.GUESTS["system"]
    found, failed = None, 0
    for line in machine.boot(how, tree, make(build, tree, version), f"{says} play=footprint hours={hours}", LIMIT, memory):
        if line.startswith("# footprint "):
            found = json.loads(line[len("# footprint "):])
        else:
            print(line, file=sys.stderr, flush=True)
        failed += line.startswith("not ok")
    return found if not failed else None


def row(name, values, total, peer, target, reached):
    cells = [f"{v:>9}" for v in (*values, total, peer, target)]
    return f"{name:<42}" + "".join(cells) + ("  reached" if reached else "  missed" if reached is False else "")


def table(found, how):
    memory, busy, idle, growth = (found[k] for k in ("memory", "busy", "idle", "growth"))

    def percent(value):
        return f"{100 * value:.3f} %"

    def of_all(values):
        return sum(values[name] for name in OURS)

    pss = {n: memory[n]["pss"] for n in (*OURS, "peer")}
    processor = {n: busy[n]["processor"] for n in (*OURS, "peer")}
    at_rest = {n: idle[n]["processor"] for n in (*OURS, "peer")}
    wakes = {n: idle[n]["wakes"] for n in (*OURS, "peer")}
    grown = {n: growth["after"][n] - growth["before"][n] for n in OURS}
    yield row("", OURS, "together", "peer", "target", None)
    yield row("memory, proportional set size, kB", [pss[n] for n in OURS], of_all(pss), pss["peer"], MEMORY_KB,
              of_all(pss) <= MEMORY_KB)
    yield row("  of it anonymous, kB", [memory[n]["anonymous"] for n in OURS],
              of_all({n: memory[n]["anonymous"] for n in OURS}), memory["peer"]["anonymous"], "", None)
    yield row("of a core, at 1,000 reports and 10 keys/s", [percent(processor[n]) for n in OURS],
              percent(of_all(processor)), percent(processor["peer"]), percent(PROCESSOR), of_all(processor) <= PROCESSOR)
    yield row("  context switches a second", [round(busy[n]["wakes"] / busy[n]["seconds"]) for n in OURS],
              round(of_all({n: busy[n]["wakes"] / busy[n]["seconds"] for n in OURS})),
              round(busy["peer"]["wakes"] / busy["peer"]["seconds"]), "", None)
    yield row("of a core, idle", [percent(at_rest[n]) for n in OURS], percent(of_all(at_rest)), percent(at_rest["peer"]),
              "", None)
    yield row("wake-ups in an idle minute", [wakes[n] for n in OURS], of_all(wakes), wakes["peer"], HEARTBEATS,
              wakes["broker"] == 0 and wakes["sensor"] == 0 and wakes["courier"] <= HEARTBEATS)
    yield row(f"growth over {growth['hours']:g} h of events at 100x, kB", [grown[n] for n in OURS], of_all(grown), "",
              GROWTH_KB, of_all(grown) <= GROWTH_KB)
    yield "run by KVM" if how == "kvm" else "emulated: a core is 10^9 instructions a second, counted, not timed"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=1.0)
    arguments = parser.parse_args()
    build = pathlib.Path(os.environ["IDEM_BUILD"])
    try:
        tree, _ = images.kernel(build / "guest")
        how = run.choose(True, build, tree)
        found = measured(how, build, arguments.hours)
    except (images.CannotRun, machine.Stuck) as why:
        print(f"footprint: {why}", file=sys.stderr)
        return 1
    if found is None:
        print("footprint: the guest did not get through it", file=sys.stderr)
        return 1
    print("\n".join(table(found, how)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
