#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A peer for the footprint: google/ukip's rule, written from its description, in Python as it is. It reads every event
device and gives an alarm when five keys of one device went down with all four gaps of 50 ms or less. No more than that:
no configuration, no hot-plugging, no log, which only makes it smaller than the real one."""
import glob
import select
import struct

EVENT = struct.Struct("llHHi")
KEYS, GAP_US = 5, 50000
EV_KEY = 1


def main():
    devices = {}
    poll = select.epoll()
    for path in sorted(glob.glob("/dev/input/event*")):
        device = open(path, "rb", buffering=0)
        devices[device.fileno()] = (device, [])
        poll.register(device, select.EPOLLIN)
    print("ready", flush=True)
    alarms = 0
    while True:
        for fd, _ in poll.poll():
            device, downs = devices[fd]
            data = device.read(64 * EVENT.size)
            for at in range(0, len(data), EVENT.size):
                sec, usec, kind, _, value = EVENT.unpack_from(data, at)
                if kind != EV_KEY or value != 1:
                    continue
                downs.append(sec * 1000000 + usec)
                del downs[:-KEYS]
                if len(downs) == KEYS and all(b - a <= GAP_US for a, b in zip(downs, downs[1:])):
                    alarms += 1


if __name__ == "__main__":
    main()
