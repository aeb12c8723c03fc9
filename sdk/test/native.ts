// SPDX-License-Identifier: Apache-2.0
/*
 * native.ts - the native half of tests (tests/wasm/native.c), compiled from the library's own sources,
 * and where the built module lies.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/* This file runs as sdk/dist/test/native.js. */
const root = fileURLToPath(new URL('../../../', import.meta.url));

export const wasmPath = join(root, 'sdk/dist/idem-edge.wasm');

/** The path of the program, made in dir. */
export function compileNative(dir: string): string {
  const native = join(dir, 'native');
  const rooms = ['src/window', 'src/guard'].flatMap((room) =>
    readdirSync(join(root, room))
      .filter((name) => name.endsWith('.c'))
      .map((name) => join(room, name)),
  );
  const sources = ['tests/wasm/native.c', 'src/base/error.c', 'src/base/bytes.c', ...rooms];
  const flags = ['-std=c11', '-O2', '-ffp-contract=off', '-D_GNU_SOURCE', '-Iinclude', '-Isrc'];
  execFileSync(process.env['CC'] ?? 'cc', [...flags, '-o', native, ...sources, '-lm'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return native;
}

/** The bytes of its synthetic front. */
export function frontOf(native: string): Uint8Array {
  return new Uint8Array(execFileSync(native, ['front']));
}
