import type { AudioFormat } from "@dragoman/client";
import type { Meter } from "./level";

export type SourceKind = "microphone" | "display" | "file";

/** How the audio travels: raw samples (256 kbit/s), or Opus (about 32 kbit/s) with a little more delay. */
export type Quality = "pcm" | "opus";

/**
 * Why a source gives no more: a file is `finished`, a share was `stopped` by the user, a device is `lost` (it was
 * unplugged, or the system took it).
 */
export type SourceEnd = "finished" | "stopped" | "lost";

/** Where sound comes from. It is open, and its meter moves, when it is made; it sends from `start` to `stop`. */
export interface AudioSource {
  readonly kind: SourceKind;
  /** The device, the tab or the file, as the browser calls it. */
  readonly label: string;
  readonly format: AudioFormat;
  readonly meter: Meter;
  /** Bytes of `format`, in order. */
  onChunk: (bytes: Uint8Array<ArrayBuffer>) => void;
  onEnded: (why: SourceEnd) => void;
  start(): void;
  /** Time goes on, in silence. */
  setMuted(muted: boolean): void;
  /** Nothing is sent, and no time passes; resolves when all that was heard before has been given. */
  setPaused(paused: boolean): Promise<void>;
  /** Gives what is left, and lets the device go. */
  stop(): Promise<void>;
}
