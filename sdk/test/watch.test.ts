// SPDX-License-Identifier: Apache-2.0
/*
 * watch.test.ts - which verdicts become alarms, and when a guard is armed again. The guard here
 * says what the test put into it; the clock is the test's own.
 */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import {
  REARM_FIRST_MS,
  REARM_MAX_MS,
  Watch,
  type AlarmBody,
  type GuardKind,
  type Modality,
  type SessionView,
  type Verdict,
} from '../src/index.js';

let now: number;
let pushed: AlarmBody[];
let resets: Modality[];
let told: string[];
let verdicts: Record<Modality, Verdict>;
let watch: Watch;

function verdict(kind: GuardKind, reasons = 1): Verdict {
  const saw = Array.from({ length: reasons }, (_, i) => ({ reason: `r${i}`, count: 5, value: 2 }));
  return { kind, confidence: 0.99, saw, text: 'for people' };
}

beforeEach(() => {
  now = 1000;
  pushed = [];
  resets = [];
  told = [];
  verdicts = { keyboard: verdict('insufficient', 0), pointer: verdict('insufficient', 0) };
  watch = new Watch({
    edge: {
      verdict: (modality) => verdicts[modality],
      resetGuard: (modality) => {
        resets.push(modality);
        verdicts[modality] = verdict('insufficient', 0);
      },
    },
    push: (alarm) => pushed.push(alarm),
    onVerdict: (modality, { kind }) => told.push(`${modality} ${kind}`),
    now: () => now,
  });
});

function say(modality: Modality, kind: GuardKind, reasons = 1): void {
  verdicts[modality] = verdict(kind, reasons);
  watch.note(modality);
}

function view(changed: string, cleared: boolean | null): SessionView {
  return { changed, guard: cleared === null ? null : { cleared } } as unknown as SessionView;
}

test('a hand and too little are told to the page and to nobody else', () => {
  say('keyboard', 'insufficient', 0);
  say('keyboard', 'human', 0);
  assert.deepEqual(pushed, []);
  assert.deepEqual(told, ['keyboard insufficient', 'keyboard human']);
});

test('an alarm is pushed with its numbers and without its words', () => {
  say('keyboard', 'injected-keys', 2);
  assert.deepEqual(pushed, [
    { device: 'keyboard', kind: 'injected-keys', confidence: 0.99, saw: verdicts.keyboard.saw },
  ]);
});

test('what leaves is rounded, and never below nought', () => {
  verdicts.pointer = {
    kind: 'scripted-pointer',
    confidence: 0.98765,
    saw: [
      { reason: 'clicks-short', count: 5, value: 2.13159 },
      { reason: 'constant-speed', count: 4, value: 0.12345 },
      { reason: 'unlike-hand', count: 4, value: -0.5 },
    ],
    text: '',
  };
  watch.note('pointer');
  assert.equal(pushed[0]?.confidence, 0.988);
  assert.deepEqual(
    pushed[0]?.saw.map(({ value }) => value),
    [2.1, 0.12, 0],
  );
});

test('it is pushed again only when the guard has seen more, or something else', () => {
  say('keyboard', 'injected-keys', 1);
  say('keyboard', 'injected-keys', 1);
  assert.equal(pushed.length, 1);
  say('keyboard', 'injected-keys', 3);
  say('pointer', 'scripted-pointer', 1);
  say('keyboard', 'replay', 1);
  assert.deepEqual(
    pushed.map(({ device, kind, saw }) => [device, kind, saw.length]),
    [
      ['keyboard', 'injected-keys', 1],
      ['keyboard', 'injected-keys', 3],
      ['pointer', 'scripted-pointer', 1],
      ['keyboard', 'replay', 1],
    ],
  );
});

test('a macro that comes and goes is told once', () => {
  for (let i = 0; i < 5; i += 1) {
    say('keyboard', 'macro');
    say('keyboard', 'human', 0);
  }
  assert.equal(pushed.length, 1);
});

test('a macro is told once in a session, an alarm after it at once', () => {
  let noted = 0;
  const push = (alarm: AlarmBody) => pushed.push(alarm);
  const edge = { verdict: (m: Modality) => verdicts[m], resetGuard: (m: Modality) => resets.push(m) };
  watch = new Watch({ edge, push, onMacro: () => (noted += 1), now: () => now });
  say('keyboard', 'macro');
  watch.settled(pushed, view('a', false));
  now += REARM_MAX_MS;
  watch.tick('keyboard');
  assert.deepEqual(resets, ['keyboard']);
  say('keyboard', 'macro', 2);
  assert.equal(pushed.length, 1);
  say('keyboard', 'injected-keys');
  assert.equal(pushed.length, 2);
  watch = new Watch({ edge, push, macroTold: true, now: () => now });
  say('keyboard', 'macro');
  assert.equal(pushed.length, 2, 'nor after a reload');
  assert.equal(noted, 1);
});

test('a strong sign-in arms the guard, but not before the server has the alarm', () => {
  say('keyboard', 'injected-keys');
  watch.see(view('2026-01-31T10:00:05Z', true));
  assert.deepEqual(resets, []);
  watch.settled(pushed, view('2026-01-31T10:00:10Z', false));
  watch.see(view('2026-01-31T10:00:09Z', true));
  watch.see(view('2026-01-31T10:00:10Z', false));
  watch.see(view('2026-01-31T10:00:11Z', null));
  assert.deepEqual(resets, [], 'an older view, one where it stands, one without');
  watch.see(view('2026-01-31T10:00:12Z', true));
  watch.see(view('2026-01-31T10:00:13Z', true));
  assert.deepEqual(resets, ['keyboard'], 'once, and only the one that had alarmed');
  assert.equal(told.at(-1), 'keyboard insufficient');
  say('keyboard', 'injected-keys');
  assert.equal(pushed.length, 2, 'new evidence is a new alarm');
});

test('without a sign-in it is armed after a while, and each time later', () => {
  let wait = REARM_FIRST_MS;
  for (let i = 0; i < 8; i += 1) {
    say('keyboard', 'remote-control');
    now += 10 * REARM_MAX_MS;
    watch.tick('keyboard');
    assert.equal(resets.length, i, 'not while the alarm is on its way');
    watch.settled(pushed.slice(-1), view('', false));
    now += wait - 1;
    watch.tick('keyboard');
    watch.tick('pointer');
    assert.equal(resets.length, i);
    now += 1;
    watch.tick('keyboard');
    assert.equal(resets.length, i + 1);
    wait = Math.min(REARM_MAX_MS, 2 * wait);
  }
  assert.equal(wait, REARM_MAX_MS);
});

test('of two alarms on their way the last one counts', () => {
  say('keyboard', 'injected-keys', 1);
  say('keyboard', 'injected-keys', 2);
  watch.settled(pushed.slice(0, 1), view('a', false));
  now += REARM_FIRST_MS;
  watch.tick('keyboard');
  assert.deepEqual(resets, []);
  watch.settled(pushed.slice(1), view('b', false));
  now += REARM_FIRST_MS;
  watch.tick('keyboard');
  assert.deepEqual(resets, ['keyboard']);
});
