import type { AudioFormat } from "@dragoman/client";

/** A session that this tab spoke into when the page was reloaded or broke. */
export interface Interrupted {
  readonly sessionId: string;
  readonly title: string;
  readonly language: string;
  readonly audio: AudioFormat;
}

const NAME = "dragoman.speaking";

/** Notes the session while it is live. It lasts as long as the tab. */
export function noteSpeaking(session: Interrupted): void {
  window.sessionStorage.setItem(NAME, JSON.stringify(session));
}

export function forgetSpeaking(): void {
  window.sessionStorage.removeItem(NAME);
}

export function interruptedSession(): Interrupted | null {
  try {
    const noted: unknown = JSON.parse(window.sessionStorage.getItem(NAME) ?? "null");
    return noted as Interrupted | null;
  } catch {
    return null;
  }
}

/** Whether one can go on: samples can be added at any time, a container cannot be begun twice. */
export function canGoOn({ audio }: Interrupted): boolean {
  return audio.encoding === "pcm_s16le";
}
