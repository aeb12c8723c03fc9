// SPDX-License-Identifier: Apache-2.0
/*
 * session.ts - one person at one page: opened, fed by the collector, read, closed.
 *
 *   Session.open ──► front into the edge ──► start() ──► windows ──► views ──► close()
 *   Session.resume(saved) takes the place of open after a reload of the page
 *
 * Cases: a person's name is sent once, in open, and not kept here. A session that the server no longer
 * knows, or that is closed, ends in onEnd with the reason; so does a population replaced under it, for
 * windows of two fronts cannot be added. Pausing (a lock screen) stops collecting, not sending. Alarms
 * of the page's guards go a way of their own (watch.ts) and, like their numbers, outlive a reload.
 */
import { Collector } from './collect.js';
import { Edge } from './edge.js';
import { call, type Fetch, type Outcome } from './http.js';
import { AlarmOutbox, BATCH_ALARMS, Outbox, encodeAlarms, type Trouble } from './outbox.js';
import { Token, tokenState, type TokenState } from './token.js';
import type {
  Acknowledgement,
  AlarmAcknowledgement,
  Modality,
  Opened,
  Problem,
  Renewed,
  SequencedAlarm,
  SequencedWindow,
  SessionView,
  Verdict,
} from './types.js';
import { Watch } from './watch.js';

/** What a page keeps (in sessionStorage) to go on after a reload. */
export interface SavedSession {
  id: string;
  token: string;
  /** When the token is to be renewed, and when it ends, on the page's clock; absent: never. */
  renewAt?: number | null;
  expiresAt?: number | null;
  nextSeq: number;
  window: Record<Modality, number>;
  /** The next alarm's number, and those that were not acknowledged yet. */
  nextAlarm?: number;
  alarms?: SequencedAlarm[];
  /** A macro was reported: once is enough. */
  macroTold?: boolean;
}

export interface Person {
  person: string;
  seat: string;
  organisation?: string;
  device_class?: string;
}

export interface SessionHooks {
  onView(view: SessionView): void;
  onSend?(body: string, windows: SequencedWindow[]): void;
  onAcknowledged?(answer: Acknowledgement, sent: SequencedWindow[]): void;
  /** null when sending works again. */
  onTrouble?(trouble: Trouble | null): void;
  onActivity?(modality: Modality): void;
  /** What a guard of this page says has changed. */
  onVerdict?(modality: Modality, verdict: Verdict): void;
  onAlarm?(body: string, alarms: SequencedAlarm[]): void;
  onSave?(saved: SavedSession): void;
}

export interface SessionOptions {
  /** Where the server is; empty for the page's own origin. */
  base?: string;
  /** The bytes of idem-edge.wasm. */
  module: BufferSource;
  hooks: SessionHooks;
  fetch?: Fetch;
}

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

export class Unreachable extends Error {}

function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'answer') return outcome.body;
  if (outcome.kind === 'refusal') throw new Refused(outcome.problem);
  throw new Unreachable(outcome.why);
}

