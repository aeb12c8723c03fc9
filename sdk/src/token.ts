// SPDX-License-Identifier: Apache-2.0
/*
 * token.ts - a session's token, renewed before it expires, quietly.
 *
 *   fresh ──60 % of its life──► renewing ──answer──► fresh
 *                                  │ silence, 429, 5xx: again, sooner and sooner before the end
 *                                  └ any other refusal: the session is over, and its sender says so
 *
 * Cases:
 *   no life stated   nothing is renewed: the token is good as long as its session
 *   asleep           timers stand still while a laptop sleeps; whoever sends calls fresh() first, so a
 *                    token past its time is renewed before it is used, as long as the server takes it
 *   two tabs         a duplicated tab has the same session. The server gives a token for each renewal
 *                    and takes a used-up one for stolen: so tabs tell each other of new tokens, and
 *                    renew one after the other, though a browser may wake them at the same moment
 */
import type { Outcome } from './http.js';
import type { Renewed } from './types.js';

const RENEW_AFTER = 0.6;
const AGAIN_MIN_MS = 1_000;
const CHANNEL = 'idem-token';
/** What another tab has said is heard by then. */
const HEARING_MS = 50;

export interface TokenState {
  token: string;
  /** On this page's clock; null: never. */
  renewAt: number | null;
  expiresAt: number | null;
}

export interface TokenOptions {
  session: string;
  state: TokenState;
  renew(token: string): Promise<Outcome<Renewed>>;
  /** A new token, of this tab or of another one. */
  onState(state: TokenState): void;
  now?(): number;
}

/** What an answer says, on the page's own clock. */
export function tokenState(answer: Renewed, now: number): TokenState {
  const life = answer.token_life_s ?? null;
  return {
    token: answer.token,
    renewAt: life === null ? null : now + life * 1000 * RENEW_AFTER,
    expiresAt: life === null ? null : now + life * 1000,
  };
}

interface Told {
  session: string;
  state: TokenState;
}

export class Token {
  private state: TokenState;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private renewing: Promise<void> | null = null;
  private stopped = false;
  private readonly channel: BroadcastChannel | null;

  constructor(private readonly options: TokenOptions) {
    this.state = options.state;
    const shared = this.state.renewAt !== null && typeof BroadcastChannel !== 'undefined';
    this.channel = shared ? new BroadcastChannel(CHANNEL) : null;
    if (this.channel !== null) this.channel.onmessage = (event) => this.hear(event.data as Told);
    this.schedule();
  }

  get value(): string {
    return this.state.token;
  }

  /** Resolves with a token that may be used now: renewed first when that is due. */
  async fresh(): Promise<string> {
    if (this.due()) await this.renew();
    return this.state.token;
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.channel?.close();
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }

  private schedule(wait?: number): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.stopped || this.state.renewAt === null) return;
    const ms = wait ?? Math.max(0, this.state.renewAt - this.now());
    this.timer = setTimeout(() => void this.renew(), ms);
  }

  private renew(): Promise<void> {
    this.renewing ??= this.inTurn().finally(() => (this.renewing = null));
    return this.renewing;
  }

  /** Of several tabs that are due, the first renews; the others then hear of it and need not. */
  private async inTurn(): Promise<void> {
    const locks = this.channel === null ? undefined : globalThis.navigator?.locks;
    if (locks === undefined) return this.ask();
    await locks.request(`${CHANNEL}-${this.options.session}`, async () => {
      await new Promise((resolve) => setTimeout(resolve, HEARING_MS));
      if (this.due()) await this.ask();
    });
  }

  private due(): boolean {
    return !this.stopped && this.state.renewAt !== null && this.now() >= this.state.renewAt;
  }

  private async ask(): Promise<void> {
    const outcome = await this.options.renew(this.state.token);
    if (this.stopped) return;
    if (outcome.kind === 'answer') {
      this.take(tokenState(outcome.body, this.now()));
      this.channel?.postMessage({ session: this.options.session, state: this.state });
      return;
    }
    const refused = outcome.kind === 'refusal' && outcome.problem.status !== 429;
    if (refused && outcome.problem.status < 500) return; /* whoever sends next is told why */
    const left = (this.state.expiresAt ?? 0) - this.now();
    if (left > 0) this.schedule(Math.max(AGAIN_MIN_MS, left / 4));
  }

  private take(state: TokenState): void {
    this.state = state;
    this.options.onState(state);
    this.schedule();
  }

  /** Another tab of this session has renewed it. */
  private hear(told: Told): void {
    const newer = (told.state.expiresAt ?? 0) > (this.state.expiresAt ?? 0);
    if (!this.stopped && told.session === this.options.session && newer) this.take(told.state);
  }
}
