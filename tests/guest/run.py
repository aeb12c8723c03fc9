#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py GUEST [--emulate]: boots a guest of this build, prints what it reports (TAP), ends in "# pass N", "# fail N".

GUEST: devices   a Debian kernel with a small initramfs: keyboards by uinput and emulated USB ports
       system    Debian with systemd and logind, somebody logged in, and the agent's units

Needs KVM, unless --emulate allows QEMU to emulate the processor. IDEM_BUILD names the build directory; kernel and root
are kept in its folder guest/."""
import argparse
import os
import pathlib
import re
import sys
import tempfile
import time

import images
import machine

SOURCE = pathlib.Path(__file__).resolve().parents[2]
LIMITS = {"kvm": 300, "emulate": 1200}  # seconds: not a promise, an end


def udevd(archive):
    """udevd and the rules by which input devices and USB get their properties."""
    archive.program("/bin/udevadm", "bin/udevadm", "/lib/systemd")
    archive.link("lib/systemd/systemd-udevd", "/bin/udevadm")
    for rules in ("50-udev-default", "60-evdev", "60-input-id", "60-persistent-input", "70-mouse", "70-touchpad",
                  "71-seat", "73-seat-late"):
        archive.copy(f"/lib/udev/rules.d/{rules}.rules", f"lib/udev/rules.d/{rules}.rules")
    for hwdb in ("/lib/udev/hwdb.bin", "/etc/udev/hwdb.bin"):
        if os.path.exists(hwdb):
            archive.copy(hwdb, "lib/udev/hwdb.bin")
            break


def users(archive):
    archive.file("etc/passwd", "root:x:0:0:root:/:/bin/false\nolga:x:1000:1000:Olga:/:/bin/false\n"
                               "idem-sensor:x:991:991::/:/bin/false\nidem-courier:x:992:992::/:/bin/false\n")
    archive.file("etc/group", "root:x:0:\ntty:x:5:\ndialout:x:20:\nkmem:x:15:\ninput:x:104:\nvideo:x:44:\nrender:x:105:\n"
                              "audio:x:29:\nlp:x:7:\ndisk:x:6:\ncdrom:x:24:\ntape:x:26:\nkvm:x:106:\nsgx:x:107:\n"
                              "olga:x:1000:\nidem-sensor:x:991:\nidem-courier:x:992:\n")
    archive.file("etc/nsswitch.conf", "passwd: files\ngroup: files\n")


def devices(build, tree, version):
    archive = images.Initramfs()
    archive.copy(build / "tests/guest/guest-init", "init", 0o755)
    archive.program(build / "tests/guest/guest-scenes", "scenes")
    for name in ("broker", "sensor"):
        archive.program(build / f"src/agent/{name}/idem-{name}", f"usr/libexec/idem/idem-{name}")
    archive.copy(SOURCE / "data/default.pop", "default.pop")
    archive.copy(SOURCE / "tests/data/bbmas_excerpt.csv", "recording.csv")
    udevd(archive)
    users(archive)
    archive.modules(images.modules(tree, version, images.INPUT_MODULES))
    return archive


PROCESSES = ("broker", "sensor", "courier")
UNITS = [f"idem-{name}.service" for name in PROCESSES] + [f"idem-{name}.socket" for name in ("sensor", "courier", "control", "x11")]


def payload(build, archive):
    """What the system's guest adds to Debian, as the packages would place it, and its own scenes."""
    here = SOURCE / "tests/guest/system"
    programs = {f"src/agent/{name}/idem-{name}": f"files/usr/libexec/idem/idem-{name}" for name in PROCESSES}
    programs |= {"src/agent/tool/idem-agent": "files/usr/bin/idem-agent", "src/cli/idem": "files/usr/bin/idem",
                 "src/server/idem-server": "files/usr/bin/idem-server", "tests/guest/guest-player": "guest-player",
                 "tests/guest/guest-locker": "guest-locker"}
    for source, target in programs.items():
        archive.copy(build / source, f"payload/{target}", 0o755)
    files = {f"packaging/systemd/{unit}": f"files/usr/lib/systemd/system/{unit}" for unit in UNITS}
    files |= {"packaging/systemd/idem-agent.sysusers": "files/usr/lib/sysusers.d/idem-agent.conf",
              "packaging/systemd/idem-agent.preset": "files/usr/lib/systemd/system-preset/50-idem-agent.preset",
              "data/default.pop": "files/usr/share/idem/default.pop",
              "data/policy.yaml": "files/usr/share/idem/policy.yaml",
              "tests/data/bbmas_excerpt.csv": "files/recording.csv"}
    for source, target in files.items():
        archive.copy(SOURCE / source, f"payload/{target}", 0o644)
    for unit in ("guest-driver.service", "guest-locker.service"):
        archive.copy(here / "units" / unit, f"payload/files/usr/lib/systemd/system/{unit}", 0o644)
    archive.copy(here / "units/autologin.conf", "payload/files/etc/systemd/system/getty@tty1.service.d/autologin.conf", 0o644)
    for script in here.glob("*.py"):
        archive.copy(script, f"payload/{script.name}", 0o644)
    archive.copy(here / "prepare", "payload/prepare", 0o755)


def system(build, tree, version):
    archive = images.Initramfs()
    archive.copy(build / "tests/guest/guest-init", "init", 0o755)
    archive.modules(images.modules(tree, version, images.SYSTEM_MODULES))
    archive.copy(images.system_root(build / "guest"), "system.squashfs", 0o644)
    payload(build, archive)
    return archive


# How to make it, its MB of memory, and what its kernel is told.
GUESTS = {"devices": (devices, 512, "guest=devices"), "system": (system, 1024, "guest=system")}


def report(lines):
    """Prints the guest's lines; (passed, failed). A plan that was not kept is a failure."""
    passed = failed = 0
    plan = None
    for line in lines:
        print(line, flush=True)
        passed += bool(re.match(r"ok \d+", line))
        failed += bool(re.match(r"not ok \d+", line))
        match = re.match(r"1\.\.(\d+)$", line)
        plan = int(match.group(1)) if match else plan
    if plan is None or plan != passed + failed:
        print(f"not ok - the guest did not finish: {passed + failed} of {plan}")
        failed += 1
    return passed, failed


def choose(emulate, build, tree):
    """By what the guest is run: "kvm", "emulate", or None."""
    with tempfile.TemporaryDirectory() as folder:
        if machine.kvm_runs(tree, build / "tests/guest/guest-init", pathlib.Path(folder)):
            return "kvm"
    return "emulate" if emulate else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("guest", choices=list(GUESTS))
    parser.add_argument("--emulate", action="store_true")
    arguments = parser.parse_args()
    build = pathlib.Path(os.environ["IDEM_BUILD"])
    cache = build / "guest"
    try:
        tree, version = images.kernel(cache)
        how = choose(arguments.emulate, build, tree)
        if how is None:
            print("skipped 'needs KVM: /dev/kvm is not there, or does not run this kernel; make guests-slow emulates'")
            return 77
        began = time.monotonic()
        make, memory, says = GUESTS[arguments.guest]
        passed, failed = report(machine.boot(how, tree, make(build, tree, version), says, LIMITS[how], memory))
    except images.CannotRun as why:
        print(f"skipped 'cannot run: {why}'")
        return 77
    except machine.Stuck as stuck:
        print(f"not ok - {stuck}\n# pass 0\n# fail 1")
        return 1
    print(f"# {arguments.guest}: {how}, {time.monotonic() - began:.0f} s")
    print(f"# pass {passed}\n# fail {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
