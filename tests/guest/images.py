# SPDX-License-Identifier: Apache-2.0
"""What the guests boot from, made once and kept in a folder: Debian's kernel (downloaded as a package and unpacked, never
installed), a root with systemd (mmdebstrap), and the small initramfs, which is made anew for each boot from programs of
this build.

    kernel/VERSION/     the package, unpacked; vmlinux: its kernel without compression, which QEMU boots directly
    system.squashfs     Debian with systemd, read-only; the guest puts a tmpfs over it

Needs the network the first time (apt's archive, ~75 MB for the kernel and ~90 MB for the root)."""
import fcntl
import glob
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile

# What the root needs besides Debian's minimum: systemd and its log-in, and the libraries of idem's programs.
ROOT_PACKAGES = """systemd systemd-sysv dbus libpam-systemd udev kmod python3-minimal libpython3-stdlib iproute2 procps
    ca-certificates openssl libgnutls30 libhttp-parser2.9 libjansson4 libcbor0.8 libsodium23 libyaml-0-2 libseccomp2
    libevdev2 libudev1 libsystemd0 libmicrohttpd12 libsqlite3-0 libcurl3-gnutls zlib1g libxcb1
    libxcb-xinput0 util-linux passwd adduser""".split()
# Pages and translations would be most of it.
ROOT_LEFT_OUT = ["man/*", "locale/*", "doc/*", "info/*", "lintian/*"]
# Two people, whose groups can do what any employee's can; no units that wait for the world outside.
ROOT_HOOKS = ["useradd --create-home --shell /bin/sh olga", "useradd --create-home --shell /bin/sh karl",
              "passwd --quiet --delete olga", "passwd --quiet --delete karl",
              "systemctl disable --quiet apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer"
              " dpkg-db-backup.timer systemd-timesyncd.service",
              "systemctl enable --quiet getty@tty1.service",
              "systemctl mask --quiet proc-sys-fs-binfmt_misc.automount systemd-binfmt.service e2scrub_reap.service"
              " systemd-pstore.service serial-getty@ttyS0.service serial-getty@ttyS1.service"]
# Modules, with what they stand on, in this order; the devices' guest loads all of its before anything else begins.
INPUT_MODULES = ["evdev", "uinput", "hid-generic", "usbhid", "dummy_hcd", "usb_f_hid"]
SYSTEM_MODULES = INPUT_MODULES + ["loop", "squashfs", "overlay", "veth", "autofs4"]


class CannotRun(Exception):
    """Something outside this tree is missing; the message says what."""


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise CannotRun(f"{' '.join(map(str, command))}: {done.stderr.strip()[-800:]}")
    return done.stdout


