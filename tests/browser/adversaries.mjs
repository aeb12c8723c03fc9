// SPDX-License-Identifier: Apache-2.0
/*
 * adversaries.mjs - programs that drive a page, against the guard of the real one; and people.
 *
 *   machines   each (machines.mjs) in a session of its own, flagged within 20 keys or 5 gestures by
 *              the guard of its device, in one of three tries; two that only even times betray get more keys
 *   people     recorded typists (tests/data) through the same browser: a hand, never an alarm
 *   pointers   recorded hands at a mouse, when IDEM_DATA names a folder of recordings; none may be
 *              shipped, so that without it this part is not there, which is said
 *
 * Counting is the page's: a listener counts keys and gestures as the user makes them, and notes how
 * many there were when the page first said that no hand is there. A gesture is a movement up to a
 * press or a pause of 300 ms, or a press without one. Without Chromium all is skipped loudly, and fails
 * where CI is set. IDEM_ONLY=PATTERN takes the machines whose names match.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { BINARY, installed, launch, launchBare } from './chromium.mjs';
import { BY_PLAYWRIGHT, BY_PUPPETEER } from './machines.mjs';
import { Player, readRecording } from './player.mjs';
import { PointerPlayer, readPointers } from './pointers.mjs';
import { startServer } from './server.mjs';

const puppeteer = createRequire(import.meta.url)('puppeteer-core');
const recordings = fileURLToPath(new URL('../data/bbmas_excerpt.csv', import.meta.url));
const TYPISTS = ['106', '107', '109', '111', '113', '117'];
const TYPIST_KEYS = 110;
const POINTER_FILES = ['sapimouse', 'mauth15', 'gmail26'];
const POINTER_PEOPLE = 4;
const POINTER_MS = 25_000;
const MOST = { keyboard: 20, pointer: 5 };
const SIZE = { width: 1280, height: 1000 };
const WAIT_MS = 20_000;
const TRIES = 3;
const STEP_MS = 300_000;

const absent = !installed();
if (absent && process.env.CI) throw new Error(`browser test: ${BINARY} is missing, and CI is set`);
if (absent) console.error(`\n*** browser test SKIPPED: ${BINARY} is not installed ***\n`);
const options = { skip: absent && `${BINARY} is not installed`, concurrency: false };
const wanted = ([name]) => new RegExp(process.env.IDEM_ONLY ?? '').test(name);

/* ------------------------------------------------------------------ in the page */

/* Starts a session under this name; no event of a device is made for it. */
function enter(name) {
  const field = document.querySelector('#person');
  field.value = name;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.form.requestSubmit();
}

/* Shows the free text, and counts from now on. */
function watch() {
  [...document.querySelectorAll('button')].find((b) => b.textContent.trim() === 'Your own words').click();
  const seen = { keys: 0, gestures: 0, keyboard: null, pointer: null };
  let moving = false;
  let last = 0;
  const end = () => {
    seen.gestures += 1;
    moving = false;
  };
  const on = (name, handler) => addEventListener(name, handler, { capture: true, passive: true });
  on('keydown', (event) => (seen.keys += event.isTrusted && !event.repeat ? 1 : 0));
  on('pointermove', (event) => {
    if (moving && event.timeStamp - last > 300) end();
    moving = true;
    last = event.timeStamp;
  });
  on('pointerdown', end);
  const main = document.querySelector('main');
  const look = () => {
    for (const [modality, kind] of [
      ['keyboard', main.dataset.guardKeyboard],
      ['pointer', main.dataset.guardPointer],
    ]) {
      const alarm = !['insufficient', 'human', 'macro'].includes(kind);
      if (alarm) seen[modality] ??= { kind, keys: seen.keys, gestures: seen.gestures };
    }
  };
  new MutationObserver(look).observe(main, { attributes: true });
  window.seen = seen;
}

const focusField = () => document.querySelector('[data-testid="free"]').focus();
const read = () => ({ ...window.seen, now: { ...document.querySelector('main').dataset } });
const entered = () => document.querySelector('#person') !== null;
const live = () => document.querySelector('[data-testid="target"]') !== null;
const writable = () => document.querySelector('[data-testid="free"]') !== null;

/* ------------------------------------------------------------------ sessions and verdicts */

async function until(page, probe) {
  for (let waited = 0; waited < WAIT_MS; waited += 50) {
    if (await page.evaluate(probe)) return;
    await sleep(50);
  }
  throw new Error(`in vain: ${probe}`);
}

async function open(page, server, name) {
  await page.goto(server.link);
  await until(page, entered);
  await page.evaluate(enter, name);
  await until(page, live);
  await page.evaluate(watch);
  await until(page, writable);
  await page.evaluate(focusField);
}

/* Runs the machine until it has finished or the page has flagged it; a page that is locked or has
   changed under it makes it fail, which no longer matters then. */
async function attack(page, modality, machine) {
  let over = false;
  let fault = null;
  const running = machine(page)
    .catch((error) => (fault = error))
    .finally(() => (over = true));
  let seen = await page.evaluate(read);
  while (!over && seen[modality] === null) {
    await sleep(100);
    seen = await page.evaluate(read);
  }
  await sleep(700); /* the last gesture ends with a pause */
  seen = await page.evaluate(read);
  if (seen[modality] === null && fault !== null) throw fault;
  return { seen, running };
}

