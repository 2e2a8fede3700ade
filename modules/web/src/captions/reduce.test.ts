import type { SessionSnapshot, TranscriptFinal, TranscriptPartial, TranslationFinal } from "@dragoman/client";
import { describe, expect, it } from "vitest";
import { MAX_ROWS, reduce } from "./reduce";
import { type CaptionEvent, type CaptionState, NO_CAPTIONS, type Segment } from "./state";

function partial(n: number, revision: number, stable: string, unstable = ""): TranscriptPartial {
  return {
    type: "transcript.partial",
    segment_id: `s${n}`,
    revision,
    text: `${stable} ${unstable}`.trim(),
    stable_text: stable,
    unstable_text: unstable,
    start_ms: n * 1000,
    end_ms: n * 1000 + 900,
    language: "en",
    speaker: null,
    confidence: 1,
    words: [],
  };
}

function final(n: number, revision: number, text: string): TranscriptFinal {
  const { stable_text: _, unstable_text: __, ...rest } = partial(n, revision, text);
  return { ...rest, type: "transcript.final" };
}

function draft(n: number, revision: number, language: string, text: string): CaptionEvent {
  return {
    type: "translation.partial",
    segment_id: `s${n}`,
    revision,
    target_language: language,
    source_language: "en",
    text,
  };
}

function translated(n: number, revision: number, language: string, text: string): TranslationFinal {
  return {
    type: "translation.final",
    segment_id: `s${n}`,
    revision,
    target_language: language,
    source_language: "en",
    text,
    start_ms: n * 1000,
    end_ms: n * 1000 + 900,
    engine: "mock",
    glossary_missed: [],
  };
}

function failed(n: number, revision: number, language: string, permanent: boolean): CaptionEvent {
  return {
    type: "translation.failed",
    segment_id: `s${n}`,
    revision,
    target_language: language,
    code: "engine_unavailable",
    message: "away",
    permanent,
  };
}

function gap(startMs: number): CaptionEvent {
  return { type: "audio.gap", start_ms: startMs, end_ms: startMs + 500, reason: "lost" };
}

function snapshot(fields: Partial<SessionSnapshot>): SessionSnapshot {
  return {
    type: "session.snapshot",
    session_id: "x",
    status: "live",
    recovered: true,
    truncated: false,
    targets: [],
    finals: [],
    partial: null,
    translations: [],
    ...fields,
  };
}

function told(events: readonly CaptionEvent[], state = NO_CAPTIONS): CaptionState {
  return events.reduce(reduce, state);
}

function segments({ rows }: CaptionState): Segment[] {
  return rows.filter((row) => row.kind === "segment");
}

function texts(state: CaptionState): string[] {
  return segments(state).map((segment) => `${segment.stableText}|${segment.unstableText}`);
}

