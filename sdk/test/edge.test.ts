// SPDX-License-Identifier: Apache-2.0
/*
 * edge.test.ts - the WebAssembly module: what it may not do, and that it measures as libidem does.
 *
 * The native half (native.ts) is compiled from the library's own sources and gets the same events. Counts,
 * strokes, durations and what the guards say must be equal. A sum may differ by one step of the grid:
 * glibc's and musl's logarithms differ in the last bit, which can fall on either side of a rounding.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  CAPITAL,
  Edge,
  EdgeError,
  KEY_OTHER,
  evdevCode,
  type Answer,
  type KeyAction,
  type Modality,
  type PointerKind,
  type Verdict,
  type WindowBody,
} from '../src/index.js';
import { compileNative, frontOf, wasmPath } from './native.js';

const WASM_BYTES_MAX = 96 * 1024;
const TARGETS = { keyboard: 25, pointer: 10 };
const NOTHING = { ready: false, news: false };
const ACTIONS: readonly KeyAction[] = ['up', 'down', 'repeat'];
const KINDS: readonly PointerKind[] = [
  'move',
  'press',
  'release',
  'scroll',
  'pressOther',
  'releaseOther',
];

let dir: string;
let native: string;
let front: Uint8Array;

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'idem-edge-'));
  native = compileNative(dir);
  front = frontOf(native);
  writeFileSync(join(dir, 'front'), front);
});

after(() => rmSync(dir, { recursive: true, force: true }));

async function load(): Promise<Edge> {
  return Edge.load(readFileSync(wasmPath));
}

async function opened(): Promise<Edge> {
  const edge = await load();
  edge.open(front, TARGETS);
  return edge;
}

test('the module imports nothing and stays small', async () => {
  const bytes = readFileSync(wasmPath);
  assert.deepEqual(WebAssembly.Module.imports(new WebAssembly.Module(bytes)), []);
  assert.ok(bytes.length <= WASM_BYTES_MAX, `${bytes.length} bytes`);
});

test('damaged, cut, empty and huge fronts are refused with a reason', async () => {
  const edge = await load();
  const bad = front.slice();
  bad[100] = (bad[100] ?? 0) ^ 1;
  for (const bytes of [bad, front.slice(0, 50), new Uint8Array(0), new Uint8Array(2 << 20)]) {
    assert.throws(() => edge.open(bytes, TARGETS), EdgeError);
  }
  assert.equal(edge.cells('keyboard'), 0);
  assert.deepEqual(edge.key(30, 'down', 1), NOTHING);
  assert.equal(edge.take('keyboard'), null);
  assert.equal(edge.verdict('keyboard').kind, 'insufficient');
  edge.resetGuard('keyboard');
  edge.open(front, TARGETS);
  assert.ok(edge.cells('keyboard') > 0);
});

test('cells have names that a person understands', async () => {
  const edge = await opened();
  assert.equal(edge.level, 'mixed');
  assert.match(edge.frontId, /^[0-9a-f]{16}$/);
  assert.equal(edge.cellName('keyboard', 0), 'left little finger hold');
  assert.equal(edge.cellName('keyboard', 13), 'left hand to left hand');
  assert.equal(edge.cellName('pointer', 0), 'kind of movement 1');
  assert.equal(edge.cellName('keyboard', 9999), 'cell 9999');
});

/* ------------------------------------------------------------- the same events on both sides */

type Event =
  | { type: 'k'; key: number; action: number; t: number; flags?: number }
  | { type: 'p'; kind: number; x: number; y: number; t: number }
  | { type: 'g'; modality: 0 | 1 };

/** A fixed sequence in [0, 1). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Typing with rollover, repeats, lost releases, unknown keys, pauses and steps back in time. */
function typing(strokes: number, random: () => number): Event[] {
  const keys = [30, 31, 32, 33, 36, 37, 38, 39, 57, 57, 57, 14, 42, 58, 20, 23, 103, 0x2ff];
  const events: Event[] = [];
  let t = 1e6;
  for (let i = 0; i < strokes; i += 1) {
    const key = keys[Math.floor(random() * keys.length)] ?? 30;
    t += Math.round(60_000 + 200_000 * random() * random());
    if (random() < 0.01) t += 7_000_000;
    if (random() < 0.01) t -= 30_000;
    events.push({ type: 'k', key, action: 1, t });
    if (random() < 0.05) events.push({ type: 'k', key, action: 2, t: t + 30_000 });
    const hold = Math.round(40_000 + 120_000 * random());
    if (random() > 0.02) events.push({ type: 'k', key, action: 0, t: t + hold });
    if (random() < 0.01) events.push({ type: 'g', modality: 0 });
  }
  /* Keys overlap: events are in the order of their times but for the steps back. */
  return events.sort((a, b) => ('t' in a && 't' in b ? a.t - b.t : 0));
}

