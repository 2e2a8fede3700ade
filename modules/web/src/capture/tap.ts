import { type Level, Meter } from "./level";
import workletUrl from "./pcm.worklet.ts?worker&url";

/** What the page tells the audio thread, and what it hears from there. */
export interface ToWorklet {
  readonly sending: boolean;
}
export type FromWorklet =
  | { readonly type: "frame"; readonly bytes: ArrayBuffer }
  | { readonly type: "level"; readonly level: Level }
  | { readonly type: "flushed" };

const RATE_HZ = 16_000;
/** How long the audio thread may take to give what it has; a context that was stopped never answers. */
const FLUSH_LIMIT_MS = 500;

/**
 * Listens to streams, one after the other, in one audio context: their level always, frames of PCM at
 * `sampleRateHz` while `sending`. What is sent keeps its format when the device changes.
 */
export class Tap {
  readonly meter = new Meter();
  onFrame: (bytes: Uint8Array<ArrayBuffer>) => void = () => {};
  readonly #context: AudioContext;
  readonly #worklet: AudioWorkletNode;
  readonly #mix: MediaStreamAudioDestinationNode;
  #source: MediaStreamAudioSourceNode;
  #flushed: () => void = () => {};
  #closed: Promise<void> | null = null;

  private constructor(context: AudioContext, source: MediaStreamAudioSourceNode) {
    this.#context = context;
    this.#source = source;
    this.#worklet = new AudioWorkletNode(context, "dragoman-tap", { numberOfOutputs: 0 });
    this.#worklet.port.onmessage = ({ data }: MessageEvent<FromWorklet>) => this.#heard(data);
    this.#mix = context.createMediaStreamDestination();
    source.connect(this.#worklet);
    source.connect(this.#mix);
    document.addEventListener("visibilitychange", this.#wake);
  }

  /** At 16 kHz where the browser connects a device of another rate to that, else at the context's own rate. */
  static async open(stream: MediaStream, { rateHz = RATE_HZ }: { rateHz?: number } = {}): Promise<Tap> {
    let context = new AudioContext({ sampleRate: rateHz, latencyHint: "interactive" });
    let source: MediaStreamAudioSourceNode;
    try {
      source = context.createMediaStreamSource(stream);
    } catch {
      // Firefox connects only what has the rate of the device.
      await context.close();
      context = new AudioContext({ latencyHint: "interactive" });
      source = context.createMediaStreamSource(stream);
    }
    await context.audioWorklet.addModule(workletUrl);
    const tap = new Tap(context, source);
    // A context that waits for a gesture of the user must not keep the device from being shown.
    void context.resume();
    return tap;
  }

  get sampleRateHz(): number {
    return this.#context.sampleRate;
  }

  /** All that is heard, also of the streams to come; for a recorder. */
  get mixed(): MediaStream {
    return this.#mix.stream;
  }

  /** Listen to another stream instead. */
  attach(stream: MediaStream): void {
    this.#source.disconnect();
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#source.connect(this.#worklet);
    this.#source.connect(this.#mix);
  }

  send(): void {
    this.#tell({ sending: true });
  }

  /** Sends nothing more; resolves when the last, shorter frame has been given. */
  async hold(): Promise<void> {
    const flushed = new Promise<void>((resolve) => {
      this.#flushed = resolve;
      setTimeout(resolve, FLUSH_LIMIT_MS);
    });
    this.#tell({ sending: false });
    await flushed;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    document.removeEventListener("visibilitychange", this.#wake);
    this.#source.disconnect();
    this.#worklet.port.onmessage = null;
    await this.#context.close();
  }

  #tell(message: ToWorklet): void {
    this.#worklet.port.postMessage(message);
  }

  #heard(message: FromWorklet): void {
    if (message.type === "frame") this.onFrame(new Uint8Array(message.bytes));
    else if (message.type === "level") this.meter.set(message.level);
    else this.#flushed();
  }

  /** A phone that was locked, or a machine that slept, stops the context. */
  readonly #wake = (): void => {
    if (document.visibilityState === "visible" && this.#context.state !== "closed")
      void this.#context.resume();
  };
}
