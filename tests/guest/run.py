#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py GUEST [--emulate]: boots a guest of this build, prints what it reports (TAP), ends in "# pass N", "# fail N".

GUEST: devices   a Debian kernel with a small initramfs: keyboards by uinput and emulated USB ports

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
    archive.copy(SOURCE / "tests/data/bbmas_excerpt.csv", "recording.csv")
    udevd(archive)
    users(archive)
    archive.modules(images.modules(tree, version, images.INPUT_MODULES))
    return archive


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


def choose(arguments, build, tree):
    with tempfile.TemporaryDirectory() as folder:
        if machine.kvm_runs(tree, build / "tests/guest/guest-init", pathlib.Path(folder)):
            return "kvm"
    return "emulate" if arguments.emulate else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("guest", choices=["devices"])
    parser.add_argument("--emulate", action="store_true")
    arguments = parser.parse_args()
    build = pathlib.Path(os.environ["IDEM_BUILD"])
    cache = build / "guest"
    try:
        tree, version = images.kernel(cache)
        how = choose(arguments, build, tree)
        if how is None:
            print("skipped 'needs KVM: /dev/kvm is not there, or does not run this kernel; make guests-slow emulates'")
            return 77
        began = time.monotonic()
        passed, failed = report(machine.boot(how, tree, devices(build, tree, version), "devices", LIMITS[how]))
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
