// SPDX-License-Identifier: Apache-2.0
/*
 * desk.svelte.ts - what the page knows: the one place that talks to the SDK.
 *
 *   link ──token──► start ──open──► live ──close, or closed elsewhere──► over ──► start
 *
 * A lock is not a screen of its own but a state of the session: the live parts stay where they are,
 * hidden and inert, nothing is collected, and unlocking shows them again. A reload resumes the
 * session, locked or not. Lists are bounded: the plot's points, the windows shown, the other sessions.
 */
import {
  EdgeError,
  MODALITIES,
  Refused,
  Session,
  call,
  follow,
  sessionIsOver,
  type Acknowledgement,
  type GuardKind,
  type GuardView,
  type Modality,
  type SavedSession,
  type SequencedWindow,
  type SessionView,
  type Trouble,
  type Verdict,
} from 'idem-sdk';
import wasmUrl from '../../../sdk/dist/idem-edge.wasm?url';
import * as operator from './operator';
import { isAlarm, problemText, stands } from './words';

export type Screen = 'link' | 'start' | 'live' | 'over';

export interface Point {
  /** Seconds since this page opened the session. */
  t: number;
  trust: number;
}

export interface WindowRow {
  seq: number;
  modality: Modality;
  strokes: number;
  seconds: number;
  stored: boolean;
  trust: number | null;
}

export interface Sent {
  body: string;
  windows: SequencedWindow[];
  at: Date;
}

interface Saved {
  person: string;
  session: SavedSession;
}

const KEY = 'idem.session';
const POINTS_MAX = 2000;
const ROWS_MAX = 12;
const OTHERS_MAX = 50;
/** How often the verdict is read while nothing else brings it: trust also moves with time. */
const READ_EVERY_MS = 5000;

const NO_VERDICT: Verdict = { kind: 'insufficient', confidence: 0, saw: [], text: '' };

function loadSaved(): Saved | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Saved | null;
  } catch {
    return null;
  }
}

export class Desk {
  screen = $state<Screen>('start');
  person = $state('');
  view = $state.raw<SessionView | null>(null);
  pending = $state<Record<Modality, number>>({ keyboard: 0, pointer: 0 });
  targets = $state.raw<Record<Modality, number>>({ keyboard: 100, pointer: 10 });
  known = $state.raw<Record<Modality, boolean>>({ keyboard: true, pointer: true });
  points = $state.raw<Point[]>([]);
  rows = $state.raw<WindowRow[]>([]);
  sent = $state.raw<Sent | null>(null);
  /** The last alarm as it left this page. */
  alarmSent = $state<string | null>(null);
  others = $state.raw<SessionView[]>([]);
  /** What hinders sending just now, in words; null when nothing does. */
  trouble = $state<string | null>(null);
  waiting = $state(0);
  lost = $state(0);
  stream = $state<'open' | 'lost' | 'refused'>('lost');
  /** Why a screen shows something other than its usual face. */
  notice = $state<string | null>(null);
  busy = $state(false);
  /** Signed in again in this session, and trust has not come back yet. */
  confirmed = $state(false);
  /** What the guards of this page say, here and now. */
  hands = $state.raw<Record<Modality, Verdict>>({ keyboard: NO_VERDICT, pointer: NO_VERDICT });
  startedAt = 0;

  private token: string | null = null;
  private session: Session | null = null;
  private module: ArrayBuffer | null = null;
  private streamEnd: AbortController | null = null;
  private readTimer = 0;

  readonly locked = $derived(this.view?.state === 'locked' && this.screen === 'live');

  /** The alarm that stands with the server; null when there is none. */
  readonly alarm = $derived(stands(this.view?.guard) ? this.view.guard : null);

  /** The gravest of what server and page say of the devices. */
  readonly guard = $derived.by((): { kind: GuardKind; state: 'alarm' | 'noted' | 'hand' | 'quiet' } => {
    const here = MODALITIES.map((modality) => this.hands[modality].kind);
    const kinds = this.alarm === null ? here : [this.alarm.kind, ...here];
    const alarm = kinds.find(isAlarm);
    if (alarm !== undefined) return { kind: alarm, state: 'alarm' };
    if (kinds.includes('macro')) return { kind: 'macro', state: 'noted' };
    if (kinds.includes('human')) return { kind: 'human', state: 'hand' };
    return { kind: 'insufficient', state: 'quiet' };
  });

  async begin(): Promise<void> {
    this.token = operator.takeFromAddress();
    if (this.token === null) {
      this.screen = 'link';
      return;
    }
    this.followSessions();
    const saved = loadSaved();
    if (saved !== null) await this.resume(saved);
  }

  useToken(token: string): void {
    operator.remember(token);
    this.notice = null;
    this.screen = 'start';
    void this.begin();
  }

