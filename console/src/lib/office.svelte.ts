// SPDX-License-Identifier: Apache-2.0
/*
 * office.svelte.ts - what the console knows: who is logged in, and the way every request goes.
 *
 *   asking ──nobody──► login ──password, code──► in ──log out, 401──► login
 *          ──set-up link──► setup ──► login
 *
 * The log-in lives in a cookie that scripts cannot read; what changes something repeats the CSRF token
 * that GET /v1/me tells. A request that finds the log-in ended leads back to the log-in form, and what
 * the person was looking at is shown again afterwards.
 *
 * In the demonstration nobody has an account: its link's token stands in for the log-in.
 */
import { call, type CallOptions, type Outcome, type Problem } from 'idem-sdk';
import { forget } from './operator';
import { problemText } from './words';

export type Role = 'analyst' | 'operator' | 'privacy-officer' | 'auditor' | 'employee' | 'names';

/** What a log-in must do before it may do anything else. */
export type Need = 'password' | 'totp-enrol' | 'totp';

export interface Me {
  account: number | null;
  name: string;
  organisation: string;
  roles: Role[];
  person: string | null;
  /** False: an account of OpenID Connect. */
  local: boolean;
  totp: boolean;
  needs: Need[];
  csrf: string | null;
}

/** A fresh secret for an authenticator: in force once its code was shown with the ticket. */
export interface Offer {
  secret: string;
  uri: string;
  ticket: string;
}

export interface About {
  version: string;
  demo: boolean;
  setup: boolean;
  oidc: boolean;
}

export type Face = 'asking' | 'login' | 'setup' | 'in';

export const PAGES = {
  sessions: { name: 'Sessions', roles: ['analyst', 'operator'] },
  people: { name: 'People', roles: ['analyst', 'operator', 'privacy-officer'] },
  seats: { name: 'Seats', roles: ['operator'] },
  accounts: { name: 'Accounts', roles: ['operator'] },
  policy: { name: 'Policy', roles: ['analyst', 'operator', 'privacy-officer', 'auditor'] },
  audit: { name: 'Audit log', roles: ['auditor'] },
  mine: { name: 'About you', roles: ['employee'] },
  security: { name: 'Your log-in', roles: ['analyst', 'operator', 'privacy-officer', 'auditor', 'employee'] },
} as const satisfies Record<string, { name: string; roles: Role[] }>;

export type Page = keyof typeof PAGES;

const ROLE_WORDS: Record<Role, string> = {
  analyst: 'analyst',
  operator: 'operator',
  'privacy-officer': 'privacy officer',
  auditor: 'auditor',
  employee: 'employee',
  names: 'may look names up',
};

export const roleWords = (roles: Role[]): string =>
  roles.map((role) => ROLE_WORDS[role] ?? role).join(', ');

const SETUP = /^#setup=([\w-]{20,128})$/;

/** The token of the set-up link, taken out of the address bar. */
export function takeSetupToken(): string | null {
  const match = SETUP.exec(location.hash);
  if (match === null) return null;
  history.replaceState(null, '', location.pathname);
  return match[1] ?? null;
}

export class Office {
  face = $state<Face>('asking');
  me = $state.raw<Me | null>(null);
  page = $state<Page>('sessions');
  /** Why the log-in form is shown, in words. */
  notice = $state<string | null>(null);
  setupToken: string | null;

  constructor(
    readonly about: About,
    setupToken: string | null,
    /** Of the demonstration's link, or undefined. */
    readonly token?: string,
  ) {
    this.setupToken = setupToken;
  }

  private get credentials(): Pick<CallOptions, 'token' | 'credentials'> {
    return this.token === undefined ? { credentials: 'same-origin' } : { token: this.token };
  }

  readonly pages = $derived.by((): Page[] =>
    (Object.keys(PAGES) as Page[]).filter((page) => this.may(page)),
  );

  private may(page: Page): boolean {
    if (this.me !== null && this.me.needs.length > 0) return page === 'security';
    const wanted: readonly Role[] = PAGES[page].roles;
    return this.me?.roles.some((role) => wanted.includes(role)) ?? false;
  }

  async begin(): Promise<void> {
    const refused = location.hash === '#oidc=refused';
    if (refused) history.replaceState(null, '', location.pathname);
    if (this.setupToken !== null) this.face = 'setup';
    else await this.enter();
    if (refused && this.face === 'login')
      this.notice = 'Your company’s log-in was not taken: it was refused there, or gives no role here.';
  }

  /** Asks who is logged in, and shows what that one may see. */
  async enter(): Promise<void> {
    const answer = await call<Me>(fetch.bind(globalThis), '/v1/me', this.credentials);
    if (answer.kind !== 'answer') {
      this.me = null;
      this.face = 'login';
      if (answer.kind === 'silence') this.notice = 'The server does not answer.';
      return;
    }
    this.welcome(answer.body);
  }

  /** Somebody is logged in, or more is known of the log-in. */
  welcome(me: Me): void {
    this.me = me;
    this.notice = null;
    this.face = 'in';
    this.show(location.hash.slice(2));
  }

  show(name: string): void {
    const wanted = this.pages.find((page) => page === name);
    this.page = wanted ?? this.pages[0] ?? 'security';
  }

  /** One request to the API, with the log-in; a log-in that has ended leads to the form. */
  async ask<T>(url: string, options: CallOptions = {}): Promise<Outcome<T>> {
    const csrf = this.me?.csrf ?? null;
    const headers: Record<string, string> = csrf === null ? {} : { 'Idem-CSRF': csrf };
    const answer = await call<T>(fetch.bind(globalThis), url, {
      ...this.credentials,
      headers,
      ...options,
    });
    if (answer.kind === 'refusal' && answer.problem.status === 401 && this.face === 'in') {
      this.me = null;
      this.face = 'login';
      this.notice = 'Your log-in has ended. Please log in again.';
    }
    return answer;
  }

  post<T>(url: string, body: object): Promise<Outcome<T>> {
    return this.ask<T>(url, { method: 'POST', body: JSON.stringify(body) });
  }

  async leave(): Promise<void> {
    if (this.token !== undefined) {
      forget();
      location.assign('/');
      return;
    }
    await this.post('/v1/logout', {});
    this.me = null;
    this.face = 'login';
    this.notice = null;
  }
}

/** What went wrong, as a person reads it; null when nothing did. */
export function fault(outcome: Outcome<unknown>): string | null {
  if (outcome.kind === 'answer') return null;
  if (outcome.kind === 'silence') return 'The server does not answer. Is it running?';
  return problemText(outcome.problem satisfies Problem);
}

/** A moment in the reader's own time, always of the same width. */
export function hour(iso: string | number | null | undefined): string {
  if (iso === null || iso === undefined) return '–';
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return '–';
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** A line's detail in words: "roles: auditor; times: 3". */
export function inWords(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(inWords).join(', ');
  if (typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([key, inner]) => `${key.replaceAll('_', ' ')}: ${inWords(inner)}`)
    .join('; ');
}
