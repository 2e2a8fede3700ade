import type { AudioFormat } from "@dragoman/client";
import { LEVELS_PER_SECOND, LevelWindow, Meter, SILENCE } from "./level";
import { FRAME_MS, toInt16, toMono } from "./pcm";
import { CaptureError } from "./problem";
import type { AudioSource, SourceEnd } from "./source";

const RATE_HZ = 16_000;
const FRAME_SAMPLES = (RATE_HZ * FRAME_MS) / 1_000;
/** The whole file is decoded at once: an hour of stereo is some 1.4 GB for a moment, more is too much for a tab. */
const MAX_FILE_BYTES = 700_000_000;
const MAX_DURATION_S = 3_600;
const TICK_MS = 50;

/** As fast as it is taken, or as fast as it was spoken. */
export type Pace = "fast" | "spoken";

/** How long an audio file is, in seconds, without decoding it; NaN where the browser cannot tell. */
function durationS(file: File): Promise<number> {
  const url = URL.createObjectURL(file);
  const audio = new Audio();
  audio.preload = "metadata";
  return new Promise<number>((resolve) => {
    audio.onloadedmetadata = () => resolve(audio.duration);
    audio.onerror = () => resolve(Number.NaN);
    audio.src = url;
  }).finally(() => {
    audio.removeAttribute("src");
    URL.revokeObjectURL(url);
  });
}

/** The samples of a file, at 16 kHz. Throws a `CaptureError`. */
async function decode(file: File): Promise<AudioBuffer> {
  if (file.size === 0) throw new CaptureError("empty");
  if (file.size > MAX_FILE_BYTES || (await durationS(file)) > MAX_DURATION_S)
    throw new CaptureError("too-large");
  try {
    // Decoding resamples to the rate of its context.
    return await new OfflineAudioContext(1, 1, RATE_HZ).decodeAudioData(await file.arrayBuffer());
  } catch (error) {
    throw new CaptureError("undecodable", { cause: error });
  }
}

/** A file of sound, decoded by the browser. */
export class FileSource implements AudioSource {
  readonly kind = "file";
  readonly format: AudioFormat = { encoding: "pcm_s16le", sampleRateHz: RATE_HZ, channels: 1 };
  readonly meter = new Meter();
  onChunk: (bytes: Uint8Array<ArrayBuffer>) => void = () => {};
  onEnded: (why: SourceEnd) => void = () => {};
  /** Whether more is wanted now; asked before each frame, so that what waits to be sent stays small. */
  hasRoom: () => boolean = () => true;
  readonly #channels: Float32Array[];
  readonly #level = new LevelWindow(RATE_HZ / LEVELS_PER_SECOND);
  #at = 0;
  #paused = false;
  #ticker: ReturnType<typeof setInterval> | undefined;
  /** When, at speaking speed, sample 0 was or would have been due; ms of `performance.now()`. */
  #originMs = 0;

  private constructor(
    readonly label: string,
    readonly pace: Pace,
    buffer: AudioBuffer,
  ) {
    this.#channels = Array.from({ length: buffer.numberOfChannels }, (_, index) =>
      buffer.getChannelData(index),
    );
  }

  /** Reads and decodes all of it. Throws a `CaptureError`. */
  static async open(file: File, pace: Pace): Promise<FileSource> {
    return new FileSource(file.name, pace, await decode(file));
  }

  get durationMs(): number {
    return ((this.#channels[0]?.length ?? 0) * 1_000) / RATE_HZ;
  }

  /** How much was given so far, in ms of the file. */
  get givenMs(): number {
    return (this.#at * 1_000) / RATE_HZ;
  }

  start(): void {
    this.#originMs = performance.now() - this.givenMs;
    // A page that is hidden is called once a second only; the clock, not the calls, says what is due.
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  /** A file is not muted: leaving some of it out is not what anybody wants. */
  setMuted(): void {}

  async setPaused(paused: boolean): Promise<void> {
    this.#paused = paused;
    if (paused) this.meter.set(SILENCE);
    else this.#originMs = performance.now() - this.givenMs;
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    this.meter.set(SILENCE);
  }

  #tick(): void {
    if (this.#paused) return;
    const length = this.#channels[0]?.length ?? 0;
    const dueMs = this.pace === "spoken" ? performance.now() - this.#originMs : Number.POSITIVE_INFINITY;
    while (this.#at < length && this.givenMs < dueMs && this.hasRoom()) this.#give();
    if (this.#at < length) return;
    clearInterval(this.#ticker);
    this.meter.set(SILENCE);
    this.onEnded("finished");
  }

  #give(): void {
    const end = this.#at + FRAME_SAMPLES;
    const samples = toMono(this.#channels.map((channel) => channel.subarray(this.#at, end)));
    this.#at += samples.length;
    const level = this.#level.push(samples);
    if (level) this.meter.set(level);
    this.onChunk(new Uint8Array(toInt16(samples).buffer));
  }
}
