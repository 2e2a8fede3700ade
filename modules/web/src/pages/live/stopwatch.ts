/** Time that runs while it is not held. All in ms. */
export class Stopwatch {
  readonly #now: () => number;
  #sinceMs: number | null = null;
  #beforeMs = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get elapsedMs(): number {
    return this.#beforeMs + (this.#sinceMs === null ? 0 : this.#now() - this.#sinceMs);
  }

  run(): void {
    this.#sinceMs ??= this.#now();
  }

  hold(): void {
    this.#beforeMs = this.elapsedMs;
    this.#sinceMs = null;
  }
}
