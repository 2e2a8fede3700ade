import { type CaptionLanguage, ORIGINAL, translationInto } from "./languages";
import type { CaptionState, Segment } from "./state";

/** What is read out at once, at most; a voice needs about 20 s for it. */
const MAX_CHARACTERS = 300;

interface Unheard {
  /** Newest sentences that were not read out yet, with an ellipsis where older ones are left out. */
  readonly text: string;
  /** Ids of all that were, or were left out. */
  readonly heard: Set<string>;
}

/** What has become final in `language` and is not in `heard`; pure. Null: all of it is taken as heard. */
export function unheard(
  state: CaptionState,
  language: CaptionLanguage,
  heard: ReadonlySet<string> | null,
): Unheard {
  const all = new Set<string>();
  const fresh: string[] = [];
  for (const row of state.rows) {
    const text = row.kind === "segment" ? finalText(row, language) : "";
    if (text === "") continue;
    all.add(row.id);
    if (heard && !heard.has(row.id)) fresh.push(text);
  }
  let from = Math.max(0, fresh.length - 1); // one sentence is read whole, however long it is
  let characters = fresh[from]?.length ?? 0;
  for (; from > 0; from -= 1) {
    characters += fresh[from - 1]?.length ?? 0;
    if (characters > MAX_CHARACTERS) break;
  }
  return { text: (from > 0 ? "… " : "") + fresh.slice(from).join(" "), heard: all };
}

function finalText(segment: Segment, language: CaptionLanguage): string {
  if (!segment.isFinal) return "";
  if (language === ORIGINAL) return segment.stableText;
  const translation = translationInto(segment, language);
  return translation?.isFinal ? translation.text : "";
}