  /** A link opened in a tab that shows the page already changes only the fragment. */
  relink(): void {
    const token = operator.takeFromAddress();
    if (token === null || token === this.token) return;
    if (this.session === null) {
      this.useToken(token);
    } else {
      this.token = token;
      this.followSessions();
    }
  }

  /** What a cell of the last body stands for. */
  cellName(modality: Modality, cell: number): string {
    return this.session?.edge.cellName(modality, cell) ?? `cell ${cell}`;
  }

  async open(person: string): Promise<void> {
    await this.enter(person, async (module) =>
      Session.open({ person, seat: 'demo-seat' }, { module, hooks: this.hooks(person) }),
    );
  }

  private async resume(saved: Saved): Promise<void> {
    await this.enter(saved.person, async (module) =>
      Session.resume(saved.session, { module, hooks: this.hooks(saved.person) }),
    );
  }

  private async enter(
    person: string,
    make: (module: ArrayBuffer) => Promise<Session>,
  ): Promise<void> {
    this.busy = true;
    this.notice = null;
    this.clear();
    this.person = person;
    this.startedAt = performance.now();
    try {
      this.module ??= await (await fetch(wasmUrl)).arrayBuffer();
      const session = await make(this.module);
      this.session = session;
      this.targets = session.targets;
      this.known = {
        keyboard: session.edge.cells('keyboard') > 0,
        pointer: session.edge.cells('pointer') > 0,
      };
      this.screen = 'live';
      this.followState();
      this.readTimer = window.setInterval(() => void this.readIfQuiet(), READ_EVERY_MS);
    } catch (error) {
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }

  private fail(error: unknown): void {
    this.leave();
    this.screen = 'start';
    if (error instanceof Refused) {
      this.notice = sessionIsOver(error.problem)
        ? 'The session that this tab had is over. Start a new one.'
        : problemText(error.problem);
    } else if (error instanceof EdgeError) {
      this.notice = `The server’s public model does not fit this page: ${error.message}.`;
    } else {
      this.notice = 'The server does not answer. Is it running? Start it and try again.';
    }
  }

  private hooks(person: string) {
    return {
      onView: (view: SessionView) => this.see(view),
      onSend: (body: string, windows: SequencedWindow[]) => this.note(body, windows),
      onAcknowledged: (answer: Acknowledgement, windows: SequencedWindow[]) =>
        this.settle(answer, windows),
      onTrouble: (trouble: Trouble | null) => this.hinder(trouble),
      onActivity: (modality: Modality) => this.count(modality),
      onAlarm: (body: string) => (this.alarmSent = body),
      onVerdict: (modality: Modality, verdict: Verdict) => {
        this.hands = { ...this.hands, [modality]: verdict };
      },
      onSave: (session: SavedSession) =>
        sessionStorage.setItem(KEY, JSON.stringify({ person, session } satisfies Saved)),
    };
  }

  private count(modality: Modality): void {
    if (this.session === null) return;
    this.pending[modality] = this.session.edge.pending(modality);
    this.waiting = this.session.outbox.waiting;
  }

  /** A verdict has come, by whichever way. */
  private see(view: SessionView): void {
    this.view = view;
    if (view.state !== 'step-up' || stands(view.guard)) this.confirmed = false;
    if (view.trust !== null) {
      const t = (performance.now() - this.startedAt) / 1000;
      this.points = [...this.points.slice(1 - POINTS_MAX), { t, trust: view.trust }];
    }
    if (this.session !== null) this.followState();
  }

  private followState(): void {
    const state = this.view?.state;
    if (state === 'closed') {
      this.end('The session was closed.');
    } else if (state === 'locked') {
      this.session?.pause();
      this.pending = { keyboard: 0, pointer: 0 };
    } else {
      this.session?.start();
    }
  }

  private note(body: string, windows: SequencedWindow[]): void {
    this.sent = { body, windows, at: new Date() };
    const known = new Set(this.rows.map((row) => row.seq));
    const added = windows
      .filter((window) => !known.has(window.seq))
      .map((window) => ({
        seq: window.seq,
        modality: window.modality,
        strokes: window.strokes,
        seconds: window.duration_ms / 1000,
        stored: false,
        trust: null,
      }));
    this.rows = [...added.reverse(), ...this.rows].slice(0, ROWS_MAX);
  }

  private settle(answer: Acknowledgement, windows: SequencedWindow[]): void {
    const stored = new Set(windows.map((window) => window.seq));
    const last = windows.at(-1)?.seq;
    this.rows = this.rows.map((row) =>
      stored.has(row.seq)
        ? { ...row, stored: true, trust: row.seq === last ? answer.session.trust : null }
        : row,
    );
    this.waiting = this.session?.outbox.waiting ?? 0;
    this.lost = this.session?.outbox.lost ?? 0;
  }

  private hinder(trouble: Trouble | null): void {
    this.waiting = this.session?.outbox.waiting ?? 0;
    this.lost = this.session?.outbox.lost ?? 0;
    if (trouble === null) {
      this.trouble = null;
    } else if (trouble.kind === 'waiting') {
      this.trouble = trouble.problem
        ? problemText(trouble.problem)
        : 'The server does not answer.';
    } else if (sessionIsOver(trouble.problem)) {
      this.end(problemText(trouble.problem));
    } else {
      this.trouble = `${problemText(trouble.problem)} Close this session and start again.`;
    }
  }

  private async readIfQuiet(): Promise<void> {
    if (document.hidden || this.session === null) return;
    const outcome = await this.session.read();
    if (outcome.kind === 'silence') {
      this.trouble = 'The server does not answer.';
    } else if (outcome.kind === 'refusal' && sessionIsOver(outcome.problem)) {
      this.end(problemText(outcome.problem));
    } else if (outcome.kind === 'answer' && this.waiting === 0) {
      this.trouble = null;
    } else {
      this.session?.outbox.kick();
    }
  }

  /** Strong authentication: the operator's link stands for it in the demo. */
  async unlock(): Promise<void> {
    if (this.session === null || this.token === null) return;
    this.busy = true;
    this.notice = null;
    const url = `/v1/sessions/${encodeURIComponent(this.session.id)}/unlock`;
    const outcome = await call<SessionView>(fetch.bind(globalThis), url, {
      method: 'POST',
      token: this.token,
    });
    this.busy = false;
    if (outcome.kind === 'answer') {
      this.confirmed = true;
      this.session.see(outcome.body);
      if (this.locked) this.notice = 'Still locked: what was measured weighs more than a sign-in.';
    } else if (outcome.kind === 'refusal') {
      this.notice = problemText(outcome.problem);
    } else {
      this.notice = 'The server does not answer. Try again in a moment.';
    }
  }

  async close(next: 'over' | 'start'): Promise<void> {
    this.busy = true;
    const outcome = await this.session?.close();
    this.busy = false;
    this.leave();
    this.notice =
      outcome?.kind === 'silence'
        ? 'The server did not answer; it will close the session by itself.'
        : null;
    this.screen = next;
    if (next === 'start') this.person = '';
  }

  private end(why: string): void {
    this.session?.abandon();
    this.leave();
    this.notice = why;
    this.screen = 'over';
  }

  private leave(): void {
    window.clearInterval(this.readTimer);
    sessionStorage.removeItem(KEY);
    this.session = null;
    this.trouble = null;
  }

  private clear(): void {
    this.view = null;
    this.points = [];
    this.rows = [];
    this.sent = null;
    this.alarmSent = null;
    this.trouble = null;
    this.waiting = 0;
    this.lost = 0;
    this.confirmed = false;
    this.hands = { keyboard: NO_VERDICT, pointer: NO_VERDICT };
    for (const modality of MODALITIES) this.pending[modality] = 0;
  }

  private followSessions(): void {
    const token = this.token;
    if (token === null) return;
    this.streamEnd?.abort();
    this.streamEnd = new AbortController();
    void follow({
      fetch: fetch.bind(globalThis),
      url: '/v1/stream',
      token,
      signal: this.streamEnd.signal,
      onEvent: ({ event, data }) => {
        if (event === 'session') this.hear(JSON.parse(data) as SessionView);
        if (event === 'guard') this.warn(JSON.parse(data) as { session: string; guard: GuardView });
      },
      onState: (state) => {
        this.stream = state;
        if (state === 'open') void this.listSessions(token);
        if (state === 'refused') this.refuse();
      },
    });
  }

  private async listSessions(token: string): Promise<void> {
    const outcome = await call<{ sessions: SessionView[] }>(fetch.bind(globalThis), '/v1/sessions', {
      token,
    });
    if (outcome.kind === 'answer') this.others = outcome.body.sessions.slice(0, OTHERS_MAX);
    this.session?.outbox.kick();
  }

  /** The token of the link is not this server's. */
  private refuse(): void {
    operator.forget();
    this.session?.abandon();
    this.leave();
    this.notice = 'The server does not know this link: it is from another run or another machine.';
    this.screen = 'link';
  }

  private hear(view: SessionView): void {
    this.others = [view, ...this.others.filter((other) => other.id !== view.id)].slice(
      0,
      OTHERS_MAX,
    );
    const news = view.changed !== this.view?.changed || view.state !== this.view.state;
    if (view.id === this.session?.id && news) this.session.see(view);
  }

  /** An alarm somewhere; the session's new state follows in an event of its own. */
  private warn({ session, guard }: { session: string; guard: GuardView }): void {
    this.others = this.others.map((other) =>
      other.id === session && !stands(other.guard) ? { ...other, guard } : other,
    );
  }
}
