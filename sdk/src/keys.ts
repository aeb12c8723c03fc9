// SPDX-License-Identifier: Apache-2.0
/*
 * keys.ts - from a browser's name of a key's place to a Linux input event code.
 *
 * KeyboardEvent.code names the place of a key, not the character on it, just as the kernel does, so
 * the layout does not matter. The number is handed straight to the WASM module, which
 * reduces it to a zone; nothing in this SDK keeps a code or a number in a variable that
 * outlives the event.
 *
 * Only keys whose zone differs from "other" need a number of their own. Everything else (arrows,
 * function keys, the number pad, media keys) is KEY_OTHER, which the module files under "other".
 */

/** What a key without a zone of its own is handed over as: outside 0..255, filed under "other". */
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
  [56, 'AltLeft Space CapsLock'],
  [86, 'IntlBackslash'],
  [97, 'ControlRight'],
  [100, 'AltRight'],
  [125, 'MetaLeft MetaRight ContextMenu'],
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
