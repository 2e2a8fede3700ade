import type { Place } from "./address.ts";
import { Connection } from "./connection.ts";
import type { Cursor } from "./cursor.ts";
import type { DragomanOptions } from "./environment.ts";
import type { Typed } from "./events.ts";
import type { Hearing } from "./hearing.ts";

/**
 * A snapshot that replaces all that was told before: the server does not know what happened since
 * (`history-lost`), or other `languages` were asked for.
 */
export interface ResetEvent<S> {
  type: "reset";
  reason: "history-lost" | "languages";
  snapshot: S;
}

/** How long silence is taken for silence, in ms; then a new connection is made, which shows nobody anything. */
const QUIET_MS = 120_000;

interface Snapshot {
  type: string;
  recovered: boolean;
}

/** A connection that only hears: a snapshot first, then what follows it, over any number of sockets. */
export abstract class Follower<M extends Typed, S extends M & Snapshot> extends Connection<M, ResetEvent<S>> {
  /** @internal */
  protected readonly cursor: Cursor<M, S>;
  /** @internal */
  protected resetReason: ResetEvent<S>["reason"] | null = null;
  readonly #snapshotType: S["type"];
  #hadSnapshot = false;
  #asked = false;

  constructor(options: DragomanOptions, cursor: Cursor<M, S>, snapshotType: S["type"]) {
    super(options);
    this.cursor = cursor;
    this.#snapshotType = snapshotType;
  }

  /** @internal */
  protected abstract path(): Place;

  /** @internal */
  protected override place(): Place {
    const { path, query } = this.path();
    const after = this.cursor.after();
    this.#asked = after !== null;
    return { path, query: after === null ? query : { ...query, after } };
  }

  /** @internal */
  protected override heard(event: M): Hearing {
    if (this.#isSnapshot(event)) {
      this.#take(event);
      return "greeting";
    }
    if (this.cursor.isNew(event)) this.emit(event);
    return "position" in event ? "healthy" : "other";
  }

  #isSnapshot(event: M): event is S {
    return event.type === this.#snapshotType;
  }

  #take(snapshot: S): void {
    // The answer to a resumption says nothing that was not known, but to who has seen nothing of it.
    const isKnown = this.#asked && snapshot.recovered && this.#hadSnapshot;
    const reason = snapshot.recovered ? this.resetReason : "history-lost";
    this.#hadSnapshot = true;
    this.resetReason = null;
    this.cursor.moveTo(snapshot);
    if (isKnown) return;
    this.emit(reason === null ? snapshot : { type: "reset", reason, snapshot });
  }

  /** @internal */
  protected override isDead(now: number, heardAt: number): boolean {
    return now - heardAt > QUIET_MS;
  }
}
