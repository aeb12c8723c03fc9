// SPDX-License-Identifier: Apache-2.0
/*
 * edge.ts - the WASM module of src/wasm behind a typed face.
 *
 * The module imports nothing: it cannot reach the network or the document, and what happens to a key
 * happens inside. Events go in as numbers, finished windows come out; in between this file keeps
 * nothing. A module's memory may move when it grows, so views are made anew for every read.
 *
 * Beside the collectors the module holds two guards, one for keyboards and one for pointers, which are
 * fed by the same calls and judge whether a hand is there at all.
 */
import type { CellRow, GuardKind, Modality, Saw, Verdict, WindowBody } from './types.js';

interface EdgeExports {
  memory: WebAssembly.Memory;
  _initialize?(): void;
  edge_front_buffer(len: number): number;
  edge_open(keyboardTarget: number, pointerTarget: number): number;
  edge_close(): void;
  edge_front_id_half(high: number): number;
  edge_level(): number;
  edge_cells(modality: number): number;
  edge_channels(modality: number): number;
  edge_cell_name(modality: number, cell: number): number;
  edge_key(key: number, action: number, flags: number, tUs: number): number;
  edge_pointer(kind: number, x: number, y: number, flags: number, tUs: number): number;
  edge_gap(modality: number): void;
  edge_reset(modality: number): void;
  edge_pending(modality: number): number;
  edge_take(modality: number): number;
  edge_strokes(modality: number): number;
  edge_duration_ms(modality: number): number;
  edge_counts(modality: number): number;
  edge_sums(modality: number): number;
  edge_guard_kind(modality: number): number;
  edge_guard_confidence(modality: number): number;
  edge_guard_saw_count(modality: number): number;
  edge_guard_saw_reason(modality: number, i: number): number;
  edge_guard_saw_times(modality: number, i: number): number;
  edge_guard_saw_value(modality: number, i: number): number;
  edge_guard_kind_name(kind: number): number;
  edge_guard_reason_name(reason: number): number;
  edge_guard_text(modality: number): number;
  edge_guard_reset(modality: number): void;
}

/* The numbers of idem.h. */
const MODALITY: Record<Modality, number> = { keyboard: 0, pointer: 1 };
const LEVELS = ['hand', 'mixed', 'finger', 'fingerrow'] as const;
export const KEY_ACTION = { up: 0, down: 1, repeat: 2 } as const;
export const POINTER_KIND = {
  move: 0,
  press: 1,
  release: 2,
  scroll: 3,
  pressOther: 4,
  releaseOther: 5,
} as const;
export type KeyAction = keyof typeof KEY_ACTION;
export type PointerKind = keyof typeof POINTER_KIND;

/** The one thing that is told of a character: a capital without Shift and Caps Lock. */
export const CAPITAL = 1;

export interface Answer {
  /** A window is ready to be taken. */
  ready: boolean;
  /** The guard's verdict has changed. */
  news: boolean;
}

/* One for each pair of bits, so that an event allocates nothing. */
const ANSWERS: readonly Answer[] = [
  { ready: false, news: false },
  { ready: true, news: false },
  { ready: false, news: true },
  { ready: true, news: true },
];
const NOTHING: Answer = { ready: false, news: false };

/** What idem_error means here; others are bugs and shown as their number. */
const REFUSALS: Record<number, string> = {
  [-1]: 'out of memory',
  [-3]: 'the front is not in the expected format',
  [-4]: 'the front is of a version that this page does not read: reload the page',
  [-5]: 'the front ends too early',
  [-6]: 'the front is damaged',
};

export class EdgeError extends Error {}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}

export class Edge {
  private constructor(private readonly wasm: EdgeExports) {}

  static async load(module: BufferSource): Promise<Edge> {
    const { instance } = await WebAssembly.instantiate(module, {});
    const wasm = instance.exports as unknown as EdgeExports;
    wasm._initialize?.();
    return new Edge(wasm);
  }

  /** Takes a front (the bytes of GET /v1/front) and starts both collectors anew. */
  open(front: Uint8Array, targets: Record<Modality, number>): void {
    const at = this.wasm.edge_front_buffer(front.length);
    if (at === 0) throw new EdgeError('the front is empty or too large');
    new Uint8Array(this.wasm.memory.buffer, at, front.length).set(front);
    const r = this.wasm.edge_open(targets.keyboard, targets.pointer);
    if (r !== 0) throw new EdgeError(REFUSALS[r] ?? `the module answered ${r}`);
  }

