// SPDX-License-Identifier: Apache-2.0
/*
 * pictures.mjs - takes the pictures in docs/img: the real page, the real server, two recorded people and
 * a machine.
 *
 *   node tests/browser/pictures.mjs [FOLDER]
 *
 * One session is played once; at four stages (start, enrolling, page, locked), and once more when a machine
 * types at the next one (machine), the page is taken light and dark, wide and narrow: page.png,
 * page-dark.png, page-narrow.png, page-dark-narrow.png. Takes about five minutes and is run by hand when
 * the page's looks have changed.
 */
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { launch } from './chromium.mjs';
import { Player, readRecording } from './player.mjs';
import { startServer } from './server.mjs';

const folder = process.argv[2] ?? fileURLToPath(new URL('../../docs/img', import.meta.url));
const recordings = fileURLToPath(new URL('../data/bbmas_excerpt.csv', import.meta.url));
const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 360, height: 740 };

/* Without a mouse that jumps: the guard would see it. */
const click = (locator) => locator.evaluate((element) => element.click());

const server = await startServer();
const chromium = await launch(['--hide-scrollbars']);
try {
  await play();
} finally {
  await chromium.close();
  await server.stop();
}

async function play() {
  mkdirSync(folder, { recursive: true });
  const context = await chromium.browser.newContext({ viewport: WIDE, deviceScaleFactor: 1 });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  const owner = new Player(cdp, readRecording(recordings, '113'));
  const stranger = new Player(cdp, readRecording(recordings, '117'));

  async function take(name, { whole = false } = {}) {
    for (const colorScheme of ['light', 'dark']) {
      for (const [size, viewport] of [['wide', WIDE], ['narrow', NARROW]]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(viewport);
        await page.evaluate(() => window.scrollTo(0, 0));
        await sleep(400);
        const which = `${colorScheme === 'dark' ? '-dark' : ''}${size === 'narrow' ? '-narrow' : ''}`;
        const path = `${folder}/${name}${which}.png`;
        await page.screenshot({ path, fullPage: whole });
      }
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(WIDE);
  }

  const state = () => page.getByTestId('state').textContent();

  /* Types until the page's own state says so. */
  async function typeUntil(player, most, pattern) {
    await click(page.getByRole('button', { name: 'Your own words' }));
    await page.getByTestId('free').focus();
    let enough = false;
    const typing = player.type((pressed) => enough || pressed >= most);
    let over = false;
    void typing.finally(() => (over = true)).catch(() => {});
    while (!over && !enough) {
      enough = pattern.test((await state()) ?? '');
      await sleep(150);
    }
    await typing;
    await sleep(600);
  }

  /* What was typed stands for zones and reads as nonsense; for the picture the copied text is shown. */
  async function showText(length) {
    await click(page.getByRole('button', { name: 'A text to copy' }));
    const passage = (await page.locator('#passage').textContent()).trim();
    await page.getByTestId('copy').fill(passage.slice(0, length));
  }

  await page.goto(server.link);
  await page.getByLabel('Who is at the keyboard?').waitFor();
  await take('start');
  for (const person of ['Karl', 'Mary']) {
    const body = JSON.stringify({ organisation: 'demo', person, seat: `desk-${person.length + 8}` });
    const headers = { 'Content-Type': 'application/json' };
    await fetch(`${server.origin}/v1/sessions`, { method: 'POST', headers, body });
  }
  await click(page.getByRole('button', { name: 'Ada' }));
  await click(page.getByRole('button', { name: 'Start', exact: true }));
  await page.getByTestId('copy').waitFor();
  await typeUntil(owner, 135, /never/);
  await showText(96);
  await take('enrolling', { whole: true });
  await typeUntil(owner, 420, /Trusted/);
  await typeUntil(owner, 130, /never/);
  await showText(131);
  await take('page', { whole: true });
  await typeUntil(stranger, 250, /Locked/);
  await take('locked', { whole: true });
  await click(page.getByRole('button', { name: 'Start as somebody else' }));
  await click(page.getByRole('button', { name: 'Grace' }));
  await click(page.getByRole('button', { name: 'Start', exact: true }));
  await page.getByTestId('copy').focus();
  await page.keyboard.type('powershell -w hidden -c iwr', { delay: 4 });
  await page.getByTestId('machine').waitFor();
  await take('machine', { whole: true });
}
