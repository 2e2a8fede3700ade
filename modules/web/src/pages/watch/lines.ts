import { type CaptionLanguage, ORIGINAL, translationInto } from "~/captions/languages";
import type { CaptionRow } from "~/captions/log";

/** What is said in one language at the end of the captions. */
export interface Line {
  readonly id: string;
  readonly language: string;
  readonly stableText: string;
  readonly unstableText: string;
}

/** The newest `count` lines that there are in a language, the newest last. Pure. */
export function newestLines(rows: readonly CaptionRow[], language: CaptionLanguage, count: number): Line[] {
  const lines: Line[] = [];
  for (let at = rows.length - 1; at >= 0 && lines.length < count; at -= 1) {
    const line = lineOf(rows[at], language);
    if (line) lines.unshift(line);
  }
  return lines;
}

function lineOf(row: CaptionRow | undefined, language: CaptionLanguage): Line | null {
  if (row?.kind !== "segment") return null;
  const { id, stableText, unstableText } = row;
  if (language === ORIGINAL) {
    return stableText || unstableText ? { id, language: row.language, stableText, unstableText } : null;
  }
  const translation = translationInto(row, language);
  if (!translation?.text) return null;
  const { text, isFinal } = translation;
  return { id, language, stableText: isFinal ? text : "", unstableText: isFinal ? "" : text };
}
