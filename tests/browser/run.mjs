// SPDX-License-Identifier: Apache-2.0
/*
 * run.mjs - the whole way once, in a real browser: enrol, be trusted, be taken over, come back.
 *
 *   1  the page without its link explains itself; with the link it opens, by keyboard alone
 *   2  one person types till enrolled, and some windows more: trust stays above step-up
 *   3  another person types on: the page locks, shows why, measures nothing, and survives a reload
 *   4  the way back: unlock, close, and start as somebody else, by mouse alone
 *   5  a machine types: flagged within 20 keys, locked, answered with a sign-in, flagged again
 *
 * The recorded people are hands to the guard all the way.
 *
 * Server, browser and page are the real ones; the two people are recordings with their own timings
 * (tests/data). Run by node --test rules: one result a step, in this order, each needing the one
 * before. Without Chromium it is skipped loudly, and fails where CI is set.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BINARY, installed, launch } from './chromium.mjs';
import { Player, readRecording } from './player.mjs';
import { startServer } from './server.mjs';

const recordings = fileURLToPath(new URL('../data/bbmas_excerpt.csv', import.meta.url));
const OWNER = '113';
const STRANGER = '117';
/* Windows of the owner that must leave trust up, and the most that a stranger may get. */
const STAY_WINDOWS = 4;
const STRANGER_KEYS_MAX = 250;
const ENROL_KEYS_MAX = 500;
/* Four hundred keys at a human's pace take two minutes; a busy machine takes longer. */
const STEP_MS = 400_000;

const absent = !installed();
if (absent && process.env.CI) throw new Error(`browser test: ${BINARY} is missing, and CI is set`);
if (absent) console.error(`\n*** browser test SKIPPED: ${BINARY} is not installed ***\n`);

