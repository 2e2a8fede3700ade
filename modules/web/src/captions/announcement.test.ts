import { describe, expect, it } from "vitest";
import { unheard } from "./announcement";
import { ORIGINAL } from "./languages";
import { type CaptionState, NO_CAPTIONS, type Segment } from "./state";

function segment(id: string, fields: Partial<Segment> = {}): Segment {
  return {
    kind: "segment",
    id,
    startMs: 0,
    endMs: 1,
    language: "en",
    speaker: null,
    stableText: `Sentence ${id}.`,
    unstableText: "",
    isFinal: true,
    revision: 1,
    translations: {},
    expected: [],
    ...fields,
  };
}

function stateOf(...rows: Segment[]): CaptionState {
  return { ...NO_CAPTIONS, rows };
}

describe("unheard", () => {
  it("reads finals once, in order, and no drafts", () => {
    const first = unheard(stateOf(segment("a"), segment("b", { isFinal: false })), ORIGINAL, new Set());
    expect(first.text).toBe("Sentence a.");
    const second = unheard(stateOf(segment("a"), segment("b"), segment("c")), ORIGINAL, first.heard);
    expect(second.text).toBe("Sentence b. Sentence c.");
    expect(unheard(stateOf(segment("c")), ORIGINAL, second.heard).text).toBe("");
  });

  it("takes what was there before as heard", () => {
    const { heard } = unheard(stateOf(segment("a")), ORIGINAL, null);
    expect(unheard(stateOf(segment("a"), segment("b")), ORIGINAL, heard).text).toBe("Sentence b.");
  });

  it("reads a translation when it is final, under the code that the session has for it", () => {
    const es = { text: "Hola.", isFinal: true, revision: 1 };
    const state = stateOf(segment("a", { translations: { es } }), segment("b"));
    expect(unheard(state, "es-AR", new Set()).text).toBe("Hola.");
  });

  it("leaves out the older of too much, but no part of a sentence", () => {
    const long = segment("long", { stableText: "x".repeat(900) });
    const { text } = unheard(stateOf(segment("a"), long), ORIGINAL, new Set());
    expect(text).toBe(`… ${"x".repeat(900)}`);
  });
});
