// SPDX-License-Identifier: Apache-2.0
/*
 * collect.test.ts - which events of a page are measured, against a page made of plain objects.
 *
 * Node has no document; the collector asks little of it, and that little is built here: listeners
 * that can be called, fields that know their type and what lies around them.
 */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Collector, type Edge } from '../src/index.js';

class FakeElement {
  localName = 'input';
  type = 'text';
  attributes: Record<string, string> = {};
  inside: string[] = [];
  getAttribute(name: string) {
    return this.attributes[name] ?? null;
  }
  closest(selector: string) {
    return selector.split(', ').some((one) => this.inside.includes(one)) ? this : null;
  }
}
class FakeInput extends FakeElement {}
Object.assign(globalThis, { Element: FakeElement, HTMLInputElement: FakeInput });

type Handler = (event: unknown) => void;

class FakeTarget {
  handlers = new Map<string, Handler>();
  addEventListener(name: string, handler: Handler) {
    this.handlers.set(name, handler);
  }
  removeEventListener(name: string) {
    this.handlers.delete(name);
  }
  querySelectorAll(): FakeInput[] {
    return [];
  }
}

let calls: string[];
let view: FakeTarget & { document: FakeTarget };
let collector: Collector;
let windows: number;
let verdicts: string[];

beforeEach(() => {
  calls = [];
  windows = 0;
  verdicts = [];
  view = Object.assign(new FakeTarget(), { document: new FakeTarget() });
  const edge = {
    key: (key: number, action: string, t: number, flags: number) => {
      calls.push(`key ${key} ${action} ${t}${flags === 0 ? '' : ` flags ${flags}`}`);
      return { ready: false, news: key === 16 };
    },
    pointer: (kind: string, x: number, y: number, t: number) => {
      calls.push(`pointer ${kind} ${x} ${y} ${t}`);
      return { ready: kind === 'release', news: kind === 'scroll' };
    },
    gap: (modality: string) => calls.push(`gap ${modality}`),
    take: () => ({ modality: 'pointer', cells: [] }),
  };
  collector = new Collector({
    edge: edge as unknown as Edge,
    onWindow: () => (windows += 1),
    onVerdict: (modality) => verdicts.push(modality),
    view: view as unknown as Window,
  });
  collector.start();
});

function fire(name: string, event: object, target: unknown = new FakeInput()) {
  const whole = { isTrusted: true, target, composedPath: () => [target], ...event };
  view.handlers.get(name)?.(whole);
}

function key(name: 'keydown' | 'keyup', target: unknown, extra: object = {}) {
  const plain = { code: 'KeyA', key: 'a', repeat: false, timeStamp: 1234.5678 };
  fire(name, { ...plain, getModifierState: () => false, ...extra }, target);
}

function field(attributes: Record<string, string> = {}, type = 'text') {
  return Object.assign(new FakeInput(), { attributes, type });
}

test('a key goes to the module as a number with its own time in microseconds', () => {
  key('keydown', field());
  key('keydown', field(), { repeat: true });
  key('keyup', field());
  assert.deepEqual(calls, ['key 30 down 1234568', 'key 30 repeat 1234568', 'key 30 up 1234568']);
});

test('of the character one bit is told: a capital that neither Shift nor Caps Lock made', () => {
  const told = (extra: object, name: 'keydown' | 'keyup' = 'keydown') => {
    calls = [];
    key(name, field(), extra);
    return calls[0]?.split(' flags ')[1] ?? '0';
  };
  assert.equal(told({ key: 'A' }), '1');
  assert.equal(told({ key: 'Ä' }), '1');
  assert.equal(told({ key: 'A', shiftKey: true }), '0', 'also where its key is up: Sticky Keys');
  assert.equal(told({ key: 'A', getModifierState: (name: string) => name === 'CapsLock' }), '0');
  for (const plain of ['a', '1', '!', 'Shift', 'Enter', 'Dead', ' ', 'ß', '']) {
    assert.equal(told({ key: plain }), '0', plain);
  }
  assert.equal(told({ key: 'A', repeat: true }), '0');
  assert.equal(told({ key: 'A' }, 'keyup'), '0');
});