def tool(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/sbin:/usr/sbin")
    if not found:
        raise CannotRun(f"{name} is not installed (packaging/packages.txt)")
    return found


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


class Cache:
    """One at a time makes something; what is made appears whole or not at all."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self):
        self.lock = open(self.folder / "lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        self.lock.close()


def extract_vmlinux(packed):
    """The kernel inside a bzImage: Debian's is packed with xz."""
    data = packed.read_bytes()
    at = data.find(b"\xfd7zXZ\x00")
    unpacked = lzma.LZMADecompressor().decompress(data[at:]) if at >= 0 else b""
    if unpacked[:4] != b"\x7fELF":
        raise CannotRun(f"{packed}: no kernel packed with xz")
    return unpacked


def kernel(cache):
    """(folder of the unpacked package, version). Downloads when there is none."""
    with Cache(cache / "kernel") as c:
        for ready in sorted(c.folder.glob("*/vmlinux")):
            return ready.parent, ready.parent.name
        depends = run("apt-cache", "depends", "linux-image-amd64")
        match = re.search(r"Depends: (linux-image-(\S+-amd64))", depends)
        if not match:
            raise CannotRun("apt knows no linux-image-amd64: apt-get update")
        package, version = match.groups()
        say(f"downloading {package} (70 MB, once)")
        with tempfile.TemporaryDirectory(dir=c.folder) as temporary:
            run("apt-get", "-q", "download", package, cwd=temporary)
            making = pathlib.Path(temporary, "tree")
            run("dpkg-deb", "-x", glob.glob(temporary + "/*.deb")[0], str(making))
            run(tool("depmod"), "-b", str(making), version)
            (making / "vmlinux").write_bytes(extract_vmlinux(making / "boot" / f"vmlinuz-{version}"))
            making.rename(c.folder / version)
        return c.folder / version, version


def system_root(cache):
    """The squashfs of Debian with systemd. Made anew when what it is made of has changed."""
    recipe = ROOT_PACKAGES + ROOT_LEFT_OUT + ROOT_HOOKS
    name = "system-" + hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:12] + ".squashfs"
    with Cache(cache / "system") as c:
        image = c.folder / name
        if image.exists():
            return image
        say("making a Debian root with mmdebstrap (downloads 90 MB, once; a minute or two)")
        for old in c.folder.glob("system-*"):
            old.unlink()
        tar, making = c.folder / "system-root.tar", c.folder / "system-root.squashfs"
        run(tool("mmdebstrap"), "--variant=minbase", "--quiet", "--include=" + ",".join(ROOT_PACKAGES),
            *(f"--dpkgopt=path-exclude=/usr/share/{path}" for path in ROOT_LEFT_OUT),
            *(f"--customize-hook=chroot \"$1\" {hook}" for hook in ROOT_HOOKS), "bookworm", str(tar))
        # Quick to unpack where instructions are counted.
        with open(tar, "rb") as archive:
            run(tool("tar2sqfs"), "--quiet", "--compressor", "lz4", str(making), stdin=archive)
        tar.unlink()
        making.rename(image)
        return image


def modules(tree, version, wanted):
    """Files to load, each after what it needs; built-in ones are left out."""
    base = tree / "lib" / "modules" / version
    needs, order = {}, []
    for line in (base / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[pathlib.PurePath(path).stem.replace("_", "-")] = (path, rest.split())
    builtin = {pathlib.PurePath(line).stem.replace("_", "-")
               for line in (base / "modules.builtin").read_text().splitlines()}
    for name in wanted:
        name = name.replace("_", "-")
        if name in builtin:
            continue
        path, before = needs[name]
        # modules.dep lists the nearest need first.
        order += [p for p in (*reversed(before), path) if p not in order]
    return [base / p for p in order]


def libraries(program, path=""):
    """The shared libraries that the loader would take, and the loader."""
    env = {**os.environ, "LD_LIBRARY_PATH": path} if path else None
    done = subprocess.run(["ldd", program], capture_output=True, text=True, env=env, check=False)
    if "not found" in done.stdout:
        raise CannotRun(f"{program}: {done.stdout}")
    return sorted(set(re.findall(r"(/\S+) \(0x", done.stdout)))


class Initramfs:
    """A "newc" archive, as the kernel unpacks it."""

    def __init__(self):
        self.parts, self.seen, self.number = [], set(), 0

    def entry(self, name, mode, data=b"", major=0, minor=0):
        name = name.strip("/")
        if name in self.seen:
            return
        self.seen.add(name)
        parent = os.path.dirname(name)
        if parent and parent not in self.seen:
            self.entry(parent, stat.S_IFDIR | 0o755)
        self.number += 1
        fields = (self.number, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        self.parts.append(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))

    def folder(self, name, mode=0o755):
        self.entry(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        self.entry(name, stat.S_IFREG | mode, data if isinstance(data, bytes) else data.encode())

    def copy(self, source, name=None, mode=None):
        source = os.path.realpath(source)
        info = os.stat(source)
        self.file(name or source, pathlib.Path(source).read_bytes(), mode or stat.S_IMODE(info.st_mode))

    def program(self, source, name, library_path=""):
        self.copy(source, name, 0o755)
        for library in libraries(source, library_path):
            self.copy(library, library, 0o755)

    def link(self, name, target):
        self.entry(name, stat.S_IFLNK | 0o777, target.encode())

    def modules(self, files):
        for path in files:
            self.file(f"modules/{path.name}", path.read_bytes())
        self.file("modules/list", "".join(f"/modules/{path.name}\n" for path in files))

    def write(self, path):
        self.entry("TRAILER!!!", 0)
        pathlib.Path(path).write_bytes(b"".join(self.parts))
