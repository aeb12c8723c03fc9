# SPDX-License-Identifier: Apache-2.0
"""The real sensor between a broker and a courier that this program plays. There are no devices here: what comes of
events is tested where the engine and the decoder are (tests/unit) and on a real kernel (tests/guest)."""
import os
import signal
import socket
import subprocess
import unittest

from agent_peers import *  # noqa: F403 the names of the messages

SENSOR = os.environ["IDEM_SENSOR"]
INJECT = os.environ["IDEM_INJECT_SYSCALL"]
CONFINED = os.environ["IDEM_CONFINED"] == "1"  # no sanitizer
EVIOCGRAB, EVIOCREVOKE, EVIOCSFF, EVIOCSKEYCODE = 0x40044590, 0x40044591, 0x40304580, 0x40084504
EVIOCGID, EVIOCSCLOCKID, EVIOCGNAME, TIOCSTI = 0x80084502, 0x400445a0, 0x80ff4506, 0x5412
SO_LINGER = 13
ENOTTY, EBADF = 25, 9


def confined(test):
    """Not in a build with a sanitizer, which makes system calls of its own; the other build runs it."""
    return test if CONFINED else None


class Seat(unittest.TestCase):
    def setUp(self):
        self.sensor = Process(SENSOR, "sensor")
        self.addCleanup(self.sensor.stop)
        self.broker = self.sensor.connect()
        self.addCleanup(self.broker.close)

    def courier(self):
        ours, theirs = pair()
        self.broker.say(BS_LINE, theirs.fileno())
        theirs.close()
        line = Line(ours)
        self.addCleanup(line.close)
        return line

    def presence(self, presence, unlocked=1):
        self.broker.say(BS_PRESENCE, presence=presence, unlocked=unlocked)

    def front(self, courier, data=None, size=None, fd=None):
        data = shipped_front() if data is None else data
        fd = sealed(data) if fd is None else fd
        courier.say(CS_FRONT, fd, number=len(data) if size is None else size)
        os.close(fd)


