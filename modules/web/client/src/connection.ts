import type { Place } from "./address.ts";
import { type DragomanOptions, type Environment, environment } from "./environment.ts";
import { type EventOf, Events, type Typed } from "./events.ts";
import type { Hearing, LinkUser } from "./hearing.ts";
import { Link } from "./link.ts";
import type { ConnectionState, NextStep, StateEvent } from "./state.ts";

/**
 * What all connections have: typed events, a state, an end. `M` are the server's messages, `L` what this
 * package tells beside them.
 *
 * A connection begins to connect when it is made; handlers that are set in the same turn miss nothing. It
 * connects again by itself until it is over: `ended` or `refused`.
 */
export abstract class Connection<M extends Typed, L extends Typed>
  implements AsyncIterable<M | L | StateEvent>
{
  /** @internal */
  protected readonly link: Link;
  /** @internal */
  protected readonly clock: Environment["clock"];
  readonly #events = new Events<M | L | StateEvent>();

  constructor(options: DragomanOptions) {
    const around = environment(options);
    this.clock = around.clock;
    const user: LinkUser = {
      place: () => this.place(),
      opened: () => this.opened(),
      heard: (message) => this.heard(message as M),
      lost: (closeCode) => this.lost(closeCode),
      isDead: (now, heardAt) => this.isDead(now, heardAt),
      changed: (state) => this.changed(state),
    };
    this.link = new Link(user, around);
  }

  get state(): ConnectionState {
    return this.link.state;
  }

  /** Call `handler` for each event of a type; returns what ends that. */
  on<T extends (M | L | StateEvent)["type"]>(
    type: T,
    handler: (event: EventOf<M | L | StateEvent, T>) => void,
  ): () => void {
    return this.#events.on(type, handler);
  }

  /** Call `handler` for each event, those of this package (`state`, `reset`, `tail-dropped`) among them. */
  onAny(handler: (event: M | L | StateEvent) => void): () => void {
    return this.#events.on("*", handler);
  }

  /**
   * All events from now on, as `onAny` gives them; what is not read yet waits. It ends with the connection, and
   * throws where that was refused.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<M | L | StateEvent> {
    return this.#events.iterate();
  }

  /** Leave; the session goes on. Audio of a speaker that was not sent is given up. */
  close(): void {
    this.link.end("closed");
  }

  // --- for those below ------------------------------------------------------------------------------------

  /** @internal */
  protected abstract place(): Place;

  /** @internal */
  protected abstract heard(message: M): Hearing;

  /** @internal */
  protected opened(): Hearing {
    return "other";
  }

  /** @internal */
  protected lost(_closeCode: number): NextStep | "park" | null {
    return null;
  }

  /** @internal */
  protected abstract isDead(now: number, heardAt: number): boolean;

  /** @internal */
  protected changed(state: ConnectionState): void {
    this.emit({ type: "state", state });
    if (state.name === "refused") this.#events.finish(state.error);
    if (state.name === "ended") this.#events.finish(null);
  }

  /** @internal */
  protected emit(event: M | L | StateEvent): void {
    this.#events.emit(event);
  }
}
