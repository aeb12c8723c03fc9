// SPDX-License-Identifier: Apache-2.0
/*
 * pointers.mjs - a recorded hand at the mouse of a browser.
 *
 * A recording holds user,session,t_ms,x,y,button,state. It is played where it was made: the page is
 * as large as the recorded screen, so that no distance changes. Every event carries the time it was due.
 * Cases:
 *   positions outside the screen       a recorder's artefact, left out
 *   clicks that a browser adds         (Clicked, DoubleClicked, ContextMenu) left out: the press and
 *                                      the release are there
 *   buttons but the left one           moved along, not pressed: a menu would cover the page
 *   a pause of more than PAUSE_MAX_MS  shortened to it
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const SCREEN_MAX = 4096;
const PAUSE_MAX_MS = 2000;
const EVENTS_MIN = 800;
const LEAD_MS = 300;
const TYPES = { Pressed: 'mousePressed', Released: 'mouseReleased', Move: 'mouseMoved', Drag: 'mouseMoved' };

function parse(line) {
  const [user, session, t, x, y, button, state] = line.split(',');
  return { user, session, t: Number(t), x: Number(x), y: Number(y), button, type: TYPES[state?.trim()] };
}

function usable({ type, button, x, y }) {
  const on = x >= 0 && y >= 0 && x < SCREEN_MAX && y < SCREEN_MAX;
  return on && type !== undefined && (type === 'mouseMoved' || button === 'Left');
}

/** The first sessions of as many people: [{user, size, events}]. */
export function readPointers(text, count) {
  const sessions = new Map();
  for (const line of text.split('\n').slice(1)) {
    const event = parse(line);
    if (!usable(event)) continue;
    const name = `${event.user} ${event.session}`;
    if (!sessions.has(name)) sessions.set(name, []);
    sessions.get(name).push(event);
  }
  const people = new Map();
  for (const events of sessions.values()) {
    if (events.length >= EVENTS_MIN && !people.has(events[0].user)) people.set(events[0].user, events);
  }
  return [...people].slice(0, count).map(([user, events]) => {
    const reach = (axis) => events.reduce((most, event) => Math.max(most, event[axis]), 0) + 1;
    return { user, size: { width: Math.max(1280, reach('x')), height: Math.max(1000, reach('y')) }, events };
  });
}

export class PointerPlayer {
  constructor(cdp, events) {
    this.cdp = cdp;
    this.events = events;
  }

  /** Plays the first so many milliseconds. */
  async play(length) {
    const start = performance.now();
    const epoch = performance.timeOrigin + start;
    const sent = [];
    let last = this.events[0].t;
    let cut = last - LEAD_MS;
    let down = false;
    for (const event of this.events) {
      cut += Math.max(0, event.t - last - PAUSE_MAX_MS);
      last = event.t;
      const due = event.t - cut;
      if (due > length) break;
      const wait = start + due - performance.now();
      if (wait > 0) await sleep(wait);
      if (event.type !== 'mouseMoved') down = event.type === 'mousePressed';
      sent.push(this.send(event, down, (epoch + due) / 1000));
    }
    await Promise.all(sent);
  }

  send({ type, x, y }, down, timestamp) {
    const button = type === 'mouseMoved' && !down ? 'none' : 'left';
    const clickCount = type === 'mouseMoved' ? 0 : 1;
    const buttons = down ? 1 : 0;
    return this.cdp.send('Input.dispatchMouseEvent', { type, x, y, button, buttons, clickCount, timestamp });
  }
}
