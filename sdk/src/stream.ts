// SPDX-License-Identifier: Apache-2.0
/*
 * stream.ts - server-sent events over fetch.
 *
 * EventSource cannot carry an Authorization header, and a token in an address ends up in logs; so the
 * stream is read with fetch and cut into events here, by the rules of the HTML standard that
 * idem-server uses: event and data lines, blank line ends an event, a colon line is a comment.
 * A broken stream is opened again after the outbox's back-off.
 */
import type { Fetch } from './http.js';
import { backoffMs } from './outbox.js';

export interface ServerEvent {
  event: string;
  data: string;
}

/** No single event may be longer; a stream that claims otherwise is broken. */
const EVENT_BYTES_MAX = 256 * 1024;

/** Cuts text that arrives in arbitrary pieces into events. */
export class EventCutter {
  private rest = '';

  push(text: string): ServerEvent[] {
    const blocks = (this.rest + text).replaceAll('\r\n', '\n').split('\n\n');
    this.rest = blocks.pop() ?? '';
    if (this.rest.length > EVENT_BYTES_MAX) throw new Error('event too long');
    return blocks.map(parseBlock).filter((event) => event.data !== '');
  }
}

function parseBlock(block: string): ServerEvent {
  const event: ServerEvent = { event: 'message', data: '' };
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event.event = value;
    if (field === 'data') data.push(value);
  }
  event.data = data.join('\n');
  return event;
}

export interface StreamOptions {
  fetch: Fetch;
  url: string;
  /** Without one the console's cookie goes along. */
  token?: string;
  onEvent(event: ServerEvent): void;
  onState(state: 'open' | 'lost' | 'refused'): void;
  signal: AbortSignal;
}

async function readOnce(options: StreamOptions): Promise<'refused' | 'lost'> {
  const response = await options.fetch(options.url, {
    headers: {
      Accept: 'text/event-stream',
      ...(options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` }),
    },
    cache: 'no-store',
    credentials: options.token === undefined ? 'same-origin' : 'omit',
    signal: options.signal,
  });
  if (response.status === 401 || response.status === 403) return 'refused';
  if (!response.ok || response.body === null) return 'lost';
  options.onState('open');
  const cutter = new EventCutter();
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return 'lost';
    cutter.push(decoder.decode(value, { stream: true })).forEach(options.onEvent);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/** Follows the stream until the signal aborts or the token is refused. */
export async function follow(options: StreamOptions): Promise<void> {
  let attempt = 0;
  const watched: StreamOptions = {
    ...options,
    onState: (state) => {
      if (state === 'open') attempt = 0;
      options.onState(state);
    },
  };
  while (!options.signal.aborted) {
    const end = await readOnce(watched).catch(() => 'lost' as const);
    if (options.signal.aborted) return;
    options.onState(end);
    if (end === 'refused') return;
    attempt += 1;
    await pause(backoffMs(attempt, Math.random()), options.signal);
  }
}
