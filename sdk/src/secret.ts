// SPDX-License-Identifier: Apache-2.0
/*
 * secret.ts - which fields are never measured.
 *
 * Typing a password is measured nowhere, not even by its rhythm. Cases:
 *   <input type="password">, and any field that has been one while this page watched: the "show
 *     password" button changes the type to text, the content stays a secret
 *   autocomplete that says password, one-time code or card number, whatever the type
 *   data-idem-skip on the field or around it: the page's own wish
 *   data-idem-device likewise: a security key or a scanner types here. It is no secret, but no hand
 *     either, and a page cannot tell it from an attack
 *   an element whose inside cannot be seen (a closed shadow root): it may hold any of the above.
 *     It shows itself by a custom name or a shadow root of its own being the innermost
 *     target; a plain element never is
 */

const SECRET_AUTOCOMPLETE = /(^|\s)(current-password|new-password|one-time-code|cc-)/i;

const LEFT_OUT = '[data-idem-skip], [data-idem-device]';

export class SecretFields {
  private readonly seen = new WeakSet<Element>();

  /** Looks at the field now, and remembers it if it is a password field. */
  note(target: EventTarget | null): void {
    if (target instanceof HTMLInputElement && target.type === 'password') this.seen.add(target);
  }

  /** Finds password fields before anybody can press "show password". */
  noteAll(root: ParentNode): void {
    root.querySelectorAll('input[type=password]').forEach((field) => this.note(field));
  }

  isSecret(event: Event): boolean {
    const target = event.composedPath()[0] ?? event.target;
    if (!(target instanceof Element)) return false;
    this.note(target);
    if (this.seen.has(target)) return true;
    if (SECRET_AUTOCOMPLETE.test(target.getAttribute('autocomplete') ?? '')) return true;
    if (target.localName.includes('-')) return true;
    return target.closest(LEFT_OUT) !== null;
  }
}
