import { CloseCode, type ErrorMessage } from "./messages.gen.ts";

/**
 * Why a connection, or something asked of it, ended for good.
 *
 * `code` is for programs: one of the server's (as in its `error` messages and problem documents), or one of
 * this package: `resume_impossible`, `audio_overflow`, `invalid_credential`, `invalid_address`, `no_websocket`,
 * `closed`. `remedy` says what can be done. No text of it ever holds a credential, audio or words of a
 * session.
 */
export class DragomanError extends Error {
  override readonly name: string = "DragomanError";
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy = "") {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}

/** The server refuses the connection and will refuse it again: the request must change. */
export class ConnectionRefused extends DragomanError {
  override readonly name = "ConnectionRefused";
  /** The close code (4400 to 4499), see `CloseCode`. */
  readonly closeCode: number;

  constructor(closeCode: number, code: string, message: string, remedy = "") {
    super(code, message, remedy);
    this.closeCode = closeCode;
  }
}

/** The contract's code and a sentence for a close code that came without an `error` message. */
const REFUSALS: Readonly<Record<number, readonly [code: string, message: string]>> = {
  [CloseCode.BAD_REQUEST]: ["invalid_input", "the server could not use the request"],
  [CloseCode.UNAUTHENTICATED]: ["unauthenticated", "the server wants a valid key or token"],
  [CloseCode.FORBIDDEN]: ["forbidden", "the key or token does not reach this"],
  [CloseCode.NOT_FOUND]: ["not_found", "there is no such session, or it is gone"],
  [CloseCode.CONFIGURE_FIRST]: ["invalid_input", "the server wanted another first message"],
  [CloseCode.UNSUPPORTED_AUDIO]: ["unsupported_audio", "the server cannot read this audio"],
  [CloseCode.SUPERSEDED]: ["conflict", "another connection of this session took over"],
  [CloseCode.SESSION_ENDED]: ["session_ended", "the session takes no more audio"],
  [CloseCode.FRAME_TOO_LARGE]: ["message_too_large", "a message was over the server's limit"],
};

/** The error of a close code for good; `told` is the `error` message that came before it, if any. */
export function refusal(closeCode: number, told: ErrorMessage | null): ConnectionRefused {
  // One that may mend by itself is not why it is over.
  if (told?.permanent) return new ConnectionRefused(closeCode, told.code, told.message, told.remedy);
  const [code, message] = REFUSALS[closeCode] ?? ["dragoman", `the server closed the socket (${closeCode})`];
  return new ConnectionRefused(closeCode, code, message);
}
