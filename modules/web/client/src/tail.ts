/** The audio that may have to be sent again, and what is to be sent next. Pure: no socket, no clock. */

import { DragomanError } from "./errors.ts";
import type { AudioFlush, SessionEnd } from "./messages.gen.ts";

/** A message that belongs between two bytes of audio. */
export type Mark = AudioFlush | SessionEnd;

/** Bytes of the session, counted from its first one. */
export interface ByteRange {
  fromBytes: number;
  toBytes: number;
}

export interface TailLimits {
  /** Bytes of a sample over all channels: pieces begin and end on whole ones. */
  alignBytes: number;
  /** Bytes kept at most. */
  keepBytes: number;
  /** Bytes kept although they are stored: a Redis that was killed may have lost its last moments. */
  marginBytes: number;
  /** The first bytes make all others readable: they must not be dropped unsent. */
  isContainer: boolean;
}

const BLOCK_BYTES = 32_768;
/** Part of the limit that is given up at once where it is passed: dropping what is next costs a reconnect. */
const SLACK = 1 / 16;

/**
 * A session's audio from the oldest byte kept to the newest given, in blocks of one size.
 *
 * `start` is the oldest byte kept, `sent` the next one for the present connection, `end` where the next
 * append goes; the server has stored all before `stored`.
 */
export class AudioTail {
  start = 0;
  sent = 0;
  stored = 0;
  end = 0;
  readonly #limits: TailLimits;
  readonly #blockBytes: number;
  #blocks: Uint8Array<ArrayBuffer>[] = [];
  #marks: { at: number; message: Mark }[] = [];
  #nextMark = 0;
  #pinned = false;

  constructor(limits: TailLimits) {
    this.#limits = limits;
    // Small limits need small blocks, for whole blocks are dropped.
    this.#blockBytes = this.#aligned(Math.min(BLOCK_BYTES, limits.keepBytes / 16)) || limits.alignBytes;
  }

  /** Where the whole samples given so far end. */
  get sendableEnd(): number {
    return this.#aligned(this.end);
  }

  /** Whether all whole samples and all messages have been given to the connection, and are stored. */
  get isSettled(): boolean {
    return this.stored >= this.sendableEnd && this.#nextMark >= this.#marks.length;
  }

  /** Whether what the connection needs next was dropped: only a new one can go on, after the hole. */
  get hasHole(): boolean {
    return this.sent < this.start;
  }

  /** All of this goes after what an earlier speaker of the session sent; only before anything was sent. */
  beginAt(storedBytes: number): void {
    for (const mark of this.#marks) mark.at += storedBytes;
    this.start += storedBytes;
    this.end += storedBytes;
    this.sent = this.stored = storedBytes;
  }

  /**
   * Add audio at the end; it is copied.
   *
   * Returns what had to be dropped of what is not stored, if anything. Throws `DragomanError` where that
   * would be the beginning of a container.
   */
  append(bytes: Uint8Array): ByteRange | null {
    for (let from = 0; from < bytes.length; ) {
      const at = (this.end - this.start) % this.#blockBytes;
      if (at === 0) this.#blocks.push(new Uint8Array(this.#blockBytes));
      const piece = bytes.subarray(from, from + this.#blockBytes - at);
      this.#blocks.at(-1)?.set(piece, at);
      from += piece.length;
      this.end += piece.length;
    }
    return this.#makeRoom();
  }

  /** Add a message after the audio given so far. */
  mark(message: Mark): void {
    this.#marks.push({ at: this.sendableEnd, message });
  }

  /** What the connection is to send next, at most `maxBytes` of audio; null if there is nothing. */
  next(maxBytes: number): Uint8Array<ArrayBuffer> | Mark | null {
    const mark = this.#marks[this.#nextMark];
    if (mark && mark.at <= this.sent) {
      this.#nextMark += 1;
      return mark.message;
    }
    const block = this.#blocks[Math.floor((this.sent - this.start) / this.#blockBytes)];
    const bytes = Math.min(this.#aligned(maxBytes), (mark?.at ?? this.sendableEnd) - this.sent);
    if (!block || bytes <= 0) return null;
    const at = (this.sent - this.start) % this.#blockBytes;
    const piece = block.subarray(at, Math.min(at + bytes, this.#blockBytes));
    this.sent += piece.length;
    return piece;
  }

  /** The server has stored all before `storedBytes`; forget what is older than the margin. */
  acknowledge(storedBytes: number): void {
    this.stored = Math.max(this.stored, Math.min(storedBytes, this.end));
    this.#forgetBefore(this.stored - this.#limits.marginBytes);
  }

  /** Keep what there is while the server is told of it: between asking to resume and the answer. */
  pin(isPinned: boolean): void {
    this.#pinned = isPinned;
  }

  /**
   * A new connection, and the server has `storedBytes`: send everything after that again. Messages at or
   * after it are sent again too; repeating a flush or an end does no harm.
   *
   * Throws `DragomanError` where it has more than was ever given, or less than is kept.
   */
  resumeAt(storedBytes: number): void {
    this.#pinned = false;
    if (storedBytes < this.start || storedBytes > this.end) {
      throw new DragomanError(
        "resume_impossible",
        `the server has ${storedBytes} bytes of this session, this client keeps ${this.start} to ${this.end}`,
        "A session has one speaker: start a new session, or go on after another speaker with continues.",
      );
    }
    this.sent = this.stored = storedBytes;
    const next = this.#marks.findIndex((mark) => mark.at >= storedBytes);
    this.#nextMark = next < 0 ? this.#marks.length : next;
  }

  #aligned(bytes: number): number {
    return Math.floor(bytes / this.#limits.alignBytes) * this.#limits.alignBytes;
  }

  #makeRoom(): ByteRange | null {
    const { keepBytes, isContainer } = this.#limits;
    if (this.#pinned || this.end - this.start <= keepBytes) return null;
    this.#forgetBefore(Math.min(this.stored, this.end - keepBytes + this.#blockBytes));
    if (this.end - this.start <= keepBytes) return null;
    if (isContainer && this.stored === 0) {
      throw new DragomanError(
        "audio_overflow",
        "the server was away too long: the container's beginning, without which the rest cannot be read, " +
          `is among more than ${keepBytes} bytes that wait`,
        "Start the recording anew, in PCM if the connection allows it: its oldest samples can be dropped.",
      );
    }
    const fromBytes = Math.max(this.start, this.stored);
    const blocks = Math.ceil((this.end - this.start - keepBytes * (1 - SLACK)) / this.#blockBytes);
    this.#forgetBefore(this.start + blocks * this.#blockBytes);
    return { fromBytes, toBytes: this.start };
  }

  /** Forget whole blocks, up to the last that ends before `bytes`. */
  #forgetBefore(bytes: number): void {
    const blocks = Math.min(Math.floor((bytes - this.start) / this.#blockBytes), this.#blocks.length);
    if (blocks <= 0 || this.#pinned) return;
    this.#blocks.splice(0, blocks);
    this.start += blocks * this.#blockBytes;
    // A message at the very end may still be under way: an acknowledgement counts audio only.
    const gone = this.#marks.findIndex((mark) => mark.at >= this.start);
    const count = gone < 0 ? this.#marks.length : gone;
    this.#marks.splice(0, count);
    this.#nextMark = Math.max(0, this.#nextMark - count);
  }
}
