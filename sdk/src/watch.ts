// SPDX-License-Identifier: Apache-2.0
/*
 * watch.ts - which verdicts of the page's two guards become alarms, and when a guard may alarm again.
 *
 *   armed ──alarm──► reported ──acknowledged──► settled ──strong sign-in, or a while──► armed
 *
 * A guard holds on to an alarm until it is reset, so that one attack is one alarm, and a later one
 * would be missed if it were never reset. Cases:
 *   insufficient, human       known in this page only
 *   an alarm, or a macro      reported at once, and again when the guard has seen more: that makes it
 *                             surer, and the server may do more about it. At most four times
 *   a macro again             once in a session, reloads included: a security key touched all day would
 *                             use up the session's numbers, and nobody would hear an attack
 *   its numbers               leave rounded: a mean hold to the microsecond would tell more of a hand than
 *                             the verdict needs
 *   the server has it         from now on the guard may be armed again, not before: an alarm that is
 *                             still on its way is not forgotten
 *   a strong sign-in          both guards are armed at once: what comes now is new evidence
 *   nobody signs in           armed after REARM_FIRST_MS, then after twice as long, up to REARM_MAX_MS:
 *                             a second attack is seen, and a device that goes on alarming all day
 *                             does not fill the server's table
 */
import type { Edge } from './edge.js';
import {
  MODALITIES,
  type AlarmBody,
  type GuardKind,
  type Modality,
  type Saw,
  type SessionView,
  type Verdict,
} from './types.js';

export const REARM_FIRST_MS = 10 * 60_000;
export const REARM_MAX_MS = 160 * 60_000;
const QUIET: readonly GuardKind[] = ['insufficient', 'human'];

function roundTo(number: number, parts: number): number {
  return Math.round(number * parts) / parts;
}

/** Values to 0.1, a coefficient of variation to 0.01; none is below nought. */
function rounded(saw: readonly Saw[]): Saw[] {
  return saw.map(({ reason, count, value }) => {
    const parts = reason === 'constant-speed' ? 100 : 10;
    return { reason, count, value: Math.max(0, roundTo(value, parts)) };
  });
}

export interface WatchOptions {
  edge: Pick<Edge, 'verdict' | 'resetGuard'>;
  push(alarm: AlarmBody): void;
  onVerdict?(modality: Modality, verdict: Verdict): void;
  /** A macro was reported before a reload, and is not again; onMacro is called when one is. */
  macroTold?: boolean;
  onMacro?(): void;
  /** Milliseconds, monotonic. */
  now?(): number;
}

interface Report {
  kind: GuardKind;
  reasons: number;
  /** Reported and not acknowledged yet. */
  open: number;
  /** When the last one was acknowledged. */
  settledAt: number | null;
}

export class Watch {
  private readonly reports: Record<Modality, Report | null> = { keyboard: null, pointer: null };
  private readonly rearmMs: Record<Modality, number> = {
    keyboard: REARM_FIRST_MS,
    pointer: REARM_FIRST_MS,
  };
  private settledChanged = '';

  private macroTold: boolean;

  constructor(private readonly options: WatchOptions) {
    this.macroTold = options.macroTold ?? false;
  }

  private now(): number {
    return this.options.now?.() ?? performance.now();
  }

  /** The guard has said that there is something to read. */
  note(modality: Modality): void {
    const verdict = this.options.edge.verdict(modality);
    this.options.onVerdict?.(modality, verdict);
    if (QUIET.includes(verdict.kind)) return;
    const before = this.reports[modality];
    if (verdict.kind === 'macro' && this.macroTold) {
      this.reports[modality] ??= { kind: 'macro', reasons: 0, open: 0, settledAt: this.now() };
      return;
    }
    if (before !== null && before.kind === verdict.kind && before.reasons >= verdict.saw.length) {
      return;
    }
    this.reports[modality] = {
      kind: verdict.kind,
      reasons: verdict.saw.length,
      open: (before?.open ?? 0) + 1,
      settledAt: null,
    };
    if (verdict.kind === 'macro') {
      this.macroTold = true;
      this.options.onMacro?.();
    }
    const { kind, confidence, saw } = verdict;
    this.options.push({
      device: modality,
      kind,
      confidence: roundTo(confidence, 1000),
      saw: rounded(saw),
    });
  }

  /** After every event: has the guard been silent long enough? */
  tick(modality: Modality): void {
    const report = this.reports[modality];
    if (report === null || report.settledAt === null) return;
    if (this.now() - report.settledAt < this.rearmMs[modality]) return;
    this.rearmMs[modality] = Math.min(REARM_MAX_MS, 2 * this.rearmMs[modality]);
    this.arm(modality);
  }

  /** The server holds these alarms. */
  settled(alarms: readonly AlarmBody[], view: SessionView): void {
    for (const { device } of alarms) {
      const report = this.reports[device];
      if (report === null) continue;
      report.open = Math.max(0, report.open - 1);
      if (report.open === 0) report.settledAt = this.now();
    }
    this.settledChanged = view.changed;
  }

  /** A view of the session, by whichever way; one from before the alarm says nothing about it. */
  see(view: SessionView): void {
    if (view.guard?.cleared !== true || view.changed < this.settledChanged) return;
    for (const modality of MODALITIES) {
      if (this.reports[modality] === null || this.reports[modality].settledAt === null) continue;
      this.rearmMs[modality] = REARM_FIRST_MS;
      this.arm(modality);
    }
  }

  private arm(modality: Modality): void {
    this.reports[modality] = null;
    this.options.edge.resetGuard(modality);
    this.options.onVerdict?.(modality, this.options.edge.verdict(modality));
  }
}
