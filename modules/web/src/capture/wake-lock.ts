/** Keeps the screen on while somebody speaks; browsers let go of it whenever the page is hidden. */
export class WakeLock {
  #lock: WakeLockSentinel | null = null;
  #wanted = false;

  acquire(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    document.addEventListener("visibilitychange", this.#again);
    this.#again();
  }

  release(): void {
    this.#wanted = false;
    document.removeEventListener("visibilitychange", this.#again);
    void this.#lock?.release();
    this.#lock = null;
  }

  readonly #again = (): void => {
    if (document.visibilityState === "visible") void this.#request();
  };

  async #request(): Promise<void> {
    try {
      // Typed as always there; Firefox of old and pages by http have none.
      const api = navigator.wakeLock as Navigator["wakeLock"] | undefined;
      const lock = await api?.request("screen");
      if (this.#wanted) this.#lock = lock ?? null;
      else await lock?.release();
    } catch {
      // A battery that runs low, for instance: speaking goes on without.
    }
  }
}
