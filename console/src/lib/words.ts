// SPDX-License-Identifier: Apache-2.0
/* words.ts - numbers and states as a person reads them. */
import type { GuardKind, GuardView, Modality, Problem, SessionState, SessionView } from 'idem-sdk';

export type Tone = 'good' | 'warn' | 'bad' | 'quiet';

export const STATES: Record<SessionState, { word: string; tone: Tone }> = {
  enrolling: { word: 'Enrolling', tone: 'quiet' },
  ok: { word: 'Trusted', tone: 'good' },
  insufficient: { word: 'Too little to say', tone: 'quiet' },
  'step-up': { word: 'Step-up', tone: 'warn' },
  locked: { word: 'Locked', tone: 'bad' },
  closed: { word: 'Closed', tone: 'quiet' },
};

/** What a guard's verdict is called: in a headline, in a list, and how much it matters. */
export const GUARDS: Record<GuardKind, { says: string; short: string; tone: Tone }> = {
  insufficient: { says: 'Hand or machine: too little yet', short: 'too little', tone: 'quiet' },
  human: { says: 'A hand is here', short: 'hand', tone: 'good' },
  'injected-keys': { says: 'No hand types on this keyboard', short: 'injected keys', tone: 'bad' },
  'scripted-pointer': { says: 'No hand moves this pointer', short: 'scripted pointer', tone: 'bad' },
  'remote-control': {
    says: 'This device is controlled from afar',
    short: 'remote control',
    tone: 'warn',
  },
  macro: { says: 'A known device types here, not a hand', short: 'macro', tone: 'quiet' },
  replay: { says: 'This was typed before, or by no person', short: 'replay', tone: 'bad' },
};

export const HANDS: Record<Modality, string> = {
  keyboard: 'A hand is at this keyboard',
  pointer: 'A hand moves this pointer',
};

const ACTIONS: Record<GuardView['action'], string> = {
  observe: 'It is noted, and nothing else follows from it.',
  notify: 'The operator is told; the session goes on.',
  'step-up': 'The session asks for a sign-in, and nothing of it will be learned.',
  lock: 'The session is locked, and nothing of it will be learned.',
  'cut-off-device': 'The device is to be cut off, the session is locked, and nothing of it will be learned.',
  'end-session': 'The session is ended, and nothing of it was learned.',
};

/** Whether an alarm has locked its session, or done more. */
export function locks(guard: GuardView | null | undefined): guard is GuardView {
  return stands(guard) && ['lock', 'cut-off-device', 'end-session'].includes(guard.action);
}

/** What its seat is told to do beside what the session's state says; '': nothing. */
export function told(view: SessionView): string {
  const device = view.stands.cut_off;
  if (device !== null) return `The seat is told to lock its screen and to cut off the ${device}.`;
  if (view.state === 'locked') return 'The seat is told to lock its screen.';
  if (view.state === 'step-up') return 'The seat is told to ask for a sign-in, as the policy says how.';
  return '';
}

/** The time of day. */
export function timeOfDay(iso: string): string {
  return new Date(iso).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** What was done about an alarm. */
export function done(guard: GuardView): string {
  return ACTIONS[guard.action];
}

/** An alarm that nobody has answered with a sign-in yet. */
export function stands(guard: GuardView | null | undefined): guard is GuardView {
  return guard !== null && guard !== undefined && !guard.cleared;
}

export function isAlarm(kind: GuardKind): boolean {
  return !['insufficient', 'human', 'macro'].includes(kind);
}

export function sentence(text: string): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

export const STROKES: Record<Modality, { one: string; many: string }> = {
  keyboard: { one: 'key', many: 'keys' },
  pointer: { one: 'movement', many: 'movements' },
};

export function count(n: number, modality: Modality): string {
  return `${n} ${n === 1 ? STROKES[modality].one : STROKES[modality].many}`;
}

/** Never rounds up to certainty: above 99 % one decimal is shown, at most 99.9. */
export function percent(p: number): string {
  const value = p * 100;
  if (value > 99) return `${(Math.floor(Math.min(value, 99.9) * 10) / 10).toFixed(1)}`;
  if (value < 1) return value < 0.1 ? '<0.1' : value.toFixed(1);
  return value.toFixed(0);
}

export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

export function ago(iso: string, nowMs: number): string {
  const s = Math.round((nowMs - Date.parse(iso)) / 1000);
  if (!Number.isFinite(s)) return '';
  if (s < 5) return 'now';
  if (s < 90) return `${s} s ago`;
  if (s < 5400) return `${Math.round(s / 60)} min ago`;
  return `${Math.round(s / 3600)} h ago`;
}

export function possessive(name: string): string {
  return /s$/i.test(name) ? `${name}’` : `${name}’s`;
}

export function problemText(problem: Problem): string {
  const what = problem.detail ?? problem.title;
  return problem.action ? `${what} ${problem.action}` : what;
}

/** JSON with every window's cells one to a line; the same values in the same order. */
export function prettyBody(body: string): string {
  const { windows } = JSON.parse(body) as { windows: Record<string, unknown>[] };
  const shown = windows.map((window) => {
    const lines = Object.entries(window).map(([key, value]) =>
      key === 'cells' && Array.isArray(value)
        ? `  "cells": [\n${value.map((row) => `    ${JSON.stringify(row)}`).join(',\n')}\n  ]`
        : `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
    );
    return `{\n${lines.join(',\n')}\n}`;
  });
  return `{"windows": [${shown.join(', ')}]}`;
}
