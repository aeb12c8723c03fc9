#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scenes of the system's guest, played inside it: a seat with systemd and logind, somebody logged in, idem's units
with their hardening, and a server of its own over TLS."""
import sys

from scene import output, property_of, report_and_power_off, run, tap, wait_for


def front_session():
    return output("loginctl", "show-seat", "seat0", "--property=ActiveSession", "--value")


def session(name, what):
    return output("loginctl", "show-session", name, "--property=" + what, "--value")


def the_apparatus():
    """A machine like any other, before idem is asked anything of."""
    found = wait_for(front_session)
    tap.check(found, "somebody's session is in front")
    tap.check(session(found, "Name") == "olga", "it is olga's")
    tap.check(session(found, "TTY") == "tty1", "on the first terminal")
    run("loginctl", "lock-session", found)
    tap.check(wait_for(lambda: session(found, "LockedHint") == "yes"), "asked to lock, her screen is locked")
    run("loginctl", "unlock-session", found)
    tap.check(wait_for(lambda: session(found, "LockedHint") == "no"), "and unlocked again")
    tap.say(output("systemd-analyze", "time"))
    failed = output("systemctl", "--failed", "--plain", "--no-legend", check=False)
    tap.check(not failed, "no unit has failed" + (": " + failed if failed else ""))
    tap.say("idem-broker: " + property_of("idem-broker.service", "ActiveState"))


if __name__ == "__main__":
    sys.exit(report_and_power_off([the_apparatus]))