const inTime = (modality, seen, most) =>
  seen[modality] !== null && seen[modality][modality === 'keyboard' ? 'keys' : 'gestures'] <= most;

function judge(name, modality, seen, most) {
  const alarm = seen[modality];
  const unit = modality === 'keyboard' ? 'keys' : 'gestures';
  assert.ok(alarm !== null, `${name}: not flagged: ${JSON.stringify(seen)}`);
  console.log(`${name}: ${alarm.kind} after ${alarm[unit]} ${unit}`);
  const kinds = { keyboard: ['injected-keys', 'replay'], pointer: ['scripted-pointer', 'replay'] };
  assert.ok(kinds[modality].includes(alarm.kind), `${name}: ${alarm.kind}`);
  assert.ok(alarm[unit] <= most, `${name}: only after ${alarm[unit]} ${unit}`);
}

/* A session for each try. On a machine that is busy with something else, keys are late and the page
   shows what its guard has said long before: what took too long is tried again, and that is said. */
async function challenge(name, modality, machine, most, visit) {
  let seen;
  for (let i = 1; i <= TRIES; i += 1) {
    const { page, context } = await visit(i);
    const tried = await attack(page, modality, machine);
    await context.close();
    await tried.running;
    seen = tried.seen;
    if (inTime(modality, seen, most)) break;
    console.log(`# ${name}: not in time, try ${i} of ${TRIES}: ${JSON.stringify(seen)}`);
  }
  judge(name, modality, seen, most);
}

/* ------------------------------------------------------------------ machines */

describe('programs that drive the page by Puppeteer', options, () => {
  let server, chromium, browser;

  before(async () => {
    server = await startServer();
    chromium = await launchBare(['--hide-scrollbars']);
    browser = await puppeteer.connect({ browserWSEndpoint: chromium.address, defaultViewport: SIZE });
  });

  after(async () => {
    await browser?.disconnect();
    await chromium?.close();
    await server?.stop();
  });

  for (const [name, modality, machine, most] of BY_PUPPETEER.filter(wanted)) {
    test(name, { timeout: STEP_MS }, async () => {
      await challenge(name, modality, machine, most ?? MOST[modality], async (i) => {
        const context = await browser.createBrowserContext();
        const page = await context.newPage();
        await open(page, server, `${name} ${i}`);
        return { page, context };
      });
    });
  }
});

describe('programs that drive the page by Playwright, and people', options, () => {
  let server, chromium;

  before(async () => {
    server = await startServer();
    chromium = await launch(['--hide-scrollbars']);
  });

  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  for (const [name, modality, machine, most] of BY_PLAYWRIGHT.filter(wanted)) {
    test(name, { timeout: STEP_MS }, async () => {
      await challenge(name, modality, machine, most ?? MOST[modality], async (i) => {
        const context = await chromium.browser.newContext({ viewport: SIZE });
        const page = await context.newPage();
        page.setDefaultTimeout(5000);
        await open(page, server, `${name} ${i}`);
        return { page, context };
      });
    });
  }

  /* Plays to a page of its own; resolves to what the page counted and says. */
  async function host(name, size, play) {
    const context = await chromium.browser.newContext({ viewport: size });
    const page = await context.newPage();
    await open(page, server, name);
    await play(await context.newCDPSession(page));
    await sleep(700);
    const seen = await page.evaluate(read);
    await context.close();
    return seen;
  }

  test('recorded typists are hands', { timeout: STEP_MS }, async () => {
    const played = TYPISTS.map((user) =>
      host(`typist ${user}`, SIZE, async (cdp) => {
        const player = new Player(cdp, readRecording(recordings, user));
        await player.type((pressed) => pressed >= TYPIST_KEYS);
      }),
    );
    for (const [i, seen] of (await Promise.all(played)).entries()) {
      assert.equal(seen.keys, TYPIST_KEYS);
      assert.equal(seen.keyboard, null, `typist ${TYPISTS[i]}: ${JSON.stringify(seen)}`);
      assert.equal(seen.now.guardKeyboard, 'human', `typist ${TYPISTS[i]}`);
    }
  });

  const data = process.env.IDEM_DATA;
  if (data === undefined) console.log('# no IDEM_DATA: recorded pointers are not played');
  for (const name of data === undefined ? [] : POINTER_FILES) {
    const path = join(data, `${name}.csv.gz`);
    test(`recorded pointers of ${name} are hands`, { timeout: STEP_MS }, async () => {
      assert.ok(existsSync(path), `${path} is missing`);
      const people = readPointers(gunzipSync(readFileSync(path)).toString(), POINTER_PEOPLE);
      const played = people.map(({ user, size, events }) =>
        host(`${name} ${user}`, size, (cdp) => new PointerPlayer(cdp, events).play(POINTER_MS)),
      );
      for (const [i, seen] of (await Promise.all(played)).entries()) {
        console.log(`${name} ${people[i].user}: ${seen.now.guardPointer}, ${seen.gestures} gestures`);
        assert.equal(seen.pointer, null, `${people[i].user}: ${JSON.stringify(seen)}`);
      }
    });
  }
});
