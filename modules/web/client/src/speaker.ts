import type { Place } from "./address.ts";
import { type AudioFormat, bytesPerSecond, durationMs } from "./audio.ts";
import { Connection } from "./connection.ts";
import { SessionCursor } from "./cursor.ts";
import { closedError, Ending, unheardEnd } from "./ending.ts";
import { DragomanError } from "./errors.ts";
import type { ResetEvent } from "./follower.ts";
import type { Hearing } from "./hearing.ts";
import type {
  ServerMessage,
  SessionEndedMessage,
  SessionResumed,
  SessionSnapshot,
  SessionStarted,
} from "./messages.gen.ts";
import type { SpeakerProgress, SpeakerSettings, TailDroppedEvent } from "./speaking.ts";
import type { ConnectionState, NextStep } from "./state.ts";
import type { ByteRange } from "./tail.ts";
import { Voice } from "./voice.ts";

/** The socket is given more while less than this waits in it: what lies there cannot be called back. */
const HIGH_WATER_BYTES = 131_072;
const PUMP_MS = 50;
const DRAINED_MS = 5_000;

/**
 * Speaks into a session, without losing a word to a connection that is lost: what the server has not stored is
 * kept and sent again. Events come as to a viewer, with all translations, each once.
 *
 * A speaker that says nothing is closed by the server after two minutes (4103); it is `parked` then, and
 * connects when there is audio, a flush or an end.
 */
export class SpeakerConnection extends Connection<
  ServerMessage,
  ResetEvent<SessionSnapshot> | TailDroppedEvent
