import type { SpeakerConnection, ViewerConnection } from "@dragoman/client";
import { useSyncExternalStore } from "react";
import { reduce } from "./reduce";
import { type CaptionEvent, type CaptionState, NO_CAPTIONS } from "./state";

export type { CaptionRow, CaptionState } from "./state";

/** No frame is painted in a hidden tab; what happens there is told by then. */
const HIDDEN_MS = 500;

/** Calls back once, with the next frame. */
export type NextFrame = (run: () => void) => void;

const nextFrame: NextFrame = (run) => {
  let isDone = false;
  const once = () => {
    if (isDone) return;
    isDone = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    run();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_MS);
};

/**
 * The captions of one session, for any number of views: what they show changes once a frame at most, however
 * much was told in between.
 */
export class CaptionLog {
  #newest: CaptionState = NO_CAPTIONS;
  #shown: CaptionState = NO_CAPTIONS;
  #isDue = false;
  readonly #nextFrame: NextFrame;
  readonly #listeners = new Set<() => void>();

  constructor(next: NextFrame = nextFrame) {
    this.#nextFrame = next;
  }

  /** Takes what a connection told. */
  readonly push = (event: CaptionEvent): void => {
    const next = reduce(this.#newest, event);
    if (next === this.#newest) return;
    this.#newest = next;
    if (this.#isDue) return;
    this.#isDue = true;
    this.#nextFrame(() => {
      this.#isDue = false;
      this.#shown = this.#newest;
      for (const tell of [...this.#listeners]) tell();
    });
  };

  /** What is shown: that of the last frame. */
  readonly state = (): CaptionState => this.#shown;

  /** Calls `tell` after each change; returns what ends that. */
  readonly subscribe = (tell: () => void): (() => void) => {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  };
}

const logs = new WeakMap<ViewerConnection | SpeakerConnection, CaptionLog>();

/** The log of a connection, one for all who ask. Ask in the turn that makes the connection, and it misses nothing. */
export function logOf(connection: ViewerConnection | SpeakerConnection): CaptionLog {
  const known = logs.get(connection);
  if (known) return known;
  const log = new CaptionLog();
  logs.set(connection, log);
  connection.onAny((event: CaptionEvent) => log.push(event));
  log.push({ type: "state", state: connection.state });
  return log;
}

/** A part of the captions' state; the component renders again when that part changes. */
export function useCaptionState<T>(log: CaptionLog, select: (state: CaptionState) => T): T {
  return useSyncExternalStore(log.subscribe, () => select(log.state()));
}

const NO_LOG = new CaptionLog();

/** The log of a connection for a component; an empty one while there is no connection. */
export function useCaptions(connection: ViewerConnection | SpeakerConnection | null): CaptionLog {
  return connection ? logOf(connection) : NO_LOG;
}
