/** What was seen of a stream of events, so that each is given once and none is left out. Pure. */

import type {
  BotMessage,
  BotsSnapshot,
  ServerMessage,
  SessionSnapshot,
  StreamPosition,
} from "./messages.gen.ts";

/** Where a reader stands; `after` is what a new connection asks to go on after. */
export interface Cursor<M, S> {
  after(): string | null;
  /** Whether an event was not seen before; notes it. */
  isNew(event: M): boolean;
  /** Go on after a snapshot. */
  moveTo(snapshot: S): void;
  /** Begin anew: the next connection gets a whole snapshot. */
  forget(): void;
}

/** Of a session: offsets grow within an epoch; another epoch counts anew. */
export class SessionCursor implements Cursor<ServerMessage, SessionSnapshot> {
  position: StreamPosition | null;

  constructor(after: StreamPosition | null = null) {
    this.position = after;
  }

  after(): string | null {
    return this.position && `${this.position.epoch}:${this.position.offset}`;
  }

  isNew({ position }: ServerMessage): boolean {
    if (position === undefined) return true;
    const seen = this.position;
    if (seen?.epoch === position.epoch && position.offset <= seen.offset) return false;
    this.position = position;
    return true;
  }

  moveTo(snapshot: SessionSnapshot): void {
    this.position = snapshot.position ?? (snapshot.recovered ? this.position : null);
  }

  forget(): void {
    this.position = null;
  }
}

/** Of bots: positions are ids of Redis Streams, `<ms>-<seq>`. */
export class BotCursor implements Cursor<BotMessage, BotsSnapshot> {
  position: string | null;

  constructor(after: string | null = null) {
    this.position = after;
  }

  after(): string | null {
    return this.position;
  }

  isNew({ position }: BotMessage): boolean {
    if (this.position !== null && !isAfter(position, this.position)) return false;
    this.position = position;
    return true;
  }

  moveTo(snapshot: BotsSnapshot): void {
    this.position = snapshot.position;
  }

  forget(): void {
    this.position = null;
  }
}

function isAfter(one: string, other: string): boolean {
  const [ms = 0, seq = 0] = one.split("-").map(Number);
  const [otherMs = 0, otherSeq = 0] = other.split("-").map(Number);
  return ms > otherMs || (ms === otherMs && seq > otherSeq);
}
