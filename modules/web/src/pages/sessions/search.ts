import type { Segment } from "./segments";

/** More are not looked for: nobody steps through them, and each costs a mark. */
export const MAX_HITS = 1_000;

/** The words as spoken, in `Hit.lane`. */
export const SPOKEN = "";

/** A place where the text was found; `lane` is the language of the translation, or `SPOKEN`. */
export interface Hit {
  readonly segment: number;
  readonly lane: string;
  readonly start: number;
  readonly end: number;
}

interface Folded {
  readonly text: string;
  /** Where each character of the folded text begins in the original, and the original's length; null: the same. */
  readonly offsets: readonly number[] | null;
}

// Accents and vowel points that a reader leaves out when searching; not the vowel signs of Indic scripts, which
// are letters there.
const MARKS = /[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670]/g;
const ASCII = /^[\0-\x7f]*$/;

/** A text without case and accents, and the way back to the original. */
export function fold(text: string): Folded {
  if (ASCII.test(text)) return { text: text.toLowerCase(), offsets: null };
  let folded = "";
  const offsets: number[] = [];
  let at = 0;
  for (const character of text) {
    const plain = character.normalize("NFKD").replace(MARKS, "").toLowerCase();
    for (let unit = 0; unit < plain.length; unit++) offsets.push(at);
    folded += plain;
    at += character.length;
  }
  offsets.push(text.length);
  return { text: folded, offsets };
}

function place(offsets: readonly number[] | null, index: number): number {
  return offsets === null ? index : (offsets[index] ?? 0);
}

/** Where a text holds the wanted one, whatever the case and accents: pairs of start and end. */
export function findIn(text: string, wanted: string): [number, number][] {
  const needle = fold(wanted.trim()).text;
  if (needle === "") return [];
  const { text: folded, offsets } = fold(text);
  const found: [number, number][] = [];
  for (let at = folded.indexOf(needle); at >= 0; at = folded.indexOf(needle, at + needle.length)) {
    // A character that folds to several (ﬁ, ß) is found as a whole.
    const start = place(offsets, at);
    let end = at + needle.length;
    while (place(offsets, end) === start) end++;
    found.push([start, place(offsets, end)]);
  }
  return found;
}

/** All places in the transcript and in the translations that are shown, in reading order; at most `MAX_HITS`. */
export function search(segments: readonly Segment[], lanes: readonly string[], wanted: string): Hit[] {
  const hits: Hit[] = [];
  if (wanted.trim() === "") return hits;
  for (const [segment, { text, texts }] of segments.entries()) {
    for (const lane of [SPOKEN, ...lanes]) {
      const shown = lane === SPOKEN ? text : texts?.[lane];
      for (const [start, end] of shown ? findIn(shown, wanted) : []) {
        hits.push({ segment, lane, start, end });
        if (hits.length === MAX_HITS) return hits;
      }
    }
  }
  return hits;
}
