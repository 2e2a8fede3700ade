import {
  type ConnectionState,
  type DragomanError,
  type SessionEndedMessage,
  SpeakerConnection,
  type SpeakerSettings,
} from "@dragoman/client";
import { currentKey } from "~/app/credential";
import { logOf } from "~/captions/log";
import { FileSource } from "~/capture/file-source";
import type { AudioSource, SourceEnd } from "~/capture/source";
import { StreamSource } from "~/capture/stream-source";
import { WakeLock } from "~/capture/wake-lock";
import { forgetSpeaking, type Interrupted, noteSpeaking } from "./interrupted";
import { Stopwatch } from "./stopwatch";

/** A file is read ahead of the server by so much; the rest waits on the disk, not in the connection. */
const AHEAD_MS = 5_000;
/** A container tells no times; this much of it may wait. */
const AHEAD_BYTES = 160_000;

/**
 * Where speaking stands: `live`, after stopping `finishing` until the last word is transcribed, then `ended`;
 * `failed` if the server takes no more.
 */
type Phase = "live" | "finishing" | "ended" | "failed";

export interface SpeakingState {
  readonly phase: Phase;
  readonly paused: boolean;
  readonly muted: boolean;
  /** Why the source gives nothing any more; null while it does. */
  readonly sourceEnd: SourceEnd | null;
  readonly connection: ConnectionState;
  /** Words of all finals. */
  readonly words: number;
  /** Audio that this side had to give up, because the server was away for too long. */
  readonly droppedMs: number;
  readonly result: SessionEndedMessage | null;
  readonly error: DragomanError | null;
}

/** What is spoken into; `goesOn`: after what was said before the page was reloaded. */
export interface Target {
  readonly sessionId: string;
  readonly title: string;
  readonly language: string;
  readonly goesOn: boolean;
}

type Connect = (settings: SpeakerSettings) => SpeakerConnection;

/** One session that is spoken into from this page: its source, its connection, and where it stands. */
export class Speaking {
  readonly connection: SpeakerConnection;
  readonly stopwatch = new Stopwatch();
  #state: SpeakingState;
  readonly #wakeLock = new WakeLock();
  readonly #listeners = new Set<() => void>();
  readonly #words = new Map<string, number>();

  constructor(
    readonly target: Target,
    readonly source: AudioSource,
    connect: Connect = (settings) => new SpeakerConnection(settings),
  ) {
    this.connection = connect({
      sessionId: target.sessionId,
      audio: source.format,
      credential: () => currentKey() ?? "",
      continues: target.goesOn,
    });
    logOf(this.connection);
    this.#state = {
      phase: "live",
      paused: false,
      muted: false,
      sourceEnd: null,
      connection: this.connection.state,
      words: 0,
      droppedMs: 0,
      result: null,
      error: null,
    };
    this.#listen();
    this.#begin();
  }

  readonly state = (): SpeakingState => this.#state;

  readonly subscribe = (tell: () => void): (() => void) => {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  };

  /** Audio that the server has not stored yet, in ms; 0 where that cannot be known. */
  get unstoredMs(): number {
    return this.connection.progress.unstoredMs ?? 0;
  }

  setMuted(muted: boolean): void {
    this.source.setMuted(muted);
    this.#set({ muted });
  }

  /** Time stops; what was said until now becomes final. */
  async setPaused(paused: boolean): Promise<void> {
    if (this.#state.phase !== "live" || paused === this.#state.paused) return;
    this.#set({ paused });
    if (paused) this.stopwatch.hold();
    else this.stopwatch.run();
    await this.source.setPaused(paused);
    if (paused) this.connection.flush();
  }

  /** Goes on with another device, where the first is gone or another is wanted. */
  async replaceStream(stream: MediaStream): Promise<void> {
    if (!(this.source instanceof StreamSource) || this.#state.phase !== "live") return;
    this.source.replace(stream);
    this.#set({ sourceEnd: null });
    await this.setPaused(false);
  }

  /** No more is said; resolves when the session has ended, or cannot be brought to its end. */
  async stop(): Promise<void> {
    if (this.#state.phase !== "live") return;
    this.#set({ phase: "finishing", paused: false });
    this.#release();
    await this.source.stop();
    await this.connection.end().catch(() => undefined);
  }

  /** Leaves at once; what was not sent is lost. */
  abandon(): void {
    this.connection.close();
    this.#over();
    this.#set({ phase: "ended" });
  }

  #begin(): void {
    const { source, target } = this;
    source.onChunk = (bytes) => this.connection.send(bytes);
    source.onEnded = (why) => void this.#sourceEnded(why);
    if (source instanceof FileSource) source.hasRoom = () => this.#hasRoom();
    const noted: Interrupted = {
      sessionId: target.sessionId,
      title: target.title,
      language: target.language,
      audio: source.format,
    };
    if (source.kind !== "file") noteSpeaking(noted);
    window.addEventListener("beforeunload", this.#warn);
    this.#wakeLock.acquire();
    this.stopwatch.run();
    source.start();
  }

  #listen(): void {
    const { connection } = this;
    connection.on("state", ({ state }) => this.#connectionChanged(state));
    connection.on("transcript.final", (event) => {
      this.#words.set(event.segment_id, event.words.length || wordsOf(event.text));
      this.#set({ words: [...this.#words.values()].reduce((sum, count) => sum + count, 0) });
    });
    connection.on("tail-dropped", (event) => {
      const droppedMs = (event.endMs ?? 0) - (event.startMs ?? 0);
      this.#set({ droppedMs: this.#state.droppedMs + droppedMs });
    });
    connection.on("session.ended", (result) => {
      this.#over();
      this.#set({ phase: "ended", result });
    });
  }

  #connectionChanged(connection: ConnectionState): void {
    this.#set({ connection });
    if (connection.name !== "refused" || this.#state.phase === "ended") return;
    this.#over();
    this.#set({ phase: "failed", error: connection.error });
  }

  async #sourceEnded(why: SourceEnd): Promise<void> {
    if (this.#state.phase !== "live") return;
    if (why === "finished") {
      await this.stop();
      return;
    }
    await this.setPaused(true);
    this.#set({ sourceEnd: why });
  }

  #hasRoom(): boolean {
    const { unstoredMs, givenBytes, storedBytes } = this.connection.progress;
    return unstoredMs === null ? givenBytes - storedBytes < AHEAD_BYTES : unstoredMs < AHEAD_MS;
  }

  /** It ended, by us or by somebody else. */
  #over(): void {
    forgetSpeaking();
    this.#release();
    window.removeEventListener("beforeunload", this.#warn);
    void this.source.stop();
  }

  #release(): void {
    this.stopwatch.hold();
    this.#wakeLock.release();
  }

  #set(change: Partial<SpeakingState>): void {
    this.#state = { ...this.#state, ...change };
    for (const tell of [...this.#listeners]) tell();
  }

  /** Browsers ask before such a page is left. */
  readonly #warn = (event: BeforeUnloadEvent): void => event.preventDefault();
}

function wordsOf(text: string): number {
  return text.split(/\s+/).filter((word) => word !== "").length;
}
