import { describe, expect, it } from "vitest";
import { line, remember, type Sample, SPAN_MS, STEP_MS } from "./series";

const sample = (atMs: number, sessions = 1): Sample => ({
  atMs,
  sessions,
  lagS: 0,
  backlogS: 0,
  memoryBytes: 0,
});

describe("remember", () => {
  it("forgets what is older than the charts go back", () => {
    let known: readonly Sample[] = [];
    for (let atMs = 0; atMs <= 3 * SPAN_MS; atMs += STEP_MS) known = remember(known, sample(atMs));
    expect(known.length).toBe(SPAN_MS / STEP_MS + 1);
    expect(known[0]?.atMs).toBe(2 * SPAN_MS);
  });

  it("counts a look once that was read twice", () => {
    const known = remember([], sample(10_000));
    expect(remember(known, sample(10_100))).toBe(known);
  });
});

describe("line", () => {
  const endMs = 2 * SPAN_MS;

  it("covers the whole span, empty where nobody looked yet", () => {
    const values = line([sample(endMs, 7)], "sessions", endMs);
    expect(values).toHaveLength(SPAN_MS / STEP_MS);
    expect(values.slice(0, -1).every((value) => value === null)).toBe(true);
    expect(values.at(-1)).toBe(7);
  });

  it("holds a value between two looks that are not in step with it, and shows a gap where looks are missing", () => {
    const samples = [sample(endMs - 20_500, 1), sample(endMs - 18_600, 2), sample(endMs - 300, 3)];
    expect(line(samples, "sessions", endMs).slice(-11)).toEqual([
      1,
      2,
      2,
      2,
      null,
      null,
      null,
      null,
      null,
      null,
      3,
    ]);
  });
});
