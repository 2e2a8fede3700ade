import { expect, test } from "vitest";
import { fileName, languagesOf } from "./file-name";

const session = (title: string) => ({ title, created_at: "2026-11-21T20:34:00" });

test.each([
  ["Board meeting", "srt", [], "Board meeting.srt"],
  ["Board meeting", "srt", ["es"], "Board meeting.es.srt"],
  ["Board meeting", "vtt", ["en", "pt-BR"], "Board meeting.en+pt-BR.vtt"],
  ["Reunión 3/4: ¿sí?", "txt", [], "Reunión 3 4 ¿sí.txt"],
  ["../../etc/passwd", "txt", [], "etc passwd.txt"],
  ["…", "json", [], "….json"],
  ["", "json", [], "dragoman 2026-11-21 20-34.json"],
  ["///", "json", [], "dragoman 2026-11-21 20-34.json"],
] as const)("the %j as %s in %j is %j", (title, format, languages, name) => {
  expect(fileName(session(title), format, languages)).toBe(name);
});

test("a long title is cut, never within a character", () => {
  const name = fileName(session("👋".repeat(200)), "txt", []);
  expect(name).toBe(`${"👋".repeat(80)}.txt`);
});

test("a file is asked for as spoken, in one language or in two", () => {
  expect(languagesOf("", "", "en")).toEqual([]);
  expect(languagesOf("es", "", "en")).toEqual(["es"]);
  expect(languagesOf("", "es", "en")).toEqual(["en", "es"]);
  expect(languagesOf("de", "es", "en")).toEqual(["de", "es"]);
  expect(languagesOf("es", "es", "en")).toEqual(["es"]);
  expect(languagesOf("", "es", undefined)).toEqual(["es"]);
});
