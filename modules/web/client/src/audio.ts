import type { AudioFormat as WireFormat } from "./messages.gen.ts";

/** How the bytes of a speaker are to be read; a session keeps its format over all its connections. */
export interface AudioFormat {
  encoding: "pcm_s16le" | "pcm_f32le" | "webm_opus" | "ogg_opus";
  /** True rate of the samples, 8000 to 192000; counts for PCM only. */
  sampleRateHz: number;
  /** 1 to 8, interleaved; counts for PCM only. */
  channels: number;
}

const SAMPLE_BYTES: Partial<Record<AudioFormat["encoding"], number>> = { pcm_s16le: 2, pcm_f32le: 4 };
/** Upper bound of what Opus may need (512 kbit/s). */
const CONTAINER_BYTES_PER_S = 64_000;

/** Whether the bytes are raw samples, so that a number of bytes is a time. */
export function isPcm(audio: AudioFormat): boolean {
  return audio.encoding in SAMPLE_BYTES;
}

/** Bytes of one sample over all channels; 1 for containers, which may be cut anywhere. */
export function frameBytes(audio: AudioFormat): number {
  return (SAMPLE_BYTES[audio.encoding] ?? 0) * audio.channels || 1;
}

/** Data rate of PCM; for containers an upper bound. */
export function bytesPerSecond(audio: AudioFormat): number {
  return isPcm(audio) ? frameBytes(audio) * audio.sampleRateHz : CONTAINER_BYTES_PER_S;
}

/** How long so many bytes of PCM last, in whole ms, rounded down as the server does; null for containers. */
export function durationMs(audio: AudioFormat, bytes: number): number | null {
  return isPcm(audio) ? Math.floor((bytes * 1000) / bytesPerSecond(audio)) : null;
}

/** As the protocol writes it. */
export function wireFormat(audio: AudioFormat): WireFormat {
  return { encoding: audio.encoding, sample_rate_hz: audio.sampleRateHz, channels: audio.channels };
}
