// SPDX-License-Identifier: Apache-2.0
/*
 * machines.mjs - programs that type and point: the ways in which a page is driven by scripts.
 *
 * Each is a name, the modality that gives it away, what it does to a page, and how much it may do
 * where that is not what adversaries.mjs says for all. Puppeteer's and Playwright's own input,
 * with and without delays; what people wrap around it to look like a hand; and the two packages that
 * are made for looking like one. Their randomness is their own.
 */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const { typeInto } = require('@forad/puppeteer-humanize');
const { GhostCursor } = require('ghost-cursor');

const TEXT = 'Dear Ms Brown, your order 4711 has left us today; it is on its way.';
const PLAIN = 'hello world, this is only some plain text without any capitals at all';
const SLOW = `${PLAIN}, and then ${PLAIN}, again and again`;
const FIELD = '[data-testid="free"]';
/* Where a program clicks; none of them ends the session. */
const PLACES = [
  'h1',
  '[data-testid="target"]',
  '[data-testid="keyboard-enrolment"]',
  '[data-testid="pointer-hand"]',
  '[data-testid="state"]',
  '[data-testid="keyboard-hand"]',
];
const CLICKS = 10;
/* Keys: what has a hand's hold and pace, and no capital, is known by equal times alone; on a busy
   machine they are late by some milliseconds, which takes longer. */
const BLURRED = 100;

const between = (low, high) => low + Math.random() * (high - low);
const pause = () => sleep(between(200, 500));

/* Calls visit with ten places one after the other. */
async function tour(visit) {
  for (let i = 0; i < CLICKS; i += 1) await visit(PLACES[(i * 5 + 1) % PLACES.length]);
}

async function centre(page, selector) {
  const box = await (await page.$(selector)).boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

/* Straight there in equal steps, then a click. */
const steps = (count, delay) => (page) =>
  tour(async (place) => {
    const [x, y] = await centre(page, place);
    await page.mouse.move(x, y, { steps: count });
    await page.mouse.click(x, y, { delay });
    await pause();
  });

/* Places are named and clicked; held for once to twice the delay, then waits. */
const clicks = (delay, wait = pause) => (page) =>
  tour(async (place) => {
    await page.click(place, { delay: delay === 0 ? 0 : between(delay, 2 * delay) });
    await wait();
  });

const types = (delay, text = TEXT) => (page) => page.keyboard.type(text, { delay });

/* Each key by itself, and a random wait between two. */
const typesUnevenly = (low, high) => async (page) => {
  for (const character of TEXT) {
    await page.keyboard.type(character);
    await sleep(between(low, high));
  }
};

/* Each key held for a random while, the next at once. */
const holdsUnevenly = (low, high) => async (page) => {
  for (const character of TEXT) await page.keyboard.type(character, { delay: between(low, high) });
};

const humanize = (config, text = TEXT) => async (page) => typeInto(await page.$(FIELD), text, config);

const ghost = (options) => async (page) => {
  const cursor = new GhostCursor(page, { start: { x: between(300, 900), y: between(200, 600) } });
  await tour((place) => cursor.click(place, options));
};

const wanders = (page) => {
  const cursor = new GhostCursor(page, { start: { x: 600, y: 300 } });
  return tour((place) => cursor.move(place, { moveDelay: 700, randomizeMoveDelay: false }));
};

export const BY_PUPPETEER = [
  ['puppeteer types', 'keyboard', types(0)],
  ['puppeteer types, delay 50', 'keyboard', types(50)],
  ['puppeteer types, delay 100', 'keyboard', types(100)],
  ['puppeteer types, delay 80, no capitals', 'keyboard', types(80, SLOW), BLURRED],
  ['puppeteer types, uneven waits', 'keyboard', typesUnevenly(30, 130)],
  ['puppeteer types, uneven holds', 'keyboard', holdsUnevenly(40, 140)],
  ['puppeteer-humanize', 'keyboard', humanize(undefined)],
  ['puppeteer-humanize, no capitals', 'keyboard', humanize(undefined, PLAIN)],
  [
    'puppeteer-humanize as in its manual',
    'keyboard',
    humanize({
      mistakes: { chance: 8, delay: { min: 50, max: 500 } },
      delays: { space: { chance: 70, min: 10, max: 50 } },
    }),
  ],
  ['puppeteer clicks', 'pointer', clicks(0)],
  ['puppeteer clicks and holds', 'pointer', clicks(60)],
  ['puppeteer clicks without a pause', 'pointer', clicks(0, () => {})],
  ['puppeteer clicks in quick succession', 'pointer', clicks(60, () => sleep(between(80, 250)))],
  ['puppeteer moves in 25 steps', 'pointer', steps(25, 0)],
  ['puppeteer moves in 60 steps and holds', 'pointer', steps(60, 80)],
  ['ghost-cursor', 'pointer', ghost(undefined)],
  ['ghost-cursor without delays', 'pointer', ghost({ moveDelay: 0 })],
  ['ghost-cursor, clicks held', 'pointer', ghost({ hesitate: 150, waitForClick: 90, moveDelay: 600 })],
  ['ghost-cursor, slow', 'pointer', ghost({ moveSpeed: 20, waitForClick: 80, moveDelay: 500 })],
  ['ghost-cursor, fast', 'pointer', ghost({ moveSpeed: 150, waitForClick: 50, moveDelay: 500 })],
  ['ghost-cursor without a click', 'pointer', wanders],
];

export const BY_PLAYWRIGHT = [
  ['playwright types', 'keyboard', types(0)],
  ['playwright types, delay 50', 'keyboard', types(50)],
  ['playwright types, delay 100', 'keyboard', types(100)],
  [
    'playwright presses one after the other',
    'keyboard',
    (page) => page.locator(FIELD).pressSequentially(SLOW, { delay: 80, timeout: 60_000 }),
    BLURRED,
  ],
  ['playwright clicks', 'pointer', clicks(0)],
  ['playwright clicks and holds', 'pointer', clicks(60)],
  ['playwright moves in 20 steps', 'pointer', steps(20, 0)],
  ['playwright moves in 50 steps and holds', 'pointer', steps(50, 80)],
];