describe('the page', { skip: absent && `${BINARY} is not installed`, concurrency: false }, () => {
  let server, chromium, context, page, cdp, owner, stranger;
  const complaints = [];
  const foreign = [];
  const bodies = [];
  const alarms = [];

  const text = (id) => page.getByTestId(id).textContent();
  const session = () => page.evaluate(() => JSON.parse(sessionStorage.getItem('idem.session')).session.id);

  const guard = () => page.evaluate(() => ({ ...document.querySelector('main').dataset }));

  async function verdict() {
    const answer = await fetch(`${server.origin}/v1/sessions/${await session()}`, {
      headers: { Authorization: `Bearer ${server.operator}` },
    });
    assert.equal(answer.status, 200);
    return answer.json();
  }

  /* Types until the verdict says so; the verdict is read beside the typing, not between the keys. */
  async function typeUntil(player, most, done) {
    const seen = [];
    let enough = false;
    const typing = player.type((pressed) => enough || pressed >= most);
    let over = false;
    void typing.finally(() => (over = true)).catch(() => {});
    while (!over) {
      const now = await verdict();
      seen.push(now);
      enough ||= done(now);
      await sleep(300);
    }
    const keys = await typing;
    await sleep(500);
    seen.push(await verdict());
    return { keys, seen, done: done(seen.at(-1)) };
  }

  /* A step after a failed one would only wait for what cannot come. */
  let failed = null;
  const step = (name, body) =>
    test(name, { timeout: STEP_MS }, async () => {
      assert.equal(failed, null, 'an earlier step failed');
      failed = name;
      await body();
      failed = null;
    });

  before(async () => {
    owner = readRecording(recordings, OWNER);
    stranger = readRecording(recordings, STRANGER);
    server = await startServer();
    chromium = await launch(['--hide-scrollbars']);
    context = await chromium.browser.newContext({ viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.origin !== server.origin) foreign.push(url.href);
      if (url.pathname === '/v1/windows') bodies.push(request.postData());
      if (url.pathname === '/v1/alarms') alarms.push(request.postData());
    });
    cdp = await context.newCDPSession(page);
  });

  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  step('explains itself without the link, and opens by keyboard alone with it', async () => {
    await page.goto(`${server.origin}/`);
    await page.getByRole('heading', { name: 'This page needs its link' }).waitFor();
    await page.goto(server.link);
    await page.getByLabel('Who is at the keyboard?').waitFor();
    assert.ok(!page.url().includes('operator='), 'the token has left the address bar');
    for (let i = 0; i < 10 && (await focused()) !== 'Ada'; i += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    for (let i = 0; i < 10 && (await focused()) !== 'Start'; i += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByTestId('keyboard-enrolment').waitFor();
    assert.equal((await verdict()).state, 'enrolling');
  });

  step('shows the console to whoever asks for it with the same link', async () => {
    const other = await chromium.browser.newContext();
    const desk = await other.newPage();
    await desk.goto(`${server.link}&console`);
    await desk.getByRole('heading', { name: 'Sessions', exact: true }).waitFor();
    await desk.getByRole('status').getByText('live', { exact: true }).waitFor();
    assert.equal(await desk.getByTestId('sessions').locator('tbody tr').count(), 1);
    assert.ok(!desk.url().includes('operator='), 'the token has left the address bar');
    await desk.reload();
    await desk.getByRole('heading', { name: 'Sessions', exact: true }).waitFor();
    await desk.getByRole('button', { name: 'Log out' }).click();
    await desk.getByRole('heading', { name: 'This page needs its link' }).waitFor();
    await other.close();
  });

  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());

  step('enrols one person and goes on trusting them', async () => {
    await page.getByRole('button', { name: 'Your own words' }).click();
    await page.getByTestId('free').click();
    const player = new Player(cdp, owner);
    const enrolling = await typeUntil(player, ENROL_KEYS_MAX, (s) => s.enrolment.keyboard.enrolled);
    assert.ok(enrolling.done, `enrolled after ${enrolling.keys} keys`);
    const from = (await verdict()).windows.keyboard;
    const staying = await typeUntil(player, 400, (s) => s.windows.keyboard >= from + STAY_WINDOWS);
    const trusts = staying.seen.map((s) => s.trust).filter((trust) => trust !== null);
    console.log(`enrolled after ${enrolling.keys} keys; trust then ${Math.min(...trusts).toFixed(3)} at least`);
    assert.ok(trusts.length > 0, 'there is a verdict');
    assert.ok(Math.min(...trusts) > 0.5, `trust stays up: ${trusts}`);
    assert.equal(staying.seen.at(-1).state, 'ok');
    assert.match(await text('state'), /Trusted/);
    assert.ok((await page.getByTestId('reasons').locator('li').count()) > 0, 'reasons are shown');
    assert.deepEqual([(await guard()).guardKind, (await guard()).guardState], ['human', 'hand']);
    assert.match(await text('keyboard-hand'), /A hand is at this keyboard/);
  });

  step('shows exactly what was sent, and nothing else has left', async () => {
    await page.getByRole('button', { name: 'Byte for byte' }).click();
    assert.equal(await text('body'), bodies.at(-1));
    const rows = page.getByTestId('cells').locator('tr');
    assert.equal(await rows.count(), JSON.parse(bodies.at(-1)).windows.at(-1).cells.length, 'every cell is shown');
    assert.equal(await rows.locator('.bin').count(), 7 * (await rows.count()), 'with all its seven bins');
    const typed = await page.getByTestId('free').inputValue();
    assert.ok(typed.length > 100);
    for (const body of bodies) {
      for (const window of JSON.parse(body).windows) {
        assert.deepEqual(Object.keys(window), ['seq', 'modality', 'front', 'strokes', 'duration_ms', 'cells']);
        assert.ok(window.cells.flat().every(Number.isInteger), 'cells hold integers only');
        const order = window.cells.map(([cell]) => cell);
        assert.deepEqual(order, [...order].sort((a, b) => a - b), 'by cell, not by time');
      }
    }
    assert.deepEqual(foreign, []);
  });

  step('locks when somebody else takes over', async () => {
    const taking = await typeUntil(new Player(cdp, stranger), STRANGER_KEYS_MAX, (s) => s.state === 'locked');
    console.log(`locked after ${taking.keys} keys of the stranger`);
    assert.ok(taking.done, `locked after ${taking.keys} keys`);
    await page.getByRole('heading', { name: 'Locked' }).waitFor({ timeout: 5000 });
    assert.equal(await page.getByTestId('free').isVisible(), false, 'nothing else is left to use');
    assert.equal(await page.title(), 'Locked · idem');
    assert.equal((await guard()).guardKeyboard, 'human', 'a stranger, but a hand');
    assert.deepEqual(alarms, []);
  });

  step('measures nothing while locked, and stays locked after a reload', async () => {
    const before = bodies.length;
    const player = new Player(cdp, stranger);
    await player.type((pressed) => pressed >= 30);
    await page.mouse.move(200, 700, { steps: 20 });
    assert.equal(bodies.length, before);
    await page.reload();
    await page.getByRole('heading', { name: 'Locked' }).waitFor();
    assert.equal((await verdict()).state, 'locked');
  });

  step('is unlocked by the operator, by keyboard alone', async () => {
    for (let i = 0; i < 5 && (await focused()) !== 'Unlock as Ada'; i += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByTestId('copy').waitFor({ state: 'visible' });
    assert.notEqual((await verdict()).state, 'locked');
  });

  step('is closed, and somebody else starts, by mouse alone', async () => {
    const id = await session();
    await page.getByRole('button', { name: 'Close this session' }).click();
    await page.getByRole('heading', { name: 'Session closed' }).waitFor();
    const closed = await fetch(`${server.origin}/v1/sessions/${id}`, {
      headers: { Authorization: `Bearer ${server.operator}` },
    });
    assert.equal((await closed.json()).state, 'closed');
    await page.getByRole('button', { name: 'Start as somebody else' }).click();
    await page.getByRole('button', { name: 'Grace' }).click();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByTestId('target').waitFor();
    const sent = bodies.length;
    /* This mouse is a program's: it enrols for as long as its guard does not say so. */
    await chase(async () => bodies.length > sent || (await guard()).guardState === 'alarm');
    const now = await until(verdict, (s) => s.enrolment.pointer.have > 0 || s.guard !== null);
    console.log(`a program's mouse: ${now.guard === null ? 'taken for a hand so far' : now.guard.text}`);
    if (now.guard === null) return;
    assert.deepEqual([now.guard.kind, now.guard.action], ['scripted-pointer', 'step-up']);
    assert.deepEqual([now.state, now.enrolment.pointer.have], ['step-up', 0]);
    await page.getByRole('button', { name: 'Confirm: it is me' }).press('Enter');
    await until(verdict, (s) => s.guard.cleared);
  });

  /* Hits the dot, drags the disc, by a bent way with a hand's acceleration. */
  async function chase(done) {
    let [x, y] = [640, 400];
    for (let hit = 0; hit < 60 && !(await done()); hit += 1) {
      const target = page.getByTestId('target');
      await target.scrollIntoViewIfNeeded();
      const box = await target.boundingBox();
      [x, y] = await glide([x, y], [box.x + box.width / 2, box.y + box.height / 2]);
      await page.mouse.down();
      await sleep(60);
      await page.mouse.up();
      if ((await target.getAttribute('aria-label')).startsWith('Drag')) await target.press('Enter');
      await sleep(120);
    }
  }

  async function glide([fx, fy], [tx, ty]) {
    const steps = 24;
    for (let i = 1; i <= steps; i += 1) {
      const u = i / steps;
      const ease = u * u * (3 - 2 * u);
      const bend = 18 * Math.sin(Math.PI * u);
      await page.mouse.move(fx + (tx - fx) * ease + bend, fy + (ty - fy) * ease - bend);
      await sleep(14);
    }
    return [tx, ty];
  }

  /* Puppeteer's and Playwright's own way to type: a press and a release with nothing between. */
  async function machineUntilFlagged(most) {
    await page.getByTestId('free').focus();
    for (let keys = 1; keys <= most; keys += 1) {
      await page.keyboard.press('etaoinshrdlu'[keys % 12]);
      if ((await guard()).guardKeyboard === 'injected-keys') return keys;
    }
    return Infinity;
  }

  step('flags a machine that types, and says what was seen and done', async () => {
    await page.getByRole('button', { name: 'Your own words' }).press('Enter');
    const keys = await machineUntilFlagged(20);
    console.log(`a machine flagged after ${keys} keys more`);
    assert.ok(keys <= 20);
    assert.equal((await guard()).guardKind, 'injected-keys');
    const seen = await until(verdict, (now) => now.guard?.kind === 'injected-keys');
    assert.ok(seen.guard.text.length > 20 && seen.guard.reasons.length > 0);
    assert.ok(['locked', 'step-up'].includes(seen.state), seen.state);
    assert.equal(seen.enrolment.keyboard.have, 0, 'a machine enrols nothing');
    const way = page.getByRole('button', { name: /^(Unlock as Grace|Confirm: it is me)$/ });
    await way.waitFor({ timeout: 5000 });
    const shown = await page.locator('main').innerText();
    assert.match(shown, /No hand types on this keyboard/);
    assert.ok(shown.toLowerCase().includes(seen.guard.text.slice(0, 30).toLowerCase()), shown.slice(0, 600));
    const sent = JSON.parse(alarms.at(-1)).alarms[0];
    assert.deepEqual(Object.keys(sent), ['seq', 'device', 'kind', 'confidence', 'saw']);
    for (const saw of sent.saw) assert.deepEqual(Object.keys(saw), ['reason', 'count', 'value']);
  });

  step('takes a sign-in for an answer, and new evidence for a new alarm', async () => {
    const before = Math.max(...alarms.map((body) => JSON.parse(body).alarms.at(-1).seq));
    await page.getByRole('button', { name: /^(Unlock as Grace|Confirm: it is me)$/ }).press('Enter');
    await until(guard, (now) => now.guardState !== 'alarm');
    await page.getByTestId('guard-past').waitFor();
    assert.equal((await verdict()).guard.cleared, true);
    assert.ok((await machineUntilFlagged(20)) <= 20, 'flagged again');
    await until(verdict, ({ guard: { kind, cleared } }) => kind === 'injected-keys' && !cleared);
    assert.ok(JSON.parse(alarms.at(-1)).alarms[0].seq > before, 'under a number of its own');
  });

  async function until(probe, done) {
    for (let i = 0; i < 200; i += 1) {
      const now = await probe();
      if (done(now)) return now;
      await sleep(50);
    }
    throw new Error(`in vain: ${JSON.stringify(await probe())}`);
  }

  step('made no complaint on the way', () => {
    assert.deepEqual(complaints, []);
  });
});