/** Curved moves with clicks, drags, scrolls, pauses, equal times and positions off the screen. */
function pointing(gestures: number, random: () => number): Event[] {
  const events: Event[] = [];
  let t = 1e6;
  let [x, y] = [500, 400];
  const push = (kind: number, px = x, py = y) => events.push({ type: 'p', kind, x: px, y: py, t });
  for (let i = 0; i < gestures; i += 1) {
    const [tx, ty, steps] = [1900 * random(), 1000 * random(), 8 + Math.floor(50 * random())];
    const [fx, fy, bend] = [x, y, 80 * (random() - 0.5)];
    for (let s = 1; s <= steps; s += 1) {
      const u = s / steps;
      const ease = u * u * (3 - 2 * u);
      x = Math.round(fx + (tx - fx) * ease + bend * Math.sin(Math.PI * u));
      y = Math.round(fy + (ty - fy) * ease - bend * Math.sin(Math.PI * u));
      t += random() < 0.03 ? 0 : 16_000 + Math.round(1000 * random());
      push(0);
      if (random() < 0.004) push(0, 65535, 65535);
    }
    const kind = random();
    if (kind < 0.5) {
      t += 90_000;
      push(1);
      t += 80_000;
      push(2);
    } else if (kind < 0.6) {
      push(3);
    } else if (kind < 0.7) {
      t += 60_000;
      push(4);
      t += 110_000;
      push(5);
    }
    t += Math.round(900_000 * random() * random());
    if (random() < 0.02) events.push({ type: 'g', modality: 1 });
  }
  return events;
}

function line(e: Event): string {
  if (e.type === 'k') return `k ${e.key} ${e.action} ${e.t} ${e.flags ?? 0}`;
  if (e.type === 'p') return `p ${e.kind} ${e.x} ${e.y} ${e.t}`;
  return `g ${e.modality}`;
}

function playNative(events: Event[]): WindowBody[] {
  const input = events.map(line).join('\n') + '\n';
  const output = execFileSync(native, ['windows', join(dir, 'front')], { input, encoding: 'utf8' });
  return output.split('\n').filter(Boolean).map((text) => JSON.parse(text) as WindowBody);
}

function modalityOf(e: Event): Modality {
  return e.type === 'k' || (e.type === 'g' && e.modality === 0) ? 'keyboard' : 'pointer';
}

function feed(edge: Edge, e: Event): Answer {
  if (e.type === 'k') return edge.key(e.key, ACTIONS[e.action] ?? 'up', e.t, e.flags);
  if (e.type === 'p') return edge.pointer(KINDS[e.kind] ?? 'move', e.x, e.y, e.t);
  edge.gap(modalityOf(e));
  return NOTHING;
}

function playWasm(edge: Edge, events: Event[]): WindowBody[] {
  const windows: WindowBody[] = [];
  const take = (modality: 'keyboard' | 'pointer') => {
    const window = edge.take(modality);
    assert.notEqual(window, null);
    if (window) windows.push(window);
  };
  for (const e of events) {
    const modality = modalityOf(e);
    if (feed(edge, e).ready) take(modality);
  }
  return windows;
}

function assertSame(wasm: WindowBody[], lib: WindowBody[]): void {
  assert.equal(wasm.length, lib.length);
  wasm.forEach((window, i) => {
    const other = lib[i];
    assert.ok(other);
    const { cells, ...rest } = window;
    const { cells: otherCells, ...otherRest } = other;
    assert.deepEqual(rest, otherRest);
    assert.equal(cells.length, otherCells.length);
    cells.forEach((row, c) => {
      const otherRow = otherCells[c] ?? [];
      assert.equal(row.length, otherRow.length);
      row.forEach((value, k) => {
        const exact = k === 0 || (k === 1 && window.modality === 'keyboard');
        const step = Math.abs(value - (otherRow[k] ?? Number.NaN));
        assert.ok(step <= (exact ? 0 : 1), `window ${i}, row ${row} against ${otherRow}`);
      });
    });
  });
}

test('typing gives the windows of the native library', async () => {
  const events = typing(2000, sequence(1));
  const wasm = playWasm(await opened(), events);
  assert.ok(wasm.length > 50, `${wasm.length} windows`);
  assertSame(wasm, playNative(events));
});

