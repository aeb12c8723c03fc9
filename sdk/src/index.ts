// SPDX-License-Identifier: Apache-2.0
/*
 * index.ts - the SDK's public names, in the order in which the data passes through them.
 */
export { evdevCode, KEY_OTHER } from './keys.js';
export { CAPITAL, Edge, EdgeError, type Answer, type KeyAction, type PointerKind } from './edge.js';
export { SecretFields } from './secret.js';
export { Collector, type CollectorOptions } from './collect.js';
export { REARM_FIRST_MS, REARM_MAX_MS, Watch, type WatchOptions } from './watch.js';
export {
  AlarmOutbox,
  Outbox,
  QUEUE_LIMIT,
  backoffMs,
  encodeAlarms,
  encodeBody,
  sessionIsOver,
  type AlarmOutboxOptions,
  type OutboxOptions,
  type Trouble,
} from './outbox.js';
export { call, problemName, type CallOptions, type Fetch, type Outcome } from './http.js';
export { Token, tokenState, type TokenOptions, type TokenState } from './token.js';
export { follow, EventCutter, type ServerEvent } from './stream.js';
export {
  Refused,
  Session,
  Unreachable,
  type Person,
  type SavedSession,
  type SessionHooks,
  type SessionOptions,
} from './session.js';
export * from './types.js';
