import type { NextStep } from "./state.ts";

const FIRST_MS = 250;
const CEILING_MS = 8_000;
/** Doublings that a wait begins with where the server asks for a pause (41xx): up to a second. */
const PAUSE_DOUBLINGS = 2;
/** Never quite zero, so that a server which closes at once cannot make this a busy loop. */
const LEAST_MS = 50;

/**
 * When to try again: exponential growth with full jitter, which spreads clients best that lost the same
 * server at the same moment ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Pure.
 */
export class Backoff {
  readonly #random: () => number;
  #attempts = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A connection did what it is for: the outage is over. */
  reset(): void {
    this.#attempts = 0;
  }

  /** How long to wait before the next attempt, in ms; 0 where it may be at once, which is granted once an outage. */
  nextMs(step: NextStep, asksForPause = false): number {
    const attempt = this.#attempts++;
    if (step === "at-once" && attempt === 0) return 0;
    const doublings = Math.min(30, attempt + (asksForPause ? PAUSE_DOUBLINGS : 0));
    const boundMs = Math.min(CEILING_MS, FIRST_MS * 2 ** doublings);
    return Math.max(LEAST_MS, Math.round(this.#random() * boundMs));
  }
}
