import { expect, test } from "vitest";
import { findIn, MAX_HITS, SPOKEN, search } from "./search";
import type { Segment } from "./segments";

const found = (text: string, wanted: string) =>
  findIn(text, wanted).map(([start, end]) => text.slice(start, end));

test.each([
  ["The Meeting starts", "meeting", ["Meeting"]],
  ["La reunión", "reunion", ["reunión"]],
  ["La reunion", "REUNIÓN", ["reunion"]],
  ["reunio\u0301n ya", "reunión", ["reunio\u0301n"]],
  ["Straße, straße", "STRAßE", ["Straße", "straße"]],
  ["the ﬁnal", "fi", ["ﬁ"]],
  ["مُحَمَّد هنا", "محمد", ["مُحَمَّد"]],
  ["会议九点", "九点", ["九点"]],
  ["👋 hi 👋", "👋", ["👋", "👋"]],
  ["aaaa", "aa", ["aa", "aa"]],
  ["nothing", "x", []],
  ["nothing", "  ", []],
])("in %j, %j finds %j", (text, wanted, hits) => {
  expect(found(text, wanted)).toEqual(hits);
});

test("vowel signs of Indic scripts are letters", () => {
  expect(found("कि", "की")).toEqual([]);
});

const segment = (text: string, texts: Segment["texts"] = null): Segment => ({
  segment_id: text,
  text,
  texts,
  start_ms: 0,
  end_ms: 0,
  language: "en",
  confidence: 1,
  speaker: null,
  words: [],
});

test("what was said and the translations that are shown are searched, in reading order", () => {
  const segments = [segment("a cat", { es: "un gato", de: "eine Katze" }), segment("gato", { es: null })];
  expect(search(segments, ["es"], "gato")).toEqual([
    { segment: 0, lane: "es", start: 3, end: 7 },
    { segment: 1, lane: SPOKEN, start: 0, end: 4 },
  ]);
  expect(search(segments, [], "katze")).toEqual([]);
});

test("the search ends at its limit", () => {
  expect(search([segment("e".repeat(MAX_HITS + 5))], [], "e")).toHaveLength(MAX_HITS);
});
