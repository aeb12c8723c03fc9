// SPDX-License-Identifier: Apache-2.0
/* outbox.test.ts - numbering, resending and bounds, with a server and a clock made of functions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AlarmOutbox,
  Outbox,
  QUEUE_LIMIT,
  backoffMs,
  sessionIsOver,
  type Acknowledgement,
  type AlarmAcknowledgement,
  type AlarmBody,
  type Outcome,
  type SequencedAlarm,
  type SequencedWindow,
  type SessionView,
  type Trouble,
  type WindowBody,
} from '../src/index.js';

const VIEW = {} as SessionView;
const body: WindowBody = {
  modality: 'keyboard',
  front: '0123456789abcdef',
  strokes: 25,
  duration_ms: 6100,
  cells: [[0, 192, -14, 33]],
};

function acknowledge(text: string, missing: [number, number][] = []): Outcome<Acknowledgement> {
  const { windows } = JSON.parse(text) as { windows: SequencedWindow[] };
  const acknowledged = Math.max(...windows.map((w) => w.seq));
  return { kind: 'answer', status: 200, body: { acknowledged, missing, session: VIEW } };
}

function refusal(status: number, name: string, retryAfterMs: number | null = null) {
  const problem = { type: `/problems/${name}`, title: name, status };
  return { kind: 'refusal' as const, problem, retryAfterMs };
}

const SILENCE: Outcome<Acknowledgement> = { kind: 'silence', why: 'connection refused' };

/** An outbox whose answers are scripted; waits end at once and are noted. */
function harness(script: (text: string, n: number) => Outcome<Acknowledgement>) {
  const bodies: string[] = [];
  const waits: number[] = [];
  const troubles: Trouble[] = [];
  const seqs: number[] = [];
  const outbox = new Outbox({
    nextSeq: 1,
    send: async (text) => {
      bodies.push(text);
      return script(text, bodies.length);
    },
    onAnswer: () => {},
    onTrouble: (trouble) => troubles.push(trouble),
    onSeq: (seq) => seqs.push(seq),
    random: () => 0.5,
    wait: async (ms) => void waits.push(ms),
  });
  const sentSeqs = () =>
    bodies.map((text) => (JSON.parse(text) as { windows: SequencedWindow[] }).windows.map((w) => w.seq));
  return { outbox, bodies, waits, troubles, seqs, sentSeqs };
}

async function settle(outbox: Outbox): Promise<void> {
  for (let i = 0; i < 1000 && outbox.waiting > 0; i += 1) await new Promise(setImmediate);
}

test('windows are numbered from next_seq on and forgotten once acknowledged', async () => {
  const h = harness((text) => acknowledge(text));
  h.outbox.push(body);
  h.outbox.push(body);
  await settle(h.outbox);
  assert.deepEqual(h.sentSeqs().flat(), [1, 2]);
  assert.ok(h.bodies[0]?.startsWith('{"windows":[{"seq":1,"modality"'));
  assert.deepEqual(h.seqs, [2, 3]);
  assert.equal(h.outbox.waiting, 0);
});

test('after silence the very same bytes go out again', async () => {
  const h = harness((text, n) => (n <= 2 ? SILENCE : acknowledge(text)));
  h.outbox.push(body);
  await settle(h.outbox);
  assert.equal(h.bodies.length, 3);
  assert.equal(h.bodies[0], h.bodies[1]);
  assert.equal(h.bodies[1], h.bodies[2]);
  assert.equal(h.troubles.length, 2);
  assert.ok((h.waits[1] ?? 0) > (h.waits[0] ?? 0), 'the wait grows');
});

test('an answer that does not claim a window leaves it in the queue', async () => {
  const h = harness((text, n) =>
    n === 1
      ? { kind: 'answer', status: 200, body: { acknowledged: 2, missing: [[1, 1]], session: VIEW } }
      : acknowledge(text),
  );
  h.outbox.push(body);
  await settle(h.outbox);
  assert.deepEqual(h.sentSeqs(), [[1], [1]]);
  assert.equal(h.outbox.waiting, 0);
});

