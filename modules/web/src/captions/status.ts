import type { CaptionState } from "./state";

/** In which words a connection and its session are told. */
type StatusName =
  | "connecting"
  | "reconnecting"
  | "waiting"
  | "live"
  | "quiet"
  | "nobody"
  | "parked"
  | "ended"
  | "closed"
  | "refused";

export interface Status {
  readonly name: StatusName;
  readonly tone: "neutral" | "good" | "warn" | "bad";
}

/** The one thing to say about how it is. Pure. */
export function statusOf(state: CaptionState): Status {
  const { connection, ended, presence } = state;
  if (ended) return { name: "ended", tone: "neutral" };
  switch (connection?.name) {
    case "refused":
      return { name: "refused", tone: "bad" };
    case "waiting":
      return { name: "waiting", tone: "warn" };
    case "ended":
      return { name: connection.reason === "end" ? "ended" : "closed", tone: "neutral" };
    case "parked":
      return { name: "parked", tone: "neutral" };
    case "open":
      if (presence?.speakers === 0) return { name: "nobody", tone: "neutral" };
      return { name: state.isSpeaking ? "live" : "quiet", tone: "good" };
    case "connecting":
      if (connection.reason) return { name: "reconnecting", tone: "warn" };
  }
  return { name: "connecting", tone: "neutral" };
}

/** Refusals that have words of their own. */
const REFUSALS = ["unauthenticated", "forbidden", "not_found", "conflict", "session_ended"] as const;

/** A code that the page can explain better than the server's sentence, in the reader's language. */
export function refusalOf(code: string): (typeof REFUSALS)[number] | undefined {
  return REFUSALS.find((known) => known === code);
}

const STEPS = ["drop_partials", "delay_translation", "smaller_model", "refuse_sessions"] as const;

/** What is done without at a lower level of service: the steps that its reason names. */
export function lostSteps(reason: string): (typeof STEPS)[number][] {
  return STEPS.filter((step) => reason.includes(step));
}