async function fetchFront(fetch: Fetch, base: string): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(`${base}/v1/front`, { credentials: 'omit' });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  if (!response.ok) throw new Unreachable(`the front was answered with ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export class Session {
  readonly edge: Edge;
  readonly outbox: Outbox;
  readonly alarms: AlarmOutbox;
  private readonly token: Token;
  private readonly watch: Watch;
  private readonly collector: Collector;
  private readonly base: string;
  private readonly fetch: Fetch;
  private readonly hooks: SessionHooks;
  private saved: SavedSession;

  private constructor(edge: Edge, saved: SavedSession, options: SessionOptions) {
    this.edge = edge;
    this.saved = saved;
    this.base = options.base ?? '';
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.hooks = options.hooks;
    this.token = this.makeToken(saved);
    this.outbox = this.makeOutbox(saved.nextSeq);
    this.alarms = this.makeAlarmOutbox(saved.nextAlarm ?? 1, saved.alarms ?? []);
    this.watch = new Watch({
      edge,
      push: (alarm) => this.alarms.push(alarm),
      macroTold: saved.macroTold ?? false,
      onMacro: () => this.save({ macroTold: true }),
      onVerdict: (modality, verdict) => this.hooks.onVerdict?.(modality, verdict),
    });
    this.collector = new Collector({
      edge,
      onWindow: (window) => this.outbox.push(window),
      onVerdict: (modality) => this.watch.note(modality),
      onActivity: (modality) => {
        this.watch.tick(modality);
        this.hooks.onActivity?.(modality);
      },
    });
    this.hooks.onSave?.(saved);
  }

  get id(): string {
    return this.saved.id;
  }

  get targets(): Record<Modality, number> {
    return this.saved.window;
  }

  static async open(person: Person, options: SessionOptions): Promise<Session> {
    const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    const base = options.base ?? '';
    const body = JSON.stringify({ organisation: 'demo', device_class: 'desktop', ...person });
    const opened = unwrap(
      await call<Opened>(fetch, `${base}/v1/sessions`, { method: 'POST', body }),
    );
    return Session.take(opened, options);
  }

  /** Goes on with a session that the page's own back end has opened with its API key. */
  static async take(opened: Opened, options: SessionOptions): Promise<Session> {
    const saved: SavedSession = {
      id: opened.session.id,
      ...tokenState(opened, Date.now()),
      nextSeq: opened.next_seq,
      window: opened.window,
    };
    const session = await Session.prepare(saved, opened.front, options);
    options.hooks.onView(opened.session);
    return session;
  }

  /** Throws Refused when the server does not know the session any more or it is closed. */
  static async resume(saved: SavedSession, options: SessionOptions): Promise<Session> {
    const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    const url = `${options.base ?? ''}/v1/sessions/${encodeURIComponent(saved.id)}`;
    const view = unwrap(await call<SessionView>(fetch, url, { token: saved.token }));
    if (view.state === 'closed') {
      throw new Refused({ type: '/problems/session-closed', title: 'session closed', status: 409 });
    }
    const session = await Session.prepare(saved, null, options);
    options.hooks.onView(view);
    return session;
  }

  private static async prepare(
    saved: SavedSession,
    front: string | null,
    options: SessionOptions,
  ): Promise<Session> {
    const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    const edge = await Edge.load(options.module);
    edge.open(await fetchFront(fetch, options.base ?? ''), saved.window);
    if (front !== null && edge.frontId !== front) {
      throw new Unreachable('the population was replaced a moment ago: try again');
    }
    return new Session(edge, saved, options);
  }

  private makeToken(saved: SavedSession): Token {
    const { token, renewAt = null, expiresAt = null } = saved;
    return new Token({
      session: saved.id,
      state: { token, renewAt, expiresAt },
      renew: (old) =>
        call<Renewed>(this.fetch, `${this.url()}/token`, { method: 'POST', token: old, body: '{}' }),
      onState: (state: TokenState) => this.save(state),
    });
  }

  private makeOutbox(nextSeq: number): Outbox {
    return new Outbox({
      nextSeq,
      send: async (body) =>
        call<Acknowledgement>(this.fetch, `${this.base}/v1/windows`, {
          method: 'POST',
          token: await this.token.fresh(),
          body,
        }),
      onAnswer: (answer, sent) => {
        this.hooks.onTrouble?.(null);
        this.hooks.onAcknowledged?.(answer, sent);
        this.see(answer.session);
      },
      onSend: (body, windows) => this.hooks.onSend?.(body, windows),
      onTrouble: (trouble) => this.hooks.onTrouble?.(trouble),
      onSeq: (next) => this.save({ nextSeq: next }),
    });
  }

  private makeAlarmOutbox(nextSeq: number, waiting: SequencedAlarm[]): AlarmOutbox {
    return new AlarmOutbox({
      nextSeq,
      waiting,
      send: (body) => this.sendAlarms(body),
      onAnswer: (answer, sent) => {
        this.watch.settled(sent, answer.session);
        this.hooks.onView(answer.session);
      },
      onSend: (body, alarms) => this.hooks.onAlarm?.(body, alarms),
      onTrouble: (trouble) => this.hooks.onTrouble?.(trouble),
      onSeq: (next) => this.save({ nextAlarm: next }),
      onQueue: (left) => this.save({ alarms: [...left] }),
    });
  }

  /**
   * Hands on a verdict of the server's. Who learns of one elsewhere (a stream, an unlocking) calls
   * this, too: a strong sign-in arms the guards again.
   */
  see(view: SessionView): void {
    this.watch.see(view);
    this.hooks.onView(view);
  }

  start(): void {
    this.collector.start();
  }

  /** Stops collecting and forgets what was gathered; windows already finished are still sent. */
  pause(): void {
    this.collector.stop();
    this.edge.reset('keyboard');
    this.edge.reset('pointer');
  }

  /** Reads the verdict; what it was is also told to the hooks. */
  async read(): Promise<Outcome<SessionView>> {
    const token = await this.token.fresh();
    const outcome = await call<SessionView>(this.fetch, this.url(), { token });
    if (outcome.kind === 'answer') this.see(outcome.body);
    return outcome;
  }

  /** A machine may close the page right after it has typed: the request outlives it. */
  private sendAlarms(body: string): Promise<Outcome<AlarmAcknowledgement>> {
    return call<AlarmAcknowledgement>(this.fetch, `${this.base}/v1/alarms`, {
      method: 'POST',
      token: this.token.value,
      body,
      keepalive: true,
    });
  }

  /**
   * Closes the session; windows not yet acknowledged are lost, which the caller can see before. Alarms
   * are sent once more first: repeats are harmless.
   */
  async close(): Promise<Outcome<void>> {
    const alarms = this.saved.alarms ?? [];
    this.abandon();
    if (alarms.length > 0) await this.sendAlarms(encodeAlarms(alarms.slice(0, BATCH_ALARMS)));
    return call<void>(this.fetch, this.url(), {
      method: 'DELETE',
      token: this.token.value,
      keepalive: true,
    });
  }

  /** Lets go without telling the server (it has closed the session itself). */
  abandon(): void {
    this.collector.stop();
    this.outbox.stop();
    this.alarms.stop();
    this.token.stop();
    this.edge.close();
  }

  private save(changed: Partial<SavedSession>): void {
    this.saved = { ...this.saved, ...changed };
    this.hooks.onSave?.(this.saved);
  }

  private url(): string {
    return `${this.base}/v1/sessions/${encodeURIComponent(this.saved.id)}`;
  }
}
