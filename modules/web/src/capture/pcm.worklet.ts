/** The audio thread's part: levels always, frames of PCM while they are wanted. */
import { LEVELS_PER_SECOND, LevelWindow } from "./level";
import { FRAME_MS, Framer, toMono } from "./pcm";
import type { FromWorklet, ToWorklet } from "./tap";

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

class Tap extends AudioWorkletProcessor {
  readonly #framer = new Framer(Math.round((sampleRate * FRAME_MS) / 1_000));
  readonly #level = new LevelWindow(Math.round(sampleRate / LEVELS_PER_SECOND));
  #sending = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<ToWorklet>) => {
      this.#sending = data.sending;
      if (data.sending) return;
      const rest = this.#framer.flush();
      if (rest) this.#give(rest);
      this.#post({ type: "flushed" });
    };
  }

  /** Called for every 128 samples; an input that nothing is connected to has no channels. */
  process([channels = []]: Float32Array[][]): boolean {
    const samples = toMono(channels);
    if (samples.length === 0) return true;
    const level = this.#level.push(samples);
    if (level) this.#post({ type: "level", level });
    if (this.#sending) this.#framer.push(samples, (frame) => this.#give(frame));
    return true;
  }

  #give(frame: Int16Array<ArrayBuffer>): void {
    this.#post({ type: "frame", bytes: frame.buffer }, [frame.buffer]);
  }

  #post(message: FromWorklet, transfer: Transferable[] = []): void {
    this.port.postMessage(message, transfer);
  }
}

registerProcessor("dragoman-tap", Tap);
