import { expect, test } from "vitest";
import { type Kind, type Ledger, painted, type Stretch, stretchAt, stretches } from "./ledger";

const ledger = (more: Partial<Ledger>): Ledger => ({
  received_ms: 0,
  transcribed_ms: 0,
  silence_ms: 0,
  pending_ms: 0,
  gap_ms: 0,
  gaps: [],
  ...more,
});
const span = (start_ms: number, end_ms: number) => ({ start_ms, end_ms });
const short = (all: readonly Stretch[]) => all.map((one) => [one.kind, one.startMs, one.endMs]);
const sum = (all: readonly Stretch[], kind: Kind) =>
  all.filter((one) => one.kind === kind).reduce((total, one) => total + one.endMs - one.startMs, 0);

test("segments, gaps, what is pending and silence cover all that was received", () => {
  const told = ledger({
    received_ms: 10_000,
    transcribed_ms: 4_000,
    silence_ms: 3_500,
    pending_ms: 2_000,
    gap_ms: 500,
    gaps: [{ start_ms: 5_000, end_ms: 5_500, reason: "lost" }],
  });
  const all = stretches([span(1_000, 3_000), span(6_000, 8_000)], told);
  expect(short(all)).toEqual([
    ["silence", 0, 1_000],
    ["transcribed", 1_000, 3_000],
    ["silence", 3_000, 5_000],
    ["gap", 5_000, 5_500],
    ["silence", 5_500, 6_000],
    ["transcribed", 6_000, 8_000],
    ["pending", 8_000, 10_000],
  ]);
  expect(all[3]?.reason).toBe("lost");
  expect(sum(all, "transcribed")).toBe(told.transcribed_ms);
  expect(sum(all, "silence")).toBe(told.silence_ms);
});

test("stretches touch, never overlap, and add up to what was received, whatever the segments claim", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 300; round++) {
    const received = random(20_000);
    const segments = Array.from({ length: random(12) }, () => {
      const start = random(22_000);
      return span(start, start + random(3_000));
    });
    const gaps = Array.from({ length: random(4) }, () => {
      const start = random(20_000);
      return { start_ms: start, end_ms: start + random(900), reason: "lost" };
    });
    const all = stretches(
      segments,
      ledger({ received_ms: received, pending_ms: random(received + 1), gaps }),
    );
    let at = 0;
    for (const { startMs, endMs } of all) {
      expect(startMs).toBe(at);
      expect(endMs).toBeGreaterThan(startMs);
      at = endMs;
    }
    expect(at).toBe(received);
  }
});

test("a session without audio has no stretches", () => {
  expect(stretches([], ledger({}))).toEqual([]);
  expect(stretchAt([], 0)).toBe(-1);
});

test("segments that touch stay apart, so that each can be told", () => {
  expect(short(stretches([span(0, 50), span(50, 90)], ledger({ received_ms: 90 })))).toEqual([
    ["transcribed", 0, 50],
    ["transcribed", 50, 90],
  ]);
});

test("what is painted joins close speech, and leaves no gap out", () => {
  const all = stretches([span(0, 50), span(60, 90), span(95, 200)], {
    ...ledger({ received_ms: 300 }),
    gaps: [{ start_ms: 92, end_ms: 93, reason: "lost" }],
  });
  expect(short(painted(all, 20))).toEqual([
    ["transcribed", 0, 90],
    ["gap", 92, 93],
    ["transcribed", 95, 200],
  ]);
});

test("the stretch of a moment is found", () => {
  const all = stretches([span(10, 20)], ledger({ received_ms: 30 }));
  expect([0, 10, 19, 20, 99].map((ms) => stretchAt(all, ms))).toEqual([0, 1, 1, 2, 2]);
});
