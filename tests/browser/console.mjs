// SPDX-License-Identifier: Apache-2.0
/*
 * console.mjs - the console in a real browser, from the set-up link to the auditor's page.
 *
 *   1  the link of the first start makes the first operator, once
 *   2  the operator makes an API key and an account; a back end opens a session, and it is seen live
 *   3  the auditor's first log-in changes password, sets up the second factor, and reads the log
 *   4  what a role may not see is not offered, and a wrong password opens nothing
 *   5  an employee sees what is held about himself, and nothing else
 *
 * The server runs as in production: no demonstration, nobody may open a session but by a key. With
 * IDEM_PICTURES=FOLDER each page is taken light and dark, wide and narrow.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BINARY, installed, launch } from './chromium.mjs';
import { startServer } from './server.mjs';
import { totp } from './totp.mjs';

const PASSWORD = 'a long row of words';
const OTHER = 'another long row of words';
const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 360, height: 740 };
const STEP_MS = 120_000;
const pictures = process.env.IDEM_PICTURES;

const absent = !installed();
if (absent && process.env.CI) throw new Error(`browser test: ${BINARY} is missing, and CI is set`);
if (absent) console.error(`\n*** browser test SKIPPED: ${BINARY} is not installed ***\n`);

describe('the console', { skip: absent && `${BINARY} is not installed`, concurrency: false }, () => {
  let server, chromium, context, page, key, secret, person, operatorSecret;
  const complaints = [];

  const field = (name) => page.locator(`[name="${name}"]`);
  const button = (name) => page.getByRole('button', { name, exact: true });
  const heading = (name) => page.getByRole('heading', { name, exact: true });

  async function take(name) {
    if (pictures === undefined) return;
    mkdirSync(pictures, { recursive: true });
    for (const colorScheme of ['light', 'dark']) {
      for (const [size, viewport] of [['', WIDE], ['-narrow', NARROW]]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(viewport);
        await sleep(250);
        const dark = colorScheme === 'dark' ? '-dark' : '';
        await page.screenshot({ path: `${pictures}/console-${name}${dark}${size}.png` });
      }
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(WIDE);
  }

  /* A code is taken once only: the next one is there with the next half minute. */
  let used = null;
  async function code() {
    while (totp(secret) === used) await sleep(500);
    used = totp(secret);
    return used;
  }

  async function readSecret() {
    const text = await page.getByTestId('totp-secret').textContent();
    secret = text.replaceAll(/\s/g, '');
    used = null;
  }

  async function logIn(name, password) {
    await field('account').fill(name);
    await field('password').fill(password);
    await button('Log in').click();
  }

  before(async () => {
    server = await startServer({ demo: false });
    chromium = await launch(['--hide-scrollbars']);
    context = await chromium.browser.newContext({ viewport: WIDE });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
  });

  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  test('the set-up link makes the first operator', { timeout: STEP_MS }, async () => {
    await page.goto(server.link);
    await heading('Make the first operator').waitFor();
    assert.equal(new URL(page.url()).hash, '', 'the token stays in the address bar');
    await field('organisation').fill('acme');
    await field('account').fill('olga');
    await field('password').fill(PASSWORD);
    await take('setup');
    await button('Go on').click();
    await readSecret();
    await field('code').fill(await code());
    await button('Done').click();
    await heading('Sessions').waitFor();
    operatorSecret = secret;
  });

  test('and only once', { timeout: STEP_MS }, async () => {
    const again = await context.browser().newContext();
    const other = await again.newPage();
    await other.goto(server.link);
    await other.locator('[name="organisation"]').fill('evil');
    await other.locator('[name="account"]').fill('eve');
    await other.locator('[name="password"]').fill(PASSWORD);
    await other.getByRole('button', { name: 'Go on' }).click();
    await other.getByRole('alert').waitFor();
    await again.close();
  });

  test('a back end opens a session, and it is seen', { timeout: STEP_MS }, async () => {
    await page.getByRole('link', { name: 'Seats' }).click();
    await field('key').fill('crm');
    await button('Make a key').click();
    key = (await page.getByTestId('once').textContent()).trim();
    assert.ok(key.length >= 40);
    await button('I have it').click();
    await field('seat').fill('desk 12');
    await field('country').fill('DE');
    await button('Add a seat').click();
    await page.getByTestId('once').waitFor();
    await take('seats');
    await page.getByRole('link', { name: 'Sessions' }).click();
    const opened = await fetch(`${server.origin}/v1/sessions`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ person: 'Ada Lovelace', seat: 'browser 7f3a', start: 'strong' }),
    });
    assert.equal(opened.status, 201, await opened.clone().text());
    const { session } = await opened.json();
    person = session.person;
    await page.getByTestId('sessions').getByText(session.person.slice(0, 10)).click();
    await page.getByTestId('detail').waitFor();
    assert.ok(!(await page.content()).includes('Lovelace'), 'a name is shown to nobody who did not ask');
    await take('sessions');
    await page.getByRole('link', { name: 'People' }).click();
    await page.getByTestId('people').getByText(session.person).click();
    await page.getByTestId('person').waitFor();
    await take('people');
    await page.getByRole('link', { name: 'Policy' }).click();
    await page.getByTestId('policy').waitFor();
    await take('policy');
    assert.equal(await page.getByRole('link', { name: 'Audit log' }).count(), 0);
  });

  test('an auditor logs in for the first time and reads the log', { timeout: STEP_MS }, async () => {
    await page.getByRole('link', { name: 'Accounts' }).click();
    await field('new-account').fill('alma');
    await page.getByLabel('analyst', { exact: true }).uncheck();
    await page.getByLabel('auditor').check();
    await button('Add an account').click();
    const first = (await page.getByTestId('once').textContent()).trim();
    await take('accounts');
    await button('I have it').click();
    await button('Log out').click();
    await heading('Log in').waitFor();
    await take('login');
    await logIn('alma', 'not the password');
    await page.getByRole('alert').waitFor();
    await logIn('alma', first);
    await heading('Your password').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Audit log' }).count(), 0, 'before anything else');
    await field('password').fill(first);
    await field('new-password').fill(OTHER);
    await button('Change it').click();
    await button('Set it up').click();
    await readSecret();
    await field('code').fill(await code());
    await button('Done').click();
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByTestId('audit').getByText('account.').first().waitFor();
    await take('audit');
    const names = await page.getByRole('navigation').getByRole('link').allTextContents();
    assert.deepEqual(names.sort(), ['Audit log', 'Policy', 'Your log-in']);
  });

  test('the second factor is asked for from then on', { timeout: STEP_MS }, async () => {
    await button('Log out').click();
    await logIn('alma', OTHER);
    await field('totp').fill(await code());
    await button('Log in').click();
    await heading('Audit log').waitFor();
    await page.reload();
    await heading('Audit log').waitFor();
  });

  test('an employee sees himself and nobody else', { timeout: STEP_MS }, async () => {
    await button('Log out').click();
    await logIn('olga', PASSWORD);
    secret = operatorSecret;
    used = null;
    await field('totp').fill(await code());
    await button('Log in').click();
    await page.getByRole('link', { name: 'Accounts' }).click();
    await field('new-account').fill('ada');
    await page.getByLabel('analyst', { exact: true }).uncheck();
    await page.getByLabel('employee').check();
    await field('person').fill(person);
    await button('Add an account').click();
    const first = (await page.getByTestId('once').textContent()).trim();
    await button('I have it').click();
    const listed = await page.getByTestId('accounts').textContent();
    assert.ok(listed.includes(person) && !listed.includes('ada'), 'the list names an employee');
    await button('Log out').click();
    await logIn('ada', first);
    await heading('Your password').waitFor();
    await field('password').fill(first);
    await field('new-password').fill(OTHER);
    await button('Change it').click();
    await page.getByRole('link', { name: 'About you' }).click();
    await heading('What idem holds about you').waitFor();
    await page.getByTestId('mine-person').waitFor();
    await take('mine');
    const names = await page.getByRole('navigation').getByRole('link').allTextContents();
    assert.deepEqual(names.sort(), ['About you', 'Your log-in']);
  });

  test('the page complains of nothing', () => {
    const odd = complaints.filter((text) => !/status of (401|403)/.test(text));
    assert.deepEqual(odd, []);
  });
});
