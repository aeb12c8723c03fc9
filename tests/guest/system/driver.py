#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scenes of the system's guest, played inside it: a seat with systemd and logind, somebody logged in, idem's units
with their hardening, and a server of its own over TLS."""
import fcntl
import os
import pathlib
import signal
import sys

import installation
from installation import as_person, is_whole, server, status, until
from scene import GivenUp, Hand, journal, output, pid_of, property_of, report_and_power_off, run, tap, wait_for

VT_ACTIVATE = 0x5606
UNITS = ["idem-broker.service", "idem-sensor.service", "idem-courier.service"]


def front_session():
    return output("loginctl", "show-seat", "seat0", "--property=ActiveSession", "--value")


def session(name, what):
    return name and output("loginctl", "show-session", name, "--property=" + what, "--value")


def is_locked():
    return session(front_session(), "LockedHint") == "yes"


def unlock():
    """As a screen locker does once it has seen the password."""
    run("loginctl", "unlock-session", front_session())
    return wait_for(lambda: not is_locked())


def keyboards():
    return status().get("devices", {}).get("keyboards", 0)


def types(person="113", strokes=115, how="quick"):
    """Enough for a window of a hundred, by who is quick at it."""
    before = keyboards()
    hand = Hand(how, person, strokes)
    wait_for(lambda: keyboards() > before, seconds=5)
    said = hand.play()
    hand.unplug()
    return said


def waiting():
    """Windows, and alarms, that wait for the server; -1: nobody says."""
    return status().get("spool", {}).get("waiting", -1)


# ---------------------------------------------------------------------------- the machine

def the_apparatus():
    """A machine like any other, before anything is asked of idem."""
    found = wait_for(front_session)
    tap.check(found, "somebody's session is in front")
    tap.check(session(found, "Name") == "olga" and session(found, "TTY") == "tty1", "it is olga's, on the first terminal")
    run("loginctl", "lock-session", found)
    tap.check(wait_for(is_locked), "asked to lock, her screen is locked")
    tap.check(unlock(), "and unlocked again")
    failed = output("systemctl", "--failed", "--plain", "--no-legend", check=False)
    tap.check(not failed, "no unit has failed" + (": " + failed if failed else ""))
    tap.check(property_of("idem-broker.service", "ActiveState") == "inactive", "nothing of idem runs before a server is named")


def the_start():
    """The seat's configuration as an administrator writes it, and its enrolment."""
    installation.make_certificate()
    server.start()
    pathlib.Path("/etc/idem/agent.yaml").write_text(f"server: {installation.URL}\nca: /etc/idem/ca.pem\n")
    run("systemctl", "restart", "idem-broker", "idem-courier")
    if not tap.check(wait_for(lambda: all(property_of(u, "ActiveState") == "active" for u in UNITS)), "the three units run"):
        for unit in UNITS:
            tap.say(f"{unit}: {property_of(unit, 'ActiveState')}\n" + journal(unit, 15))
        raise GivenUp
    for unit in UNITS:
        tap.say(f"{unit}: {output('systemd-analyze', 'security', unit, check=False).splitlines()[-1]}")
    installation.enrol()
    until("they know of one another", lambda: is_whole(status()))
    until("the server is reached", lambda: status().get("reached", {}).get("now"))


# ---------------------------------------------------------------------------- acknowledgement

def nothing_before_it_is_acknowledged():
    until("olga has not acknowledged anything", lambda: status().get("why") == "not-acknowledged")
    types()
    tap.check(server.count() == 0 and status()["spool"]["waiting"] == 0, "nothing is collected of what she types")
    done = as_person("karl", "idem-agent", "acknowledge", "--yes", check=False)
    tap.check(done.returncode != 0 and status().get("collecting") is False, "karl cannot acknowledge it for her")
    done = as_person("olga", "idem-agent", "acknowledge", "--yes")
    tap.check(done.returncode == 0, "she acknowledges it")
    until("and collecting begins", lambda: status().get("collecting"))
    types()
    until("her windows are with the server", lambda: server.count() > 0 and waiting() == 0)
    tap.say(f"{server.count()} windows of 115 strokes")


# ---------------------------------------------------------------------------- deaths

def killed(unit, noticed):
    """noticed: what one of the others writes down about it."""
    before, session, had = pid_of(unit), server.newest(), server.held()
    os.kill(before, signal.SIGKILL)
    until(f"{unit} was killed: systemd starts it again", lambda: pid_of(unit) not in (0, before))
    until("all three know of one another again, and collect",
          lambda: is_whole(status()) and status().get("collecting"))
    other, words = noticed
    tap.check(words in journal(other, 200), f"{other} has noticed: \"{words}\"")
    types()
    until("windows go on, in the same session", lambda: server.newest() == session and server.held() > had and waiting() == 0)
    tap.check(server.is_whole(), f"none is missing, none is there twice: {server.windows()}")


