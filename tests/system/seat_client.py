# SPDX-License-Identifier: Apache-2.0
"""A seat, written from docs/seats.md alone and not from the server's code: Ed25519 (RFC 8032) in plain Python, BLAKE2b
from hashlib, the canonical CBOR of a window. Slow, and good enough for tests: what it signs the server must accept."""
import base64
import hashlib
import os
import struct
import time

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return w * x % P, y * z % P, x * y % P, w * z % P


def multiply(n, point):
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add(total, point)
        point = add(point, point)
        n >>= 1
    return total


def recover_x(y, sign):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * I % P
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def compress(point):
    z = pow(point[2], P - 2, P)
    return ((point[1] * z % P) | (point[0] * z % P & 1) << 255).to_bytes(32, "little")


def sha512(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


class Key:
    def __init__(self, seed=None):
        digest = hashlib.sha512(seed or os.urandom(32)).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
        self.prefix = digest[32:]
        self.public = compress(multiply(self.scalar, BASE))

    def sign(self, message):
        r = sha512(self.prefix, message) % L
        point = compress(multiply(r, BASE))
        s = (r + sha512(point, self.public, message) * self.scalar) % L
        return point + s.to_bytes(32, "little")


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def blake(*parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32).digest()


def text(value):
    data = value.encode()
    return bytes([len(data)]) + data


def code_hash(code):
    return blake(b"idem code 1\0", code.replace("-", "").upper().encode())


# ---------------------------------------------------------------- canonical CBOR

def head(kind, n):
    if n < 24:
        return bytes([kind << 5 | n])
    for extra, size, form in ((24, 1, ">B"), (25, 2, ">H"), (26, 4, ">I"), (27, 8, ">Q")):
        if n < 1 << 8 * size:
            return bytes([kind << 5 | extra]) + struct.pack(form, n)
    raise ValueError(n)


def cbor(value):
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def canonical(window):
    order = ("seq", "modality", "front", "strokes", "duration_ms", "cells")
    return cbor({k: bytes.fromhex(window[k]) if k == "front" else window[k] for k in order})


# ---------------------------------------------------------------- the seat

class Seat:
    """One machine: a key, and the run that it is in."""

    def __init__(self, server, key=None, seat_id=None, instance=None):
        self.server = server
        self.key = key or Key()
        self.id = seat_id
        self.instance = instance or os.urandom(16)

    def host(self):
        return f"{self.server.host}:{self.server.port}"

    def registration(self, code, host=None):
        message = b"idem registration 1\0" + code_hash(code) + self.key.public + text(host or self.host())
        return {"code": code, "public_key": b64(self.key.public), "signature": b64(self.key.sign(message))}

    def register(self, code, **more):
        answer = self.server.call("POST", "/v1/seats/register", self.registration(code, **more))
        if answer.status == 201:
            self.id = answer.json["seat"]["id"]
        return answer

    def opening(self, person="ada", job="", start="none", nonce=None, ahead_ms=0, host=None):
        if nonce is None:
            nonce = self.server.call("POST", "/v1/challenge").json["nonce"]
        now = int(time.time() * 1000) + ahead_ms
        starts = {"none": 0, "strong": 1}
        message = (b"idem opening 1\0" + unb64(nonce) + text(host or self.host()) + struct.pack("<Q", self.id) +
                   text(person) + text(job) + struct.pack("<Q", now) + self.instance + bytes([starts[start]]))
        return {"seat_id": self.id, "person": person, "job": job, "start": start, "nonce": nonce, "time_ms": now,
                "instance": b64(self.instance), "signature": b64(self.key.sign(message))}

    def open(self, **more):
        """The answer; a session when it was opened."""
        answer = self.server.call("POST", "/v1/sessions", self.opening(**more))
        return SeatSession(self, answer.json) if answer.status == 201 else answer


class SeatSession:
    def __init__(self, seat, opened):
        self.seat = seat
        self.server = seat.server
        self.opened = opened
        self.token = opened["token"]
        self.id = opened["session"]["id"]
        self.nonce = unb64(opened["nonce"])
        self.link = blake(b"idem chain 1\0", self.nonce)
        self.seq = 0
        self.counter = 0

    def batch(self, windows, first=None, link=None, key=None):
        """A sealed batch of these windows, numbered from first on, and the link after it."""
        first = self.seq + 1 if first is None else first
        link = previous = self.link if link is None else link
        numbered = [dict(w, seq=first + i) for i, w in enumerate(windows)]
        for w in numbered:
            link = blake(b"idem window 1\0", self.nonce, struct.pack("<I", w["seq"]), link, canonical(w))
        signature = (key or self.seat.key).sign(b"idem windows 1\0" + link)
        return {"windows": numbered, "previous": b64(previous), "signature": b64(signature)}, link

    def post(self, body, token=None, **more):
        return self.server.call("POST", "/v1/windows", body, token=token or self.token, **more)

    def send(self, windows):
        body, link = self.batch(windows)
        answer = self.post(body)
        if answer.status == 200:
            self.link, self.seq = link, self.seq + len(windows)
        return answer

    def counted(self, name, counter=None, key=None):
        self.counter = self.counter + 1 if counter is None else counter
        message = name + self.nonce + struct.pack("<I", self.counter)
        return {"counter": self.counter, "signature": b64((key or self.seat.key).sign(message))}

    def renewal(self, **more):
        return self.counted(b"idem renewal 1\0", **more)

    def binding(self, **more):
        return self.counted(b"idem binding 1\0", **more)

    def strong(self, body=None, token=None):
        """The person has just authenticated strongly at the seat."""
        body = self.counted(b"idem strong authentication 1\0") if body is None else body
        return self.server.call("POST", f"/v1/sessions/{self.id}/strong", body, token=token or self.token)

    def pausing(self, seconds, counter=None, key=None):
        self.counter = self.counter + 1 if counter is None else counter
        message = b"idem pause 1\0" + self.nonce + struct.pack("<II", self.counter, seconds)
        return {"counter": self.counter, "seconds": seconds, "signature": b64((key or self.seat.key).sign(message))}

    def pause(self, seconds, body=None, token=None):
        """Nothing is collected for so long; 0: it goes on."""
        body = self.pausing(seconds) if body is None else body
        return self.server.call("POST", f"/v1/sessions/{self.id}/pause", body, token=token or self.token)

    def rules(self, token=None):
        return self.server.call("GET", f"/v1/sessions/{self.id}/rules", token=token or self.token)

    def acknowledgement(self, version, key=None):
        signature = (key or self.seat.key).sign(b"idem acknowledgement 1\0" + self.nonce + text(version))
        return {"version": version, "signature": b64(signature)}

    def ask_nonce(self, body=None):
        """The answer to a request for a nonce, signed unless body says otherwise."""
        return self.server.call("POST", "/v1/bindings/nonce", self.binding() if body is None else body, token=self.token)

    def renew(self, body=None, token=None):
        answer = self.server.call("POST", f"/v1/sessions/{self.id}/token", self.renewal() if body is None else body, token=token)
        if answer.status == 200:
            self.token = answer.json["token"]
        return answer

    def read(self):
        return self.server.get("/v1/sessions/" + self.id).json
