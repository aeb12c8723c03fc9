// SPDX-License-Identifier: Apache-2.0
/* keys.test.ts - the map from places to event codes, against the kernel's own numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evdevCode, KEY_OTHER } from '../src/index.js';

/* linux/input-event-codes.h, written out so that a slip in the table's arithmetic shows. */
const KERNEL: Record<string, number> = {
  Escape: 1, Digit1: 2, Digit9: 10, Digit0: 11, Minus: 12, Equal: 13, Backspace: 14, Tab: 15,
  KeyQ: 16, KeyW: 17, KeyE: 18, KeyR: 19, KeyT: 20, KeyY: 21, KeyU: 22, KeyI: 23, KeyO: 24, KeyP: 25,
  BracketLeft: 26, BracketRight: 27, Enter: 28, ControlLeft: 29, KeyA: 30, KeyS: 31, KeyD: 32, KeyF: 33,
  KeyG: 34, KeyH: 35, KeyJ: 36, KeyK: 37, KeyL: 38, Semicolon: 39, Quote: 40, Backquote: 41,
  ShiftLeft: 42, Backslash: 43, KeyZ: 44, KeyX: 45, KeyC: 46, KeyV: 47, KeyB: 48, KeyN: 49, KeyM: 50,
  Comma: 51, Period: 52, Slash: 53, ShiftRight: 54, AltLeft: 56, Space: 57, CapsLock: 58,
  NumpadMultiply: 55, F1: 59, F2: 60, F10: 68, NumLock: 69, ScrollLock: 70, Numpad7: 71, Numpad8: 72,
  Numpad9: 73, NumpadSubtract: 74, Numpad4: 75, Numpad5: 76, Numpad6: 77, NumpadAdd: 78, Numpad1: 79,
  Numpad2: 80, Numpad3: 81, Numpad0: 82, NumpadDecimal: 83, IntlBackslash: 86, F11: 87, F12: 88,
  IntlRo: 89, Convert: 92, KanaMode: 93, NonConvert: 94, NumpadEnter: 96, ControlRight: 97,
  NumpadDivide: 98, PrintScreen: 99, AltRight: 100, Home: 102, ArrowUp: 103, PageUp: 104,
  ArrowLeft: 105, ArrowRight: 106, End: 107, ArrowDown: 108, PageDown: 109, Insert: 110, Delete: 111,
  NumpadEqual: 117, Pause: 119, NumpadComma: 121, Lang1: 122, Lang2: 123, IntlYen: 124, MetaLeft: 125,
  MetaRight: 126, ContextMenu: 127,
};

test('every place has the number that the kernel gives it', () => {
  for (const [code, number] of Object.entries(KERNEL)) assert.equal(evdevCode(code), number, code);
});

test('no two places share a number', () => {
  const numbers = Object.keys(KERNEL).map(evdevCode);
  assert.equal(new Set(numbers).size, numbers.length);
});

test('a key that is not in the table is "other", whatever its name', () => {
  for (const code of ['MediaPlay', 'F25', 'constructor', '__proto__', '']) {
    assert.equal(evdevCode(code), KEY_OTHER, code);
  }
});
