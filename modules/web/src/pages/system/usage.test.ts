import { expect, it } from "vitest";
import { type DayUsage, lastDays, totals } from "./usage";

const day = (owner_key: string, audio_ms: number): DayUsage => ({
  day: "2026-11-21",
  owner_key,
  audio_ms,
  sessions: 1,
  translated_chars: 10,
  bots: 2,
});

it("adds up the days of each key, the greatest user first", () => {
  expect(totals([day("app", 1_000), day("team", 5_000), day("app", 2_000)])).toEqual([
    { key: "team", audioMs: 5_000, sessions: 1, translatedChars: 10, bots: 2 },
    { key: "app", audioMs: 3_000, sessions: 2, translatedChars: 20, bots: 4 },
  ]);
});

it("counts today as one of the days", () => {
  const nowMs = Date.parse("2026-03-02T00:30:00Z");
  expect(lastDays(1, nowMs)).toEqual({ from: "2026-03-02", to: "2026-03-02" });
  expect(lastDays(7, nowMs)).toEqual({ from: "2026-02-24", to: "2026-03-02" });
});
