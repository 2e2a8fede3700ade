/** Samples to what the server reads: mono 16-bit PCM in frames of one length. Pure; it runs in the audio thread. */

/** Length of a frame: short enough for captions that keep up, long enough to be no burden. */
export const FRAME_MS = 100;

/** Float samples of [-1, 1] as 16-bit ones; what is louder is cut off, and what is no number is silence. */
export function toInt16(samples: Float32Array): Int16Array<ArrayBuffer> {
  const out = new Int16Array(samples.length);
  for (let index = 0; index < samples.length; index += 1) {
    const sample = Math.max(-1, Math.min(1, samples[index] || 0));
    out[index] = Math.round(sample < 0 ? sample * 0x8000 : sample * 0x7fff);
  }
  return out;
}

/** The mean of all channels. One channel is given back as it is. */
export function toMono(channels: readonly Float32Array[]): Float32Array {
  const [first, ...others] = channels;
  if (!first) return new Float32Array(0);
  if (others.length === 0) return first;
  const out = new Float32Array(first.length);
  for (let index = 0; index < out.length; index += 1) {
    let sum = 0;
    for (const channel of channels) sum += channel[index] ?? 0;
    out[index] = sum / channels.length;
  }
  return out;
}

/** Collects samples until a frame is full. */
export class Framer {
  #frame: Float32Array;
  #filled = 0;

  constructor(readonly frameSamples: number) {
    this.#frame = new Float32Array(frameSamples);
  }

  /** Calls `emit` for each frame that these samples fill. */
  push(samples: Float32Array, emit: (frame: Int16Array<ArrayBuffer>) => void): void {
    for (let from = 0; from < samples.length; ) {
      const piece = samples.subarray(from, from + this.frameSamples - this.#filled);
      this.#frame.set(piece, this.#filled);
      this.#filled += piece.length;
      from += piece.length;
      if (this.#filled === this.frameSamples) {
        emit(toInt16(this.#frame));
        this.#filled = 0;
      }
    }
  }

  /** What was collected of the frame that is not full; null if that is nothing. */
  flush(): Int16Array<ArrayBuffer> | null {
    if (this.#filled === 0) return null;
    const rest = toInt16(this.#frame.subarray(0, this.#filled));
    this.#filled = 0;
    return rest;
  }
}
