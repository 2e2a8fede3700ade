/** What a speaker is given, and what it tells. */

import type { AudioFormat } from "./audio.ts";
import type { DragomanOptions } from "./environment.ts";
import type { ResetEvent } from "./follower.ts";
import type { ServerMessage, SessionOptions, SessionSnapshot } from "./messages.gen.ts";
import type { StateEvent } from "./state.ts";
import type { ByteRange } from "./tail.ts";

export interface SpeakerSettings extends DragomanOptions {
  sessionId: string;
  audio: AudioFormat;
  /** What the session wants; left out: as it was created. Counts when the session is opened for the first time. */
  options?: SessionOptions;
  /** Audio kept for a server that is away, in ms (for containers at 512 kbit/s); 10 minutes by default. */
  keepMs?: number;
  /** The same in bytes; goes before `keepMs`. */
  keepBytes?: number;
  /** How long audio may be unacknowledged, and nothing else be heard, before a new connection is made; in ms. */
  stallMs?: number;
  /** Go on after the audio of an earlier speaker of the session, instead of refusing to. */
  continues?: boolean;
}

/**
 * Audio that this side gave up, because the server was away for longer than `keepMs`, or the session ended
 * without it. Times are of the session's audio; null for containers.
 */
export interface TailDroppedEvent extends ByteRange {
  type: "tail-dropped";
  reason: "full" | "session-ended";
  startMs: number | null;
  endMs: number | null;
}

/** Everything a speaker is told. */
export type SpeakerEvent = ServerMessage | ResetEvent<SessionSnapshot> | TailDroppedEvent | StateEvent;

/** How far the audio is, in bytes of the session: given to `send`, given to a socket, stored by the server. */
export interface SpeakerProgress {
  keptFromBytes: number;
  givenBytes: number;
  sentBytes: number;
  storedBytes: number;
  /** Audio that the server has not stored yet, in ms; null for containers. */
  unstoredMs: number | null;
  /** Audio up to here is final, or silence. */
  committedMs: number;
}
