const TIMESLICE_MS = 250;
const BITS_PER_SECOND = 32_000;
const TYPE = "audio/webm;codecs=opus";

/** Whether this browser can record Opus in WebM. */
export function recordsOpus(): boolean {
  return typeof MediaRecorder !== "undefined" && MediaRecorder.isTypeSupported(TYPE);
}

/** The browser's own recorder: WebM with Opus, in pieces that are cut anywhere. */
export class OpusRecorder {
  onChunk: (bytes: Uint8Array<ArrayBuffer>) => void = () => {};
  readonly #recorder: MediaRecorder;
  /** Pieces are read one after the other, so that they stay in order. */
  #reading: Promise<void> = Promise.resolve();

  constructor(stream: MediaStream) {
    this.#recorder = new MediaRecorder(stream, { mimeType: TYPE, audioBitsPerSecond: BITS_PER_SECOND });
    this.#recorder.ondataavailable = ({ data }) => {
      this.#reading = this.#reading.then(async () => {
        if (data.size > 0) this.onChunk(new Uint8Array(await data.arrayBuffer()));
      });
    };
  }

  start(): void {
    this.#recorder.start(TIMESLICE_MS);
  }

  async setPaused(paused: boolean): Promise<void> {
    if (this.#recorder.state === "inactive") return;
    if (!paused) {
      this.#recorder.resume();
      return;
    }
    const given = this.#next("dataavailable");
    this.#recorder.requestData();
    await given;
    this.#recorder.pause();
    await this.#reading;
  }

  async stop(): Promise<void> {
    if (this.#recorder.state !== "inactive") {
      const stopped = this.#next("stop");
      this.#recorder.stop();
      await stopped;
    }
    await this.#reading;
  }

  #next(event: "dataavailable" | "stop"): Promise<void> {
    return new Promise((resolve) => {
      this.#recorder.addEventListener(event, () => resolve(), { once: true });
    });
  }
}
