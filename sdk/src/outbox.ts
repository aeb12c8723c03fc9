// SPDX-License-Identifier: Apache-2.0
/*
 * outbox.ts - windows and alarms on their way to the server: numbered, bounded, resent until
 * acknowledged. Each kind has a queue and numbers of its own.
 *
 *   push ──► queue (numbered, bounded) ──► one request in flight ──► acknowledged: forgotten
 *                     ▲                                   │
 *                     └──── same numbers, later ◄─────────┘ silence, 429, 5xx
 *
 * Cases:
 *   answer        what is on disk is forgotten; what the server does not claim to hold stays
 *   silence       the server may have stored what was sent or not: the same bytes go out again, a
 *                 repeat is harmless; the wait doubles to WAIT_MAX, with jitter, so that a
 *                 thousand pages do not return in one beat
 *   413           half as many per request
 *   number taken  another page of this session (a duplicated tab) has used an alarm's number: they go
 *                 one by one from now on, and one that is refused goes again under the next number
 *   429, 503, 5xx wait as told or as above
 *   other refusal nothing can be mended by repeating: the outbox stops and says why
 *   queue full    the oldest not in flight is given up; its number stays used, so that the server
 *                 sees and reports the gap. Alarms are fewer than their queue is long (watch.ts)
 */
import { problemName, type Outcome } from './http.js';
import type {
  Acknowledgement,
  AlarmAcknowledgement,
  AlarmBody,
  Problem,
  SequencedAlarm,
  SequencedWindow,
  WindowBody,
} from './types.js';

export const QUEUE_LIMIT = 256;
export const ALARM_QUEUE_LIMIT = 64;
/** The server takes 64 windows, or 16 alarms, and 64 KiB a request; a little less leaves room. */
const BATCH_WINDOWS = 64;
export const BATCH_ALARMS = 16;
const BATCH_BYTES = 60_000;
const WAIT_FIRST_MS = 500;
const WAIT_MAX_MS = 15_000;

type Sequenced<Body> = Body & { seq: number };

export interface SenderOptions<Body, Answer> {
  nextSeq: number;
  /** Numbered before a reload and not acknowledged then. */
  waiting?: readonly Sequenced<Body>[];
  /** Sends one body and reports the outcome; never throws. */
  send(body: string): Promise<Outcome<Answer>>;
  onAnswer(answer: Answer, sent: Sequenced<Body>[]): void;
  /** The body of every request, as it leaves. */
  onSend?(body: string, items: Sequenced<Body>[]): void;
  onTrouble?(trouble: Trouble): void;
  /** Called with the next free number whenever it moves, so that a reload can go on from there. */
  onSeq?(nextSeq: number): void;
  /** Called whenever something joins or leaves the queue, so that a reload can keep it. */
  onQueue?(waiting: readonly Sequenced<Body>[]): void;
  random?(): number;
  /** Resolves after ms, or when the wake function handed to it is called. */
  wait?(ms: number, onWake: (wake: () => void) => void): Promise<void>;
}

export type OutboxOptions = SenderOptions<WindowBody, Acknowledgement>;
export type AlarmOutboxOptions = SenderOptions<AlarmBody, AlarmAcknowledgement>;

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

export function encodeAlarms(alarms: readonly SequencedAlarm[]): string {
  return JSON.stringify({ alarms });
}

function isMissing(seq: number, missing: readonly [number, number][]): boolean {
  return missing.some(([first, last]) => first <= seq && seq <= last);
}

abstract class Sender<Body, Answer> {
  private readonly queue: Sequenced<Body>[];
  private nextSeq: number;
  private inFlight = 0;
  private pumping = false;
  private stopped = false;
  private wake: (() => void) | null = null;
  private givenUp = 0;

  /* What one kind of item is like. */
  protected abstract readonly queueLimit: number;
  protected abstract batchLimit: number;
  protected abstract encode(items: readonly Sequenced<Body>[]): string;
  /** Whether the answer says that this number is on disk. */
  protected abstract held(answer: Answer, seq: number): boolean;

