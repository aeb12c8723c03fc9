// SPDX-License-Identifier: Apache-2.0
/*
 * http.ts - one request, three outcomes: an answer, a refusal, silence.
 *
 * Callers decide by the outcome and never by exceptions: a refusal carries the server's problem
 * document (or one made up from the status line, when something in between answered), and silence
 * means that no answer came, which says nothing about what the server did with the request.
 */
import type { Problem } from './types.js';

export type Outcome<T> =
  | { kind: 'answer'; status: number; body: T }
  | { kind: 'refusal'; problem: Problem; retryAfterMs: number | null }
  | { kind: 'silence'; why: string };

export interface CallOptions {
  method?: 'GET' | 'POST' | 'DELETE';
  token?: string | undefined;
  /** Sent verbatim as application/json. */
  body?: string;
  timeoutMs?: number;
  /** More headers: a console's CSRF token. */
  headers?: Record<string, string>;
  /** 'same-origin' sends the console's cookie; a session needs none. */
  credentials?: 'omit' | 'same-origin';
  /** Let the request outlive the page (closing a session on the way out). */
  keepalive?: boolean;
}

export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

const TIMEOUT_MS = 10_000;

function headersFor(options: CallOptions): Record<string, string> {
  const headers: Record<string, string> = { ...options.headers };
  if (options.token !== undefined) headers['Authorization'] = `Bearer ${options.token}`;
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  return headers;
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'status' in value && 'title' in value;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const value: unknown = await response.json();
    if (isProblem(value)) return value;
  } catch {
    /* not JSON: something other than the server answered */
  }
  return { type: 'about:blank', title: response.statusText || 'no reason', status: response.status };
}

/** Seconds, as idem-server writes it; the date form is not used here and counts as absent. */
function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 120) * 1000 : null;
}

export async function call<T>(
  fetch: Fetch,
  url: string,
  options: CallOptions = {},
): Promise<Outcome<T>> {
  const init: RequestInit = {
    method: options.method ?? 'GET',
    headers: headersFor(options),
    cache: 'no-store',
    credentials: options.credentials ?? 'omit',
    redirect: 'error',
    signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
  };
  if (options.body !== undefined) init.body = options.body;
  if (options.keepalive) init.keepalive = true;
  try {
    const response = await fetch(url, init);
    if (!response.ok) {
      return {
        kind: 'refusal',
        problem: await problemOf(response),
        retryAfterMs: retryAfter(response),
      };
    }
    const body = response.status === 204 ? undefined : await response.json();
    return { kind: 'answer', status: response.status, body: body as T };
  } catch (error) {
    return { kind: 'silence', why: error instanceof Error ? error.message : String(error) };
  }
}

/** The last part of a problem's type: "session-closed". */
export function problemName(problem: Problem): string {
  return problem.type.slice(problem.type.lastIndexOf('/') + 1);
}
