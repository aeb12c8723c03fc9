# SPDX-License-Identifier: Apache-2.0
"""Boots a guest in QEMU and hands on what it reports, line by line, on its second serial port; the first one is the
console, kept in a file.

With KVM where it really runs a guest (a device node alone says little: it may be a hypervisor that cannot run this
kernel), otherwise by emulation. Emulation counts instructions (-icount): the guest's clock goes with what it executes
and leaps over what it sleeps through, so that a busy host does not bend the timing of anybody's typing, and a minute of
idling takes none."""
import os
import pathlib
import re
import select
import subprocess
import tempfile
import time

import images

BOOT_LIMIT = 10  # seconds for a kernel that does nothing


def qemu():
    return images.tool("qemu-system-x86_64")


def acceleration(how):
    if how == "kvm":
        return ["-accel", "kvm", "-cpu", "host", "-smp", "2"]
    return ["-accel", "tcg,tb-size=256", "-cpu", "max", "-smp", "1", "-icount", "shift=0,sleep=off"]


def command(how, tree, initramfs, says, console, memory):
    return [qemu(), *acceleration(how), "-machine", "q35", "-m", str(memory), "-nodefaults", "-display", "none",
            "-no-reboot", "-rtc", "base=utc,clock=vm", "-kernel", str(tree / "vmlinux"), "-initrd", str(initramfs),
            "-serial", f"file:{console}", "-chardev", "stdio,id=report,signal=off", "-serial", "chardev:report",
            "-append", "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on systemd.show_status=no "
            f"systemd.getty_auto=no {says}"]


def kvm_runs(tree, init, folder):
    """Whether /dev/kvm boots this very kernel, in a reasonable time."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    # Without the processor's own virtualization, a KVM there is wants kernels made for it.
    if not re.search(r"^flags.* (vmx|svm)\b", pathlib.Path("/proc/cpuinfo").read_text(), re.M):
        return False
    archive = images.Initramfs()
    archive.copy(init, "init", 0o755)
    initramfs, console = folder / "probe.cpio", folder / "probe.log"
    archive.write(initramfs)
    try:
        done = subprocess.run(command("kvm", tree, initramfs, "guest=none", console, 256), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=BOOT_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and "init: none" in pathlib.Path(console).read_text(errors="replace")


class Stuck(Exception):
    """The guest said nothing for too long, or died."""


def lines(process, limit):
    """What the guest reports, until it ends; Stuck after limit seconds."""
    end, rest = time.monotonic() + limit, b""
    while True:
        left = end - time.monotonic()
        if left <= 0:
            raise Stuck(f"not done after {limit} s")
        if not select.select([process.stdout], [], [], left)[0]:
            continue
        got = os.read(process.stdout.fileno(), 65536)
        if not got:
            return
        rest += got
        *whole, rest = rest.split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")


def boot(how, tree, archive, says, limit, memory):
    """Yields the guest's report. archive: images.Initramfs, /init included; says: what its kernel is told beside. Raises
    Stuck with the end of its console."""
    with tempfile.TemporaryDirectory(prefix="idem-guest-") as temporary:
        folder = pathlib.Path(temporary)
        archive.write(folder / "initramfs.cpio")
        console = folder / "console.log"
        process = subprocess.Popen(command(how, tree, folder / "initramfs.cpio", says, console, memory),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            yield from lines(process, limit)
            if process.wait(10) != 0:
                raise Stuck(process.stderr.read().decode(errors="replace"))
        except Stuck as stuck:
            tail = console.read_text(errors="replace")[-3000:] if console.exists() else ""
            raise Stuck(f"{stuck}\nconsole:\n{tail}") from None
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()
