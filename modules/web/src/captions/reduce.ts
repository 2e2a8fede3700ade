import type {
  SessionSnapshot,
  TailDroppedEvent,
  TranscriptFinal,
  TranscriptPartial,
  TranslationFailedMessage,
  TranslationFinal,
  TranslationPartial,
} from "@dragoman/client";
import type { CaptionEvent, CaptionRow, CaptionState, Gap, Segment, Translation } from "./state";

/** Rows that are kept; older ones are in the transcript. */
export const MAX_ROWS = 1_000;
/** They are dropped so many at once, for each time the page has to be laid out anew. */
const SLACK_ROWS = 100;
const MAX_STRAYS = 200;

/**
 * The captions after `event`. Pure.
 *
 * Of what is told twice, or late, the better counts: a final before a draft, a higher revision before a lower.
 * So the order of events changes nothing in what is shown in the end, and what changes nothing returns `state`.
 */
export function reduce(state: CaptionState, event: CaptionEvent): CaptionState {
  switch (event.type) {
    case "transcript.partial":
    case "transcript.final":
      return withTranscript(state, event);
    case "translation.partial":
    case "translation.final":
    case "translation.failed":
      return withTranslation(state, event);
    case "session.snapshot":
      return withSnapshot(state, event);
    case "reset":
      return withSnapshot(state, event.snapshot);
    case "audio.gap":
      return withGap(state, event.start_ms, event.end_ms, event.reason);
    case "tail-dropped":
      return withDropped(state, event);
    default:
      return withCircumstances(state, event);
  }
}

type Other = Exclude<
  CaptionEvent,
  { type: `transcript.${string}` | `translation.${string}` | "session.snapshot" | "reset" | "audio.gap" }
>;

function withCircumstances(state: CaptionState, event: Other): CaptionState {
  switch (event.type) {
    case "session.targets":
      return { ...state, targets: event.targets, onDemand: event.on_demand };
    case "session.lag":
      return { ...state, lag: event.lag_ms > 0 ? { ms: event.lag_ms, reason: event.reason } : null };
    case "session.degraded":
      return { ...state, degraded: event.level > 0 ? { level: event.level, reason: event.reason } : null };
    case "session.presence":
      return { ...state, presence: { speakers: event.speakers, viewers: event.viewers } };
    case "session.ended":
      return { ...state, ended: event, isSpeaking: false, lag: null };
    case "speech.started":
    case "speech.ended":
      return { ...state, isSpeaking: event.type === "speech.started" };
    case "error":
      return { ...state, error: event };
    case "state":
      return { ...state, connection: event.state };
    default:
      return state;
  }
}

// --- transcripts --------------------------------------------------------------------------------------------

function withTranscript(state: CaptionState, event: TranscriptPartial | TranscriptFinal): CaptionState {
  if (event.start_ms < state.horizonMs) return state;
  const at = indexOf(state.rows, event.segment_id);
  const known = segmentAt(state.rows, at);
  const isFinal = event.type === "transcript.final";
  if (known && !isBetter([isFinal ? 1 : 0, event.revision], [known.isFinal ? 1 : 0, known.revision])) {
    return state;
  }
  const segment: Segment = {
    kind: "segment",
    id: event.segment_id,
    startMs: event.start_ms,
    endMs: event.end_ms,
    language: event.language || known?.language || "",
    speaker: event.speaker ?? null,
    stableText: isFinal ? event.text : event.stable_text,
    unstableText: isFinal ? "" : event.unstable_text,
    isFinal,
    revision: event.revision,
    translations: known?.translations ?? state.strays.get(event.segment_id) ?? {},
    expected: known?.expected ?? state.targets,
  };
  const strays = known ? state.strays : without(state.strays, event.segment_id);
  return trimmed({ ...state, strays, rows: placed(state.rows, at, segment) });
}

function withGap(state: CaptionState, startMs: number, endMs: number, reason: string): CaptionState {
  const gap: Gap = { kind: "gap", id: `gap ${startMs} ${endMs}`, startMs, endMs, reason };
  if (startMs < state.horizonMs || state.rows.some((row) => row.id === gap.id)) return state;
  return trimmed({ ...state, rows: placed(state.rows, -1, gap) });
}

/** Only what no server has ever received: of the rest it tells itself. */
function withDropped(state: CaptionState, event: TailDroppedEvent): CaptionState {
  if (event.reason !== "session-ended" || event.startMs === null || event.endMs === null) return state;
  return withGap(state, event.startMs, event.endMs, "not-sent");
}