def the_status_says_so():
    """While the broker is gone for longer. Who is at the seat nobody knows then, so root asks."""
    run("systemctl", "stop", "idem-broker.service")
    until("without the broker, the status says so", lambda: status("root").get("processes", {}).get("broker") is False)
    done = as_person("root", "idem-agent", "status", check=False)
    tap.check(done.returncode == 1 and "WRONG" in done.stdout, "in words, too")
    run("systemctl", "start", "idem-broker.service")
    until("and takes it back", lambda: is_whole(status()) and status().get("collecting"))


def deaths():
    killed("idem-broker.service", ("idem-sensor.service", "broker: gone; no device is read"))
    killed("idem-sensor.service", ("idem-broker.service", "the sensor's line ended"))
    killed("idem-courier.service", ("idem-broker.service", "the courier's line ended"))
    the_status_says_so()


# ---------------------------------------------------------------------------- the network

def without(what, down, up):
    session, had = server.newest(), server.held()
    down()
    types()
    until(f"{what}: windows wait", lambda: waiting() > 0)
    kept = waiting()
    os.kill(pid_of("idem-courier.service"), signal.SIGKILL)
    until("and outlive the courier, killed", lambda: waiting() >= kept)
    up()
    until("once it is back, all are sent", lambda: server.held() > had and waiting() == 0, seconds=400)
    tap.check(server.newest() == session and server.is_whole(),
              f"in the same session, none is missing, none is there twice: {server.windows()}")


def the_network():
    def lo(state):
        run("ip", "link", "set", "lo", state)

    without("the network is down", lambda: lo("down"), lambda: lo("up"))
    without("the server is gone", server.kill, server.start)


# ---------------------------------------------------------------------------- the payload

def port_authorized(port):
    found = list(pathlib.Path(f"/sys/devices/platform/dummy_hcd.{port}").glob("usb*/*-1/authorized"))
    return found and found[0].read_text().strip()


def a_payload():
    before = keyboards()
    innocent, attacker = Hand("person", "111", 40), Hand("payload", "ducky")
    strong = server.said("session.authenticated")
    tap.check(innocent.ready and attacker.ready, "two keyboards that say that they are the same")
    wait_for(lambda: keyboards() >= before + 2)
    said = attacker.play()
    tap.check(said.startswith("cut"), f"one of them types a payload: {said}")
    until("its `authorized` is 0", lambda: port_authorized(1) == "0")
    tap.check(port_authorized(0) == "1", "the other one's is 1")
    until("the screen is locked", is_locked)
    until("the agent knows it", lambda: status().get("presence") == "locked")
    until("the server has the alarm", lambda: server.query("SELECT count(*) FROM alarms")[0][0] > 0)
    attacker.unplug()
    tap.check(unlock(), "olga unlocks it")
    until("which the server is told as strong authentication", lambda: server.said("session.authenticated") > strong)
    until("and nothing is asked of her any more", lambda: status().get("standing") not in (None, "locked", "step-up"))
    innocent.unplug()


# ---------------------------------------------------------------------------- people

def change_terminal(number):
    with open("/dev/tty0", "w") as terminal:
        fcntl.ioctl(terminal, VT_ACTIVATE, number)


def two_people():
    hers = server.newest()
    change_terminal(3)
    until("an empty terminal is in front: away", lambda: status().get("presence") == "away")
    had = server.count()
    types()
    tap.check(server.count() == had and status()["spool"]["waiting"] == 0, "nothing is collected there")
    change_terminal(1)
    until("back again", lambda: status().get("presence") == "present" and status().get("collecting"))
    tap.check(server.is_open(hers), "her session has gone on")

    drop_in = pathlib.Path("/etc/systemd/system/getty@tty2.service.d/autologin.conf")
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(pathlib.Path("/etc/systemd/system/getty@tty1.service.d/autologin.conf").read_text()
                       .replace("olga", "karl"))
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "getty@tty2.service")
    change_terminal(2)
    until("karl's session is in front", lambda: session(front_session(), "Name") == "karl")
    until("her session has ended", lambda: not server.is_open(hers))
    until("and he has acknowledged nothing", lambda: status("karl").get("why") == "not-acknowledged")
    tap.check("acknowledgement" not in status("olga"), "what is about him is not told to her")
    change_terminal(1)
    until("olga is back, in a session of her own", lambda: status().get("collecting"))
    types()
    until("with windows of its own", lambda: server.newest() > hers and server.held() > 0)
    tap.check(server.is_whole(), f"and they begin at one: {server.windows()}")


def the_end():
    for unit in UNITS:
        tap.say(f"{unit}:\n" + journal(unit, 60) if tap.failed else "")
    tap.check(not output("systemctl", "--failed", "--plain", "--no-legend", check=False), "no unit has failed in all this")


def scenes():
    if "play=footprint" in pathlib.Path("/proc/cmdline").read_text():
        import footprint
        return footprint.scenes
    return [the_apparatus, the_start, nothing_before_it_is_acknowledged, deaths, the_network, a_payload, two_people,
            the_end]


if __name__ == "__main__":
    sys.exit(report_and_power_off(scenes()))
