/** How loud it is, for a meter. */

export interface Level {
  /** Root mean square of the samples, 0 to 1. */
  readonly rms: number;
  /** The loudest sample, 0 to 1. */
  readonly peak: number;
}

export const SILENCE: Level = { rms: 0, peak: 0 };
/** A meter that moves so often looks smooth, and costs little. */
export const LEVELS_PER_SECOND = 20;

const FLOOR_DB = -60;
/** Where samples are cut off, or nearly. */
const CLIPPING = 0.985;

/** Measures samples, a level for every so many of them. Pure; it runs in the audio thread. */
export class LevelWindow {
  #sum = 0;
  #peak = 0;
  #count = 0;

  constructor(readonly windowSamples: number) {}

  /** The level, if these samples complete a window. */
  push(samples: Float32Array): Level | null {
    for (const sample of samples) {
      this.#sum += sample * sample;
      this.#peak = Math.max(this.#peak, Math.abs(sample));
    }
    this.#count += samples.length;
    if (this.#count < this.windowSamples) return null;
    const level = { rms: Math.sqrt(this.#sum / this.#count), peak: this.#peak };
    this.#sum = this.#peak = this.#count = 0;
    return level;
  }
}

/** Where a level stands on a meter, 0 to 1: in decibels, as it is heard. */
export function meterPosition(amplitude: number): number {
  if (!(amplitude > 0)) return 0;
  return Math.max(0, Math.min(1, 1 - (20 * Math.log10(amplitude)) / FLOOR_DB));
}

export function isClipping(level: Level): boolean {
  return level.peak >= CLIPPING;
}

/** The newest level, and who wants to know of it. Nothing of it is React state: it changes 20 times a second. */
export class Meter {
  level: Level = SILENCE;
  readonly #listeners = new Set<(level: Level) => void>();

  set(level: Level): void {
    this.level = level;
    for (const tell of this.#listeners) tell(level);
  }

  /** Tells each level from now on; returns how to stop that. */
  subscribe(tell: (level: Level) => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }
}
