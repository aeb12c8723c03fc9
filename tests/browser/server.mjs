// SPDX-License-Identifier: Apache-2.0
/*
 * server.mjs - an idem-server of its own for a test: a free port, a fresh data directory, the built page.
 *
 *   IDEM_SERVER       the binary       (default: build/src/server/idem-server)
 *   IDEM_POPULATION   the population   (default: the one that ships)
 *   IDEM_WWW          the page         (default: console/dist)
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 20_000;

function configured(name, ...fallback) {
  const path = process.env[name] ?? join(root, ...fallback);
  if (!existsSync(path)) throw new Error(`browser test: ${path} is missing; build first, or set ${name}`);
  return path;
}

/* The line that carries the link, or a failure with what the server said. */
function firstLink(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`idem-server is silent: ${said}`)), START_MS);
    child.stderr.on('data', (piece) => (said = (said + piece).slice(-4000)));
    child.on('exit', (code) => reject(new Error(`idem-server ended with ${code}: ${said}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = /(http:\/\/\S+)\/#(?:operator|setup)=(\S+)/.exec(line);
      if (match === null) return;
      clearTimeout(timer);
      resolve({ link: match[0], origin: match[1], operator: match[2] });
    });
  });
}

/** {link, origin, operator, stop}; without the demonstration the link is the one for the set-up. */
export async function startServer({ demo = true } = {}) {
  const binary = configured('IDEM_SERVER', 'build', 'src', 'server', 'idem-server');
  const population = configured('IDEM_POPULATION', 'data', 'default.pop');
  const www = configured('IDEM_WWW', 'console', 'dist');
  const dir = mkdtempSync(join(tmpdir(), 'idem-server-'));
  const args = [...(demo ? ['--demo'] : []), '--port', '0', '--data', dir, '--www', www, '--population', population];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    const code = await ended;
    rmSync(dir, { recursive: true, force: true });
    return code;
  };
  try {
    return { ...(await firstLink(child)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
