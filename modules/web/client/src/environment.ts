/** What a connection needs of its surroundings; all of it can be replaced, for Node and for tests. */

import { DragomanError } from "./errors.ts";

/** The part of the WebSocket interface that is used: that of browsers, and of the `ws` package. */
export interface WebSocketLike {
  /** Bytes given to `send` that have not left yet. */
  readonly bufferedAmount: number;
  onopen: Handler<unknown> | null;
  onmessage: Handler<{ data: unknown }> | null;
  onclose: Handler<{ code: number }> | null;
  onerror: Handler<unknown> | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

// Written as a method, whose parameters TypeScript compares both ways: classes name narrower events.
type Handler<E> = { handle(event: E): void }["handle"];

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** Time and chance. */
export interface Clock {
  /** Unix time in ms; it goes on while the machine sleeps. */
  now(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
  /** In [0, 1). */
  random(): number;
}

/** Where the browser's `online` and `offline` events come from. */
export type NetworkEvents = Pick<EventTarget, "addEventListener" | "removeEventListener">;

const realClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, delayMs) => globalThis.setTimeout(run, delayMs),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as ReturnType<typeof setTimeout>),
  random: () => Math.random(),
};

/** How to reach a server, and with what. */
export interface DragomanOptions {
  /** Base address (http, https, ws or wss); by default where the page came from. */
  url?: string | URL;
  /**
   * API key or viewer token, or what gives one; asked for each connection anew. It travels as a subprotocol,
   * never in an address.
   */
  credential?: string | (() => string | Promise<string>);
  /** The WebSocket class, `globalThis.WebSocket` by default. Node has none before version 22: give that of `ws`. */
  webSocket?: WebSocketConstructor;
  clock?: Clock;
  /** `globalThis` by default, where it has these events; null: none. */
  network?: NetworkEvents | null;
}

export interface Environment {
  readonly baseUrl: URL;
  readonly credential: () => string | Promise<string>;
  readonly webSocket: WebSocketConstructor;
  readonly clock: Clock;
  readonly network: NetworkEvents | null;
}

/**
 * The options with their defaults.
 *
 * Throws `DragomanError` where the address is none, or where there is no WebSocket class.
 */
export function environment(options: DragomanOptions): Environment {
  const { credential = "" } = options;
  const webSocket = options.webSocket ?? (globalThis.WebSocket as WebSocketConstructor | undefined);
  if (webSocket === undefined) {
    throw new DragomanError("no_websocket", "there is no WebSocket here", "Give one: { webSocket: … }.");
  }
  const network = "addEventListener" in globalThis ? globalThis : null;
  return {
    baseUrl: baseUrl(options.url),
    credential: typeof credential === "function" ? credential : () => credential,
    webSocket,
    clock: options.clock ?? realClock,
    network: options.network === undefined ? network : options.network,
  };
}

function baseUrl(given: string | URL | undefined): URL {
  const url = parsed(given ?? globalThis.location?.origin ?? "");
  const protocol = url && { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" }[url.protocol];
  if (!url || !protocol) {
    throw new DragomanError(
      "invalid_address",
      "the server's address is no http, https, ws or wss URL",
      "Give it like http://127.0.0.1:8080.",
    );
  }
  url.protocol = protocol;
  // Nothing secret may be part of an address, so nothing but the place is taken from it.
  url.username = url.password = url.search = url.hash = "";
  return url;
}

function parsed(url: string | URL): URL | null {
  try {
    return new URL(url);
  } catch {
    return null;
  }
}
