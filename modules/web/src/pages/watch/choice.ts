import { type CaptionLanguage, ORIGINAL } from "~/captions/languages";
import { sameLanguage } from "~/ui/language";

interface Offer {
  /** Into which the session is translated. */
  readonly targets: readonly string[];
  /** In which it is spoken; null where that is detected. */
  readonly spoken: string | null;
}

/** What a reader sees who has chosen nothing: what is said, and in their own language if there is that. */
export function usualLanguages(offer: Offer, readers: readonly string[]): readonly CaptionLanguage[] {
  for (const own of readers) {
    if (offer.spoken && sameLanguage(offer.spoken, own)) break;
    const target = offered(own, offer.targets);
    if (target) return [ORIGINAL, target];
  }
  return [ORIGINAL];
}

/** Those of the wanted languages that there are, by the session's codes; what is said, if there is none. */
export function shownLanguages(
  wanted: readonly CaptionLanguage[],
  targets: readonly string[],
): readonly CaptionLanguage[] {
  const found = wanted.map((code) => (code === ORIGINAL ? code : offered(code, targets)));
  const shown = [...new Set(found.filter((code) => code !== undefined))];
  return shown.length ? shown : [ORIGINAL];
}

/** Those of the wanted languages that there are not. */
export function missingLanguages(wanted: readonly CaptionLanguage[], targets: readonly string[]): string[] {
  return wanted.filter((code) => code !== ORIGINAL && offered(code, targets) === undefined);
}

/** `code` taken in or out; one language always stays. Those of the session come in its own order. */
export function toggled(
  shown: readonly CaptionLanguage[],
  code: CaptionLanguage,
  targets: readonly string[],
): readonly CaptionLanguage[] {
  const next = shown.includes(code) ? shown.filter((other) => other !== code) : [...shown, code];
  const sorted = [ORIGINAL, ...targets].filter((known) => next.includes(known));
  return sorted.length ? sorted : shown;
}

function offered(wanted: string, targets: readonly string[]): string | undefined {
  return targets.find((code) => code === wanted) ?? targets.find((code) => sameLanguage(wanted, code));
}