class Lines(Seat):
    def test_the_state_is_told_on_each_change(self):
        courier = self.courier()
        state = courier.wait_for(SC_STATE)
        self.assertEqual((state.presence, state.collecting, state.broker, state.dropped), (NOBODY, 0, 1, 0))
        for presence in (PRESENT, LOCKED, AWAY, SUSPENDED, REMOTE):
            self.presence(presence)
            self.assertEqual(courier.wait_for(SC_STATE).presence, presence)
        self.presence(REMOTE)
        self.assertIsNone(courier.receive(0.2))

    def test_it_collects_with_leave_and_a_front_and_somebody_there(self):
        courier = self.courier()
        self.presence(PRESENT)
        courier.wait_for(SC_STATE, presence=PRESENT, collecting=0)
        courier.send(settings())
        self.assertIsNone(courier.receive(0.2))
        self.front(courier)
        courier.wait_for(SC_STATE, presence=PRESENT, collecting=1)
        self.presence(LOCKED)
        courier.wait_for(SC_STATE, presence=LOCKED, collecting=0)
        self.presence(PRESENT, 2)
        courier.wait_for(SC_STATE, presence=PRESENT, collecting=1)
        courier.send(settings(collect=0))
        courier.wait_for(SC_STATE, collecting=0)

    def test_leave_to_collect_ends_with_the_session(self):
        courier = self.courier()
        self.front(courier)
        courier.send(settings())
        self.presence(PRESENT)
        courier.wait_for(SC_STATE, collecting=1)
        for over in (NOBODY, REMOTE):
            self.presence(over, 2)
            self.presence(PRESENT, 3)
            state = courier.wait_for(SC_STATE, presence=PRESENT)
            self.assertEqual(state.collecting, 0, "another person's leave was gone by")
            courier.send(settings())
            courier.wait_for(SC_STATE, collecting=1)

    def test_a_front_that_is_none_changes_nothing(self):
        courier = self.courier()
        self.presence(PRESENT)
        courier.send(settings())
        data = shipped_front()
        unsealed, half = sealed(data, 0), sealed(data, 8 | 4)  # F_SEAL_WRITE and F_SEAL_GROW, but not SHRINK
        for count, (name, kwargs) in enumerate({
            "no memory file": {"fd": os.open("/dev/null", os.O_RDONLY)},
            "no seal": {"fd": unsealed},
            "not all seals": {"fd": half},
            "larger than it is": {"size": len(data) + 1},
            "smaller than it is": {"size": len(data) - 1},
            "no front": {"data": b"x" * 1000},
            "damaged": {"data": data[:100] + bytes([data[100] ^ 1]) + data[101:]},
        }.items(), 1):
            with self.subTest(name):
                self.front(courier, **kwargs)
                self.sensor.wait_says("a front that is none", count)
        self.front(courier)
        courier.wait_for(SC_STATE, collecting=1)
        self.front(courier, data=b"x" * 1000)  # what was there before stays
        self.front(courier)
        self.presence(AWAY)
        courier.wait_for(SC_STATE, presence=AWAY, collecting=0)

    def test_how_finely_keys_are_told_is_not_the_couriers(self):
        fine = shipped_front_at(1)
        self.assertNotEqual(fine, shipped_front())
        courier = self.courier()
        self.presence(PRESENT)
        courier.send(settings())
        self.front(courier, data=fine)
        self.sensor.wait_says("a front finer than this seat allows (--level): mixed")
        self.front(courier)
        courier.wait_for(SC_STATE, collecting=1)
        for level in ("finger", "mixed"):
            with self.subTest(level):
                sensor = Process(SENSOR, "sensor", "--level", level)
                self.addCleanup(sensor.stop)
                self.broker = sensor.connect()
                self.addCleanup(self.broker.close)
                courier = self.courier()
                courier.send(settings())
                self.front(courier, data=fine)
                self.presence(PRESENT)
                courier.wait_for(SC_STATE, collecting=1)

    def test_a_level_that_is_none_is_no_level(self):
        for words in (["--level"], ["--level", "key"], ["--level", "hand", "x"], ["--fine"]):
            got = subprocess.run([SENSOR, *words], capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual((got.returncode, "unknown argument" in got.stderr), (2, True), words)

    def test_windows_of_a_few_strokes_are_refused(self):
        for few in ({"window_keys": 99}, {"window_gestures": 9}, {"untouched_s": 59}):
            courier = self.courier()
            courier.send(settings(**few))
            courier.wait_end()
        self.sensor.wait_says("peer: says what it may not", 3)

    def test_the_log_is_not_the_couriers_to_fill(self):
        courier = self.courier()
        for _ in range(60):
            self.front(courier, data=b"x" * 100)
        self.presence(LOCKED)
        courier.wait_for(SC_STATE, presence=LOCKED)
        courier.send(settings(untouched_s=3600))
        self.front(courier)
        self.presence(PRESENT)
        courier.wait_for(SC_STATE, collecting=1)
        self.assertEqual(self.sensor.says().count("a front that is none"), 16)

    def test_a_device_that_is_none_is_refused(self):
        courier = self.courier()
        for number, path in enumerate(("/dev/null", "/dev/zero", "/etc/passwd"), 1):
            fd = os.open(path, os.O_RDONLY)
            self.broker.say(BS_DEVICE, fd, id=number, group=number)
            os.close(fd)
        self.presence(PRESENT)
        state = courier.wait_for(SC_STATE, presence=PRESENT)
        self.assertEqual((state.keyboards, state.pointers), (0, 0))
        self.assertEqual(self.sensor.says().count("a device that cannot be read"), 3)
        self.broker.say(BS_GONE, number=2)
        self.presence(LOCKED)
        courier.wait_for(SC_STATE, presence=LOCKED)

    def test_what_may_not_be_said_ends_the_line(self):
        for broken in (message(SB_VERB, verb=LOCK), message(CS_ACT, action=ACT_LOCK), message(BS_PRESENCE, presence=9),
                       message(BS_PRESENCE, presence=PRESENT, user=b"alice"), b"x", b"\0" * 60000,
                       message(BS_GONE, number=0), message(BS_LINE, number=0)):
            with self.subTest(broken[:8]):
                broker = self.sensor.connect()
                broker.send(broken)
                broker.wait_end()
                broker.close()
        broker = self.sensor.connect()
        ours, theirs = pair()
        broker.say(BS_LINE, theirs.fileno())
        theirs.close()
        courier = Line(ours)
        courier.wait_for(SC_STATE, broker=1)
        courier.send(message(BS_PRESENCE, presence=PRESENT))  # the broker's to say
        courier.wait_end()
        courier.close()
        self.sensor.wait_says("peer: says what it may not")

    def test_the_broker_dies_and_another_comes(self):
        courier = self.courier()
        self.front(courier)
        courier.send(settings())
        self.presence(PRESENT)
        courier.wait_for(SC_STATE, collecting=1, broker=1)
        self.broker.close()
        courier.wait_for(SC_STATE, presence=NOBODY, collecting=0, broker=0)
        self.broker = self.sensor.connect()
        self.presence(PRESENT, 5)
        courier.wait_for(SC_STATE, presence=PRESENT, broker=1)

    def test_a_second_broker_takes_the_place_of_the_first(self):
        courier = self.courier()
        self.presence(PRESENT)
        courier.wait_for(SC_STATE, presence=PRESENT)
        second = self.sensor.connect()
        self.broker.wait_end()
        courier.wait_for(SC_STATE, presence=NOBODY)
        second.say(BS_PRESENCE, presence=LOCKED, unlocked=1)
        courier.wait_for(SC_STATE, presence=LOCKED)
        second.close()

    def test_another_courier_takes_the_place_of_the_first(self):
        first = self.courier()
        self.front(first)
        first.send(settings())
        self.presence(PRESENT)
        first.wait_for(SC_STATE, collecting=1)
        second = self.courier()
        first.wait_end()
        second.wait_for(SC_STATE, presence=PRESENT, collecting=1)  # it went on as it was

    def test_only_the_broker_is_heard(self):
        script = "import socket,sys; s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1]); " \
                 "print(len(s.recv(10)))"
        if os.geteuid() != 0:
            self.fail("who is turned away can be seen by root only")
        got = subprocess.run(["/usr/bin/python3", "-c", script, self.sensor.path], user=65534, group=65534,
                             capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(got.stdout.strip(), "0", got.stderr)
        self.sensor.wait_says("turned away")
        courier = self.courier()  # the broker's line is as it was
        courier.wait_for(SC_STATE, broker=1)

    def test_without_a_socket_it_does_not_run(self):
        got = subprocess.run([SENSOR], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(got.returncode, 2)
        self.assertIn("no socket", got.stderr)


class Deeds(Seat):
    def setUp(self):
        super().setUp()
        self.line = self.courier()
        self.presence(PRESENT)
        self.line.wait_for(SC_STATE, presence=PRESENT)

    def verbs(self, seconds=0.3):
        got = []
        while (said := self.broker.receive(DEADLINE if not got else seconds)) is not None:
            self.assertEqual(said[0], SB_VERB)
            got.append((said[1].verb, said[1].number))
        return got

    def test_a_lock_that_policy_asks_for(self):
        self.line.say(CS_ACT, action=ACT_LOCK, notice=NOTICE_LOCKED)
        self.assertEqual(self.verbs(), [(LOCK, 0), (NOTIFY, NOTICE_LOCKED)])
        self.broker.say(BS_DONE, verb=LOCK, error=-12)
        self.assertEqual(self.line.wait_for(SC_DONE).error, -12)

    def test_step_up_locks_where_policy_says_so(self):
        self.line.say(CS_ACT, action=STEP_UP, notice=NOTICE_STEP_UP)
        self.assertEqual(self.verbs(), [(NOTIFY, NOTICE_STEP_UP)])
        self.line.send(settings(step_up_locks=1))
        self.line.say(CS_ACT, action=STEP_UP, notice=NOTICE_STEP_UP)
        self.assertEqual(self.verbs(), [(LOCK, 0), (NOTIFY, NOTICE_STEP_UP)])

    def test_the_courier_cannot_cut_off_what_did_not_alarm(self):
        for modality in (0, 1):
            self.line.say(CS_ACT, action=ACT_CUT_OFF, modality=modality)
            self.assertEqual(self.verbs(), [(LOCK, 0)])

    def test_a_courier_that_lost_its_mind_is_not_heard_for_ever(self):
        for _ in range(100):
            self.line.say(CS_ACT, action=ACT_NOTIFY, notice=NOTICE_STEP_UP)
        self.assertLess(len(self.verbs()), 20)
        self.sensor.wait_says("too much")

    def test_it_sleeps_when_nothing_happens(self):
        self.line.send(settings(untouched_s=3600))
        self.front(self.line)
        self.line.wait_for(SC_STATE, collecting=1)
        self.assertIsNone(self.line.receive(0.5))

        def switches():
            with open("/proc/%d/status" % self.sensor.pid) as status:
                return [line for line in status if "ctxt_switches" in line and not line.startswith("non")]
        before = switches()
        self.assertIsNone(self.line.receive(2))
        self.assertEqual(switches(), before)


@confined
class Confinement(Seat):
    def inject(self, *call):
        out = subprocess.run([INJECT, str(self.sensor.pid), *map(str, call)], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(out.returncode, 0, out.stderr)
        return out.stdout.strip()

    def assert_goes_on(self):
        courier = self.courier()
        courier.wait_for(SC_STATE, broker=1)

    def test_what_it_tries_it_dies_of(self):
        self.assert_goes_on()
        for call in (("socket", 1, 1, 0), ("socket", 2, 1, 0), ("socket", 16, 3, 0), ("openat", -100, "=/etc/passwd", 0),
                     ("openat", -100, "=/dev/input/event0", 0), ("open", "=/tmp/out", 0x41, 0o600),
                     ("connect", 0, 0, 16), ("bind", 0, 0, 16), ("listen", 3, 1), ("socketpair", 1, 1, 0, 0),
                     ("execve", "=/bin/sh", 0, 0), ("execveat", -100, "=/bin/sh", 0, 0, 0), ("fork",), ("vfork",),
                     ("clone", 17, 0, 0, 0, 0), ("clone3", 0, 88), ("ptrace", 16, 1, 0, 0), ("kill", 1, 9),
                     ("tgkill", 1, 1, 9), ("process_vm_readv", 1, 0, 0, 0, 0, 0), ("pidfd_open", 1, 0),
                     ("pidfd_getfd", 3, 0, 0), ("write", 1, "=out", 3), ("writev", 2, 0, 0), ("sendfile", 1, 3, 0, 1),
                     ("memfd_create", "=x", 0), ("mount", 0, 0, 0, 0, 0), ("unshare", 0x40000000), ("setns", 3, 0),
                     ("prctl", 4, 1, 0, 0, 0), ("setuid", 0), ("capset", 0, 0), ("seccomp", 0, 0, 0), ("bpf", 0, 0, 0),
                     ("io_uring_setup", 8, 0), ("userfaultfd", 0), ("perf_event_open", 0, 0, 0, 0, 0),
                     ("keyctl", 0, 0, 0, 0, 0), ("unlink", "=/tmp/x"), ("readlink", "=/proc/self/exe", 0, 0),
                     ("mmap", 0, 4096, 5, 0x22, -1, 0), ("mprotect", 0, 4096, 4), ("dup", 3), ("fcntl", 3, 4, 0),
                     ("shmget", 0, 4096, 0o1600), ("ioctl", 3, EVIOCGRAB, 1), ("ioctl", 3, EVIOCREVOKE, 0),
                     ("ioctl", 3, EVIOCSFF, 0), ("ioctl", 3, EVIOCSKEYCODE, 0), ("ioctl", 3, TIOCSTI, 0),
                     ("setsockopt", 3, 1, 7, 0, 4), ("setsockopt", 3, 6, SO_LINGER, 0, 8)):
            with self.subTest(call):
                sensor = Process(SENSOR, "sensor")
                self.addCleanup(sensor.stop)
                line = sensor.connect()
                sensor.wait_says("broker: here")
                self.sensor = sensor
                self.assertEqual(self.inject(*call), "died of %d" % signal.SIGSYS)
                self.assertEqual(sensor.wait(), -signal.SIGSYS)
                line.wait_end()
                line.close()
                sensor.stop()

    def test_what_it_needs_it_may(self):
        self.assert_goes_on()
        self.assertEqual(self.inject("getpid"), "returned %d" % self.sensor.pid)
        self.assertEqual(self.inject("ioctl", 3, EVIOCGID, 0), "returned -%d" % ENOTTY)
        self.assertEqual(self.inject("ioctl", 99, EVIOCSCLOCKID, 0), "returned -%d" % EBADF)
        self.assertEqual(self.inject("setsockopt", 99, 1, SO_LINGER, 0, 8), "returned -%d" % EBADF)
        # The kernel is not even asked for a device's name.
        self.assertEqual(self.inject("ioctl", 99, EVIOCGNAME, 0), "returned 0")
        self.assert_goes_on()

    def test_it_has_no_rights(self):
        self.assert_goes_on()
        with open("/proc/%d/status" % self.sensor.pid) as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        with open("/proc/%d/limits" % self.sensor.pid) as file:
            self.assertIn("Max core file size 0 0 bytes", " ".join(file.read().split()))

    def test_it_links_nothing_that_sends(self):
        out = subprocess.run(["ldd", SENSOR], capture_output=True, text=True, check=True).stdout
        libraries = {line.split()[0].split(".so")[0] for line in out.splitlines()}
        self.assertEqual({name for name in libraries if name.startswith("lib")},
                         {"libevdev", "libseccomp", "libm", "libc"})

    def test_open_descriptors_are_those_it_needs(self):
        courier = self.courier()
        self.front(courier)
        courier.send(settings())
        self.presence(PRESENT)
        courier.wait_for(SC_STATE, collecting=1)
        here = {os.readlink("/proc/%d/fd/%s" % (self.sensor.pid, fd)).split(":")[0]
                for fd in os.listdir("/proc/%d/fd" % self.sensor.pid) if int(fd) > 2}
        self.assertEqual(here, {"socket"})


if __name__ == "__main__":
    unittest.main()
