import type { Place } from "./address.ts";
import { type AudioFormat, bytesPerSecond, durationMs, frameBytes, isPcm, wireFormat } from "./audio.ts";
import { Connection } from "./connection.ts";
import { SessionCursor } from "./cursor.ts";
import { closedError, Ending, unheardEnd } from "./ending.ts";
import { DragomanError } from "./errors.ts";
import type { ResetEvent } from "./follower.ts";
import type { Hearing } from "./link.ts";
import {
  CloseCode,
  type ServerMessage,
  type SessionConfigure,
  type SessionEndedMessage,
  type SessionOptions,
  type SessionResumed,
  type SessionSnapshot,
  type SessionStarted,
} from "./messages.gen.ts";
import type { SpeakerProgress, SpeakerSettings, TailDroppedEvent } from "./speaking.ts";
import type { ConnectionState, NextStep } from "./state.ts";
import { AudioTail, type ByteRange } from "./tail.ts";

/** Bytes of audio in one message; the server takes up to 262144. */
const MESSAGE_BYTES = 32_768;
/** The socket is given more while less than this waits in it: what lies there cannot be called back. */
const HIGH_WATER_BYTES = 131_072;
const PUMP_MS = 50;
const DRAINED_MS = 5_000;
const KEEP_MS = 600_000;
/** Audio kept although it is stored, as a Redis that was killed may ask for it again. */
const MARGIN_MS = 10_000;
const STALL_MS = 15_000;
/** A server that holds us back says nothing for up to 30 s; after `end` it transcribes what is left. */
const PATIENT_STALL_MS = 60_000;
/** Less than this is rounding, not loss. */
const ROUNDING_MS = 20;

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
  readonly #options: SessionOptions | undefined;
  readonly #continues: boolean;
  readonly #stallMs: number;
  readonly #tail: AudioTail;
  readonly #cursor = new SessionCursor();
  #committedMs = 0;
  /** Whether the server has told once how much audio it has. */
  #began = false;
  #isHeldBack = false;
  /** Since when the server owes an acknowledgement. */
  #owedSince = 0;
  #pumpTimer: unknown = null;
  #waiters: { bytes: number; resolve: (isDrained: boolean) => void }[] = [];
  #ending: Ending | null = null;
  /** The server takes no speaker any more: the rest is heard as a viewer. */
  #follows = false;
  #askedAfter = false;
  #ended: SessionEndedMessage | null = null;

  constructor(settings: SpeakerSettings) {
    super(settings);
    const { audio } = settings;
    const { keepMs = KEEP_MS, keepBytes = Math.ceil((keepMs * bytesPerSecond(audio)) / 1000) } = settings;
    this.sessionId = settings.sessionId;
    this.audio = audio;
    this.#options = settings.options;
    this.#continues = settings.continues ?? false;
    this.#stallMs = settings.stallMs ?? STALL_MS;
    this.#tail = new AudioTail({
      alignBytes: frameBytes(audio),
      keepBytes,
      marginBytes: Math.min(keepBytes / 2, (MARGIN_MS * bytesPerSecond(audio)) / 1000),
      isContainer: !isPcm(audio),
    });
  }

  get progress(): SpeakerProgress {
    const { start, end, sent, stored } = this.#tail;
    return {
      keptFromBytes: start,
      givenBytes: end,
      sentBytes: sent,
      storedBytes: stored,
      unstoredMs: durationMs(this.audio, end - stored),
      committedMs: this.#committedMs,
    };
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
      const dropped = this.#tail.append(bytes);
      if (dropped) this.#tellDropped(dropped, "full");
    } catch (error) {
      this.#giveUp(error);
      return false;
    }
    if (this.#tail.hasHole && this.link.openSocket) this.link.reconnect("resuming");
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
    this.#tail.mark({ type: "audio.flush" });
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
      if (!this.link.isOver) this.#tail.mark({ type: "session.end" });
    }
    if (this.link.isOver) this.#settle(this.state);
    else this.#go();
    return this.#ending.promise;
  }

  /** Leave without ending the session: another speaker may go on. Audio that was not sent is given up. */
  override close(): void {
    super.close();
  }

  // --- what the link asks ---------------------------------------------------------------------------------

  /** @internal */
  protected override place(): Place {
    const after = this.#cursor.after();
    this.#askedAfter = after !== null;
    return {
      path: `/v1/sessions/${encodeURIComponent(this.sessionId)}/${this.#follows ? "events" : "audio"}`,
      query: after === null ? {} : { after },
    };
  }

  /** @internal */
  protected override opened(): Hearing {
    if (this.#follows) return "other";
    this.#tail.pin(true);
    this.#isHeldBack = false;
    const configure: SessionConfigure = {
      type: "session.configure",
      audio: wireFormat(this.audio),
      ...(this.#options && { options: this.#options }),
      ...(this.#isResuming && { resume_from_bytes: this.#tail.start }),
    };
    this.link.send(configure);
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
        return this.#follows ? "greeting" : "other";
      case "audio.ack":
        this.#owedSince = this.clock.now();
        this.#tail.acknowledge(event.received_bytes);
        this.#committedMs = Math.max(this.#committedMs, event.committed_ms);
        this.#wakeWaiters();
        this.emit(event);
        return "healthy";
      case "session.ended":
        if (this.#cursor.isNew(event)) this.#finish(event);
        return "healthy";
      case "session.lag":
        if (event.reason === "backpressure") this.#isHeldBack = true;
        if (event.reason === "caught_up") this.#isHeldBack = false;
    }
    if (this.#cursor.isNew(event)) this.emit(event);
    return event.position ? "healthy" : "other";
  }

  /** @internal */
  protected override lost(closeCode: number): NextStep | "park" | null {
    if (closeCode === CloseCode.SESSION_ENDED && this.#ending && !this.#follows) {
      this.#follows = true;
      return "at-once";
    }
    const isSilent = this.#tail.isSettled && !this.#ending;
    return closeCode === CloseCode.IDLE_TIMEOUT && isSilent ? "park" : null;
  }

  /** @internal */
  protected override isDead(now: number, heardAt: number): boolean {
    if (this.#tail.sent <= this.#tail.stored)
      return this.#ending !== null && now - heardAt > PATIENT_STALL_MS;
    const limitMs = this.#isHeldBack ? Math.max(PATIENT_STALL_MS, this.#stallMs) : this.#stallMs;
    return now - Math.max(heardAt, this.#owedSince) > limitMs;
  }

  /** @internal */
  protected override changed(state: ConnectionState): void {
    if (state.name !== "connecting") this.#tail.pin(false);
    super.changed(state);
    if (state.name === "open") this.#pump();
    if (!this.link.isOver) return;
    this.clock.clearTimeout(this.#pumpTimer);
    this.#settle(this.state);
  }

  /** Whether positions in the tail are those of the session, and the server may have less. */
  get #isResuming(): boolean {
    return this.#began || (this.#tail.start > 0 && !this.#continues);
  }

  // --- how it goes on -------------------------------------------------------------------------------------

  #begin(greeting: SessionStarted | SessionResumed): Hearing {
    try {
      const isNewcomer = !this.#began && this.#continues;
      this.#began = true;
      if (isNewcomer) this.#tail.beginAt(greeting.received_bytes);
      if (isNewcomer && this.#tail.hasHole) {
        // Some was dropped before it was known where it belongs: the next connection tells of it.
        this.link.reconnect("resuming");
        return "other";
      }
      this.#tail.resumeAt(greeting.received_bytes);
    } catch (error) {
      this.#giveUp(error);
      return "other";
    }
    this.#owedSince = this.clock.now();
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
    const socket = this.#follows ? null : this.link.openSocket;
    while (socket) {
      if (socket.bufferedAmount >= HIGH_WATER_BYTES) {
        this.#pumpTimer = this.clock.setTimeout(() => this.#pump(), PUMP_MS);
        return;
      }
      if (this.#tail.sent <= this.#tail.stored) this.#owedSince = this.clock.now();
      const item = this.#tail.next(MESSAGE_BYTES);
      if (item === null) return;
      socket.send(item instanceof Uint8Array ? item : JSON.stringify(item));
    }
  }

  #wakeWaiters(): void {
    const unstored = this.#tail.sendableEnd - this.#tail.stored;
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
    this.#tellUnheard(event.ledger.received_ms);
    this.emit(event);
    this.link.end("end");
  }

  /** The session is over; what it never received is lost, and not in its ledger. */
  #tellUnheard(receivedMs: number): void {
    const { stored, sendableEnd } = this.#tail;
    const givenMs = durationMs(this.audio, sendableEnd);
    if (givenMs === null || givenMs - receivedMs <= ROUNDING_MS) return;
    const receivedBytes = Math.floor((receivedMs * bytesPerSecond(this.audio)) / 1000);
    this.#tellDropped({ fromBytes: Math.max(stored, receivedBytes), toBytes: sendableEnd }, "session-ended");
  }

  #settle(state: ConnectionState): void {
    if (this.#ended) this.#ending?.resolve(this.#ended);
    else if (state.name === "refused") this.#ending?.reject(state.error);
    else
      this.#ending?.reject(state.name === "ended" && state.reason === "end" ? unheardEnd() : closedError());
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(false);
  }
}
