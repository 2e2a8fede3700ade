import type { Schemas } from "~/api/rest";

export type DayUsage = Schemas["KeyUsage"];

export interface KeyTotal {
  readonly key: string;
  readonly audioMs: number;
  readonly sessions: number;
  readonly translatedChars: number;
  readonly bots: number;
}

/** What each key used over all days, the one with most audio first. */
export function totals(days: readonly DayUsage[]): KeyTotal[] {
  const sums = new Map<string, KeyTotal>();
  for (const day of days) {
    const known = sums.get(day.owner_key);
    sums.set(day.owner_key, {
      key: day.owner_key,
      audioMs: (known?.audioMs ?? 0) + day.audio_ms,
      sessions: (known?.sessions ?? 0) + day.sessions,
      translatedChars: (known?.translatedChars ?? 0) + day.translated_chars,
      bots: (known?.bots ?? 0) + day.bots,
    });
  }
  return [...sums.values()].sort((a, b) => b.audioMs - a.audioMs || a.key.localeCompare(b.key));
}

/** The first and last day (UTC) of the last `days` days, today among them. */
export function lastDays(days: number, nowMs: number): { from: string; to: string } {
  const day = (atMs: number) => new Date(atMs).toISOString().slice(0, 10);
  return { from: day(nowMs - (days - 1) * 86_400_000), to: day(nowMs) };
}
