// SPDX-License-Identifier: Apache-2.0
/*
 * session.test.ts - alarms of a session that was reloaded, and of one that is closed before they have
 * arrived. Module and front are real ones; the server is a function, and the page has no events.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Session, type SavedSession, type SequencedAlarm, type SessionView } from '../src/index.js';
import { compileNative, frontOf, wasmPath } from './native.js';

const module = readFileSync(wasmPath);
let dir: string;
let front: Uint8Array;

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'idem-session-'));
  front = frontOf(compileNative(dir));
  Object.assign(globalThis, { window: {} });
});

after(() => rmSync(dir, { recursive: true, force: true }));

const alarm = (seq: number): SequencedAlarm => ({
  seq,
  device: 'keyboard',
  kind: 'injected-keys',
  confidence: 0.99,
  saw: [{ reason: 'holds-short', count: 5, value: 2 }],
});

const saved: SavedSession = {
  id: 's_1',
  token: 'T',
  nextSeq: 7,
  window: { keyboard: 100, pointer: 10 },
  nextAlarm: 5,
  alarms: [alarm(3), alarm(4)],
};

interface Request {
  method: string;
  path: string;
  seqs: number[];
  keepalive: boolean;
}

/** A server that takes alarms, or none at all. */
function serve(takes: boolean) {
  const requests: Request[] = [];
  const view = { id: 's_1', state: 'ok', changed: '', guard: null } as unknown as SessionView;
  const fetch = async (path: string, init: RequestInit = {}): Promise<Response> => {
    if (path === '/v1/front') return new Response(front.slice().buffer as ArrayBuffer);
    const body = JSON.parse(String(init.body ?? '{}')) as { alarms?: SequencedAlarm[] };
    const seqs = (body.alarms ?? []).map(({ seq }) => seq);
    const [method, keepalive] = [init.method ?? 'GET', init.keepalive ?? false];
    if (method !== 'GET') requests.push({ method, path, seqs, keepalive });
    if (path === '/v1/alarms' && !takes) throw new Error('connection refused');
    if (path === '/v1/alarms') return Response.json({ acknowledged: seqs, session: view });
    return method === 'DELETE' ? new Response(null, { status: 204 }) : Response.json(view);
  };
  return { requests, fetch };
}

async function resume(takes: boolean) {
  const { requests, fetch } = serve(takes);
  const kept: SavedSession[] = [];
  const hooks = { onView: () => {}, onSave: (state: SavedSession) => kept.push(state) };
  const session = await Session.resume(saved, { module, hooks, fetch });
  for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
  return { session, requests, kept };
}

test('alarms that were on their way before a reload are sent after it', async () => {
  const { session, requests, kept } = await resume(true);
  assert.deepEqual(requests, [
    { method: 'POST', path: '/v1/alarms', seqs: [3, 4], keepalive: true },
  ]);
  assert.deepEqual(kept.at(-1)?.alarms, []);
  assert.equal(kept.at(-1)?.nextAlarm, 5, 'no number is used twice');
  assert.equal(kept.at(-1)?.nextSeq, 7);
  session.abandon();
});

test('a session that is closed sends its alarms once more before', async () => {
  const { session, requests, kept } = await resume(false);
  assert.deepEqual(kept.at(-1)?.alarms, saved.alarms);
  await session.close();
  assert.deepEqual(
    requests.map(({ method, seqs }) => [method, seqs]),
    [
      ['POST', [3, 4]],
      ['POST', [3, 4]],
      ['DELETE', []],
    ],
  );
});
