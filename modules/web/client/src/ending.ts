import { DragomanError } from "./errors.ts";
import type { SessionEndedMessage } from "./messages.gen.ts";

/** The promise of `end`; one that nobody waits for is no unhandled rejection. */
export class Ending {
  constructor() {
    this.promise.catch(() => {});
  }

  resolve: (event: SessionEndedMessage) => void = () => {};
  reject: (error: DragomanError) => void = () => {};
  readonly promise = new Promise<SessionEndedMessage>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** The error of what was asked of a connection that this side has closed. */
export function closedError(): DragomanError {
  return new DragomanError("closed", "the connection was closed by this side");
}

/** The error of an end whose event never came. */
export function unheardEnd(): DragomanError {
  return new DragomanError("session_ended", "the session was over before its last event was heard");
}
