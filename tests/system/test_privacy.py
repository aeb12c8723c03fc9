# SPDX-License-Identifier: Apache-2.0
"""What somebody with full read access learns about people from all that the server writes and answers: nothing of what they
typed, no names where a pseudonym belongs, and not how much they typed in an hour.

The first half searches everything there is for what went in. The second half is an attacker who has every file, each
deleted page and each frame of the write-ahead log, the metrics of the whole time, the audit log and the gate's, and tries
to count each session's windows once it is over. He must not do better than somebody who guesses. What he is allowed to have is
said with each test."""
import base64
import contextlib
import glob
import hashlib
import math
import os
import pathlib
import random
import re
import shutil
import sqlite3
import statistics
import struct
import subprocess
import tempfile
import threading
import unittest

from harness import CBOR, SERVER, Server, ServerCase, Session, cbor_batch, unseal, wait_for, windows

PEOPLE = {  # name -> number of the simulated typist
    "Rosalind Wexford-Okafor": 101, "Thaddeus Birkenstock": 102, "Ottoline Quarshie": 103, "Balthazar Nyqvist": 104,
    "Philippa Zandonella": 105, "Cornelius Abernathy": 106, "Wilhelmina Ustinova": 107, "Ignatius Thornquist": 108}
HOUR = 3600000
CLI = os.environ["IDEM_CLI"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = "xylophone quicksilver zarathustra marzipan kohlrabi oubliette bandersnatch jabberwocky pumpernickel "


class Shipped(Server):
    """With the population that ships, for keys that are real ones."""

    def command(self):
        return [SERVER, "--demo", "--population", str(ROOT / "data" / "default.pop"), "--data", self.data, "--port", "0",
                *self.options]


# ---------------------------------------------------------------- what there is to be read

def files(directory):
    """name -> bytes of every file of the data directory."""
    found = {}
    for path in glob.glob(os.path.join(directory, "**", "*"), recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as f:
                found[os.path.relpath(path, directory)] = f.read()
    return found


def tables(directory, name="idem.db"):
    """table -> (columns, rows) of a data base file."""
    found = {}
    with contextlib.closing(sqlite3.connect(os.path.join(directory, name))) as database:
        names = [n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in names:
            rows = database.execute(f"SELECT * FROM {table}")
            found[table] = ([column[0] for column in rows.description], rows.fetchall())
    return found


def opened(server):
    """All that is sealed, opened with the keys that lie beside it: profiles, windows, sketches, names."""
    keys, found = server.keys(), {}
    for organisation, person, device, modality, front, sealed, anchor in server.query(
            "SELECT organisation, person, device_class, modality, front, bytes, anchor FROM profiles"):
        row = bytes((device, modality)) + (front % 2 ** 64).to_bytes(8, "little")
        found["profile", person, modality] = unseal(keys[organisation, person], "p", organisation, person, row, sealed)
        if anchor:
            found["anchor", person, modality] = unseal(keys[organisation, person], "a", organisation, person, row, anchor)
    for i, (seq, payload) in enumerate(server.windows()):
        found["window", i, seq] = payload
    return found


def holds(haystack, text):
    """As UTF-8, UTF-16, with any case, in hexadecimal."""
    low = haystack.lower()
    for encoding in ("utf-8", "utf-16-le"):
        if text.lower().encode(encoding) in low:
            return True
        if any(t.encode(encoding).hex().encode() in low for t in (text, text.lower(), text.upper())):
            return True
    return False


def everything(server):
    """What is at rest and what is answered: where it was found -> bytes."""
    found = dict(files(server.data))
    found["stderr"] = server.stderr().encode()
    found.update({str(where): value or b"" for where, value in opened(server).items()})
    for path in ("/metrics", "/v1/sessions", "/v1/audit?limit=500", "/v1/audit?log=audit_seats", "/v1/audit/head",
                 "/v1/policy", "/v1/seats", "/v1/keys", "/v1/people", "/v1/accounts", "/v1/me", "/v1/gate/records", "/healthz",
                 "/v1/organisations", "/v1/front"):
        found[path] = server.get(path).body
    return found


# ---------------------------------------------------------------- nothing of what went in

class Nothing(ServerCase):
    """One of everything: sessions, windows in JSON and CBOR, alarms, a lock, an unlock, closing, a key, a gate, a seat's name
    that is nobody's, an organisation."""
    KEYS = ("KeyA", "ShiftLeft", "Backspace", "keycode", "scancode", "key_code", "\"code\"", "Digit1", "ArrowLeft")

    def scenario(self):
        self.sessions = {}
        for name, number in PEOPLE.items():
            session = self.server.open(name, seat=f"desk-{number}")
            session.send(windows(number, 1, 6))
            answer = session.post(cbor_batch(number, 2, 3, first=7), kind=CBOR)
            self.assertEqual(answer.status, 200, answer.body)
            self.sessions[name] = session
        some = list(self.sessions.values())
        alarm = {"seq": 1, "device": "keyboard", "kind": "injected-keys", "confidence": 0.999,
                 "saw": [{"reason": "holds-short", "count": 5, "value": 2.1}]}
        self.assertEqual(self.server.call("POST", "/v1/alarms", {"alarms": [alarm]}, token=some[0].token).status, 200)
        self.server.call("POST", f"/v1/sessions/{some[0].id}/unlock", token=self.server.operator)
        for bad in ("Rosalind Wexford-Okafor", "x" * 43):
            self.server.get("/v1/sessions/" + bad.replace(" ", "-"), token="y" * 43)
        for session in some[1:5]:
            self.assertEqual(session.close().status, 204)

    def test_no_name_at_rest_or_in_any_answer(self):
        self.scenario()
        for where, content in everything(self.server).items():
            for name in PEOPLE:
                for part in (name, name.split()[0], name.split()[1]):
                    self.assertFalse(holds(content, part), f"{part} stands in {where}")

    def test_no_key_and_no_name_of_one(self):
        self.scenario()
        for where, content in everything(self.server).items():
            for key in self.KEYS:
                self.assertFalse(holds(content, key), f"{key} stands in {where}")

    def test_nothing_of_a_text_that_was_typed(self):
        """A text with its keys and times goes through the edge's code, as on a seat, into a server with the population that
        ships: no word of it, and no keys of it in their order, is anywhere."""
        server = Shipped(options=["--test-clock"])
        self.addCleanup(server.close)
        recording = os.path.join(server.data, "..", os.path.basename(server.data) + ".csv")
        self.addCleanup(os.unlink, recording)
        with open(recording, "w") as f:
            f.write("user,session,key,press_ms,release_ms\n")
            rng, t = random.Random(1), 0.0
            for letter in TEXT * 12:
                f.write(f"Zebulon Farquharson,0,{'space' if letter == ' ' else letter},{t:.1f},{t + rng.gauss(95, 12):.1f}\n")
                t += max(60, rng.gauss(180, 40))
        done = subprocess.run([CLI, "replay", recording, "--server", f"http://{server.host}:{server.port}", "--speed", "5000"],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = everything(server)
        self.assertTrue(server.query("SELECT count(*) FROM profiles")[0][0], "nothing was typed")
        pieces = {TEXT[i:i + 6] for i in range(len(TEXT) - 6)} | set(TEXT.split()) | {"Zebulon", "Farquharson"}
        pieces = {p for p in pieces if len(p) > 4}
        for where, content in found.items():
            for piece in pieces:
                self.assertFalse(holds(content, piece), f"{piece!r} stands in {where}")

    def test_people_are_pseudonyms_that_are_not_their_names_hashed(self):
        """Whoever has the names and the data base, but not the secret, cannot try them out."""
        self.scenario()
        ids = {person for (person,) in self.server.query("SELECT person FROM people")}
        self.assertEqual(len(ids), len(PEOPLE))
        for name in PEOPLE:
            for text in (name, "demo" + name, "demo\0" + name, "demo/" + name, "demo:" + name):
                for length in (16, 32):
                    self.assertNotIn(hashlib.blake2b(text.encode(), digest_size=length).digest()[:16], ids)
                self.assertNotIn(hashlib.sha256(text.encode()).digest()[:16], ids)

    def test_the_search_finds_what_is_there(self):
        """The tests above would be green if they looked at nothing: a name and a key are planted, one in each kind of
        place."""
        self.scenario()
        self.server.stop()
        self.server.alter("UPDATE seats SET name = 'Ottoline' WHERE row = 1")
        with open(os.path.join(self.server.data, "audit.heads"), "a") as f:
            f.write("KeyA".encode("utf-8").hex() + "\n")
        self.server.start()
        found = everything(self.server)
        self.assertTrue(any(holds(content, "Ottoline") for where, content in found.items() if where.startswith("idem.db")))
        self.assertTrue(any(holds(content, "KeyA") for content in found.values()))
        self.assertTrue(any(k.startswith("('profile'") and len(v) > 100 for k, v in found.items()))
        self.assertTrue(any(k.startswith("('window'") and len(v) > 100 for k, v in found.items()))

    def test_windows_at_rest_are_as_they_were_sent_and_no_finer(self):
        """What is stored of a window is what its sender has counted: with the keys of all people and the window as it was
        sent nothing more is in it."""
        session = self.server.open("Rosalind Wexford-Okafor")
        sent = windows(101, 1, 3)
        session.send(sent)
        for (seq, payload), one in zip(self.server.windows(), sent):
            self.assertLess(len(payload), 4096)
            self.assertNotIn(b"text", payload)
            cells = sum(len(group) if isinstance(group, list) else 1 for group in one["cells"])
            self.assertGreater(cells, 0)

    def test_times_of_what_is_over_are_hours(self):
        self.scenario()
        for session in list(self.sessions.values())[5:] + list(self.sessions.values())[:1]:
            session.close()
        self.server.stop()
        allowed = {("audit", "at_ms"), ("accounts", "since_ms"), ("accounts", "locked_until_ms"), ("seats", "since_ms"),
                   ("api_keys", "since_ms"), ("logins", "since_ms"), ("logins", "expires_ms"), ("logins", "strong_ms"),
                   ("invitations", "expires_ms"), ("invitations", "used_ms"), ("accounts", "totp_step")}
        for name in ("idem.db", "gate.db", "keys.db"):
            for table, (columns, rows) in tables(self.server.data, name).items():
                for row in rows:
                    for column, value in zip(columns, row):
                        if isinstance(value, int) and value > 10 ** 11 and (table, column) not in allowed and \
                                column not in ("front",):
                            self.assertEqual(value % HOUR, 0, f"{name}: {table}.{column} tells {value}")


# ---------------------------------------------------------------- how much somebody typed

def ranks(values):
    order = sorted(range(len(values)), key=lambda i: values[i])
    out = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for i in order[at:end + 1]:
            out[i] = (at + end) / 2
        at = end + 1
    return out


def agreement(guess, truth):
    """Spearman's rank correlation; 0 when the guesses are all the same."""
    a, b = ranks(guess), ranks(truth)
    if len(set(a)) < 2 or len(set(b)) < 2:
        return 0.0
    return statistics.correlation(a, b)


def by_chance(n):
    """|rank correlation| that 99.99 % of random guesses stay below."""
    return min(1.0, 3.9 / math.sqrt(n - 1))


class Attack(unittest.TestCase):
    """Six rounds of eight people who work at the same time, each with a number of windows of its own that the attacker
    does not know. He knows who was there in which round, when it began and ended, and everything that was written."""
    ROUNDS = 6

    @classmethod
    def setUpClass(cls):
        cls.random = random.Random(20260131)
        cls.server = Server()
        cls.copies = tempfile.mkdtemp(prefix="idem-copies-")
        cls.truth, cls.rounds, cls.metrics = {}, [], []
        cls.backend = cls.key("crm", "sessions")
        cls.proxy = cls.key("proxy", "gate")
        for number in range(cls.ROUNDS):
            cls.work(number)
        cls.server.stop()
        cls.at_rest = files(cls.server.data)
        cls.units = sorted(cls.truth)
        cls.counts = [cls.truth[unit] for unit in cls.units]

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.copies)

    @classmethod
    def key(cls, name, scope):
        made = cls.server.call("POST", "/v1/keys", {"name": name, "scopes": [scope]}, token=cls.server.operator)
        assert made.status == 201, made.body
        return made.json["secret"]

    @classmethod
    def begin(cls, name, cookie):
        session = cls.server.open(name, seat="desk of " + str(PEOPLE[name]))
        nonce = cls.server.call("POST", "/v1/bindings/nonce", token=session.token).json["nonce"]
        body = {"nonce": nonce, "person": name, "cookie_hash": hashlib.sha256(cookie.encode()).hexdigest()}
        assert cls.server.call("POST", "/v1/bindings", body, token=cls.backend).status == 201
        return session

    @classmethod
    def ask_gate(cls, cookie):
        cls.server.call("GET", "/v1/gate", token=cls.proxy, headers={
            "Idem-Cookie": cookie, "Idem-Resource": "customer/1", "Idem-Class": "ordinary"})

    @classmethod
    def work(cls, number):
        sessions, todo = {}, []
        for name in PEOPLE:
            sessions[name] = cls.begin(name, f"{name} {number}")
            count = cls.random.randint(4, 30)
            cls.truth[name, number] = count
            todo += [name] * count
        cls.random.shuffle(todo)
        stock = {name: iter(windows(PEOPLE[name], 10 + number, cls.truth[name, number])) for name in PEOPLE}
        for at, name in enumerate(todo):
            sessions[name].send([next(stock[name])])
            if at % 10 == 0:
                cls.ask_gate(f"{cls.random.choice(list(PEOPLE))} {number}")
                cls.metrics.append((number, at, cls.server.get("/metrics").body.decode()))
        order = list(PEOPLE)
        cls.random.shuffle(order)
        ids = {}
        for name in order:
            ids[name] = (sessions[name].id, sessions[name].read()["person"])
            cls.end(sessions[name], cls.random.random())
        cls.rounds.append(ids)
        shutil.copytree(cls.server.data, os.path.join(cls.copies, str(number)))

    @classmethod
    def end(cls, session, luck):
        """Most sessions have an alarm before they end, which only is observed, and many an unlock."""
        if luck < 0.8:
            alarm = {"seq": 1, "device": "keyboard", "kind": "macro", "confidence": 0.9,
                     "saw": [{"reason": "holds-short", "count": 5, "value": 2.1}]}
            answer = cls.server.call("POST", "/v1/alarms", {"alarms": [alarm]}, token=session.token)
            assert answer.status == 200, answer.body
        if luck < 0.5:
            cls.server.call("POST", f"/v1/sessions/{session.id}/unlock", token=cls.server.operator)
        session.close()

    # ------------------------------------------------------------ helpers of the attacker

    def person(self, unit):
        name, number = unit
        text = self.rounds[number][name][1]
        return next(p for p in self.people() if self.public(p) == text)

    def people(self):
        return [row[0] for row in self.rows("SELECT person FROM people")]

    @staticmethod
    def public(person):
        return "p_" + base64.urlsafe_b64encode(person).decode().rstrip("=")

    def rows(self, sql, directory=None, name="idem.db"):
        with contextlib.closing(sqlite3.connect(os.path.join(directory or self.server.data, name))) as database:
            return database.execute(sql).fetchall()

    def session_rows(self):
        """unit -> the session's row number, by the order in which it was opened."""
        found = {}
        for row, sid in self.rows("SELECT row, id FROM sessions"):
            text = "s_" + base64.urlsafe_b64encode(sid).decode().rstrip("=")
            for number, ids in enumerate(self.rounds):
                for name, (known, _) in ids.items():
                    if known == text:
                        found[name, number] = row
        return found

    def chance(self, what, guess):
        """The guess is no better than chance."""
        r = agreement([guess.get(unit, 0) for unit in self.units], self.counts)
        self.assertLess(abs(r), by_chance(len(self.units)), f"{what}: rank correlation {r:.2f} with the truth")
        exact = sum(guess.get(unit) == count for unit, count in zip(self.units, self.counts))
        self.assertLessEqual(exact, 4, f"{what}: {exact} sessions counted exactly")

    # ------------------------------------------------------------ attacks

    def test_no_window_is_left_in_a_table(self):
        self.assertEqual(self.rows("SELECT count(*) FROM windows"), [(0,)])
        for number in range(self.ROUNDS):
            self.assertEqual(self.rows("SELECT count(*) FROM windows", os.path.join(self.copies, str(number))), [(0,)])

    def test_integers_that_remain_are_not_counts(self):
        """Every integer of every row that belongs to a session or a person, as a guess of how much there was, and the
        difference to the same person's row in the copy of the round before."""
        sessions = self.session_rows()
        for table, (columns, _) in tables(self.server.data).items():
            for i, column in enumerate(columns):
                for owner in ("session", "row", "person"):
                    if owner in columns and (owner != "row" or table == "sessions"):
                        self.by_column(table, columns, i, column, owner, sessions)

    def by_column(self, table, columns, i, column, owner, sessions):
        guess, before = {}, {}
        for number in range(self.ROUNDS):
            rows = tables(os.path.join(self.copies, str(number)))[table][1]
            for name in PEOPLE:
                key = self.person((name, number)) if owner == "person" else sessions.get((name, number))
                values = [row[i] for row in rows if row[columns.index(owner)] == key]
                numbers = [len(v) if isinstance(v, (bytes, str)) else v for v in values if v is not None]
                now = sum(n for n in numbers if isinstance(n, (int, float)))
                guess[name, number] = now - before.get(name, 0) if owner == "person" else now
                before[name] = now
        self.chance(f"{table}.{column} by {owner}", guess)

    def test_lines_of_logs_are_not_counts(self):
        """How many lines of each log name the session or the person, in the round."""
        for database, table in (("idem.db", "audit_seats"), ("idem.db", "audit"), ("gate.db", "gate")):
            bodies = [b or "" for (b,) in self.rows(f"SELECT body FROM {table}", name=database)]
            guess = {(name, n): sum(ids[name][0] in b for b in bodies)
                     for n, ids in enumerate(self.rounds) for name in PEOPLE}
            self.chance(f"lines of {table}", guess)

    def test_gaps_between_numbers_of_rows_are_not_counts(self):
        """Of the rows that remain while others work: with B's rows as a clock, A's number between two of them."""
        server = Server()
        self.addCleanup(server.close)
        clock, worker = server.open("clock"), server.open("worker")
        truth, steps = [], self.random.sample(range(1, 40), 20)
        own, others = iter(windows(101, 1, 21)), iter(windows(102, 1, sum(steps)))
        clock.send([next(own)])
        for count in steps:
            for _ in range(count):
                worker.send([next(others)])
            clock.send([next(own)])
            truth.append(count)
        worker.close()
        rows = [row for (row,) in server.query("SELECT row FROM windows ORDER BY row")]
        self.assertEqual(len(rows), 21)
        gaps = [b - a for a, b in zip(rows, rows[1:])]
        times = [t for (t,) in server.query("SELECT received_ms FROM windows ORDER BY row")]
        elapsed = [b - a for a, b in zip(times, times[1:])]
        # What is left is the time that passed, which stands beside it: a row's number is that of its millisecond.
        for gap, passed in zip(gaps, elapsed):
            self.assertLess(abs(gap - 1000 * passed), 1000)

    def test_deleted_pages_and_the_log_hold_no_rows(self):
        """Raw bytes: what a window's row holds besides its payload (session, number, time) as SQLite writes it, anywhere
        in the file or the write-ahead log, some time after the sessions have ended (the server was stopped since)."""
        for name, raw in self.at_rest.items():
            if not name.startswith("idem.db"):
                continue
            stamps = 0
            for hour in {int(t) // HOUR for (t,) in self.rows("SELECT closed_ms FROM sessions")}:
                # Six bytes of a time in milliseconds share their first two within eighteen hours; of an hour as it is
                # at rest all are known. What is left are times within the hour, to the millisecond.
                for at in re.finditer(re.escape(struct.pack(">Q", hour * HOUR)[2:4]), raw):
                    value = int.from_bytes(raw[at.start():at.start() + 6], "big")
                    stamps += hour * HOUR < value < (hour + 1) * HOUR
            known = self.exact_times()
            self.assertLessEqual(stamps, known + 8, f"{name} holds {stamps} moments, {known} of them known")
        self.assertFalse([n for n in self.at_rest if n.endswith(("-wal", "-journal")) and self.at_rest[n]])

    def exact_times(self):
        """Moments that may be in the file: of audit lines, keys, seats."""
        total = 0
        for columns, rows in tables(self.server.data).values():
            for row in rows:
                total += sum(isinstance(v, int) and v > 10 ** 12 and v % HOUR != 0 for v in row)
        return 2 * total  # some stand in an index, too

    def test_sealed_rows_are_nowhere_left(self):
        """The beginning of a sealed window is not in any file: it was deleted, not only unlinked."""
        server = Server()
        self.addCleanup(server.close)
        session = server.open("ada")
        session.send(windows(101, 1, 30))
        marks = [payload[:24] for (payload,) in server.query("SELECT payload FROM windows")]
        self.assertTrue(all(any(m in raw for raw in files(server.data).values()) for m in marks))
        session.close()
        server.stop()
        server.start()
        server.stop()
        for name, raw in files(server.data).items():
            self.assertFalse([m for m in marks if m in raw], f"windows are left in {name}")

    def test_the_size_of_the_file_tells_nothing(self):
        sizes = []
        for count in (2, 400):
            server = Server()
            self.addCleanup(server.close)
            session = server.open("ada")
            for first in range(0, count, 50):
                session.send(windows(101, 1 + first, min(50, count - first)), at_once=50)
            session.close()
            server.stop()
            server.start()
            wait_for("the hourly job", lambda: server.query("PRAGMA freelist_count") == [(0,)])
            server.stop()
            sizes.append(os.path.getsize(os.path.join(server.data, "idem.db")))
        # What stays is the person's: imprints, in steps of powers of two.
        self.assertLess(sizes[1] - sizes[0], 64 * 1024)

    def test_metrics_are_no_curve(self):
        """Read all the time: each counter's growth within a round is no guess of that round's work. What grows with work
        moves by the thousand, which is more than several people's day."""
        names = set(re.findall(r"^(idem_\w+(?:\{[^}]*\})?) ", self.metrics[0][2], re.M))
        work = [sum(self.truth[name, number] for name in PEOPLE) for number in range(self.ROUNDS)]
        for metric in names:
            curve = {}
            for number, at, text in self.metrics:
                curve.setdefault(number, []).append(int(re.search("^" + re.escape(metric) + r" (-?\d+)$", text, re.M)[1]))
            growth = [abs(curve[n][-1] - curve[n][0]) for n in range(self.ROUNDS)]
            if max(growth) >= min(work) // 4:
                steps = {value % 1000 for values in curve.values() for value in values}
                self.assertEqual(steps, {0}, f"{metric} grew by {growth}, the work was {work}")

    def test_answers_do_not_count(self):
        """Over the API, a web application's session: neither its object nor its person's tells how many windows there
        were."""
        server = Server()
        self.addCleanup(server.close)
        key = server.call("POST", "/v1/keys", {"name": "crm", "scopes": ["sessions"]}, token=server.operator).json["secret"]
        seen = []
        for count in (3, 30):
            made = server.call("POST", "/v1/sessions", {"person": f"p{count}", "seat": "b", "start": "strong"}, token=key)
            session = Session(server, made.json)
            session.send(windows(101, count, count))
            view = session.read()
            self.assertIsNone(view["windows"])
            self.assertEqual(view["missing"], [])
            for part in view["enrolment"].values():
                if isinstance(part, dict) and part["need"]:
                    self.assertEqual(4 * part["have"] % part["need"], 0)
            seen.append(set(view))
        self.assertEqual(seen[0], seen[1])

    def test_who_watches_the_stream_cannot_count(self):
        """An analyst who keeps every event of the stream, and asks for the session all the time."""
        server = Server()
        self.addCleanup(server.close)
        key = server.call("POST", "/v1/keys", {"name": "crm", "scopes": ["sessions"]}, token=server.operator).json["secret"]
        seen = []
        stream = server.connect()
        stream.request("GET", "/v1/stream", headers={"Authorization": "Bearer " + server.operator})
        answer = stream.getresponse()
        reader = threading.Thread(target=lambda: [seen.append(line) for line in iter(answer.readline, b"")], daemon=True)
        reader.start()

        def work(person, count):
            made = server.call("POST", "/v1/sessions", {"person": person, "seat": "b", "start": "strong"}, token=key)
            session, views = Session(server, made.json), set()
            for window in windows(103, 77, count):
                session.send([window])
                views.add(server.get("/v1/sessions/" + session.id).body)
            end = server.open("marker of " + person).id.encode()
            wait_for("the end of the stream", lambda: any(end in line for line in seen))
            return sum(session.id.encode() in line for line in list(seen)), len(views)

        for _ in range(2):
            work("watched", 12)  # enrols
        events, views = work("watched", 100)
        self.assertLess(events, 25)
        self.assertLess(views, 25)
        stream.sock.close() if stream.sock else None

    def test_how_well_somebody_does_who_has_the_keys_and_copies(self):
        """The limit of what can be promised: with keys.db and a copy of the data base from before and after, a profile
        tells how much was learned of the session, which is at most a quarter of the profile a day and not what was typed.
        It is less than a tenth of the truth, and does not grow with it."""
        learned = {}
        before = {}
        for number in range(self.ROUNDS):
            copy = Server(data=os.path.join(self.copies, str(number)), start=False)
            strokes = {person: n for (_, person), n in copy.strokes().items()}
            for name in PEOPLE:
                person = self.person((name, number))
                learned[name, number] = strokes.get(person, 0) - before.get(person, 0)
            before = strokes
        later = [u for u in self.units if u[1] > 0]
        r = agreement([learned[u] for u in later], [self.truth[u] for u in later])
        share = sum(learned[u] for u in later) / sum(100 * self.truth[u] for u in later)
        self.assertLess(abs(r), by_chance(len(later)), f"rank correlation {r:.2f}")
        self.assertLess(share, 0.1, f"{share:.2f} of all keys could be counted")


if __name__ == "__main__":
    unittest.main()
