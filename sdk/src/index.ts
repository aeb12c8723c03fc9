// SPDX-License-Identifier: Apache-2.0
/*
 * index.ts - the SDK's public names, in the order in which the data passes through them.
 */
export { evdevCode, KEY_OTHER } from './keys.js';
export { Edge, EdgeError, type KeyAction, type PointerKind } from './edge.js';
export { SecretFields } from './secret.js';
export { Collector, type CollectorOptions } from './collect.js';
export {
  Outbox,
  QUEUE_LIMIT,
  backoffMs,
  encodeBody,
  sessionIsOver,
  type OutboxOptions,
  type Trouble,
} from './outbox.js';
export { call, problemName, type Fetch, type Outcome } from './http.js';
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