  constructor(private readonly options: SenderOptions<Body, Answer>) {
    this.nextSeq = options.nextSeq;
    this.queue = [...(options.waiting ?? [])];
    queueMicrotask(() => void this.pump());
  }

  /** How many are not yet acknowledged. */
  get waiting(): number {
    return this.queue.length;
  }

  /** How many the full queue had to give up. */
  get lost(): number {
    return this.givenUp;
  }

  push(body: Body): void {
    if (this.stopped) return;
    if (this.queue.length >= this.queueLimit) {
      this.queue.splice(this.inFlight, 1);
      this.givenUp += 1;
    }
    this.number(body);
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

  private batch(): Sequenced<Body>[] {
    const items: Sequenced<Body>[] = [];
    let bytes = 0;
    for (const item of this.queue) {
      bytes += JSON.stringify(item).length + 1;
      if (items.length > 0 && (bytes > BATCH_BYTES || items.length >= this.batchLimit)) break;
      items.push(item);
    }
    return items;
  }

  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    let attempt = 0;
    while (this.queue.length > 0 && !this.stopped) {
      const items = this.batch();
      const body = this.encode(items);
      this.inFlight = items.length;
      this.options.onSend?.(body, items);
      const outcome = await this.options.send(body);
      this.inFlight = 0;
      if (this.stopped) break;
      if (outcome.kind === 'answer' && this.settle(outcome.body, items)) {
        attempt = 0;
      } else {
        attempt += 1;
        await this.recover(outcome, items, attempt);
      }
    }
    this.pumping = false;
  }

  /** Forgets what is on disk; false when the answer claims none of what was sent. */
  private settle(answer: Answer, sent: Sequenced<Body>[]): boolean {
    const done = new Set(sent.map((item) => item.seq).filter((seq) => this.held(answer, seq)));
    this.queue.splice(0, this.queue.length, ...this.queue.filter((item) => !done.has(item.seq)));
    this.options.onQueue?.(this.queue);
    this.options.onAnswer(answer, sent);
    return done.size > 0;
  }

  /** Gives the first one the next free number; it goes again as the last. */
  private renumber(): void {
    const first = this.queue.shift();
    if (first !== undefined) this.number(first);
  }

  private number(body: Body): void {
    const seq = this.nextSeq;
    this.queue.push(Object.assign({ seq }, body, { seq })); /* first in the object, and the new one */
    this.nextSeq += 1;
    this.options.onSeq?.(this.nextSeq);
    this.options.onQueue?.(this.queue);
  }

  private async recover(
    outcome: Outcome<Answer>,
    items: readonly Sequenced<Body>[],
    attempt: number,
  ): Promise<void> {
    const problem = outcome.kind === 'refusal' ? outcome.problem : null;
    if (problem?.status === 413 && this.batchLimit > 1) {
      this.batchLimit = Math.max(1, this.batchLimit >> 1);
      return;
    }
    if (problem && problemName(problem) === 'alarm-number-taken') {
      if (items.length === 1) this.renumber();
      else this.batchLimit = 1;
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

/** Of windows. The numbers below the highest that the server reports as missing are not held. */
export class Outbox extends Sender<WindowBody, Acknowledgement> {
  protected readonly queueLimit = QUEUE_LIMIT;
  protected batchLimit = BATCH_WINDOWS;
  protected readonly encode = encodeBody;

  protected held(answer: Acknowledgement, seq: number): boolean {
    return seq <= answer.acknowledged && !isMissing(seq, answer.missing);
  }
}

/** Of alarms. */
export class AlarmOutbox extends Sender<AlarmBody, AlarmAcknowledgement> {
  protected readonly queueLimit = ALARM_QUEUE_LIMIT;
  protected batchLimit = BATCH_ALARMS;
  protected readonly encode = encodeAlarms;

  protected held(answer: AlarmAcknowledgement, seq: number): boolean {
    return answer.acknowledged.includes(seq);
  }
}

/** Whether a stop means that the session is over, rather than that this page is at fault. */
export function sessionIsOver(problem: Problem): boolean {
  const over = ['session-closed', 'no-such-session', 'token-unknown', 'token-expired'];
  return [...over, 'front-mismatch', 'too-many-alarms'].includes(problemName(problem));
}
