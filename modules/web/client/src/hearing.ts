/** Between a link, which keeps a socket, and whose connection it is. */

import type { Place } from "./address.ts";
import type { ConnectionState, NextStep } from "./state.ts";

/** What a message means for its connection. */
export type Hearing = "greeting" | "healthy" | "other";

/** Whose connection a link keeps. */
export interface LinkUser {
  /** Where to connect; asked for each attempt. */
  place(): Place;
  /** The socket is open; a greeting where the server sends none. */
  opened(): Hearing;
  /** One message, already parsed. */
  heard(message: { type: string }): Hearing;
  /** The socket is gone; what to do where that is not what the close code says. */
  lost(closeCode: number): NextStep | "park" | null;
  /** Whether the silence since `heardAt` means that nobody is there any more. */
  isDead(now: number, heardAt: number): boolean;
  changed(state: ConnectionState): void;
}

/** A text frame as a message; null for what is none. */
export function parsed(data: unknown): { type: string } | null {
  if (typeof data !== "string") return null;
  try {
    const message: unknown = JSON.parse(data);
    const isMessage = typeof message === "object" && message !== null && "type" in message;
    return isMessage && typeof message.type === "string" ? { ...message, type: message.type } : null;
  } catch {
    return null;
  }
}
