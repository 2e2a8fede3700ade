import { expect, test } from "vitest";
import { mergeTexts, pieces, type Segment, speakerBegins, spokenLanguages, WordClock } from "./segments";

const word = (text: string, start_ms = 0, end_ms = start_ms + 100) => ({
  text,
  start_ms,
  end_ms,
  probability: 1,
});
const segment = (more: Partial<Segment>): Segment => ({
  segment_id: "s1",
  text: "",
  start_ms: 0,
  end_ms: 0,
  language: "en",
  confidence: 1,
  speaker: null,
  words: [],
  texts: null,
  ...more,
});

test("the pieces of a text are its words and what stands between them", () => {
  const cut = pieces("Go, now.", [word(" Go,"), word(" now.")]);
  expect(cut).toEqual([
    { text: "Go,", word: 0 },
    { text: " ", word: null },
    { text: "now.", word: 1 },
  ]);
});

test("languages without spaces are cut at their words", () => {
  expect(pieces("会议九点", [word("会议"), word("九点")]).map((one) => one.word)).toEqual([0, 1]);
});

test("the same word twice is found twice, in order", () => {
  expect(
    pieces("no no no", [word("no"), word("no"), word("no")]).filter((one) => one.word !== null),
  ).toHaveLength(3);
});

test.each([
  ["Twenty one", [word("21")]],
  ["(Hello)", [word("Hello"), word("there")]],
  ["", [word("x")]],
  ["no words", []],
])("joined, the pieces of %j are the text again, whatever the words are", (text, words) => {
  expect(
    pieces(text, words)
      .map((one) => one.text)
      .join(""),
  ).toBe(text);
});

test("translations of several answers come together by segment", () => {
  const merged = mergeTexts([
    [
      segment({ segment_id: "a", texts: { es: "uno", de: "eins" } }),
      segment({ segment_id: "b", texts: { es: "dos" } }),
    ],
    [segment({ segment_id: "a", texts: { fr: "un" } })],
  ]);
  expect(merged.map((one) => one.texts)).toEqual([{ es: "uno", de: "eins", fr: "un" }, { es: "dos" }]);
});

test("the language that is spoken most comes first", () => {
  const spoken = ["es", "en", "en", ""].map((language) => segment({ language }));
  expect(spokenLanguages(spoken)).toEqual(["en", "es"]);
});

test("a speaker is named where another one begins", () => {
  const talk = ["A", "A", "B", null, "B"].map((speaker) => segment({ speaker }));
  expect(talk.map((_, index) => speakerBegins(talk, index))).toEqual([true, false, true, false, true]);
});

test("the word that is spoken at a moment is found, and none in a pause", () => {
  const clock = new WordClock([
    segment({ words: [word("a", 100, 200), word("b", 200, 300)] }),
    segment({ words: [word("c", 1000, 1100)] }),
  ]);
  expect(clock.at(99)).toBeNull();
  expect(clock.at(100)).toMatchObject({ segment: 0, word: 0 });
  expect(clock.at(200)).toMatchObject({ segment: 0, word: 1 });
  expect(clock.at(300)).toBeNull();
  expect(clock.at(1099)).toMatchObject({ segment: 1, word: 0 });
  expect(new WordClock([]).at(0)).toBeNull();
});