test('a system that capitalises by itself makes capitals that tell nothing', () => {
  const flagsOn = (platform: string, maxTouchPoints: number) => {
    calls = [];
    Object.assign(view, { navigator: { platform, maxTouchPoints } });
    const edge = {
      key: (...told: unknown[]) => (calls.push(String(told[3])), { ready: false }),
      gap: () => undefined,
    };
    const other = new Collector({
      edge: edge as unknown as Edge,
      onWindow: () => undefined,
      view: view as unknown as Window,
    });
    other.start();
    key('keydown', field(), { key: 'A' });
    other.stop();
    return calls[0];
  };
  assert.equal(flagsOn('MacIntel', 5), '0', 'iPadOS');
  assert.equal(flagsOn('iPhone', 5), '0');
  assert.equal(flagsOn('MacIntel', 0), '1', 'macOS');
  assert.equal(flagsOn('Linux x86_64', 10), '1');
});

test('a changed verdict of a guard is passed on', () => {
  key('keydown', field());
  assert.deepEqual(verdicts, []);
  key('keydown', field(), { code: 'KeyQ' });
  fire('wheel', { screenX: 13, screenY: 23, timeStamp: 4 });
  assert.deepEqual(verdicts, ['keyboard', 'pointer']);
});

test('a password field is not measured, and nothing reaches across it', () => {
  const secret = field({}, 'password');
  key('keydown', field());
  key('keydown', secret);
  key('keyup', secret);
  key('keydown', field(), { code: 'KeyB' });
  assert.deepEqual(calls, [
    'key 30 down 1234568',
    'gap keyboard',
    'gap keyboard',
    'key 48 down 1234568',
  ]);
});

test('a password that is shown as text stays a secret', () => {
  const secret = field({}, 'password');
  fire('focusin', {}, secret);
  secret.type = 'text';
  key('keydown', secret);
  assert.deepEqual(calls, ['gap keyboard']);
});

test('one-time codes, card numbers, and what the page marks are secrets', () => {
  for (const target of [
    field({ autocomplete: 'current-password' }),
    field({ autocomplete: 'section-a one-time-code' }),
    field({ autocomplete: 'cc-number' }),
    Object.assign(field(), { inside: ['[data-idem-skip]'] }),
    Object.assign(field(), { localName: 'pay-form' }),
  ]) {
    key('keydown', target);
  }
  assert.deepEqual(
    calls.filter((call) => call.startsWith('key')),
    [],
  );
});

test('a field that a device types into is left out like a secret', () => {
  key('keydown', Object.assign(field(), { inside: ['[data-idem-device]'] }));
  key('keydown', field());
  assert.deepEqual(calls, ['gap keyboard', 'gap keyboard', 'key 30 down 1234568']);
});

test('events made by scripts, soft keyboards and touch are left out', () => {
  key('keydown', field(), { isTrusted: false });
  key('keydown', field(), { code: '' });
  key('keydown', field(), { code: 'Unidentified' });
  fire('pointermove', { pointerType: 'touch', screenX: 1, screenY: 2, timeStamp: 1 });
  fire('wheel', { isTrusted: false, screenX: 1, screenY: 2, timeStamp: 1 });
  assert.deepEqual(calls, []);
});

test('the pointer is measured in the pixels of the screen, and a full window is taken', () => {
  fire('pointermove', { pointerType: 'mouse', screenX: 10, screenY: 20, timeStamp: 1 });
  fire('pointerdown', { pointerType: 'mouse', button: 0, screenX: 11, screenY: 21, timeStamp: 2 });
  fire('pointerup', { pointerType: 'mouse', button: 0, screenX: 12, screenY: 22, timeStamp: 3.5 });
  fire('wheel', { screenX: 13, screenY: 23, timeStamp: 4 });
  assert.deepEqual(calls, [
    'pointer move 10 20 1000',
    'pointer press 11 21 2000',
    'pointer release 12 22 3500',
    'pointer scroll 13 23 4000',
  ]);
  assert.equal(windows, 1);
});

test('another button than the first is told as such', () => {
  fire('pointerdown', { pointerType: 'mouse', button: 2, screenX: 1, screenY: 2, timeStamp: 2 });
  fire('pointerup', { pointerType: 'mouse', button: 2, screenX: 1, screenY: 2, timeStamp: 3 });
  assert.deepEqual(calls, ['pointer pressOther 1 2 2000', 'pointer releaseOther 1 2 3000']);
});

test('losing the focus, being hidden and stopping are gaps; a field losing it is none', () => {
  fire('blur', {}, field());
  assert.deepEqual(calls, []);
  fire('blur', {}, view);
  view.document.handlers.get('visibilitychange')?.({});
  collector.stop();
  assert.deepEqual(calls, Array(3).fill(['gap keyboard', 'gap pointer']).flat());
  assert.equal(view.handlers.size, 0);
  assert.equal(view.document.handlers.size, 0);
});
