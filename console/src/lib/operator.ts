// SPDX-License-Identifier: Apache-2.0
/*
 * operator.ts - the operator's token: from the link into this tab, and out of the address bar.
 *
 * A fragment is never sent to a server, but it stands in the history and in screenshots; so it
 * is taken out at once and kept in sessionStorage, which ends with the tab.
 */

const KEY = 'idem.operator';
const CONSOLE = 'idem.console';
const TOKEN = /^[\w.~+/=-]{8,256}$/;

/** The token in a whole link, a fragment, or alone; null when there is none. */
export function tokenIn(text: string): string | null {
  const match = /operator=([^&\s]+)/.exec(text);
  const token = match?.[1] ?? text.trim();
  return TOKEN.test(token) ? token : null;
}

export function takeFromAddress(): string | null {
  const token = location.hash.includes('operator=') ? tokenIn(location.hash) : null;
  if (token !== null) {
    sessionStorage.setItem(KEY, token);
    if (location.hash.endsWith('&console')) sessionStorage.setItem(CONSOLE, 'yes');
    else sessionStorage.removeItem(CONSOLE);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return token ?? sessionStorage.getItem(KEY);
}

/** The link of this tab asked for the console, not for a place to type at: it ends in "&console". */
export const wantsConsole = (): boolean => sessionStorage.getItem(CONSOLE) !== null;

export function remember(token: string): void {
  sessionStorage.setItem(KEY, token);
}

export function forget(): void {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(CONSOLE);
}