test('Retry-After is a lower bound of the wait', async () => {
  const h = harness((text, n) => (n === 1 ? refusal(503, 'overloaded', 7000) : acknowledge(text)));
  h.outbox.push(body);
  await settle(h.outbox);
  assert.equal(h.waits[0], 7000);
});

test('a full disk is waited out: nothing is dropped', async () => {
  const h = harness((text, n) => (n < 4 ? refusal(507, 'storage-full') : acknowledge(text)));
  h.outbox.push(body);
  await settle(h.outbox);
  assert.equal(h.bodies.length, 4);
  assert.equal(h.outbox.lost, 0);
});

test('a closed session stops the outbox for good', async () => {
  const h = harness(() => refusal(409, 'session-closed'));
  h.outbox.push(body);
  await settle(h.outbox);
  h.outbox.push(body);
  await settle(h.outbox);
  assert.equal(h.bodies.length, 1);
  assert.equal(h.outbox.waiting, 0);
  assert.equal(h.troubles[0]?.kind, 'stopped');
});

test('413 halves the batch instead of waiting', async () => {
  let release = (): void => {};
  const first = new Promise<void>((resolve) => (release = resolve));
  const sizes: number[] = [];
  const outbox = new Outbox({
    nextSeq: 1,
    send: async (text) => {
      const { windows } = JSON.parse(text) as { windows: SequencedWindow[] };
      sizes.push(windows.length);
      if (sizes.length === 1) await first;
      return windows.length > 20 ? refusal(413, 'body-too-large') : acknowledge(text);
    },
    onAnswer: () => {},
    wait: async () => assert.fail('no wait is due'),
  });
  for (let i = 0; i < 65; i += 1) outbox.push(body);
  release();
  await settle(outbox);
  assert.deepEqual(sizes.slice(0, 4), [1, 64, 32, 16]);
  assert.equal(outbox.waiting, 0);
});

test('a body stays below the limit of the server in bytes', async () => {
  const big: WindowBody = { ...body, cells: [Array.from({ length: 3000 }, () => -1234)] };
  let longest = 0;
  const h = harness((text) => {
    longest = Math.max(longest, text.length);
    return acknowledge(text);
  });
  for (let i = 0; i < 30; i += 1) h.outbox.push(big);
  await settle(h.outbox);
  assert.ok(longest > 40_000 && longest < 65_536, `${longest} bytes`);
});

test('the queue is bounded, and what is given up leaves one gap behind the window in flight', async () => {
  let release = (): void => {};
  const back = new Promise<void>((resolve) => (release = resolve));
  const seen: number[] = [];
  const outbox = new Outbox({
    nextSeq: 1,
    send: async (text) => {
      await back;
      const { windows } = JSON.parse(text) as { windows: SequencedWindow[] };
      seen.push(...windows.map((w) => w.seq));
      return acknowledge(text);
    },
    onAnswer: () => {},
  });
  for (let i = 0; i < QUEUE_LIMIT + 10; i += 1) outbox.push(body);
  assert.equal(outbox.waiting, QUEUE_LIMIT);
  assert.equal(outbox.lost, 10);
  release();
  await settle(outbox);
  assert.equal(seen[0], 1);
  assert.equal(seen[1], 12);
  assert.equal(seen.at(-1), QUEUE_LIMIT + 10);
  assert.equal(seen.length, QUEUE_LIMIT);
});

test('the wait doubles, is jittered by half, and is capped', () => {
  assert.equal(backoffMs(1, 0), 250);
  assert.equal(backoffMs(1, 1), 500);
  assert.equal(backoffMs(3, 1), 2000);
  assert.equal(backoffMs(50, 1), 15_000);
  assert.equal(backoffMs(50, 0), 7_500);
});

/* ------------------------------------------------------------- alarms */

const alarm: AlarmBody = {
  device: 'keyboard',
  kind: 'injected-keys',
  confidence: 0.99,
  saw: [{ reason: 'holds-short', count: 5, value: 2 }],
};

