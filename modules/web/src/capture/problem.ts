/**
 * Why there is no sound to send:
 * - `insecure`: the page came by http from another machine, and browsers give it no microphone
 * - `unsupported`: this browser has no such capture
 * - `denied`: the user, the browser or the system does not allow it
 * - `cancelled`: the user closed the browser's question
 * - `no-device`: there is no microphone, or not the one that was chosen
 * - `in-use`: another program has it, or the system cannot start it
 * - `no-audio`: what was shared has no sound
 * - `too-large`, `undecodable`, `empty`: the file
 */
export type CaptureProblem =
  | "insecure"
  | "unsupported"
  | "denied"
  | "cancelled"
  | "no-device"
  | "in-use"
  | "no-audio"
  | "too-large"
  | "undecodable"
  | "empty";

/** Thrown by all that captures; the page has words for each `code`. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";

  constructor(
    readonly code: CaptureProblem,
    options?: ErrorOptions,
  ) {
    super(`no capture: ${code}`, options);
  }
}

const BY_NAME: Readonly<Record<string, CaptureProblem>> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "no-device",
  OverconstrainedError: "no-device",
  NotReadableError: "in-use",
  AbortError: "in-use",
  NotSupportedError: "unsupported",
  TypeError: "unsupported",
};

/** What the browser's own error means to a person. */
export function captureError(error: unknown): CaptureError {
  if (error instanceof CaptureError) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  return new CaptureError(BY_NAME[name] ?? "in-use", { cause: error });
}

/** The browser's media devices. Throws a `CaptureError` where a page like this one gets none. */
export function mediaDevices(): MediaDevices {
  if (!window.isSecureContext) throw new CaptureError("insecure");
  // Typed as always there, and missing in old or embedded browsers.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) throw new CaptureError("unsupported");
  return devices;
}
