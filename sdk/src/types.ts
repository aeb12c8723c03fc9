// SPDX-License-Identifier: Apache-2.0
/*
 * types.ts - the shapes that travel between a page and an idem-server, as docs/api.md states them.
 */

export type Modality = 'keyboard' | 'pointer';
export const MODALITIES: readonly Modality[] = ['keyboard', 'pointer'];

/** Cell, count, then two sums of each channel; integers in units of 1/64. */
export type CellRow = number[];

/** A finished window before it has a place in its session's sequence. */
export interface WindowBody {
  modality: Modality;
  /** The front it was measured under, 16 hexadecimal digits. */
  front: string;
  strokes: number;
  duration_ms: number;
  cells: CellRow[];
}

export interface SequencedWindow extends WindowBody {
  seq: number;
}

export type SessionState =
  | 'enrolling'
  | 'ok'
  | 'insufficient'
  | 'step-up'
  | 'locked'
  | 'closed';

export interface Progress {
  have: number;
  need: number;
  enrolled: boolean;
}

export interface Reason {
  /** Contribution in nats; negative speaks against the owner. */
  llr: number;
  text: string;
}

export interface SessionView {
  id: string;
  organisation: string;
  person: string;
  seat: string;
  device_class: string;
  state: SessionState;
  trust: number | null;
  p_owner: number | null;
  llr: number | null;
  thresholds: { step_up: number; lock: number };
  windows: Record<Modality, number>;
  missing: [number, number][];
  opened: string;
  changed: string;
  /** A person at a seat has paused the collection until then; null: nobody has. */
  paused_until: string | null;
  /** What the policy wants of the session and its seat now, and why; the device that is cut off. */
  stands: { action: GuardView['action']; cause: string | null; cut_off: Modality | null; line: number };
  enrolment: {
    state: 'new' | 'enrolling' | 'enrolled';
    /** What else than strokes is wanted; absent when nothing is. */
    waits_for?: 'trusted-start' | 'another-session';
  } & Record<Modality, Progress>;
  explanation: Reason[];
  /** The strictest alarm since the last strong sign-in, or the last one; null: there was none. */
  guard: GuardView | null;
}

/** What a guard says of a device: is a human hand at it at all? */
export type GuardKind =
  | 'insufficient'
  | 'human'
  | 'injected-keys'
  | 'scripted-pointer'
  | 'remote-control'
  | 'macro'
  | 'replay';

/** Something that a guard saw: a stable name, how often, and a number in the reason's unit. */
export interface Saw {
  reason: string;
  count: number;
  value: number;
}

/** What the guard of this page says, here and now. */
export interface Verdict {
  kind: GuardKind;
  confidence: number;
  saw: Saw[];
  /** For people; it is not sent. */
  text: string;
}

/** An alarm (or a macro) before it has a number. */
export interface AlarmBody {
  device: Modality;
  kind: GuardKind;
  confidence: number;
  saw: Saw[];
}

export interface SequencedAlarm extends AlarmBody {
  seq: number;
}

/** What the server shows of an alarm, in its own words, and what it did about it. */
export interface GuardView {
  kind: GuardKind;
  confidence: number;
  text: string;
  reasons: string[];
  device: Modality;
  action: 'observe' | 'notify' | 'step-up' | 'lock' | 'cut-off-device' | 'end-session';
  /** Somebody has signed in strongly since. */
  cleared: boolean;
  at: string;
}

/** The answer to sending alarms: the numbers of the request, all of which are on disk. */
export interface AlarmAcknowledgement {
  acknowledged: number[];
  session: SessionView;
}

/** A token, and how long it is good; null or absent: as long as its session. */
export interface Renewed {
  token: string;
  token_expires?: string | null;
  token_life_s?: number | null;
}

/** The answer to opening a session. */
export interface Opened extends Renewed {
  front: string;
  level: string;
  window: Record<Modality, number>;
  next_seq: number;
  session: SessionView;
}

/** The answer to sending windows. */
export interface Acknowledgement {
  acknowledged: number;
  missing: [number, number][];
  session: SessionView;
}

/** RFC 9457 problem document. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  action?: string;
}