  /** Wipes everything that is held. */
  close(): void {
    this.wasm.edge_close();
  }

  get frontId(): string {
    return hex32(this.wasm.edge_front_id_half(1)) + hex32(this.wasm.edge_front_id_half(0));
  }

  get level(): string {
    return LEVELS[this.wasm.edge_level()] ?? 'unknown';
  }

  /** Nought when the front does not know the modality. */
  cells(modality: Modality): number {
    return this.wasm.edge_cells(MODALITY[modality]);
  }

  channels(modality: Modality): number {
    return this.wasm.edge_channels(MODALITY[modality]);
  }

  /** What is filed under a cell, in words: "left ring finger". */
  cellName(modality: Modality, cell: number): string {
    const at = this.wasm.edge_cell_name(MODALITY[modality], cell);
    if (at === 0) return `cell ${cell}`;
    return this.text(at);
  }

  /** flags: CAPITAL or nought. */
  key(key: number, action: KeyAction, tUs: number, flags = 0): Answer {
    return ANSWERS[this.wasm.edge_key(key, KEY_ACTION[action], flags, tUs)] ?? NOTHING;
  }

  pointer(kind: PointerKind, x: number, y: number, tUs: number): Answer {
    return ANSWERS[this.wasm.edge_pointer(POINTER_KIND[kind], x, y, 0, tUs)] ?? NOTHING;
  }

  /** What the guard of this modality says now. */
  verdict(modality: Modality): Verdict {
    const m = MODALITY[modality];
    const kind = this.text(this.wasm.edge_guard_kind_name(this.wasm.edge_guard_kind(m)));
    const saw: Saw[] = [];
    for (let i = 0; i < this.wasm.edge_guard_saw_count(m); i += 1) {
      saw.push({
        reason: this.text(this.wasm.edge_guard_reason_name(this.wasm.edge_guard_saw_reason(m, i))),
        count: this.wasm.edge_guard_saw_times(m, i),
        value: this.wasm.edge_guard_saw_value(m, i),
      });
    }
    return {
      kind: kind as GuardKind,
      confidence: this.wasm.edge_guard_confidence(m),
      saw,
      text: this.text(this.wasm.edge_guard_text(m)),
    };
  }

  /** The alarm has been dealt with: the guard begins anew. */
  resetGuard(modality: Modality): void {
    this.wasm.edge_guard_reset(MODALITY[modality]);
  }

  /** Events were lost or left out on purpose: no hold and no transition reaches across. */
  gap(modality: Modality): void {
    this.wasm.edge_gap(MODALITY[modality]);
  }

  /** Forgets what is gathered towards the next window. */
  reset(modality: Modality): void {
    this.wasm.edge_reset(MODALITY[modality]);
  }

  /** Strokes gathered towards the next window. */
  pending(modality: Modality): number {
    return this.wasm.edge_pending(MODALITY[modality]);
  }

  /** The finished window, or null when none is ready. */
  take(modality: Modality): WindowBody | null {
    const m = MODALITY[modality];
    if (this.wasm.edge_take(m) !== 0) return null;
    return {
      modality,
      front: this.frontId,
      strokes: this.wasm.edge_strokes(m),
      duration_ms: this.wasm.edge_duration_ms(m),
      cells: this.readCells(m),
    };
  }

  /** A string of the module's. */
  private text(at: number): string {
    const bytes = new Uint8Array(this.wasm.memory.buffer, at);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  private readCells(m: number): CellRow[] {
    const cells = this.wasm.edge_cells(m);
    const perCell = this.wasm.edge_channels(m) * 2;
    const memory = this.wasm.memory.buffer;
    const counts = new Int32Array(memory, this.wasm.edge_counts(m), cells);
    const sums = new Int32Array(memory, this.wasm.edge_sums(m), cells * perCell);
    const rows: CellRow[] = [];
    counts.forEach((n, cell) => {
      if (n > 0) rows.push([cell, n, ...sums.subarray(cell * perCell, (cell + 1) * perCell)]);
    });
    return rows;
  }
}
