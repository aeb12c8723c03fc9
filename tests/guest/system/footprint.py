# SPDX-License-Identifier: Apache-2.0
"""What idem costs a seat, and a Python peer beside it, on the same stream: a mouse of a thousand reports and ten keys a
second. Prints what bench/footprint.py makes a table of: "# footprint {JSON}".

    memory     proportional set size (smaps_rollup), of the three together
    processor  time on the processor (schedstat, all threads) over a minute of the stream, and over an idle one
    wake-ups   voluntary context switches over an idle minute
    growth     anonymous memory before and after an hour's events, a hundred times as fast"""
import json
import os
import pathlib
import re
import subprocess
import time

import installation
from installation import as_person, server, status, until
from scene import Hand, pid_of, run, tap, wait_for

UNITS = ["idem-broker.service", "idem-sensor.service", "idem-courier.service"]
STREAM_S = 60
IDLE_S = 60
SPEED = 100
POLICY = """version: 1
guard: {injected-keys: observe, scripted-pointer: observe, replay: observe, remote-control: observe, macro: observe}
seat: {lock_untouched: never}
acknowledgement: {any: {version: "1", text: {en: "A measurement."}}}
"""


def kilobytes(pid, name):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{name}: +(\d+) kB", text, re.M).group(1))


def on_processor_ns(pid):
    return sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def switches(pid):
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", task.joinpath("status").read_text(), re.M).group(1))
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


class Meter:
    """Of processes by name, over a stretch of time."""

    def __init__(self, pids):
        self.pids = pids
        self.began = time.monotonic()
        self.before = {name: (on_processor_ns(pid), switches(pid)) for name, pid in pids.items()}

    def read(self):
        took = time.monotonic() - self.began
        return {name: {"processor": (on_processor_ns(pid) - self.before[name][0]) / took / 1e9,
                       "wakes": switches(pid) - self.before[name][1], "seconds": took}
                for name, pid in self.pids.items()}


def begin():
    """Collecting, with nothing that a measurement would be stopped by."""
    pathlib.Path("/root/policy.yaml").write_text(POLICY)
    installation.make_certificate()
    server.policy = "/root/policy.yaml"
    server.start()
    pathlib.Path("/etc/idem/agent.yaml").write_text(f"server: {installation.URL}\nca: /etc/idem/ca.pem\n")
    run("systemctl", "restart", "idem-broker", "idem-courier")
    wait_for(lambda: all(pid_of(u) for u in UNITS))
    installation.enrol()
    wait_for(lambda: status().get("why") == "not-acknowledged")
    as_person("olga", "idem-agent", "acknowledge", "--yes")
    until("the seat collects", lambda: status().get("collecting"))


def scale():
    match = re.search(r"hours=([0-9.]+)", pathlib.Path("/proc/cmdline").read_text())
    return float(match.group(1)) if match else 1.0


def measure():
    begin()
    pids = {unit[5:-8]: pid_of(unit) for unit in UNITS}
    hand = Hand("stream", STREAM_S, 1)  # the peer looks for devices once
    peer = subprocess.Popen(["/usr/bin/python3", "-B", "/payload/peer.py"], stdout=subprocess.PIPE, text=True)
    peer.stdout.readline()
    everybody = {**pids, "peer": peer.pid}
    wait_for(lambda: status().get("devices", {}).get("pointers", 0) > 0)
    time.sleep(2)
    meter = Meter(everybody)
    said = hand.play()
    busy = meter.read()
    tap.check(said.startswith("done"), f"the stream was played: {said}")
    memory = {name: {"pss": kilobytes(pid, "Pss"), "anonymous": kilobytes(pid, "Pss_Anon"), "rss": kilobytes(pid, "Rss")}
              for name, pid in everybody.items()}
    time.sleep(5)
    meter = Meter(everybody)
    time.sleep(IDLE_S)
    idle = meter.read()
    hand.unplug()
    peer.kill()
    grown = growth(pids)
    tap.check(server.count() > 0 and server.is_whole(), f"{server.count()} windows are with the server")
    tap.say("footprint " + json.dumps({"memory": memory, "busy": busy, "idle": idle, "growth": grown, "reports": said}))


def growth(pids):
    """A tenth of it first: what is taken once is no growth."""
    seconds = 3600 / SPEED * scale()
    hand = Hand("stream", seconds / 10, SPEED)
    wait_for(lambda: status().get("devices", {}).get("pointers", 0) > 0)
    hand.play()
    hand.unplug()
    time.sleep(10)
    before = {name: kilobytes(pid, "Pss_Anon") for name, pid in pids.items()}
    hand = Hand("stream", seconds, SPEED)
    time.sleep(2)
    said = hand.play()
    hand.unplug()
    time.sleep(10)
    after = {name: kilobytes(pid, "Pss_Anon") for name, pid in pids.items()}
    tap.check(all(os.path.exists(f"/proc/{pid}") for pid in pids.values()), "nobody died of it")
    return {"before": before, "after": after, "said": said, "hours": scale()}


scenes = [measure]
