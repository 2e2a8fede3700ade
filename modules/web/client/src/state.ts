/** How a connection is, for whoever shows it. */

import type { DragomanError } from "./errors.ts";
import { CloseCode, type ErrorMessage } from "./messages.gen.ts";

/**
 * Why a connection is not open: it `lost` its socket or could not make one; the server is `going-away` (it
 * restarts), found us `too-slow`, has its `bus-unavailable` (Redis), is `overloaded`, limits us
 * (`rate-limited`), heard nothing for too long (`idle`), or gives `no-answer`; `no-credential` could be had;
 * `resuming`: this side wants the connection anew.
 */
export type Reason =
  | "lost"
  | "going-away"
  | "too-slow"
  | "bus-unavailable"
  | "overloaded"
  | "rate-limited"
  | "idle"
  | "no-answer"
  | "no-credential"
  | "resuming";

export type ConnectionState =
  /** A socket is being made or greeted; `reason` and `error` tell why again, null the first time. */
  | { name: "connecting"; reason: Reason | null; error: ErrorMessage | null }
  | { name: "open" }
  /** Tried again `retryInMs` after this state began, or at once when the browser comes online. */
  | { name: "waiting"; retryInMs: number; reason: Reason; error: ErrorMessage | null }
  /** A speaker that says nothing; it connects when there is something to send. */
  | { name: "parked" }
  /** The session or bot came to its `end`, or it was `closed` by this side. */
  | { name: "ended"; reason: "end" | "closed" }
  /** For good: `error` says why. A `ConnectionRefused` where the server did it. */
  | { name: "refused"; error: DragomanError };

export interface StateEvent {
  type: "state";
  state: ConnectionState;
}

/** What to do after a close. */
export type NextStep = "done" | "at-once" | "after-pause" | "give-up";

/** What a close code says about connecting again (docs/protocol.md, "Close codes"). */
export function whatToDo(closeCode: number): NextStep {
  if (closeCode === CloseCode.NORMAL) return "done";
  if (closeCode >= 4000 && closeCode < 4100) return "at-once";
  if (closeCode >= 4400 && closeCode < 4500) return "give-up";
  // 41xx; 1001, 1006, 1011, 1012 and all others: the connection broke.
  return "after-pause";
}

const REASONS: Readonly<Record<number, Reason>> = {
  [CloseCode.GOING_AWAY]: "going-away",
  [CloseCode.SLOW_CONSUMER]: "too-slow",
  [CloseCode.BUS_UNAVAILABLE]: "bus-unavailable",
  [CloseCode.OVERLOADED]: "overloaded",
  [CloseCode.RATE_LIMITED]: "rate-limited",
  [CloseCode.IDLE_TIMEOUT]: "idle",
};

/** The reason that a close code stands for. */
export function reasonOf(closeCode: number): Reason {
  return REASONS[closeCode] ?? "lost";
}