test('keys without a zone give the same windows by whichever number', async () => {
  const numbers = [evdevCode('Numpad7'), evdevCode('ArrowLeft'), evdevCode('F5'), evdevCode('Delete')];
  assert.equal(new Set([...numbers, KEY_OTHER]).size, 5);
  const play = async (code: (i: number) => number) => {
    const random = sequence(7);
    const events = Array.from({ length: 200 }, (_, i): Event[] => {
      const [key, t] = [i % 3 === 0 ? 30 : code(i), 1e6 + 250_000 * i];
      const hold = Math.round(50_000 + 100_000 * random());
      return [
        { type: 'k', key, action: 1, t },
        { type: 'k', key, action: 0, t: t + hold },
      ];
    });
    return playWasm(await opened(), events.flat());
  };
  const windows = await play((i) => numbers[i % 4] ?? 0);
  assert.ok(windows.length > 4);
  assert.deepEqual(windows, await play(() => KEY_OTHER));
});

test('pointing gives the windows of the native library', async () => {
  const events = pointing(600, sequence(2));
  const wasm = playWasm(await opened(), events);
  assert.ok(wasm.length > 20, `${wasm.length} windows`);
  assertSame(wasm, playNative(events));
});

test('times and places that are no numbers are a gap, not a crash', async () => {
  const edge = await opened();
  for (const t of [Number.NaN, Infinity, -Infinity, 1e300]) {
    assert.deepEqual(edge.key(30, 'down', t), NOTHING);
    assert.deepEqual(edge.pointer('move', 1, 1, t), NOTHING);
  }
  assert.deepEqual(edge.pointer('move', Number.NaN, 1, 1), NOTHING);
  const events = typing(100, sequence(3));
  assertSame(playWasm(edge, events), playNative(events));
});

/* ------------------------------------------------------------- the guards */

type Told = Verdict & { device: Modality };

function guardsNative(events: Event[]): Told[] {
  const input = events.map(line).join('\n') + '\n';
  const output = execFileSync(native, ['guards'], { input, encoding: 'utf8' });
  return output.split('\n').filter(Boolean).map((text) => JSON.parse(text) as Told);
}

function guardsWasm(edge: Edge, events: Event[]): Told[] {
  return events.flatMap((e) => {
    const device = modalityOf(e);
    return feed(edge, e).news ? [{ device, ...edge.verdict(device) }] : [];
  });
}

/* Measures go through two C libraries' functions and are told as floats: they agree nearly. */
function nearly(a: number, b: number | undefined): boolean {
  return b !== undefined && Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b));
}

function assertSameVerdicts(wasm: Told[], lib: Told[]): void {
  const exact = (told: Told[]) =>
    told.map(({ confidence, saw, ...rest }) => ({
      ...rest,
      saw: saw.map(({ reason, count }) => [reason, count]),
    }));
  assert.deepEqual(exact(wasm), exact(lib));
  wasm.forEach(({ confidence, saw }, i) => {
    assert.ok(nearly(confidence, lib[i]?.confidence));
    saw.forEach(({ value }, k) => assert.ok(nearly(value, lib[i]?.saw[k]?.value)));
  });
}

/** A program that types: 2 ms a key, one every 8 ms, capitals without Shift. */
function machine(keys: number): Event[] {
  return Array.from({ length: keys }, (_, i) => {
    const [key, t] = [30 + (i % 9), 1e6 + 8000 * i];
    const flags = i % 4 === 0 ? CAPITAL : 0;
    return [
      { type: 'k' as const, key, action: 1, t, flags },
      { type: 'k' as const, key, action: 0, t: t + 2000 },
    ];
  }).flat();
}

test('a program that types is an alarm, in the words of the native library', async () => {
  const edge = await opened();
  const told = guardsWasm(edge, machine(40));
  assertSameVerdicts(told, guardsNative(machine(40)));
  const last = told.at(-1);
  assert.equal(last?.kind, 'injected-keys');
  assert.ok(last.confidence > 0.9 && last.confidence <= 1);
  assert.ok(last.saw.length > 0 && last.saw.every(({ count }) => count <= 255));
  assert.match(last.text, /held too briefly for a hand \(\d+ keys, 2\.0 ms on average\)/);
  assert.notEqual(edge.verdict('pointer').kind, 'injected-keys');
  edge.resetGuard('pointer');
  assert.equal(edge.verdict('keyboard').kind, 'injected-keys');
  edge.resetGuard('keyboard');
  assert.deepEqual(edge.verdict('keyboard'), {
    kind: 'insufficient',
    confidence: 0,
    saw: [],
    text: '',
  });
});

test('whatever is typed and pointed, both builds say the same', async () => {
  const events = [...typing(2000, sequence(5)), ...pointing(300, sequence(6))];
  assertSameVerdicts(guardsWasm(await opened(), events), guardsNative(events));
});

test('opening anew forgets an alarm', async () => {
  const edge = await opened();
  guardsWasm(edge, machine(40));
  edge.open(front, TARGETS);
  assert.equal(edge.verdict('keyboard').kind, 'insufficient');
});
