import { useSyncExternalStore } from "react";
import type { CaptionLanguage } from "~/captions/languages";

/** What a reader chose, kept in this browser for the next session. */
export interface ReaderSettings {
  readonly languages: readonly CaptionLanguage[] | null;
  readonly layout: "below" | "columns";
  readonly scale: number;
}

const NAME = "dragoman.watch";
const DEFAULTS: ReaderSettings = { languages: null, layout: "below", scale: 1 };
/** Sizes of text that A− and A+ go through. */
const SCALES = [0.7, 0.8, 0.9, 1, 1.15, 1.3, 1.5, 1.75, 2, 2.5, 3] as const;

let settings: ReaderSettings | null = null;
const listeners = new Set<() => void>();

function stored(): ReaderSettings {
  try {
    const found: unknown = JSON.parse(window.localStorage.getItem(NAME) ?? "{}");
    if (typeof found !== "object" || found === null) return DEFAULTS;
    const { languages, layout, scale }: Record<string, unknown> = { ...found };
    return {
      languages: Array.isArray(languages) ? languages.filter((code) => typeof code === "string") : null,
      layout: layout === "columns" ? "columns" : "below",
      scale: SCALES.find((known) => known === scale) ?? 1,
    };
  } catch {
    return DEFAULTS;
  }
}

function current(): ReaderSettings {
  settings ??= stored();
  return settings;
}

export function changeSettings(change: Partial<ReaderSettings>): void {
  settings = { ...current(), ...change };
  window.localStorage.setItem(NAME, JSON.stringify(settings));
  for (const tell of listeners) tell();
}

export function useReaderSettings(): ReaderSettings {
  return useSyncExternalStore((tell) => {
    listeners.add(tell);
    return () => listeners.delete(tell);
  }, current);
}

/** The next larger (1) or smaller (-1) size; null where there is none. */
export function nextScale(scale: number, step: 1 | -1): number | null {
  const at = SCALES.findIndex((known) => known >= scale);
  return SCALES[at + step] ?? null;
}
