/** What a speaker decides. Pure: no socket; `now` is any clock in ms. */

import { bytesPerSecond, durationMs, frameBytes, isPcm, wireFormat } from "./audio.ts";
import {
  type AudioAck,
  CloseCode,
  type SessionConfigure,
  type SessionLag,
  type SessionResumed,
  type SessionStarted,
} from "./messages.gen.ts";
import type { SpeakerProgress, SpeakerSettings } from "./speaking.ts";
import type { NextStep } from "./state.ts";
import { AudioTail, type ByteRange, type Mark } from "./tail.ts";

/** Bytes of audio in one message; the server takes up to 262144. */
const MESSAGE_BYTES = 32_768;
const KEEP_MS = 600_000;
/** Audio kept although it is stored, as a Redis that was killed may ask for it again. */
const MARGIN_MS = 10_000;
const STALL_MS = 15_000;
/** A server that holds us back says nothing for up to 30 s; after `end` it transcribes what is left. */
const PATIENT_STALL_MS = 60_000;
/** Less than this is rounding, not loss. */
const ROUNDING_MS = 20;

export class Voice {
  readonly tail: AudioTail;
  /** Set when no more audio comes. */
  isEnding = false;
  /** The server takes no speaker any more: the rest is heard as a viewer. */
  follows = false;
  readonly #settings: SpeakerSettings;
  /** Whether the server has told once how much audio it has. */
  #began = false;
  #isHeldBack = false;
  /** Since when the server owes an acknowledgement. */
  #owedSince = 0;
  #committedMs = 0;

  constructor(settings: SpeakerSettings) {
    const rate = bytesPerSecond(settings.audio);
    const { keepMs = KEEP_MS, keepBytes = Math.ceil((keepMs * rate) / 1000) } = settings;
    this.#settings = settings;
    this.tail = new AudioTail({
      alignBytes: frameBytes(settings.audio),
      keepBytes,
      marginBytes: Math.min(keepBytes / 2, (MARGIN_MS * rate) / 1000),
      isContainer: !isPcm(settings.audio),
    });
  }

  get progress(): SpeakerProgress {
    const { start, end, sent, stored } = this.tail;
    return {
      keptFromBytes: start,
      givenBytes: end,
      sentBytes: sent,
      storedBytes: stored,
      unstoredMs: durationMs(this.#settings.audio, end - stored),
      committedMs: this.#committedMs,
    };
  }

  /** The first message of a connection. */
  configure(): SessionConfigure {
    const { audio, options, continues } = this.#settings;
    this.tail.pin(true);
    this.#isHeldBack = false;
    // Before the first greeting, positions of one who goes on after another are not those of the session.
    const isResuming = this.#began || (this.tail.start > 0 && !continues);
    return {
      type: "session.configure",
      audio: wireFormat(audio),
      ...(options && { options }),
      ...(isResuming && { resume_from_bytes: this.tail.start }),
    };
  }

  /**
   * The server's greeting: whether audio can be sent; else a new connection has to tell what was dropped before
   * it was known where it belongs.
   *
   * Throws `DragomanError` where the session's audio is not this speaker's.
   */
  begin(greeting: SessionStarted | SessionResumed, now: number): boolean {
    const isNewcomer = !this.#began && this.#settings.continues;
    this.#began = true;
    this.#owedSince = now;
    if (isNewcomer) this.tail.beginAt(greeting.received_bytes);
    if (isNewcomer && this.tail.hasHole) return false;
    this.tail.resumeAt(greeting.received_bytes);
    return true;
  }

  acknowledge(ack: AudioAck, now: number): void {
    this.#owedSince = now;
    this.tail.acknowledge(ack.received_bytes);
    this.#committedMs = Math.max(this.#committedMs, ack.committed_ms);
  }

  noteLag(lag: SessionLag): void {
    if (lag.reason === "backpressure") this.#isHeldBack = true;
    if (lag.reason === "caught_up") this.#isHeldBack = false;
  }

  /** What goes into the socket next. */
  next(now: number): Uint8Array<ArrayBuffer> | Mark | null {
    if (this.tail.sent <= this.tail.stored) this.#owedSince = now;
    return this.tail.next(MESSAGE_BYTES);
  }

  /** What to do after a close where that is not what its code says. */
  afterClose(closeCode: number): NextStep | "park" | null {
    if (closeCode === CloseCode.SESSION_ENDED && this.isEnding && !this.follows) {
      this.follows = true;
      return "at-once";
    }
    const isSilent = this.tail.isSettled && !this.isEnding;
    return closeCode === CloseCode.IDLE_TIMEOUT && isSilent ? "park" : null;
  }

  /** Whether the silence since `heardAt` means that nobody is there any more. */
  isDead(now: number, heardAt: number): boolean {
    const { stallMs = STALL_MS } = this.#settings;
    if (this.tail.sent <= this.tail.stored) return this.isEnding && now - heardAt > PATIENT_STALL_MS;
    const limitMs = this.#isHeldBack ? Math.max(PATIENT_STALL_MS, stallMs) : stallMs;
    return now - Math.max(heardAt, this.#owedSince) > limitMs;
  }

  /** What a session that has ended never received: it is lost, and not in its ledger. */
  unheard(receivedMs: number): ByteRange | null {
    const { audio } = this.#settings;
    const { stored, sendableEnd } = this.tail;
    const givenMs = durationMs(audio, sendableEnd);
    if (givenMs === null || givenMs - receivedMs <= ROUNDING_MS) return null;
    const fromBytes = Math.max(stored, Math.floor((receivedMs * bytesPerSecond(audio)) / 1000));
    return fromBytes < sendableEnd ? { fromBytes, toBytes: sendableEnd } : null;
  }
}
