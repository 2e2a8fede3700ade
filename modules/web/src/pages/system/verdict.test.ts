import { describe, expect, it } from "vitest";
import {
  type Anomaly,
  broken,
  byWeight,
  capacity,
  figuresOf,
  type Health,
  type Overview,
  verdict,
} from "./verdict";

const HEALTH: Health = {
  status: "ok",
  parts: { redis: "ok", whisper: "ok" },
  fleets: {},
  speakers: 0,
  viewers: 0,
  monitor: null,
};

const OVERVIEW: Overview = {
  time_ms: 1_000_000,
  age_ms: 500,
  monitor: "m",
  status: "ok",
  redis: {
    state: "ok",
    version: "7.0.15",
    role: "master",
    used_memory_bytes: 2_000_000,
    max_memory_bytes: 0,
    clients: 3,
    answer_ms: 1,
    aof_last_write: "",
  },
  services: [service("whisper", "ok")],
  processes: [],
  streams: [],
  sessions: [],
  sessions_total: 0,
  bots: [],
  bots_by_state: {},
  fleets: {},
  anomalies: [],
  measures: {},
  config_version: 1,
  unseen: {},
};

function service(name: string, state: string): Overview["services"][number] {
  return { name, url: "http://x", state, version: "1", answer_ms: 1, config_checksum: "" };
}

function anomaly(rule: string, severity: Anomaly["severity"], since_ms: number): Anomaly {
  return { rule, severity, since_ms, subject: "", measure: rule, value: 1, message: "" };
}

describe("verdict", () => {
  it("is well when all is", () => {
    expect(verdict(HEALTH, OVERVIEW)).toEqual({ kind: "ok", tone: "good", troubles: [] });
  });

  it("names each part that is not, with what is said of it", () => {
    const seen: Overview = {
      ...OVERVIEW,
      status: "down",
      services: [service("whisper", "no answer"), service("translation", "ok")],
      unseen: { bots: "took too long" },
    };
    const found = verdict(HEALTH, seen);
    expect([found.kind, found.tone]).toEqual(["down", "bad"]);
    expect(found.troubles).toEqual([
      { part: "service", kind: "whisper", name: "", told: "no answer" },
      { part: "unseen", kind: "bots", name: "", told: "took too long" },
    ]);
  });

  it("does not call well what this process sees broken already", () => {
    const health: Health = { ...HEALTH, status: "degraded" };
    expect(verdict(health, OVERVIEW).kind).toBe("degraded");
  });

  it("says that nobody looks, without claiming that all is well", () => {
    expect(verdict(HEALTH, null)).toEqual({ kind: "blind", tone: "warn", troubles: [] });
  });

  it("goes by this process alone where nobody looks and a part is away", () => {
    const health: Health = { ...HEALTH, status: "degraded", parts: { redis: "no answer", whisper: "ok" } };
    expect(verdict(health, null)).toEqual({
      kind: "down",
      tone: "bad",
      troubles: [{ part: "redis", kind: "redis", name: "", told: "no answer" }],
    });
  });

  it("goes by the monitor alone until the API has told its own view", () => {
    expect(verdict(null, OVERVIEW).kind).toBe("ok");
  });

  it("takes nothing from a look of long ago", () => {
    expect(verdict(HEALTH, { ...OVERVIEW, age_ms: 20_000 }).kind).toBe("old");
  });
});

it("puts the gravest anomaly first, then the longest", () => {
  const found = [anomaly("c", "warning", 2), anomaly("b", "warning", 1), anomaly("a", "critical", 9)];
  expect(byWeight(found).map((one) => one.rule)).toEqual(["a", "b", "c"]);
});

it("names only the breakers that are not closed", () => {
  expect(broken({ whisper: "closed", translation: "open", other: "half-open" })).toEqual([
    "translation",
    "other",
  ]);
});

it("takes the slowest profile for the lag, and tells the room of each", () => {
  const seen: Overview = {
    ...OVERVIEW,
    sessions_total: 5,
    fleets: {
      gpu: { workers: 1, sessions: 3, room: 7, level: 0, lag_ms: 200 },
      cpu: { workers: 2, sessions: 2, room: 0, level: 1, lag_ms: 3_400 },
    },
  };
  expect(figuresOf(seen)).toEqual({ lagS: 3.4, sessions: 5, backlogS: 0, memoryBytes: 2_000_000 });
  expect(capacity(seen).map((one) => [one.profile, one.held, one.room])).toEqual([
    ["cpu", 2, 0],
    ["gpu", 3, 7],
  ]);
});
