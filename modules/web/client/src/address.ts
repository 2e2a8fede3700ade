/** Addresses and subprotocols of sockets. */

import { DragomanError } from "./errors.ts";
import { BEARER_SUBPROTOCOL, SUBPROTOCOL } from "./messages.gen.ts";

/** Where a socket is: a path below the base address, and its query. */
export interface Place {
  path: string;
  query: Readonly<Record<string, string>>;
}

/** The ws or wss address of a place. */
export function socketUrl(base: URL, place: Place): string {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/+$/, "") + place.path;
  url.search = new URLSearchParams(place.query).toString();
  return url.href;
}

// RFC 9110, 5.6.2: a subprotocol is a token.
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * The subprotocols to ask for: our own, and one that carries the credential.
 *
 * Throws `DragomanError` where the credential cannot be one. A WebSocket constructor would throw too, with
 * the credential in the text of its error.
 */
export function subprotocols(credential: string): string[] {
  if (credential === "") return [SUBPROTOCOL];
  if (!TOKEN.test(credential)) {
    throw new DragomanError(
      "invalid_credential",
      "the key or token has characters that cannot travel in a WebSocket's subprotocol",
      "Use one of letters, digits and !#$%&'*+-.^_`|~ only.",
    );
  }
  return [SUBPROTOCOL, BEARER_SUBPROTOCOL + credential];
}
