// SPDX-License-Identifier: Apache-2.0
/*
 * collect.ts - the events of a page, handed to the edge module one by one.
 *
 * Listens on the window in the capture phase, so that no handler of the page can keep an event away
 * and none is kept from the page. Nothing is stored here: an event becomes numbers in the
 * arguments of one call. Cases:
 *   made by a script (isTrusted is false)      left out: a page may send itself what events it likes,
 *                                              and that says nothing of the hand at the device
 *   in a secret field (secret.ts)              left out, of the guards too, and a gap on entering
 *                                              and on leaving
 *   auto-repeat                                handed on as repeat, which the module ignores
 *   a soft keyboard (no code)                  has no hold times to speak of: left out
 *   window loses focus, page hidden, paused    a gap: releases may have been lost
 *   touch and pen                              other kinematics than a mouse: left out
 *   position                                   on the screen in its own pixels, so that neither
 *                                              zoom nor scrolling changes a distance
 *   the character that a key makes             one bit is read off here: a capital that neither
 *                                              Shift nor Caps Lock made. Machines type those. Not
 *                                              where the system capitalises by itself (iPadOS)
 */
import { CAPITAL, type Answer, type Edge, type KeyAction, type PointerKind } from './edge.js';
import { evdevCode } from './keys.js';
import { SecretFields } from './secret.js';
import { MODALITIES, type Modality, type WindowBody } from './types.js';

export interface CollectorOptions {
  edge: Edge;
  onWindow(window: WindowBody): void;
  /** The verdict of this modality's guard has changed. */
  onVerdict?(modality: Modality): void;
  /** After every measured event: how far the next window has got may have changed. */
  onActivity?(modality: Modality): void;
  /** The window whose events are collected; a test hands in its own. */
  view?: Window;
}

/** DOMHighResTimeStamp, milliseconds, to whole microseconds. */
function micros(timeStamp: number): number {
  return Math.round(timeStamp * 1000);
}

/**
 * A letter's upper case that neither Shift nor Caps Lock made; what has none (digits, signs, names of
 * keys) is no capital. Shift counts as the browser tells it, for its key may be up: locked by Sticky
 * Keys, or gone down before a gap.
 */
function isCapital(event: KeyboardEvent): boolean {
  const one = event.key.length === 1;
  const made = event.shiftKey || event.getModifierState('CapsLock');
  return one && event.key !== event.key.toLowerCase() && !made;
}

/** Systems that begin sentences with capitals by themselves, under a hardware keyboard too. */
function capitalises(view: Window): boolean {
  const { platform = '', maxTouchPoints = 0 } = view.navigator ?? {};
  return maxTouchPoints > 1 && /^(Mac|iP)/.test(platform);
}

export class Collector {
  private readonly view: Window;
  private readonly capitalsTell: boolean;
  private readonly secret = new SecretFields();
  private inSecret = false;
  private running = false;

  constructor(private readonly options: CollectorOptions) {
    this.view = options.view ?? window;
    this.capitalsTell = !capitalises(this.view);
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.secret.noteAll(this.view.document);
    this.listen('add');
  }

  /** Stops listening. What was gathered stays for a later start(), behind a gap. */
  stop(): void {
    if (!this.running) return;
    this.running = false;
    this.listen('remove');
    this.gap();
  }

  private listen(verb: 'add' | 'remove'): void {
    const on = { capture: true, passive: true } as const;
    const view = this.view;
    const change = <T extends EventTarget>(target: T, name: string, handler: (e: never) => void) =>
      verb === 'add'
        ? target.addEventListener(name, handler as EventListener, on)
        : target.removeEventListener(name, handler as EventListener, on);
    change(view, 'keydown', this.onKeyDown);
    change(view, 'keyup', this.onKeyUp);
    change(view, 'pointermove', this.onMove);
    change(view, 'pointerdown', this.onPress);
    change(view, 'pointerup', this.onRelease);
    change(view, 'wheel', this.onWheel);
    change(view, 'focusin', this.onFocus);
    change(view, 'blur', this.onBlur);
    change(view.document, 'visibilitychange', this.gap);
  }

  private readonly gap = (): void => {
    for (const modality of MODALITIES) this.options.edge.gap(modality);
  };

  private readonly onFocus = (event: FocusEvent): void => {
    this.secret.note(event.composedPath()[0] ?? event.target);
  };

  /* Captured blur events of single fields come by here too; only the window's own counts. */
  private readonly onBlur = (event: FocusEvent): void => {
    if (event.target === this.view) this.gap();
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    this.key(event, event.repeat ? 'repeat' : 'down');
  };

  private readonly onKeyUp = (event: KeyboardEvent): void => {
    this.key(event, 'up');
  };

  private key(event: KeyboardEvent, action: KeyAction): void {
    if (!event.isTrusted || event.code === '' || event.code === 'Unidentified') return;
    const secret = this.secret.isSecret(event);
    if (secret !== this.inSecret) {
      this.inSecret = secret;
      this.options.edge.gap('keyboard');
    }
    if (secret) return;
    const flags = this.capitalsTell && action === 'down' && isCapital(event) ? CAPITAL : 0;
    const code = evdevCode(event.code);
    this.after('keyboard', this.options.edge.key(code, action, micros(event.timeStamp), flags));
  }

  private readonly onMove = (event: PointerEvent): void => this.pointer(event, 'move');
  private readonly onPress = (event: PointerEvent): void =>
    this.pointer(event, event.button === 0 ? 'press' : 'pressOther');
  private readonly onRelease = (event: PointerEvent): void =>
    this.pointer(event, event.button === 0 ? 'release' : 'releaseOther');
  private readonly onWheel = (event: WheelEvent): void => this.hand(event, 'scroll');

  private pointer(event: PointerEvent, kind: PointerKind): void {
    if (event.pointerType === 'mouse') this.hand(event, kind);
  }

  private hand(event: MouseEvent, kind: PointerKind): void {
    if (!event.isTrusted) return;
    const t = micros(event.timeStamp);
    this.after('pointer', this.options.edge.pointer(kind, event.screenX, event.screenY, t));
  }

  private after(modality: Modality, answer: Answer): void {
    if (answer.ready) {
      const window = this.options.edge.take(modality);
      if (window !== null) this.options.onWindow(window);
    }
    if (answer.news) this.options.onVerdict?.(modality);
    this.options.onActivity?.(modality);
  }
}
