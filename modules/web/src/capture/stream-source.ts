import type { AudioFormat } from "@dragoman/client";
import type { Meter } from "./level";
import { OpusRecorder } from "./opus";
import type { AudioSource, Quality, SourceEnd, SourceKind } from "./source";
import { Tap } from "./tap";

/** A microphone, tab or screen: anything that the browser gives as a stream. */
export class StreamSource implements AudioSource {
  onChunk: (bytes: Uint8Array<ArrayBuffer>) => void = () => {};
  onEnded: (why: SourceEnd) => void = () => {};
  readonly format: AudioFormat;
  readonly #tap: Tap;
  readonly #recorder: OpusRecorder | null;
  #stream: MediaStream;
  #muted = false;
  #paused = false;
  #started = false;

  private constructor(
    readonly kind: SourceKind,
    stream: MediaStream,
    tap: Tap,
    quality: Quality,
  ) {
    this.#stream = stream;
    this.#tap = tap;
    this.#recorder = quality === "opus" ? new OpusRecorder(tap.mixed) : null;
    this.format = {
      encoding: this.#recorder ? "webm_opus" : "pcm_s16le",
      sampleRateHz: tap.sampleRateHz,
      channels: 1,
    };
    tap.onFrame = (bytes) => this.onChunk(bytes);
    if (this.#recorder) this.#recorder.onChunk = (bytes) => this.onChunk(bytes);
    this.#watch();
  }

  /** Takes the stream over: it is stopped with the source. */
  static async open(kind: SourceKind, stream: MediaStream, quality: Quality): Promise<StreamSource> {
    try {
      // Opus knows 48 kHz; raw samples need no more than the recogniser reads.
      const tap = await Tap.open(stream, quality === "opus" ? { rateHz: 48_000 } : {});
      return new StreamSource(kind, stream, tap, quality);
    } catch (error) {
      stopTracks(stream);
      throw error;
    }
  }

  get label(): string {
    return this.#stream.getAudioTracks()[0]?.label ?? "";
  }

  get meter(): Meter {
    return this.#tap.meter;
  }

  start(): void {
    this.#started = true;
    if (this.#recorder) this.#recorder.start();
    else this.#tap.send();
  }

  /** Go on with another stream, in the same format. */
  replace(stream: MediaStream): void {
    stopTracks(this.#stream);
    this.#stream = stream;
    this.#tap.attach(stream);
    this.setMuted(this.#muted);
    this.#watch();
  }

  setMuted(muted: boolean): void {
    this.#muted = muted;
    // A track that is not enabled gives silence, and the system may show that nobody listens.
    for (const track of this.#stream.getAudioTracks()) track.enabled = !muted;
  }

  async setPaused(paused: boolean): Promise<void> {
    if (!this.#started || paused === this.#paused) return;
    this.#paused = paused;
    if (this.#recorder) await this.#recorder.setPaused(paused);
    else if (paused) await this.#tap.hold();
    else this.#tap.send();
  }

  async stop(): Promise<void> {
    if (this.#started) await (this.#recorder ? this.#recorder.stop() : this.#tap.hold());
    this.#started = false;
    stopTracks(this.#stream);
    await this.#tap.close();
  }

  #watch(): void {
    const stream = this.#stream;
    for (const track of stream.getAudioTracks()) {
      // Told by the browser only, not where this page stops the track itself.
      track.onended = () => {
        if (stream === this.#stream) this.onEnded(this.kind === "display" ? "stopped" : "lost");
      };
    }
  }
}

export function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
