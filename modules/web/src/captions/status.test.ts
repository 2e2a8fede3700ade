import { DragomanError } from "@dragoman/client";
import { describe, expect, it } from "vitest";
import { type CaptionState, NO_CAPTIONS } from "./state";
import { lostSteps, refusalOf, statusOf } from "./status";

const ledger = { received_ms: 0, transcribed_ms: 0, silence_ms: 0, pending_ms: 0, gap_ms: 0, gaps: [] };
const open: Partial<CaptionState> = { connection: { name: "open" } };
const refused: Partial<CaptionState> = {
  connection: { name: "refused", error: new DragomanError("forbidden", "no") },
};

describe("statusOf", () => {
  it.each<[Partial<CaptionState>, string, string]>([
    [{}, "connecting", "neutral"],
    [{ connection: { name: "connecting", reason: null, error: null } }, "connecting", "neutral"],
    [{ connection: { name: "connecting", reason: "lost", error: null } }, "reconnecting", "warn"],
    [{ connection: { name: "waiting", retryInMs: 9, reason: "lost", error: null } }, "waiting", "warn"],
    [{ ...open, isSpeaking: true }, "live", "good"],
    [open, "quiet", "good"],
    [{ ...open, presence: { speakers: 0, viewers: 1 } }, "nobody", "neutral"],
    [{ connection: { name: "parked" } }, "parked", "neutral"],
    [{ connection: { name: "ended", reason: "end" } }, "ended", "neutral"],
    [{ connection: { name: "ended", reason: "closed" } }, "closed", "neutral"],
    [refused, "refused", "bad"],
    [{ ...refused, ended: { type: "session.ended", reason: "client", ledger } }, "ended", "neutral"],
  ])("tells %o as %s", (state, name, tone) => {
    expect(statusOf({ ...NO_CAPTIONS, ...state })).toEqual({ name, tone });
  });
});

describe("words for codes", () => {
  it("knows some refusals and leaves others to the server's own words", () => {
    expect(refusalOf("forbidden")).toBe("forbidden");
    expect(refusalOf("unsupported_audio")).toBeUndefined();
  });

  it("finds what is done without in a reason", () => {
    expect(lostSteps("the recognisers are overloaded; in effect: drop_partials, smaller_model")).toEqual([
      "drop_partials",
      "smaller_model",
    ]);
    expect(lostSteps("recovered")).toEqual([]);
  });
});
