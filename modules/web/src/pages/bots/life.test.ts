import { describe, expect, it } from "vitest";
import { type Bot, type BotSummary, grouped, timeline, toneOf, upcoming } from "./life";

const NOW_MS = Date.parse("2026-11-21T12:00:00Z");

function bot(id: string, state: BotSummary["state"], more: Partial<BotSummary> = {}): BotSummary {
  return {
    id,
    session_id: "s",
    driver: "browser",
    url: "https://meet.example/room",
    state,
    cause: { code: "due", message: "" },
    completion: null,
    failure_stage: null,
    created_at: "2026-11-21T11:00:00Z",
    join_at: null,
    state_at: "2026-11-21T11:00:00Z",
    ended_at: null,
    stop_requested: false,
    degraded: null,
    ...more,
  };
}

describe("grouped", () => {
  it("puts who needs somebody first, and leaves out what is empty", () => {
    const bots = [
      bot("done", "completed"),
      bot("works", "active"),
      bot("stuck", "needs_help"),
      bot("deaf", "active", { degraded: { code: "no_audio", since: "2026-11-21T11:30:00Z" } }),
    ];
    expect(grouped(bots, NOW_MS).map(([name, found]) => [name, found.map((one) => one.id)])).toEqual([
      ["attention", ["stuck", "deaf"]],
      ["running", ["works"]],
      ["ended", ["done"]],
    ]);
  });

  it("counts a bot as scheduled only until it is due", () => {
    const later = bot("later", "requested", { join_at: "2026-11-21T12:30:00Z" });
    const due = bot("due", "requested", { join_at: "2026-11-21T11:59:00Z" });
    expect(grouped([later, due], NOW_MS).map(([name]) => name)).toEqual(["running", "scheduled"]);
  });
});

it("shows a deaf bot as a warning, though it is active", () => {
  expect(toneOf({ state: "active", degraded: null })).toBe("good");
  expect(toneOf({ state: "active", degraded: { code: "no_words", since: "2026-11-21T11:30:00Z" } })).toBe(
    "warn",
  );
});

describe("upcoming", () => {
  it("tells the way that is left", () => {
    expect(upcoming("requested", "media")).toEqual(["starting", "joining", "active", "completed"]);
    expect(upcoming("needs_help", "browser")).toEqual(["active", "completed"]);
    expect(upcoming("stopping", "browser")).toEqual(["completed"]);
  });

  it("is nothing after the end", () => {
    expect([...upcoming("failed", "media"), ...upcoming("completed", "browser")]).toEqual([]);
  });
});

describe("timeline", () => {
  const step = (seq: number, state: BotSummary["state"], at: string) => ({
    seq,
    state,
    at,
    cause: { code: "due", message: "" },
    attempt: 1,
  });
  const whole = (more: Partial<Bot>): Bot => ({
    ...bot("b", "active"),
    recipe: "generic",
    attempt: 1,
    restarts: 0,
    history: [step(1, "requested", "2026-11-21T11:00:00Z"), step(2, "active", "2026-11-21T11:00:04Z")],
    queue: { queued: false, position: null },
    report: null,
    session_url: "/v1/sessions/s",
    events_url: "ws://x",
    ...more,
  });

  it("tells how long each step lasted, but for the last", () => {
    const lasted = timeline(whole({}), []).map((one) => (one.kind === "step" ? one.lastedMs : "remark"));
    expect(lasted).toEqual([4_000, null]);
  });

  it("puts remarks where they belong in time, and the one that lasts only once", () => {
    const since = "2026-11-21T11:01:00Z";
    const degraded = { code: "no_audio", since } as const;
    const told = { kind: "degraded", atMs: Date.parse(since) + 300, code: "no_audio" } as const;
    const past = { kind: "recovered", atMs: Date.parse("2026-11-21T11:00:02Z"), code: "no_words" } as const;
    expect(timeline(whole({ degraded }), [told, past]).map((one) => one.kind)).toEqual([
      "step",
      "recovered",
      "step",
      "degraded",
    ]);
    expect(timeline(whole({ degraded }), []).map((one) => one.kind)).toEqual(["step", "step", "degraded"]);
  });
});
