import type { Place } from "./address.ts";
import { SessionCursor } from "./cursor.ts";
import type { DragomanOptions } from "./environment.ts";
import { Follower, type ResetEvent } from "./follower.ts";
import type { Hearing } from "./hearing.ts";
import type { SessionSnapshot, StreamPosition, ViewerMessage } from "./messages.gen.ts";
import type { StateEvent } from "./state.ts";

export interface ViewerSettings extends DragomanOptions {
  sessionId: string;
  /** Translations that are wanted, as BCP 47 codes; left out: all, empty: transcripts only. */
  languages?: readonly string[];
  /**
   * Position of the last event seen before; left out: everything from the beginning. With it, the first
   * `session.snapshot` holds no finals: what was seen before stays.
   */
  after?: StreamPosition;
}

/** Everything a viewer is told. */
export type ViewerEvent = ViewerMessage | ResetEvent<SessionSnapshot> | StateEvent;

/**
 * Reads a session: `session.snapshot` first, then each event once and in order, however often the connection
 * is lost, until `session.ended`.
 *
 * `reset` brings a snapshot that replaces everything before it: after a loss of history on the server, and
 * after `setLanguages`. Where `snapshot.truncated` is true, older finals are left out of it;
 * `GET /v1/sessions/{id}/transcript` has all of them.
 */
export class ViewerConnection extends Follower<ViewerMessage, SessionSnapshot> {
  readonly sessionId: string;
  readonly #cursor: SessionCursor;
  #languages: readonly string[] | undefined;

  constructor(settings: ViewerSettings) {
    const cursor = new SessionCursor(settings.after);
    super(settings, cursor, "session.snapshot");
    this.sessionId = settings.sessionId;
    this.#cursor = cursor;
    this.#languages = settings.languages;
  }

  /** The last event that was given on; null before the first. */
  get position(): StreamPosition | null {
    return this.#cursor.position;
  }

  get languages(): readonly string[] | undefined {
    return this.#languages;
  }

  /**
   * Want other translations from now on; undefined: all of them.
   *
   * The server filters by socket, and a resumed socket only tells what follows its position: of the new
   * languages it would say nothing about what was said so far. So the connection is made anew without a
   * position, and its whole snapshot comes as `reset` (reason `languages`). The same set changes nothing.
   */
  setLanguages(languages: readonly string[] | undefined): void {
    if (sameSet(languages, this.#languages)) return;
    this.#languages = languages;
    this.cursor.forget();
    this.resetReason = "languages";
    const { name } = this.state;
    if (name === "open" || name === "connecting") this.link.reconnect("resuming");
  }

  /** @internal */
  protected override path(): Place {
    const languages = this.#languages;
    return {
      path: `/v1/sessions/${encodeURIComponent(this.sessionId)}/events`,
      query: languages === undefined ? {} : { languages: languages.join(",") },
    };
  }

  /** @internal */
  protected override heard(message: ViewerMessage): Hearing {
    const hearing = super.heard(message);
    if (message.type === "session.ended") this.link.end("end");
    return hearing;
  }
}

function sameSet(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return [...new Set(one)].sort().join() === [...new Set(other)].sort().join();
}