function alarmHarness(
  script: (seqs: number[], n: number) => Outcome<AlarmAcknowledgement>,
  nextSeq = 1,
  waiting: SequencedAlarm[] = [],
) {
  const sent: number[][] = [];
  const queues: number[][] = [];
  const troubles: Trouble[] = [];
  const waits: number[] = [];
  const outbox = new AlarmOutbox({
    nextSeq,
    waiting,
    send: async (text) => {
      const { alarms } = JSON.parse(text) as { alarms: SequencedAlarm[] };
      const seqs = alarms.map(({ seq }) => seq);
      return script(seqs, sent.push(seqs));
    },
    onAnswer: () => {},
    onTrouble: (trouble) => troubles.push(trouble),
    onQueue: (queue) => queues.push(queue.map(({ seq }) => seq)),
    random: () => 0.5,
    wait: async (ms) => void waits.push(ms),
  });
  const done = async () => {
    for (let i = 0; i < 1000 && outbox.waiting > 0; i += 1) await new Promise(setImmediate);
  };
  return { outbox, sent, queues, troubles, waits, done };
}

function held(acknowledged: number[]): Outcome<AlarmAcknowledgement> {
  return { kind: 'answer', status: 200, body: { acknowledged, session: VIEW } };
}

test('an alarm is sent under its own number until the server has it', async () => {
  const h = alarmHarness((seqs, n) => (n < 3 ? { kind: 'silence', why: '' } : held(seqs)));
  h.outbox.push(alarm);
  await h.done();
  assert.deepEqual(h.sent, [[1], [1], [1]]);
  assert.deepEqual(h.waits, [375, 750]);
  assert.deepEqual(h.queues, [[1], []]);
});

test('alarms from before a reload are sent without a new one', async () => {
  const before = [{ seq: 3, ...alarm }, { seq: 4, ...alarm }];
  const h = alarmHarness(held, 5, before);
  await h.done();
  h.outbox.push(alarm);
  await h.done();
  assert.deepEqual(h.sent, [[3, 4], [5]]);
});

test('what an answer does not name is sent again', async () => {
  const h = alarmHarness((seqs, n) => held(n === 2 ? seqs.slice(1) : seqs));
  for (let i = 0; i < 3; i += 1) h.outbox.push(alarm);
  await h.done();
  assert.deepEqual(h.sent, [[1], [2, 3], [2]]);
});

test('a request holds as many alarms as the server takes', async () => {
  const h = alarmHarness(held);
  for (let i = 0; i < 40; i += 1) h.outbox.push(alarm);
  await h.done();
  assert.deepEqual(
    h.sent.map((seqs) => seqs.length),
    [1, 16, 16, 7],
  );
  assert.equal(h.outbox.lost, 0);
});

test('one alarm too many stops the outbox with a reason', async () => {
  const h = alarmHarness(() => refusal(409, 'too-many-alarms'), 65);
  h.outbox.push(alarm);
  await h.done();
  h.outbox.push(alarm);
  assert.equal(h.sent.length, 1);
  assert.equal(h.troubles[0]?.kind, 'stopped');
});

test('a session that had all its alarms is over', () => {
  const { problem } = refusal(409, 'too-many-alarms');
  assert.ok(sessionIsOver(problem));
  assert.ok(!sessionIsOver(refusal(409, 'alarm-number-taken').problem));
});

test('an alarm whose number another page has used goes again under the next free one', async () => {
  const taken = new Set([1, 3, 4]);
  const h = alarmHarness((seqs) =>
    seqs.some((seq) => taken.has(seq)) ? refusal(409, 'alarm-number-taken') : held(seqs),
  );
  for (let i = 0; i < 3; i += 1) h.outbox.push(alarm);
  await h.done();
  assert.deepEqual(h.sent, [[1], [2, 3, 4], [2], [3], [4], [5], [6]]);
  assert.deepEqual(h.waits, []);
  assert.deepEqual(h.troubles, []);
});

test('a number that was taken before a reload is changed after it', async () => {
  const taken = [3, 4];
  const script = (seqs: number[]) =>
    seqs.some((seq) => taken.includes(seq)) ? refusal(409, 'alarm-number-taken') : held(seqs);
  const h = alarmHarness(script, 4, [{ seq: 3, ...alarm }]);
  await h.done();
  assert.deepEqual(h.sent, [[3], [4], [5]]);
  assert.deepEqual(h.queues.slice(0, 2), [[4], [5]], 'kept under its new number');
});
