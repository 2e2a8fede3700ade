import { expect, it } from "vitest";
import { type Capabilities, canTranslate, spokenLanguages, targetLanguages } from "./capabilities";

function capabilities(pairs: [string, string][], more: Partial<Capabilities> = {}): Capabilities {
  return {
    version: "1",
    profile: "cpu",
    spoken: ["en", "es"],
    detects_language: true,
    pairs: pairs.map(([source, target]) => ({ source, target })),
    recording: false,
    limits: { max_targets: 20, max_frame_bytes: 1, max_upload_bytes: 1, viewer_token_ttl_s: 1 },
    problems: { whisper: null, translation: null },
    ...more,
  };
}

it("a target has a translator if a pair leads there from what is spoken", () => {
  const known = capabilities([["en", "es"]]);
  expect(canTranslate(known, "en", "es")).toBe(true);
  expect(canTranslate(known, "en", "es-AR")).toBe(true);
  expect(canTranslate(known, "", "es")).toBe(true);
  expect(canTranslate(known, "en", "fr")).toBe(false);
  expect(canTranslate(known, "de", "es")).toBe(false);
});

it("a pair of any language leads everywhere", () => {
  expect(canTranslate(capabilities([["*", "*"]]), "de", "ja")).toBe(true);
});

it("what is spoken needs no translator", () => {
  expect(canTranslate(capabilities([]), "en", "en-GB")).toBe(true);
});

it("nobody is told that a language cannot be had while that is not known", () => {
  expect(canTranslate(undefined, "en", "fr")).toBe(true);
  const away = capabilities([], { problems: { whisper: null, translation: "away" } });
  expect(canTranslate(away, "en", "fr")).toBe(true);
});

it("languages that are offered come from the server, and common ones while it tells none", () => {
  expect(spokenLanguages(capabilities([]))).toEqual(["en", "es"]);
  expect(spokenLanguages(undefined)).toContain("de");
  expect(spokenLanguages(undefined)).not.toContain("pt-BR");
  expect(targetLanguages(capabilities([["en", "eu"]]))).toContain("eu");
  expect(targetLanguages(capabilities([["*", "*"]]))).not.toContain("*");
});
