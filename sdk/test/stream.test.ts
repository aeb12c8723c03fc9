// SPDX-License-Identifier: Apache-2.0
/* stream.test.ts - server-sent events, cut wherever the network likes to cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventCutter } from '../src/index.js';

const TEXT = ': hello\n\nevent: session\ndata: {"id":"s_1"}\n\nevent: session\r\ndata: a\r\ndata: b\r\n\r\n';

test('events come out whole, however the text is cut', () => {
  for (let size = 1; size <= TEXT.length; size += 1) {
    const cutter = new EventCutter();
    const events = [];
    for (let at = 0; at < TEXT.length; at += size) events.push(...cutter.push(TEXT.slice(at, at + size)));
    assert.deepEqual(
      events,
      [
        { event: 'session', data: '{"id":"s_1"}' },
        { event: 'session', data: 'a\nb' },
      ],
      `pieces of ${size}`,
    );
  }
});

test('an event without end is refused, not gathered for ever', () => {
  const cutter = new EventCutter();
  assert.throws(() => {
    for (let i = 0; i < 100; i += 1) cutter.push('data: '.padEnd(4096, 'x'));
  }, /too long/);
});