// --- translations -------------------------------------------------------------------------------------------

type TranslationEvent = TranslationPartial | TranslationFinal | TranslationFailedMessage;

function withTranslation(state: CaptionState, event: TranslationEvent): CaptionState {
  if (event.type === "translation.final" && event.start_ms < state.horizonMs) return state;
  const { segment_id: id, target_language: language } = event;
  const at = indexOf(state.rows, id);
  const segment = segmentAt(state.rows, at);
  const others = segment?.translations ?? state.strays.get(id) ?? {};
  const told = translationOf(event);
  const known = others[language];
  if (known && !isBetter([rank(told), told.revision], [rank(known), known.revision])) return state;
  const translations = { ...others, [language]: told };
  if (segment) return { ...state, rows: state.rows.with(at, { ...segment, translations }) };
  return { ...state, strays: withStray(state.strays, id, translations) };
}

function translationOf(event: TranslationEvent): Translation {
  const { revision } = event;
  if (event.type === "translation.failed") {
    return { text: "", isFinal: false, failed: event.permanent ? "for-good" : "for-now", revision };
  }
  return { text: event.text, isFinal: event.type === "translation.final", revision };
}

function rank({ isFinal, failed }: Translation): number {
  if (isFinal) return 3;
  return failed === "for-good" ? 2 : failed === "for-now" ? 1 : 0;
}

// --- snapshots ----------------------------------------------------------------------------------------------

/** Merged with what is known; after a loss on the server it goes before that, as words may be heard anew. */
function withSnapshot(state: CaptionState, snapshot: SessionSnapshot): CaptionState {
  const first = snapshot.finals[0] ?? snapshot.partial;
  const isOlder = (row: CaptionRow) => snapshot.truncated && first !== null && row.startMs < first.start_ms;
  const rows = snapshot.recovered
    ? state.rows
    : state.rows.filter((row) => row.kind === "gap" || isOlder(row));
  const hasEarlier = state.hasEarlier || (snapshot.truncated && rows.length === 0);
  // What was translated before is not waited for: what there is comes with the snapshot.
  let next: CaptionState = { ...state, rows, hasEarlier, targets: [] };
  for (const event of snapshot.finals) next = reduce(next, event);
  next = { ...next, targets: snapshot.targets };
  if (snapshot.partial) next = reduce(next, snapshot.partial);
  for (const event of snapshot.translations) next = reduce(next, event);
  return next;
}

// --- rows ---------------------------------------------------------------------------------------------------

function isBetter([a, b]: [number, number], [knownA, knownB]: [number, number]): boolean {
  return a > knownA || (a === knownA && b > knownB);
}

/** Searched from the end: nearly everything that happens concerns the newest. */
function indexOf(rows: readonly CaptionRow[], id: string): number {
  return rows.findLastIndex((row) => row.kind === "segment" && row.id === id);
}

function segmentAt(rows: readonly CaptionRow[], at: number): Segment | undefined {
  const row = rows[at];
  return row?.kind === "segment" ? row : undefined;
}

function isBefore(one: CaptionRow, other: CaptionRow): boolean {
  if (one.startMs !== other.startMs) return one.startMs < other.startMs;
  if (one.kind !== other.kind) return one.kind === "segment";
  return one.id < other.id;
}

/** With `row` in its place, instead of that at `at` if there is one. */
function placed(rows: readonly CaptionRow[], at: number, row: CaptionRow): CaptionRow[] {
  const others = at < 0 ? [...rows] : rows.toSpliced(at, 1);
  const to = others.findLastIndex((other) => isBefore(other, row)) + 1;
  others.splice(to, 0, row);
  return others;
}

function trimmed(state: CaptionState): CaptionState {
  if (state.rows.length <= MAX_ROWS + SLACK_ROWS) return state;
  const rows = state.rows.slice(-MAX_ROWS);
  return { ...state, rows, hasEarlier: true, horizonMs: rows[0]?.startMs ?? 0 };
}

type Strays = CaptionState["strays"];

function without(strays: Strays, id: string): Strays {
  if (!strays.has(id)) return strays;
  const rest = new Map(strays);
  rest.delete(id);
  return rest;
}

/** As the newest of them; the oldest goes if there are too many. */
function withStray(strays: Strays, id: string, translations: Segment["translations"]): Strays {
  const next = new Map(without(strays, id)).set(id, translations);
  const [oldest] = next.keys();
  if (next.size > MAX_STRAYS && oldest !== undefined) next.delete(oldest);
  return next;
}
