import type { Schemas } from "~/api/rest";

export type Segment = Schemas["TranscriptSegment"];
export type Word = Schemas["TranscriptWord"];

/** Below this a word is marked as uncertain. */
export const UNCERTAIN_PROBABILITY = 0.5;

/** A stretch of a segment's text; `word` is the index of the word that it is, if it is one with a time. */
export interface Piece {
  readonly text: string;
  readonly word: number | null;
}

/**
 * Cuts a segment's text into its words and what stands between them; joined, the pieces are the text again.
 *
 * The recogniser's words are looked up in the text one after another, so that languages without spaces come out
 * right; a word that is not there (a text that was normalised later) has no piece of its own.
 */
export function pieces(text: string, words: readonly Word[]): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const [index, { text: told }] of words.entries()) {
    const word = told.trim();
    const start = word === "" ? -1 : text.indexOf(word, at);
    if (start < 0) continue;
    if (start > at) found.push({ text: text.slice(at, start), word: null });
    found.push({ text: word, word: index });
    at = start + word.length;
  }
  if (at < text.length) found.push({ text: text.slice(at), word: null });
  return found;
}

/** Puts the translations of several answers of the same transcript together, by segment. */
export function mergeTexts(answers: readonly (readonly Segment[])[]): Segment[] {
  const [first = [], ...others] = answers;
  if (others.length === 0) return [...first];
  const more = others.map((segments) => new Map(segments.map((one) => [one.segment_id, one.texts])));
  return first.map((segment) => ({
    ...segment,
    texts: Object.assign({}, segment.texts, ...more.map((texts) => texts.get(segment.segment_id) ?? {})),
  }));
}

/** The languages that were spoken, the one with most segments first. */
export function spokenLanguages(segments: readonly Segment[]): string[] {
  const counts = new Map<string, number>();
  for (const { language } of segments) {
    if (language !== "") counts.set(language, (counts.get(language) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([language]) => language);
}

/** Whether somebody else begins to speak with this segment, so that the name is to be told. */
export function speakerBegins(segments: readonly Segment[], index: number): boolean {
  const speaker = segments[index]?.speaker ?? null;
  return speaker !== null && speaker !== (segments[index - 1]?.speaker ?? null);
}

/** A word's place: which segment of the transcript, and which word of it. */
export interface WordPlace {
  readonly segment: number;
  readonly word: number;
}

/** All words by time, to find the one that is spoken at a moment. */
export class WordClock {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #places: readonly WordPlace[];

  constructor(segments: readonly Segment[]) {
    const words = segments.flatMap((one, segment) =>
      (one.words ?? []).map((told, word) => ({ segment, word, startMs: told.start_ms, endMs: told.end_ms })),
    );
    words.sort((a, b) => a.startMs - b.startMs);
    this.#places = words;
    this.#starts = Float64Array.from(words, ({ startMs }) => startMs);
    this.#ends = Float64Array.from(words, ({ endMs }) => endMs);
  }

  /** The word that is spoken at `ms` of the session; null in a pause. */
  at(ms: number): WordPlace | null {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= ms) low = middle + 1;
      else high = middle;
    }
    const last = low - 1;
    if (last < 0 || ms >= (this.#ends[last] ?? 0)) return null;
    return this.#places[last] ?? null;
  }
}
