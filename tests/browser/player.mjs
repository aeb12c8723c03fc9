// SPDX-License-Identifier: Apache-2.0
/*
 * player.mjs - a recorded person at the keys of a browser.
 *
 * A recording holds zones, not keys: user,session,zone,press_ms,release_ms. For every stroke a key of
 * its zone is pressed, one that is not down already, since two keys of one finger overlap now and then.
 * Under Shift a letter is a capital. Holds and flights are played as recorded and in real time. Every
 * event carries the time it was due, so that a busy machine shifts when the page learns of it, not
 * what it measures. Cases:
 *   release before press (a recorder's slip)   released 5 ms after the press
 *   no release_ms (lost)                       never released; the key is not used again
 *   a pause of more than PAUSE_MAX_MS          shortened to it: beyond it idem sees a gap anyway
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MAX_MS = 5500;
const SLIP_HOLD_MS = 5;
/* How long a person takes to begin. */
const LEAD_MS = 300;
/* Among the modifiers of the debugging protocol. */
const SHIFT = 8;

/* Places on the keyboard by zone: code, key, and the code that Windows gives it. */
const letters = (text) => [...text].map((c) => [`Key${c.toUpperCase()}`, c, c.toUpperCase().charCodeAt(0)]);
const KEYS = {
  f0: letters('aqz'),
  f1: letters('swx'),
  f2: letters('dec'),
  f3: letters('frtgvb'),
  f4: letters('jhnmyu'),
  f5: [...letters('ki'), ['Comma', ',', 188]],
  f6: [...letters('lo'), ['Period', '.', 190]],
  f7: [...letters('p'), ['Semicolon', ';', 186], ['Slash', '/', 191]],
  space: [['Space', ' ', 32]],
  backspace: [['Backspace', null, 8]],
  shift: [['ShiftLeft', null, 16], ['ShiftRight', null, 16]],
  capslock: [['CapsLock', null, 20]],
  other: [['ArrowRight', null, 39], ['ArrowLeft', null, 37], ['End', null, 35]],
};

/** The strokes of one user, earliest press first. */
export function readRecording(path, user) {
  const [head, ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  const columns = head.split(',');
  const at = (name) => columns.indexOf(name);
  const fields = lines.map((line) => line.split(',')).filter((field) => field[at('user')] === user);
  if (fields.length === 0) throw new Error(`player: ${path} has no user ${user}`);
  const strokes = fields.map((field) => {
    const release = field[at('release_ms')];
    return {
      zone: field[at('zone')],
      press: Number(field[at('press_ms')]),
      release: release === '' ? null : Number(release),
    };
  });
  return shorten(strokes.sort((a, b) => a.press - b.press));
}

function shorten(strokes) {
  let cut = strokes[0]?.press ?? 0;
  let last = cut;
  return strokes.map(({ zone, press, release }) => {
    cut += Math.max(0, press - last - PAUSE_MAX_MS);
    last = press;
    const up = release === null ? null : Math.max(release, press + SLIP_HOLD_MS);
    return { zone, press: press - cut, release: up === null ? null : up - cut };
  });
}

function pick(zone, down) {
  const keys = KEYS[zone];
  if (keys === undefined) throw new Error(`player: unknown zone ${zone}`);
  return keys.find(([code]) => !down.has(code)) ?? keys[0];
}

/* Presses and releases in the order of their times. */
function timeline(strokes) {
  const down = new Map();
  const events = [];
  for (const stroke of strokes) {
    for (const [code, until] of down) if (until <= stroke.press) down.delete(code);
    const key = pick(stroke.zone, down);
    down.set(key[0], stroke.release ?? Infinity);
    events.push({ at: stroke.press, type: 'keyDown', key });
    if (stroke.release !== null) events.push({ at: stroke.release, type: 'keyUp', key });
  }
  return events.sort((a, b) => a.at - b.at);
}

export class Player {
  constructor(cdp, strokes) {
    this.cdp = cdp;
    this.strokes = strokes;
    this.next = 0;
  }

  /**
   * Types on from where it left off until the recording ends or stop() says so, which is asked before
   * every press; keys that are down then are let go as recorded. Returns how many keys were pressed.
   */
  async type(stop) {
    const part = this.strokes.slice(this.next);
    const zero = (part[0]?.press ?? 0) - LEAD_MS;
    const start = performance.now();
    const epoch = performance.timeOrigin + start;
    const down = new Set();
    const sent = [];
    let pressed = 0;
    let stopped = false;
    for (const event of timeline(part)) {
      if (stopped && (down.size === 0 || event.type === 'keyDown')) continue;
      if (event.type === 'keyUp' && !down.has(event.key[0])) continue;
      const due = event.at - zero;
      const wait = start + due - performance.now();
      if (wait > 0) await sleep(wait);
      if (event.type === 'keyUp') {
        down.delete(event.key[0]);
      } else if ((stopped = stop(pressed))) {
        continue;
      } else {
        down.add(event.key[0]);
        pressed += 1;
      }
      const shift = down.has('ShiftLeft') || down.has('ShiftRight');
      sent.push(this.send(event, shift, (epoch + due) / 1000));
    }
    await Promise.all(sent);
    this.next += pressed;
    return pressed;
  }

  send({ type, key: [code, text, virtual] }, shift, timestamp) {
    const typed = type === 'keyDown' && text !== null;
    const character = shift && code.startsWith('Key') ? text.toUpperCase() : text;
    return this.cdp.send('Input.dispatchKeyEvent', {
      type: type === 'keyDown' && text === null ? 'rawKeyDown' : type,
      timestamp,
      code,
      key: character ?? code,
      modifiers: shift ? SHIFT : 0,
      windowsVirtualKeyCode: virtual,
      ...(typed ? { text: character, unmodifiedText: character } : {}),
    });
  }
}
