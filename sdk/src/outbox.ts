// SPDX-License-Identifier: Apache-2.0
/*
 * outbox.ts - windows on their way to the server: numbered, bounded, resent until acknowledged.
 *
 *   push ──► queue (numbered, at most LIMIT) ──► one request in flight ──► acknowledged: forgotten
 *                     ▲                                   │
 *                     └──── same numbers, later ◄─────────┘ silence, 429, 5xx
 *
 * Cases:
 *   answer        what is on disk is forgotten; what the server does not claim to hold stays
 *   silence       the server may have stored the windows or not: the same bytes go out again, a repeat
 *                 is harmless; the wait doubles to WAIT_MAX, with jitter, so that a thousand
 *                 pages do not return in one beat
 *   413           half as many windows per request
 *   429, 503, 5xx wait as told or as above
 *   other refusal nothing can be mended by repeating: the outbox stops and says why
 *   queue full    the oldest window not in flight is given up; its number stays used, so that the
 *                 server sees and reports the gap
 */
import { problemName, type Outcome } from './http.js';
import type { Acknowledgement, Problem, SequencedWindow, WindowBody } from './types.js';

export const QUEUE_LIMIT = 256;
/** The server takes 64 windows and 64 KiB a request; a little less leaves room for the frame. */
const BATCH_WINDOWS = 64;
const BATCH_BYTES = 60_000;
const WAIT_FIRST_MS = 500;
const WAIT_MAX_MS = 15_000;

export interface OutboxOptions {
  nextSeq: number;
  /** Sends one body and reports the outcome; never throws. */
  send(body: string): Promise<Outcome<Acknowledgement>>;
  onAnswer(answer: Acknowledgement, sent: SequencedWindow[]): void;
  /** The body of every request, as it leaves. */
  onSend?(body: string, windows: SequencedWindow[]): void;
  onTrouble?(trouble: Trouble): void;
  /** Called with the next free number whenever it moves, so that a reload can go on from there. */
  onSeq?(nextSeq: number): void;
  random?(): number;
  /** Resolves after ms, or when the wake function handed to it is called. */
  wait?(ms: number, onWake: (wake: () => void) => void): Promise<void>;
}

export type Trouble =
  | { kind: 'waiting'; attempt: number; problem: Problem | null }
  | { kind: 'stopped'; problem: Problem };

function defaultWait(ms: number, onWake: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    onWake(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Between half of the doubled wait and all of it. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** Math.min(attempt - 1, 16));
  return Math.round(ceiling * (0.5 + 0.5 * random));
}

export function encodeBody(windows: readonly SequencedWindow[]): string {
  return JSON.stringify({ windows });
}

function isMissing(seq: number, missing: readonly [number, number][]): boolean {
  return missing.some(([first, last]) => first <= seq && seq <= last);
}

export class Outbox {
  private readonly queue: SequencedWindow[] = [];
  private nextSeq: number;
  private inFlight = 0;
  private batchLimit = BATCH_WINDOWS;
  private pumping = false;
  private stopped = false;
  private wake: (() => void) | null = null;
  private givenUp = 0;

  constructor(private readonly options: OutboxOptions) {
    this.nextSeq = options.nextSeq;
  }

  /** Windows not yet acknowledged. */
  get waiting(): number {
    return this.queue.length;
  }

  /** Windows that the full queue had to give up. */
  get lost(): number {
    return this.givenUp;
  }

  push(window: WindowBody): void {
    if (this.stopped) return;
    if (this.queue.length >= QUEUE_LIMIT) {
      this.queue.splice(this.inFlight, 1);
      this.givenUp += 1;
    }
    this.queue.push({ seq: this.nextSeq, ...window });
    this.nextSeq += 1;
    this.options.onSeq?.(this.nextSeq);
    void this.pump();
  }

  /** Ends a wait early: the network is back, the page is shown again. */
  kick(): void {
    this.wake?.();
  }

  /** Forgets everything and sends nothing more. */
  stop(): void {
    this.stopped = true;
    this.queue.length = 0;
    this.wake?.();
  }

  private batch(): SequencedWindow[] {
    const windows: SequencedWindow[] = [];
    let bytes = 0;
    for (const window of this.queue) {
      bytes += JSON.stringify(window).length + 1;
      if (windows.length > 0 && (bytes > BATCH_BYTES || windows.length >= this.batchLimit)) break;
      windows.push(window);
    }
    return windows;
  }

  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    let attempt = 0;
    while (this.queue.length > 0 && !this.stopped) {
      const windows = this.batch();
      const body = encodeBody(windows);
      this.inFlight = windows.length;
      this.options.onSend?.(body, windows);
      const outcome = await this.options.send(body);
      this.inFlight = 0;
      if (this.stopped) break;
      if (outcome.kind === 'answer' && this.settle(outcome.body, windows)) {
        attempt = 0;
      } else {
        attempt += 1;
        await this.recover(outcome, attempt);
      }
    }
    this.pumping = false;
  }

  /** Forgets what is on disk; false when the answer claims none of what was sent. */
  private settle(answer: Acknowledgement, sent: SequencedWindow[]): boolean {
    const held = (seq: number) => seq <= answer.acknowledged && !isMissing(seq, answer.missing);
    const done = new Set(sent.map((window) => window.seq).filter(held));
    this.queue.splice(0, this.queue.length, ...this.queue.filter((w) => !done.has(w.seq)));
    this.options.onAnswer(answer, sent);
    return done.size > 0;
  }

  private async recover(outcome: Outcome<Acknowledgement>, attempt: number): Promise<void> {
    const problem = outcome.kind === 'refusal' ? outcome.problem : null;
    if (problem?.status === 413 && this.batchLimit > 1) {
      this.batchLimit = Math.max(1, this.batchLimit >> 1);
      return;
    }
    if (problem && problem.status !== 429 && problem.status < 500) {
      this.stop();
      this.options.onTrouble?.({ kind: 'stopped', problem });
      return;
    }
    this.options.onTrouble?.({ kind: 'waiting', attempt, problem });
    const told = outcome.kind === 'refusal' ? outcome.retryAfterMs : null;
    const random = this.options.random ?? Math.random;
    const ms = Math.max(told ?? 0, backoffMs(attempt, random()));
    await (this.options.wait ?? defaultWait)(ms, (wake) => (this.wake = wake));
    this.wake = null;
  }
}

/** Whether a stop means that the session is over, rather than that this page is at fault. */
export function sessionIsOver(problem: Problem): boolean {
  return ['session-closed', 'no-such-session', 'token-unknown', 'front-mismatch'].includes(
    problemName(problem),
  );
}
