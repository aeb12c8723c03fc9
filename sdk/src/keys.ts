// SPDX-License-Identifier: Apache-2.0
/*
 * keys.ts - from a browser's name of a key's place to a Linux input event code.
 *
 * KeyboardEvent.code names the place of a key, not the character on it, just as the kernel does, so
 * the layout does not matter. The number is handed straight to the WASM module, which
 * reduces it to a zone; nothing in this SDK keeps a code or a number in a variable that
 * outlives the event.
 *
 * Keys without a zone of their own (arrows, function keys, the number pad) have numbers too, for the
 * guard has to tell two of them apart: several held at once are no hand on one key. The module files
 * all of them under "other". What has no place in the table is KEY_OTHER.
 */

/** What a key outside the table is handed over as: outside 0..255, filed under "other". */
export const KEY_OTHER = 0x2ff;

/* The numbers are those of linux/input-event-codes.h; rows run from left to right. */
const rows: ReadonlyArray<readonly [first: number, codes: string]> = [
  [1, 'Escape'],
  [2, 'Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal'],
  [14, 'Backspace Tab'],
  [16, 'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight'],
  [28, 'Enter ControlLeft'],
  [30, 'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote ShiftLeft'],
  [43, 'Backslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight'],
  [55, 'NumpadMultiply AltLeft Space CapsLock'],
  [59, 'F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NumLock ScrollLock'],
  [71, 'Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd'],
  [79, 'Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal'],
  [86, 'IntlBackslash F11 F12 IntlRo'],
  [92, 'Convert KanaMode NonConvert'],
  [96, 'NumpadEnter ControlRight NumpadDivide PrintScreen AltRight'],
  [102, 'Home ArrowUp PageUp ArrowLeft ArrowRight End ArrowDown PageDown Insert Delete'],
  [117, 'NumpadEqual'],
  [119, 'Pause'],
  [121, 'NumpadComma Lang1 Lang2 IntlYen MetaLeft MetaRight ContextMenu'],
];

const table: ReadonlyMap<string, number> = new Map(
  rows.flatMap(([first, codes]) =>
    codes.split(' ').map((code, i): [string, number] => [code, first + i]),
  ),
);

/** The Linux input event code of a KeyboardEvent.code ("KeyA" is 30), or KEY_OTHER. */
export function evdevCode(code: string): number {
  return table.get(code) ?? KEY_OTHER;
}
