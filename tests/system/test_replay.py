# SPDX-License-Identifier: Apache-2.0
"""Windows that were sent before, whoever sends them and from wherever, and windows that nobody typed: the server's own
alarm. Person 101 is a simulated typist; a seed is a stretch of his typing."""
import copy
import signal
import unittest

from harness import ServerCase, windows


class Replay(ServerCase):
    def setUp(self):
        super().setUp()
        self.session = self.server.open()
        self.typed = windows(101, 1, 6)

    def restart(self, how=signal.SIGTERM):
        self.server.stop(how)
        self.server.start()

    def guard(self, session=None):
        return (session or self.session).read()["guard"]

    def assert_quiet(self, session=None):
        self.assertIsNone(self.guard(session))

    def assert_found(self, session=None, reason="window-before"):
        guard = self.guard(session)
        self.assertIsNotNone(guard)
        self.assertEqual((guard["kind"], guard["action"]), ("replay", "step-up"))
        self.assertEqual(guard["reasons"], [reason])
        self.assertGreater(guard["confidence"], 0.9)
        return guard

    def metric(self, name):
        lines = self.server.get("/metrics").body.decode().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name + " "))

    def alarms(self):
        return self.server.query("SELECT count(*) FROM alarms")[0][0]

    # ---------------------------------------------------------------- sent again

    def test_in_the_same_session_under_another_number(self):
        self.session.send(self.typed)
        self.assert_quiet()
        state = self.session.send(self.typed[2:3])["session"]["state"]
        self.assertIn(state, ("step-up", "enrolling"))
        self.assert_found()

    def test_under_its_own_number_it_is_harmless(self):
        self.session.send(self.typed)
        self.session.seq = 1
        self.session.send(self.typed)
        self.assert_quiet()
        self.assertEqual(self.alarms(), 0)

    def test_in_a_later_session(self):
        self.session.send(self.typed)
        self.session.close()
        later = self.server.open()
        later.send(windows(101, 2, 2))
        self.assert_quiet(later)
        later.send(self.typed[3:4])
        self.assert_found(later)

    def test_from_another_seat(self):
        self.session.send(self.typed)
        there = self.server.open(seat="seat-2")
        there.send(self.typed[:1])
        self.assert_found(there)
        self.assert_quiet()

    def test_under_another_name(self):
        self.session.send(self.typed)
        other = self.server.open(person="grace")
        other.send(windows(202, 1, 2))
        self.assert_quiet(other)
        other.send(self.typed[1:2])
        self.assert_found(other)

    def test_it_raises_no_trust_and_teaches_nothing(self):
        self.session.send(self.typed)
        self.session.close()
        later = self.server.open()
        before = later.send(windows(101, 2, 4))["session"]
        scored = self.metric("idem_windows_scored_total")
        after = later.send(self.typed)["session"]
        self.assertEqual(after["state"], "step-up")
        self.assertEqual(after["trust"], before["trust"])
        self.assertEqual(self.metric("idem_windows_scored_total"), scored)
        later.close()
        self.assertEqual(self.server.query("SELECT count(*) FROM profiles WHERE day_strokes > 0"), [(0,)])

    # ---------------------------------------------------------------- changed

    def moved(self, window, by):
        """The window with every sum of its fullest cells a little off, as re-noised times leave them."""
        changed = copy.deepcopy(window)
        for at, cell in enumerate(changed["cells"]):
            if cell[1] > 5 * 64:
                for k in range(2, len(cell)):
                    cell[k] += by if (at + k) % 2 else -by
        return changed

    def test_with_noise(self):
        self.session.send(self.typed)
        self.session.send([self.moved(self.typed[4], 6)])
        self.assert_found()

    def test_the_mean_of_old_windows(self):
        self.session.send(self.typed)
        cells = [{cell[0]: cell for cell in w["cells"]} for w in self.typed]
        mean = copy.deepcopy(self.typed[0])
        mean["cells"] = []
        for number in sorted(set().union(*cells)):
            held = [c[number] for c in cells if number in c]
            n = round(sum(cell[1] for cell in held) / len(cells) / 64) * 64
            if n > 0:
                mean["cells"].append([number, n] + [round(sum(s) / len(cells)) for s in list(zip(*held))[2:]])
        mean["strokes"] = 100
        self.session.send([mean])
        self.assert_found(reason="window-regular")

    # ---------------------------------------------------------------- honest

    def test_typing_goes_unaccused(self):
        for seed in range(1, 11):
            session = self.server.open()
            session.send(windows(101, seed, 20))
            self.assert_quiet(session)
            session.close()
        self.assertEqual(self.alarms(), 0)

    def test_the_same_passage_typed_again_goes_unaccused(self):
        counts = lambda some: [[cell[:2] for cell in w["cells"]] for w in some]
        first = windows(101, 1, 6, passage=7)
        for seed in range(1, 6):
            some = windows(101, seed, 6, passage=7)
            self.assertEqual(counts(some), counts(first))  # key for key
            session = self.server.open()
            session.send(some)
            self.assert_quiet(session)
            session.close()
        self.assertEqual(self.alarms(), 0)

    # ---------------------------------------------------------------- restarts and erasure

    def test_a_restart_accuses_nobody(self):
        beside = self.server.open(seat="seat-2")
        self.session.send(self.typed)
        beside.send(windows(101, 2, 6))
        beside.close()  # its windows are at rest now, those of the first session are not
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.restart(how)
            self.assert_quiet()
            self.assertEqual(self.alarms(), 0)
        self.session.send(windows(101, 3, 2))
        self.assert_quiet()

    def test_what_was_seen_before_a_restart_is_known_after_it(self):
        self.session.send(self.typed)
        self.session.close()
        open_then = self.server.open(seat="seat-2")
        open_then.send(windows(101, 2, 3))
        self.restart(signal.SIGKILL)
        for some, person in ((self.typed, "grace"), (self.typed, "ada"), (windows(101, 2, 3), "ada")):
            session = self.server.open(person=person, seat="seat-3")
            session.send(some[:1])
            self.assert_found(session)

    def test_windows_of_sessions_that_overlapped_are_all_kept(self):
        beside = self.server.open(seat="seat-2")
        self.session.send(self.typed)
        beside.send(windows(101, 2, 3))
        self.session.close()  # while the other holds the person in memory
        beside.close()
        self.restart(signal.SIGKILL)
        for some in (self.typed, windows(101, 2, 3)):
            session = self.server.open()
            session.send([self.moved(some[1], 6)])  # the organisation's table does not know it
            self.assert_found(session)

    def test_an_alarm_outlives_a_restart(self):
        self.session.send(self.typed)
        self.session.send(self.typed[:1])
        before = self.assert_found()
        self.restart(signal.SIGKILL)
        self.assertEqual(self.assert_found()["at"], before["at"])
        self.assertEqual(self.alarms(), 1)

    def test_windows_at_rest_are_imprints(self):
        self.session.send(self.typed)
        self.session.close()
        (length,), = self.server.query("SELECT length(bytes) FROM sketches")
        # sealed: a version, a nonce and a tag more; and rounded up, or the length would count windows
        self.assertEqual(length, 41 + 12 + 32 * 60)
        self.assertEqual(self.server.query("SELECT count(*) FROM windows"), [(0,)])


if __name__ == "__main__":
    unittest.main()
