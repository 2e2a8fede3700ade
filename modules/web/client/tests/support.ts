/** A network without one: sockets whose other end is the test. */

import { vi } from "vitest";
import type { Clock, DragomanOptions, WebSocketConstructor } from "../src/index.ts";

export const KEY = "key-that-must-not-be-told";
export const SESSION = "0f3c1d2e4b5a69788796a5b4c3d2e1f0";

/** One socket, from the client's side, and what the test does at the server's. */
export class FakeSocket {
  bufferedAmount = 0;
  onopen: ((event: unknown) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  readonly url: URL;
  readonly protocols: string[];
  readonly sent: (string | Uint8Array)[] = [];
  closedWith: number | null = null;
  onSent: (data: string | Uint8Array) => void = () => {};

  constructor(url: string, protocols: string[]) {
    this.url = new URL(url);
    this.protocols = protocols;
  }

  send(data: string | Uint8Array): void {
    this.sent.push(typeof data === "string" ? data : data.slice());
    this.onSent(data);
  }

  close(code = 1000): void {
    this.closedWith = code;
  }

  // --- the server's side ---

  open(): void {
    this.onopen?.({});
  }

  tell(...messages: object[]): void {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
  }

  drop(code: number): void {
    this.onclose?.({ code });
  }

  get messages(): { type: string; [name: string]: unknown }[] {
    return this.sent.filter((data) => typeof data === "string").map((data) => JSON.parse(data));
  }

  get audio(): number[] {
    return this.sent.flatMap((data) => (typeof data === "string" ? [] : [...data]));
  }
}

/** All sockets that were made, the newest last. */
export class FakeNetwork {
  readonly sockets: FakeSocket[] = [];
  readonly events = new EventTarget();
  onSocket: (socket: FakeSocket) => void = () => {};
  readonly webSocket: WebSocketConstructor;

  constructor() {
    const network = this;
    this.webSocket = class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        network.sockets.push(this);
        network.onSocket(this);
      }
    };
  }

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was made");
    return socket;
  }

  /** What a connection is made with: this network, and chance that always draws `random`. */
  options(random = 1): Required<DragomanOptions> {
    return {
      url: "https://captions.test/base/",
      credential: KEY,
      webSocket: this.webSocket,
      clock: clock(() => random),
      network: this.events,
    };
  }
}

/** Vitest's timers, faked or not, and a chance of one's own. */
export function clock(random: () => number): Clock {
  return {
    now: () => Date.now(),
    setTimeout: (run, delayMs) => setTimeout(run, delayMs),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
    random,
  };
}

/** Let what waits for promises run, and so much time pass. */
export async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Numbers in [0, 1) that are the same for a seed each time (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const position = (offset: number, epoch = "e1") => ({ epoch, offset });

export const final = (offset: number, text = `text ${offset}`, epoch = "e1") => ({
  type: "transcript.final",
  position: position(offset, epoch),
  segment_id: `s${offset}`,
  text,
});

export const snapshot = (offset: number, more: object = {}) => ({
  type: "session.snapshot",
  position: position(offset),
  session_id: SESSION,
  status: "live",
  recovered: true,
  truncated: false,
  finals: [],
  partial: null,
  translations: [],
  targets: [],
  ...more,
});

export const ended = (offset: number, receivedMs = 0) => ({
  type: "session.ended",
  position: position(offset),
  reason: "client",
  ledger: { received_ms: receivedMs, transcribed_ms: 0, silence_ms: 0, pending_ms: 0, gap_ms: 0, gaps: [] },
});
