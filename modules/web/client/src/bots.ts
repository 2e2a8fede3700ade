import type { Place } from "./address.ts";
import { BotCursor } from "./cursor.ts";
import type { DragomanOptions } from "./environment.ts";
import { Follower, type ResetEvent } from "./follower.ts";
import type { Hearing } from "./hearing.ts";
import type { BotMessage, BotsSnapshot, ErrorMessage } from "./messages.gen.ts";
import type { StateEvent } from "./state.ts";

export interface BotEventsSettings extends DragomanOptions {
  /** One bot, to its last event; left out: all bots of the key, for as long as the connection is kept. */
  botId?: string;
  /** Position of the last event seen before. */
  after?: string;
}

type Message = BotMessage | ErrorMessage;

/** Everything that is told of bots. */
export type BotEvent = Message | ResetEvent<BotsSnapshot> | StateEvent;

/**
 * Follows bots: `bots.snapshot` first (not with `after`), then each event once and in order. `reset` brings a
 * snapshot that replaces everything before it, where the server lost history. Wants an API key.
 */
export class BotEventsConnection extends Follower<Message, BotsSnapshot> {
  readonly #botId: string | undefined;
  readonly #cursor: BotCursor;

  constructor(settings: BotEventsSettings = {}) {
    const cursor = new BotCursor(settings.after);
    super(settings, cursor, "bots.snapshot");
    this.#botId = settings.botId;
    this.#cursor = cursor;
  }

  /** The last event that was given on; null before the first. */
  get position(): string | null {
    return this.#cursor.position;
  }

  /** @internal */
  protected override opened(): Hearing {
    // A socket that goes on after a position is not greeted.
    return this.#cursor.position === null ? "other" : "greeting";
  }

  /** @internal */
  protected override path(): Place {
    const one = this.#botId === undefined ? "" : `/${encodeURIComponent(this.#botId)}`;
    return { path: `/v1/bots${one}/events`, query: {} };
  }
}
