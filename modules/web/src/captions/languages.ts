import { sameLanguage } from "~/ui/language";
import type { Segment, Translation } from "./state";

/** Stands for what was spoken, in whatever language that was. */
export const ORIGINAL = "original";

/** A BCP 47 code, or `ORIGINAL`. */
export type CaptionLanguage = string;

/** The translation that a reader of `language` means (`es-AR` reads `es`), if it came already. */
export function translationInto(segment: Segment, language: string): Translation | undefined {
  const exact = segment.translations[language];
  if (exact) return exact;
  const code = Object.keys(segment.translations).find((offered) => sameLanguage(language, offered));
  return code === undefined ? undefined : segment.translations[code];
}

/** Whether a translation into `language` will come, or tell that it cannot. */
export function isExpected(segment: Segment, language: string): boolean {
  return segment.expected.some((offered) => sameLanguage(language, offered));
}
