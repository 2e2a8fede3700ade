import type { Schemas } from "~/api/rest";

export type Ledger = Schemas["SessionLedger"];
export type Kind = "transcribed" | "silence" | "pending" | "gap";
export const KINDS: readonly Kind[] = ["transcribed", "silence", "pending", "gap"];

/** A part of the session of one kind, half open; times are ms of session audio. */
export interface Stretch {
  readonly kind: Kind;
  readonly startMs: number;
  readonly endMs: number;
  /** Why a gap was not transcribed. */
  readonly reason?: string;
}

interface Span {
  readonly start_ms: number;
  readonly end_ms: number;
}

/**
 * The session from 0 to what was received, cut into stretches that touch and never overlap.
 *
 * Gaps are where the ledger has them, transcribed is where segments are, pending is what lies at the end and is
 * not accounted for yet, and the rest is silence.
 */
export function stretches(segments: readonly Span[], ledger: Ledger): Stretch[] {
  const received = ledger.received_ms;
  const settled = Math.max(received - ledger.pending_ms, 0);
  const told: Stretch[] = [
    ...(ledger.gaps ?? []).map(
      (gap): Stretch => ({ kind: "gap", startMs: gap.start_ms, endMs: gap.end_ms, reason: gap.reason }),
    ),
    ...segments.map((one): Stretch => ({ kind: "transcribed", startMs: one.start_ms, endMs: one.end_ms })),
  ].sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
  const found: Stretch[] = [];
  let at = 0;
  const fill = (until: number) => {
    // What is pending begins where the ledger's settled part ends, or behind the last segment if that is later.
    if (at < Math.min(until, settled))
      add(found, { kind: "silence", startMs: at, endMs: Math.min(until, settled) });
    at = Math.max(at, Math.min(until, settled));
    if (at < until) add(found, { kind: "pending", startMs: at, endMs: until });
    at = Math.max(at, until);
  };
  for (const stretch of told) {
    const [start, end] = [Math.max(stretch.startMs, at), Math.min(stretch.endMs, received)];
    if (start >= end) continue;
    fill(start);
    add(found, { ...stretch, startMs: start, endMs: end });
    at = end;
  }
  fill(received);
  return found;
}

/** Silence and pending stretches that touch one of their kind become one; a segment stays a stretch of its own. */
function add(found: Stretch[], next: Stretch): void {
  const last = found.at(-1);
  const joins = last?.kind === next.kind && (next.kind === "silence" || next.kind === "pending");
  if (joins) found[found.length - 1] = { ...last, endMs: next.endMs };
  else found.push(next);
}

/**
 * What is painted: transcribed stretches that are less than `closeMs` apart become one, so that hours of speech
 * are hundreds of boxes, not thousands. Silence is the ground and is not painted; gaps are never left out.
 */
export function painted(all: readonly Stretch[], closeMs: number): Stretch[] {
  const boxes: Stretch[] = [];
  let before: Stretch | undefined;
  for (const stretch of all) {
    if (stretch.kind === "silence") continue;
    const joins =
      stretch.kind === "transcribed" &&
      before?.kind === "transcribed" &&
      stretch.startMs - before.endMs < closeMs;
    if (joins && before) {
      before = { ...before, endMs: stretch.endMs };
      boxes[boxes.length - 1] = before;
    } else {
      before = stretch;
      boxes.push(stretch);
    }
  }
  return boxes;
}

/** The index of the stretch at a moment; that of the nearest one beyond the ends; -1 if there is none. */
export function stretchAt(all: readonly Stretch[], ms: number): number {
  if (all.length === 0) return -1;
  const found = all.findIndex((one) => ms < one.endMs);
  return found < 0 ? all.length - 1 : found;
}

/** The ledger's sums by kind; they add up to what was received. */
export function sums(ledger: Ledger): Record<Kind, number> {
  return {
    transcribed: ledger.transcribed_ms,
    silence: ledger.silence_ms,
    pending: ledger.pending_ms,
    gap: ledger.gap_ms,
  };
}
