// SPDX-License-Identifier: Apache-2.0
/*
 * token.test.ts - tokens that are renewed in time, after a sleep, after a failure, and by another tab.
 */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Token, tokenState, type Outcome, type TokenState } from '../src/index.js';
import type { Renewed } from '../src/types.js';

const MINUTE = 60_000;

/** A page whose clock and timers stand still until they are moved. */
function page(session = 's_1', life: number | null = 900) {
  let now = 0;
  let made = 0;
  const timers: { at: number; run: () => void }[] = [];
  const asked: string[] = [];
  const states: TokenState[] = [];
  let answer: (() => Outcome<Renewed>) | null = null;
  const set = mock.method(globalThis, 'setTimeout', ((run: () => void, ms: number) => {
    const timer = { at: now + ms, run };
    timers.push(timer);
    return timer as unknown as ReturnType<typeof setTimeout>;
  }) as typeof setTimeout);
  const clear = mock.method(globalThis, 'clearTimeout', ((timer: unknown) => {
    const at = timers.indexOf(timer as (typeof timers)[0]);
    if (at >= 0) timers.splice(at, 1);
  }) as typeof clearTimeout);
  const token = new Token({
    session,
    state: tokenState({ token: 'T0', token_life_s: life }, 0),
    now: () => now,
    renew: async (old) => {
      asked.push(old);
      made += 1;
      return answer?.() ?? { kind: 'answer', status: 200, body: { token: `T${made}`, token_life_s: life } };
    },
    onState: (state) => states.push(state),
  });
  const settle = async () => {
    for (let i = 0; i < 10; i += 1) await new Promise(setImmediate);
  };
  return {
    token,
    asked,
    states,
    timers,
    answerWith: (next: (() => Outcome<Renewed>) | null) => (answer = next),
    /** Sleeping: time passes, timers do not. */
    sleep: (ms: number) => (now += ms),
    async pass(ms: number) {
      now += ms;
      for (const timer of timers.splice(0, timers.length)) {
        if (timer.at <= now) timer.run();
        else timers.push(timer);
      }
      await settle();
    },
    settle,
    close() {
      token.stop();
      set.mock.restore();
      clear.mock.restore();
    },
  };
}

test('a token is renewed at 60 % of its life, and again', async () => {
  const p = page();
  await p.pass(8 * MINUTE);
  assert.deepEqual(p.asked, []);
  await p.pass(1 * MINUTE);
  assert.deepEqual(p.asked, ['T0']);
  assert.equal(p.token.value, 'T1');
  assert.equal(p.states.at(-1)?.token, 'T1');
  await p.pass(9 * MINUTE);
  assert.deepEqual(p.asked, ['T0', 'T1']);
  p.close();
});

test('a token without a life is never renewed', async () => {
  const p = page('s_1', null);
  await p.pass(24 * 60 * MINUTE);
  assert.equal(await p.token.fresh(), 'T0');
  assert.deepEqual([p.asked, p.timers.length], [[], 0]);
  p.close();
});

test('after a sleep whoever sends renews first, once for all who wait', async () => {
  const p = page();
  p.sleep(14 * MINUTE);
  assert.deepEqual(await Promise.all([p.token.fresh(), p.token.fresh()]), ['T1', 'T1']);
  assert.deepEqual(p.asked, ['T0']);
  p.close();
});

test('a failure is tried again before the end; a refusal is not', async () => {
  const p = page();
  p.answerWith(() => ({ kind: 'silence', why: 'no network' }));
  await p.pass(9 * MINUTE);
  assert.equal(p.timers.length, 1, 'another try is due');
  p.answerWith(null);
  await p.pass(2 * MINUTE);
  assert.equal(p.token.value, 'T2');
  p.answerWith(() => ({
    kind: 'refusal',
    problem: { type: '/problems/token-expired', title: '', status: 401 },
    retryAfterMs: null,
  }));
  await p.pass(9 * MINUTE);
  assert.equal(p.timers.length, 0);
  p.close();
});

test('a duplicated tab hears of the new token and does not use the old one', async () => {
  const [one, two, other] = [page('s_1'), page('s_1'), page('s_2')];
  await one.pass(9 * MINUTE);
  for (let i = 0; i < 50 && two.states.length === 0; i += 1) await new Promise(setImmediate);
  assert.equal(two.token.value, 'T1');
  assert.deepEqual(two.asked, []);
  assert.equal(other.token.value, 'T0', 'another session is not meant');
  [other, two, one].forEach((p) => p.close());
});

test('two tabs that are woken at the same moment renew once', async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  let last: Promise<unknown> = Promise.resolve();
  const locks = {
    request: (_name: string, work: () => Promise<unknown>) => (last = last.then(work)),
  };
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
  const [one, two] = [page('s_1'), page('s_1')];
  const wake = async (p: typeof one, ms: number) => {
    await p.pass(ms);
    for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
  };
  await wake(one, 9 * MINUTE);
  await wake(two, 9 * MINUTE);
  for (let i = 0; i < 4; i += 1) await wake(two, 100); /* timers are the newest page's */
  for (let i = 0; i < 4; i += 1) await wake(one, 100);
  for (let i = 0; i < 4; i += 1) await wake(two, 100);
  assert.equal(one.asked.length + two.asked.length, 1);
  assert.equal(one.token.value, two.token.value);
  [two, one].forEach((p) => p.close());
  if (before) Object.defineProperty(globalThis, 'navigator', before);
  else Reflect.deleteProperty(globalThis, 'navigator');
});
