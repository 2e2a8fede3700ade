/** Events for whoever listens: handlers by type, and asynchronous iterators. */

/** What has a type to tell it by. */
export interface Typed {
  type: string;
}

type Handler = (event: never) => void;

/** The events of a union that have this type. */
export type EventOf<E, T> = Extract<E, { type: T }>;

/** Hands events to handlers and iterators, in order. */
export class Events<E extends Typed> {
  readonly #handlers = new Map<string, Set<Handler>>();
  readonly #readers = new Set<Reader<E>>();
  #finished: { error: Error | null } | null = null;

  on(type: string, handler: Handler): () => void {
    const handlers = this.#handlers.get(type) ?? new Set();
    this.#handlers.set(type, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  emit(event: E): void {
    for (const handler of [...(this.#handlers.get(event.type) ?? []), ...(this.#handlers.get("*") ?? [])]) {
      try {
        (handler as (event: E) => void)(event);
      } catch (error) {
        // The caller's mistake is told where such mistakes are told, and must not break the connection.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    for (const reader of this.#readers) reader.put(event);
  }

  /** No more events; iterators end, with `error` where it is over for a reason. */
  finish(error: Error | null): void {
    this.#finished ??= { error };
    for (const reader of this.#readers) reader.finish(error);
    this.#readers.clear();
  }

  iterate(): AsyncIterableIterator<E> {
    const reader = new Reader<E>(() => this.#readers.delete(reader));
    if (this.#finished) reader.finish(this.#finished.error);
    else this.#readers.add(reader);
    return reader;
  }
}

/** One iterator: what it has not read yet waits. */
class Reader<E> implements AsyncIterableIterator<E> {
  readonly #leave: () => void;
  #waiting: E[] = [];
  #end: { error: Error | null } | null = null;
  #wake: (() => void) | null = null;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  put(event: E): void {
    this.#waiting.push(event);
    this.#wake?.();
  }

  finish(error: Error | null): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<E>> {
    while (this.#waiting.length === 0) {
      const end = this.#end;
      if (end) {
        this.#end = { error: null };
        if (end.error) throw end.error;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return { done: false, value: this.#waiting.shift() as E };
  }

  async return(): Promise<IteratorResult<E>> {
    this.#leave();
    this.#waiting = [];
    this.finish(null);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
