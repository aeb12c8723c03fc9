// SPDX-License-Identifier: Apache-2.0
/*
 * chromium.mjs - Debian's Chromium, started as an ordinary user, driven over its debugging port.
 *
 * Cases: run as root, the browser goes through setpriv to `nobody`; its home and profile are fresh
 * and gone afterwards. The sandbox is tried first; where the kernel grants none (containers without
 * user namespaces) the browser is started once more with --no-sandbox, which happens in tests only and
 * is said on stderr. Only the process started here is ended.
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, chownSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const { chromium } = createRequire(new URL('../../console/package.json', import.meta.url))(
  'playwright-core',
);

export const BINARY = process.env.CHROMIUM ?? '/usr/bin/chromium';
const START_MS = 30_000;
const FLAGS = [
  '--headless=new',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
];

export function installed() {
  try {
    accessSync(BINARY, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function nobody() {
  const id = (flag) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

function makeHome() {
  const home = mkdtempSync(join(tmpdir(), 'idem-browser-'));
  if (process.getuid() === 0) {
    const { uid, gid } = nobody();
    chownSync(home, uid, gid);
  }
  return home;
}

function command(home, extra) {
  const args = [...FLAGS, ...extra, `--user-data-dir=${join(home, 'profile')}`, 'about:blank'];
  if (process.getuid() !== 0) return [BINARY, args];
  const { uid, gid } = nobody();
  const drop = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'];
  return ['setpriv', [...drop, BINARY, ...args]];
}

/* Resolves to the port's address, or null when the browser ended before it opened one. */
async function debugAddress(child, home) {
  const file = join(home, 'profile', 'DevToolsActivePort');
  for (let waited = 0; waited < START_MS && child.exitCode === null; waited += 100) {
    try {
      const [port, path] = readFileSync(file, 'utf8').trim().split('\n');
      if (path) return `ws://127.0.0.1:${port}${path}`;
    } catch {
      /* not written yet */
    }
    await sleep(100);
  }
  return null;
}

async function end(child, home) {
  try {
    if (child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  } catch {
    /* gone already */
  }
  for (let i = 0; i < 50 && child.exitCode === null && child.signalCode === null; i += 1) {
    await sleep(100);
  }
  rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

async function start(extra) {
  const home = makeHome();
  const [file, args] = command(home, extra);
  const env = { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, TMPDIR: home };
  const child = spawn(file, args, { env, cwd: home, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (piece) => (said = (said + piece).slice(-4000)));
  const address = await debugAddress(child, home);
  if (address === null) await end(child, home);
  return { address, said, close: () => end(child, home) };
}

/** {address, close}: the debugging port of a browser for whoever wants to drive it. */
export async function launchBare(extra = []) {
  let started = await start(extra);
  if (started.address === null) {
    console.error('chromium: no sandbox to be had here, trying without (tests only)');
    const first = started.said;
    started = await start(['--no-sandbox', ...extra]);
    if (started.address === null) throw new Error(`chromium: ${first}\n${started.said}`);
  }
  return started;
}

/** {browser, close}: Playwright's browser and the way to end it and everything it left. */
export async function launch(extra = []) {
  const { address, close } = await launchBare(extra);
  const browser = await chromium.connectOverCDP(address);
  return { browser, close: async () => (await browser.close(), close()) };
}