> {
  readonly sessionId: string;
  readonly audio: AudioFormat;
  readonly #voice: Voice;
  readonly #cursor = new SessionCursor();
  #pumpTimer: unknown = null;
  #waiters: { bytes: number; resolve: (isDrained: boolean) => void }[] = [];
  #ending: Ending | null = null;
  #askedAfter = false;
  #ended: SessionEndedMessage | null = null;

  constructor(settings: SpeakerSettings) {
    super(settings);
    this.sessionId = settings.sessionId;
    this.audio = settings.audio;
    this.#voice = new Voice(settings);
  }

  get progress(): SpeakerProgress {
    return this.#voice.progress;
  }

  /**
   * Give audio to the session, of any length, connected or not; it is copied.
   *
   * Returns false, and takes nothing, once the connection is over or `end` was called.
   */
  send(audio: ArrayBuffer | ArrayBufferView): boolean {
    if (this.link.isOver || this.#ending) return false;
    const bytes = ArrayBuffer.isView(audio)
      ? new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength)
      : new Uint8Array(audio);
    try {
      const dropped = this.#voice.tail.append(bytes);
      if (dropped) this.#tellDropped(dropped, "full");
    } catch (error) {
      this.#giveUp(error);
      return false;
    }
    if (this.#voice.tail.hasHole && this.link.openSocket) this.link.reconnect("resuming");
    this.#go();
    return true;
  }

  /**
   * Wait until at most `unstoredMs` of audio is not stored, as who sends a file must: more than `keepMs` would be
   * dropped. Resolves with false once the connection is over.
   */
  drained(unstoredMs = DRAINED_MS): Promise<boolean> {
    if (this.link.isOver) return Promise.resolve(false);
    const bytes = (unstoredMs * bytesPerSecond(this.audio)) / 1000;
    return new Promise((resolve) => {
      this.#waiters.push({ bytes, resolve });
      this.#wakeWaiters();
    });
  }

  /** Make what is pending final now, as if the utterance had ended here. */
  flush(): void {
    if (this.link.isOver || this.#ending) return;
    this.#voice.tail.mark({ type: "audio.flush" });
    this.#go();
  }

  /**
   * No more audio: the session ends when all of it is transcribed.
   *
   * Resolves with the session's last event. Rejects with a `DragomanError` where the connection is refused, or
   * closed before.
   */
  end(): Promise<SessionEndedMessage> {
    if (!this.#ending) {
      this.#ending = new Ending();
      this.#voice.isEnding = true;
      if (!this.link.isOver) this.#voice.tail.mark({ type: "session.end" });
    }
    if (this.link.isOver) this.#settle(this.state);
    else this.#go();
    return this.#ending.promise;
  }

  // --- what the link asks ---------------------------------------------------------------------------------

  /** @internal */
  protected override place(): Place {
    const after = this.#cursor.after();
    this.#askedAfter = after !== null;
    return {
      path: `/v1/sessions/${encodeURIComponent(this.sessionId)}/${this.#voice.follows ? "events" : "audio"}`,
      query: after === null ? {} : { after },
    };
  }

  /** @internal */
  protected override opened(): Hearing {
    if (!this.#voice.follows) this.link.send(this.#voice.configure());
    return "other";
  }

  /** @internal */
  protected override heard(event: ServerMessage): Hearing {
    switch (event.type) {
      case "session.started":
      case "session.resumed":
        return this.#begin(event);
      case "session.snapshot":
        this.#takeSnapshot(event);
        return this.#voice.follows ? "greeting" : "other";
      case "audio.ack":
        this.#voice.acknowledge(event, this.clock.now());
        this.#wakeWaiters();
        this.emit(event);
        return "healthy";
      case "session.ended":
        if (this.#cursor.isNew(event)) this.#finish(event);
        return "healthy";
      case "session.lag":
        this.#voice.noteLag(event);
    }
    if (this.#cursor.isNew(event)) this.emit(event);
    return event.position ? "healthy" : "other";
  }

  /** @internal */
  protected override lost(closeCode: number): NextStep | "park" | null {
    return this.#voice.afterClose(closeCode);
  }

  /** @internal */
  protected override isDead(now: number, heardAt: number): boolean {
    return this.#voice.isDead(now, heardAt);
  }

  /** @internal */
  protected override changed(state: ConnectionState): void {
    if (state.name !== "connecting") this.#voice.tail.pin(false);
    super.changed(state);
    if (state.name === "open") this.#pump();
    if (!this.link.isOver) return;
    this.clock.clearTimeout(this.#pumpTimer);
    this.#settle(this.state);
  }

  // --- how it goes on -------------------------------------------------------------------------------------

  #begin(greeting: SessionStarted | SessionResumed): Hearing {
    try {
      if (!this.#voice.begin(greeting, this.clock.now())) {
        this.link.reconnect("resuming");
        return "other";
      }
    } catch (error) {
      this.#giveUp(error);
      return "other";
    }
    this.emit(greeting);
    return "greeting";
  }

  #takeSnapshot(snapshot: SessionSnapshot): void {
    this.#cursor.moveTo(snapshot);
    if (!snapshot.recovered) this.emit({ type: "reset", reason: "history-lost", snapshot });
    else if (!this.#askedAfter) this.emit(snapshot);
  }

  /** There is something to send. */
  #go(): void {
    if (this.state.name === "parked") this.link.wake();
    this.#pump();
  }

  #pump(): void {
    this.clock.clearTimeout(this.#pumpTimer);
    const socket = this.#voice.follows ? null : this.link.openSocket;
    while (socket) {
      if (socket.bufferedAmount >= HIGH_WATER_BYTES) {
        this.#pumpTimer = this.clock.setTimeout(() => this.#pump(), PUMP_MS);
        return;
      }
      const item = this.#voice.next(this.clock.now());
      if (item === null) return;
      socket.send(item instanceof Uint8Array ? item : JSON.stringify(item));
    }
  }

  #wakeWaiters(): void {
    const { sendableEnd, stored } = this.#voice.tail;
    const unstored = sendableEnd - stored;
    const ready = this.#waiters.filter(({ bytes }) => unstored <= bytes);
    this.#waiters = this.#waiters.filter(({ bytes }) => unstored > bytes);
    for (const { resolve } of ready) resolve(true);
  }

  #tellDropped(range: ByteRange, reason: TailDroppedEvent["reason"]): void {
    const { fromBytes, toBytes } = range;
    const startMs = durationMs(this.audio, fromBytes);
    const endMs = durationMs(this.audio, toBytes);
    this.emit({ type: "tail-dropped", reason, fromBytes, toBytes, startMs, endMs });
  }

  #giveUp(error: unknown): void {
    if (!(error instanceof DragomanError)) throw error;
    this.link.refuse(error);
  }

  #finish(event: SessionEndedMessage): void {
    this.#ended = event;
    const unheard = this.#voice.unheard(event.ledger.received_ms);
    if (unheard) this.#tellDropped(unheard, "session-ended");
    this.emit(event);
    this.link.end("end");
  }

  #settle(state: ConnectionState): void {
    if (this.#ended) this.#ending?.resolve(this.#ended);
    else if (state.name === "refused") this.#ending?.reject(state.error);
    else
      this.#ending?.reject(state.name === "ended" && state.reason === "end" ? unheardEnd() : closedError());
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(false);
  }
}