/** A small generator of numbers, so that a failure can be seen again. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("transcripts", () => {
  it("replaces a draft by the next one, and by the final", () => {
    const first = told([partial(1, 1, "", "the")]);
    expect(texts(first)).toEqual(["|the"]);
    const second = told([partial(1, 2, "the", "meeting")], first);
    expect(texts(second)).toEqual(["the|meeting"]);
    const third = told([final(1, 3, "The meeting.")], second);
    expect(texts(third)).toEqual(["The meeting.|"]);
    expect(segments(third)[0]?.isFinal).toBe(true);
  });

  it("lets no late draft replace a final, whatever its revision says", () => {
    const done = told([final(1, 3, "Done.")]);
    expect(told([partial(1, 2, "old")], done)).toBe(done);
    expect(told([partial(1, 9, "old")], done)).toBe(done);
  });

  it("takes what it has already for nothing new", () => {
    const events = [partial(1, 1, "a"), final(1, 2, "A."), translated(1, 2, "es", "B."), gap(9000)];
    const once = told(events);
    expect(told(events, once)).toBe(once);
  });

  it("takes a final of which no draft came, and puts an older one before it", () => {
    expect(texts(told([final(2, 1, "second"), final(1, 1, "first")]))).toEqual(["first|", "second|"]);
  });

  it("keeps the other rows as they are when one changes", () => {
    const before = told([final(1, 1, "one"), final(2, 1, "two"), partial(3, 1, "thr")]);
    const later = told([partial(3, 2, "three")], before);
    expect(later.rows[0]).toBe(before.rows[0]);
    expect(later.rows[1]).toBe(before.rows[1]);
    expect(later.rows[2]).not.toBe(before.rows[2]);
  });

  it("puts a gap where it happened, once, and behind the words that began with it", () => {
    const state = told([final(1, 1, "one"), final(3, 1, "three"), gap(1000), gap(2000), gap(2000)]);
    expect(state.rows.map((row) => row.kind)).toEqual(["segment", "gap", "gap", "segment"]);
  });
});

describe("translations", () => {
  it("belong to their segment also if they come before it", () => {
    const state = told([translated(1, 2, "es", "Hola."), final(1, 2, "Hello.")]);
    expect(segments(state)[0]?.translations.es).toMatchObject({ text: "Hola.", isFinal: true });
    expect(state.strays.size).toBe(0);
  });

  it("go from draft to failed to final, and never back", () => {
    const ready = told([final(1, 2, "Hello.")]);
    const drafted = told([draft(1, 1, "es", "Ho")], ready);
    const late = told([failed(1, 2, "es", false)], drafted);
    expect(segments(late)[0]?.translations.es?.failed).toBe("for-now");
    const done = told([translated(1, 2, "es", "Hola.")], late);
    expect(segments(done)[0]?.translations.es).toMatchObject({ text: "Hola.", isFinal: true });
    expect(told([draft(1, 1, "es", "Ho"), failed(1, 2, "es", true)], done)).toBe(done);
  });

  it("are waited for in the languages of the time only", () => {
    const targets: CaptionEvent = { type: "session.targets", targets: ["es"], on_demand: false };
    const state = told([final(1, 1, "before"), targets, partial(2, 1, "now")]);
    expect(segments(state).map((segment) => segment.expected)).toEqual([[], ["es"]]);
    expect(state.targets).toEqual(["es"]);
  });

  it("without a segment are not kept without end", () => {
    const events = Array.from({ length: 1000 }, (_, n) => draft(n, 1, "es", "x"));
    expect(told(events).strays.size).toBe(200);
  });
});

describe("any order", () => {
  const events: CaptionEvent[] = [];
  for (let n = 0; n < 40; n += 1) {
    for (let revision = 1; revision < 5; revision += 1)
      events.push(partial(n, revision, "w".repeat(revision), "u"));
    for (const code of ["es", "ar"]) events.push(draft(n, 3, code, "d"), failed(n, 5, code, n % 7 === 0));
    if (n % 5 > 0) events.push(translated(n, 5, "es", `es ${n}`));
    events.push(final(n, 5, `final ${n}`));
    if (n % 10 === 0) events.push(gap(n * 1000 + 950));
  }
  const inOrder = told(events);

  it.each(Array.from({ length: 25 }, (_, seed) => seed))("ends the same with duplicates, seed %i", (seed) => {
    const random = chance(seed + 1);
    const doubled = [...events, ...events.filter(() => random() < 0.4)];
    const shuffled = doubled
      .map((event) => ({ event, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ event }) => event);
    const state = told(shuffled);
    expect(state.rows).toEqual(inOrder.rows);
    expect(segments(state).every((segment) => segment.isFinal)).toBe(true);
  });
});

describe("snapshots", () => {
  it("bring what was said before and go on from there", () => {
    const state = told([
      snapshot({
        finals: [final(1, 2, "One.")],
        partial: partial(2, 1, "tw"),
        translations: [translated(1, 2, "es", "Uno.")],
        targets: ["es"],
        truncated: true,
      }),
      final(2, 2, "Two."),
    ]);
    expect(texts(state)).toEqual(["One.|", "Two.|"]);
    expect(segments(state).map((segment) => segment.expected)).toEqual([[], ["es"]]);
    expect(state.hasEarlier).toBe(true);
  });

  it("of a server that has lost words replace them, but not what is older than they reach", () => {
    const before = told([final(1, 2, "One."), final(2, 2, "Two."), final(3, 2, "Three."), gap(2500)]);
    const reset = snapshot({ recovered: false, truncated: true, finals: [final(2, 1, "Two again.")] });
    const state = told([{ type: "reset", reason: "history-lost", snapshot: reset }], before);
    expect(texts(state)).toEqual(["One.|", "Two again.|"]);
    expect(state.rows.some((row) => row.kind === "gap")).toBe(true);
  });

  it("for other languages take nothing away", () => {
    const before = told([final(1, 2, "One."), translated(1, 2, "es", "Uno.")]);
    const reset = snapshot({
      finals: [final(1, 2, "One.")],
      translations: [translated(1, 2, "de", "Eins.")],
    });
    const state = told([{ type: "reset", reason: "languages", snapshot: reset }], before);
    expect(Object.keys(segments(state)[0]?.translations ?? {})).toEqual(["es", "de"]);
  });
});

describe("what is around the words", () => {
  it("is told and taken back", () => {
    const troubled = told([
      { type: "session.lag", lag_ms: 4000, reason: "behind" },
      { type: "session.degraded", level: 1, reason: "drop_partials" },
      { type: "speech.started", start_ms: 1 },
      { type: "session.presence", speakers: 1, viewers: 2 },
    ]);
    expect(troubled).toMatchObject({ lag: { ms: 4000 }, degraded: { level: 1 }, isSpeaking: true });
    const well = told(
      [
        { type: "session.lag", lag_ms: 0, reason: "caught up" },
        { type: "session.degraded", level: 0, reason: "recovered" },
        { type: "speech.ended", end_ms: 2 },
      ],
      troubled,
    );
    expect(well).toMatchObject({ lag: null, degraded: null, isSpeaking: false, presence: { viewers: 2 } });
  });

  it("leaves acknowledgements of audio alone", () => {
    const ack: CaptionEvent = { type: "audio.ack", received_ms: 1, committed_ms: 1, received_bytes: 1 };
    expect(told([ack])).toBe(NO_CAPTIONS);
  });

  it("tells audio that no server has received as a gap", () => {
    const dropped = { fromBytes: 0, toBytes: 10, startMs: 0, endMs: 900 };
    const state = told([
      { type: "tail-dropped", reason: "full", ...dropped },
      { type: "tail-dropped", reason: "session-ended", ...dropped },
    ]);
    expect(state.rows).toMatchObject([{ kind: "gap", reason: "not-sent" }]);
  });
});

describe("hours of captions", () => {
  it("keep a bounded number of rows, and what was dropped stays away", () => {
    let state = NO_CAPTIONS;
    for (let n = 0; n < 5 * MAX_ROWS; n += 1) {
      state = told([partial(n, 1, "a"), final(n, 2, "A."), translated(n, 2, "es", "B.")], state);
      expect(state.rows.length).toBeLessThanOrEqual(MAX_ROWS + 100);
    }
    expect(state.hasEarlier).toBe(true);
    expect(segments(state).at(-1)?.id).toBe(`s${5 * MAX_ROWS - 1}`);
    expect(told([final(3, 9, "late"), translated(3, 9, "es", "tarde"), gap(3000)], state)).toBe(state);
    expect(state.strays.size).toBe(0);
  });
});
