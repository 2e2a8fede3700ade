import type { Schemas } from "~/api/rest";

export type Overview = Schemas["SystemOverview"];
export type Health = Schemas["SystemHealth"];
export type Anomaly = Schemas["AnomalySeen"];

/** A look that is older than this is of the past (as in `dragoman top`). */
const OLD_MS = 15_000;

/** A part that is not as it should be; `told` is what is said of it. */
export interface Trouble {
  readonly part: "redis" | "service" | "process" | "unseen";
  /** What it is: `redis`, `whisper`, `audio`, … */
  readonly kind: string;
  /** Which one of its kind; empty where the kind says it. */
  readonly name: string;
  readonly told: string;
}

/**
 * How the installation is in a word: `blind` when no monitor looks and all that can be seen works, `old` when its
 * last look is too long ago to say anything of now.
 */
export interface Verdict {
  readonly kind: "ok" | "degraded" | "down" | "blind" | "old";
  readonly tone: "good" | "warn" | "bad";
  readonly troubles: readonly Trouble[];
}

const TONES = { ok: "good", degraded: "warn", down: "bad", blind: "warn", old: "warn" } as const;

/** What can be said at a glance; without an overview the API's own view is all there is. */
export function verdict(health: Health | null, overview: Overview | null): Verdict {
  const troubles = overview ? troublesOf(overview) : troublesOfParts(health?.parts ?? {});
  const kind = kindOf(health, overview);
  return { kind, tone: TONES[kind], troubles };
}

function kindOf(health: Health | null, overview: Overview | null): Verdict["kind"] {
  if (!overview) return health?.status === "degraded" ? "down" : "blind";
  if (overview.age_ms > OLD_MS) return "old";
  // The API sees at once what the monitor sees with its next look.
  if (overview.status === "ok" && health?.status === "degraded") return "degraded";
  return overview.status;
}

function troublesOf(overview: Overview): Trouble[] {
  const { redis, services, processes, unseen } = overview;
  const found: Trouble[] = [{ part: "redis", kind: "redis", name: "", told: redis.state }];
  for (const { name, state } of services) {
    const [kind = name, ...which] = name.split(" ");
    found.push({ part: "service", kind, name: which.join(" "), told: state });
  }
  for (const { kind, name, state } of processes) found.push({ part: "process", kind, name, told: state });
  const isBlind = redis.state !== "ok";
  for (const [name, told] of isBlind ? [] : Object.entries(unseen)) {
    found.push({ part: "unseen", kind: name, name: "", told });
  }
  return found.filter(({ told }) => told !== "ok");
}

function troublesOfParts(parts: Readonly<Record<string, string>>): Trouble[] {
  return Object.entries(parts)
    .filter(([, told]) => told !== "ok")
    .map(([kind, told]) => ({ part: kind === "redis" ? "redis" : "service", kind, name: "", told }));
}

const WEIGHT: Readonly<Record<Anomaly["severity"], number>> = { critical: 0, warning: 1, info: 2 };

/** The gravest first, then those that last longest. */
export function byWeight(anomalies: readonly Anomaly[]): Anomaly[] {
  return [...anomalies].sort(
    (a, b) =>
      WEIGHT[a.severity] - WEIGHT[b.severity] || a.since_ms - b.since_ms || a.rule.localeCompare(b.rule),
  );
}

/** Breakers that do not let requests through, by what they guard. */
export function broken(breakers: Readonly<Record<string, string>>): string[] {
  return Object.entries(breakers)
    .filter(([, state]) => state !== "closed")
    .map(([name]) => name);
}

/** What the charts are drawn from: all workers of all profiles together. */
export function figuresOf(overview: Overview) {
  const fleets = Object.values(overview.fleets);
  return {
    lagS: Math.max(0, ...fleets.map((fleet) => fleet.lag_ms ?? 0)) / 1000,
    sessions: overview.sessions_total,
    backlogS: overview.sessions.reduce((sum, session) => sum + session.backlog_s, 0),
    memoryBytes: overview.redis.used_memory_bytes,
  };
}

/** How full the workers of each profile are. */
export function capacity(overview: Overview) {
  return Object.entries(overview.fleets)
    .map(([profile, fleet]) => ({
      profile,
      workers: fleet.workers ?? 0,
      held: fleet.sessions ?? 0,
      room: fleet.room ?? 0,
      level: fleet.level ?? 0,
      lagS: (fleet.lag_ms ?? 0) / 1000,
    }))
    .sort((a, b) => a.profile.localeCompare(b.profile));
}
