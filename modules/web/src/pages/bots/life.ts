import type { Schemas } from "~/api/rest";
import type { Tone } from "~/ui/badge";

export type Bot = Schemas["Bot"];
export type BotSummary = Schemas["BotSummary"];
export type BotState = Schemas["BotState"];

const TONES: Readonly<Record<BotState, Tone>> = {
  requested: "neutral",
  starting: "accent",
  joining: "accent",
  awaiting_admission: "warn",
  needs_help: "warn",
  active: "good",
  stopping: "neutral",
  completed: "neutral",
  failed: "bad",
};

export function isFinal(state: BotState): boolean {
  return state === "completed" || state === "failed";
}

/** Whether it goes on by itself just now. */
export function isMoving(state: BotState): boolean {
  return !isFinal(state) && state !== "requested";
}

/** An active bot that hears nothing is no good sign. */
export function toneOf(bot: Pick<BotSummary, "state" | "degraded">): Tone {
  return bot.degraded ? "warn" : TONES[bot.state];
}

/** Bots as a person sorts them: who needs somebody, who is at work, who comes later, who is done. */
export type Group = "attention" | "running" | "scheduled" | "ended";

function groupOf(bot: BotSummary, nowMs: number): Group {
  if (isFinal(bot.state)) return "ended";
  if (bot.state === "needs_help" || bot.degraded) return "attention";
  const joinsMs = bot.join_at ? Date.parse(bot.join_at) : 0;
  return bot.state === "requested" && joinsMs > nowMs ? "scheduled" : "running";
}

/** The groups that have bots, in the order in which they matter; within one the order is kept. */
export function grouped(bots: readonly BotSummary[], nowMs: number): [Group, BotSummary[]][] {
  const order: Group[] = ["attention", "running", "scheduled", "ended"];
  return order
    .map((group): [Group, BotSummary[]] => [group, bots.filter((bot) => groupOf(bot, nowMs) === group)])
    .filter(([, found]) => found.length > 0);
}

const WAY_IN: Readonly<Record<"media" | "browser", readonly BotState[]>> = {
  media: ["requested", "starting", "joining", "active", "completed"],
  browser: ["requested", "starting", "joining", "awaiting_admission", "active", "completed"],
};

/** What still lies before the bot if all goes well; nothing once it ends. */
export function upcoming(state: BotState, driver: "media" | "browser"): BotState[] {
  if (isFinal(state)) return [];
  if (state === "stopping") return ["completed"];
  const way = WAY_IN[driver];
  const place = way.indexOf(state === "needs_help" ? "awaiting_admission" : state);
  // Nobody may have to let it in: that step is shown when it comes.
  return way.slice(place + 1).filter((next) => next !== "awaiting_admission");
}

/** Something that was told while the page looked: the history has no place for it. */
export interface Remark {
  readonly kind: "degraded" | "recovered";
  readonly atMs: number;
  readonly code: string;
}

export type Moment =
  | {
      readonly kind: "step";
      readonly atMs: number;
      readonly step: Schemas["BotStep"];
      readonly lastedMs: number | null;
    }
  | ({ readonly key: string } & Remark);

/** Steps and remarks in the order of their time; `lastedMs` is how long a step was, null for the last. */
export function timeline(bot: Bot, remarks: readonly Remark[]): Moment[] {
  const steps = bot.history.map((step, index): Moment => {
    const next = bot.history[index + 1];
    const atMs = Date.parse(step.at);
    return { kind: "step", atMs, step, lastedMs: next ? Date.parse(next.at) - atMs : null };
  });
  const told: Remark[] = [...remarks];
  const { degraded } = bot;
  if (degraded) {
    const atMs = Date.parse(degraded.since);
    if (!told.some((one) => one.kind === "degraded" && one.code === degraded.code && near(one.atMs, atMs))) {
      told.push({ kind: "degraded", atMs, code: degraded.code });
    }
  }
  const moments = told.map((one): Moment => ({ ...one, key: `${one.kind}-${one.atMs}` }));
  return [...steps, ...moments].sort((a, b) => a.atMs - b.atMs);
}

function near(aMs: number, bMs: number): boolean {
  return Math.abs(aMs - bMs) < 1_000;
}
