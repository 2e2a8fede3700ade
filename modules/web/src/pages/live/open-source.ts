import { openDisplay } from "~/capture/display";
import { FileSource } from "~/capture/file-source";
import { openMicrophone } from "~/capture/microphone";
import { recordsOpus } from "~/capture/opus";
import { CaptureError } from "~/capture/problem";
import type { AudioSource, Quality } from "~/capture/source";
import { StreamSource } from "~/capture/stream-source";
import type { Choices } from "./choices";

/** The chosen quality, or the one that this browser can do. */
export function possibleQuality(wanted: Quality): Quality {
  return wanted === "opus" && recordsOpus() ? "opus" : "pcm";
}

/** A stream from where the user chose; the browser may ask. Throws a `CaptureError`. */
export function openStream(choices: Choices): Promise<MediaStream> {
  return choices.source === "display" ? openDisplay() : openMicrophone(choices.microphone);
}

/** The source that the user chose, open. Throws a `CaptureError`. */
export async function openSource(choices: Choices, file: File | null): Promise<AudioSource> {
  if (choices.source !== "file") return openStreamed(choices, possibleQuality(choices.quality));
  if (!file) throw new CaptureError("empty");
  return FileSource.open(file, choices.pace);
}

/** The same for a session that is gone on with: its format is raw samples, and a file cannot be gone on with. */
export function openSamples(choices: Choices): Promise<AudioSource> {
  return openStreamed(choices, "pcm");
}

async function openStreamed(choices: Choices, quality: Quality): Promise<AudioSource> {
  const kind = choices.source === "display" ? "display" : "microphone";
  return StreamSource.open(kind, await openStream({ ...choices, source: kind }), quality);
}
