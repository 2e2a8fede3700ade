import { describe, expect, it } from "vitest";
import { missingLanguages, shownLanguages, toggled, usualLanguages } from "./choice";
import { newestLines } from "./lines";
import { isLoopback } from "./loopback";

describe("languages of a reader", () => {
  it("are what is said, and their own where there is that", () => {
    const offer = { targets: ["es", "pt-BR"], spoken: "en" };
    expect(usualLanguages(offer, ["pt", "en"])).toEqual(["original", "pt-BR"]);
    expect(usualLanguages(offer, ["en-GB", "es"])).toEqual(["original"]);
    expect(usualLanguages({ targets: ["es"], spoken: null }, ["es-AR"])).toEqual(["original", "es"]);
    expect(usualLanguages(offer, ["fi"])).toEqual(["original"]);
  });

  it("fall back to what is said, and tell what is missing", () => {
    expect(shownLanguages(["fr"], ["es"])).toEqual(["original"]);
    expect(missingLanguages(["fr", "original", "es"], ["es"])).toEqual(["fr"]);
    expect(shownLanguages(["es-AR", "es"], ["es"])).toEqual(["es"]);
  });

  it("are taken in and out in the session's order, and one stays", () => {
    expect(toggled(["es"], "original", ["es", "de"])).toEqual(["original", "es"]);
    expect(toggled(["original", "es"], "original", ["es"])).toEqual(["es"]);
    expect(toggled(["es"], "es", ["es"])).toEqual(["es"]);
  });
});

describe("newestLines", () => {
  it("leaves out what there is not in the language", () => {
    const base = {
      kind: "segment",
      startMs: 0,
      endMs: 1,
      language: "en",
      speaker: null,
      revision: 1,
    } as const;
    const more = { unstableText: "", isFinal: true, expected: [] };
    const es = { text: "Hola.", isFinal: false, revision: 1 };
    const rows = [
      { ...base, ...more, id: "a", stableText: "A.", translations: {} },
      { ...base, ...more, id: "b", stableText: "B.", translations: { es } },
      { kind: "gap", id: "g", startMs: 1, endMs: 2, reason: "lost" } as const,
      { ...base, ...more, id: "c", stableText: "", translations: {} },
    ];
    expect(newestLines(rows, "original", 2).map((line) => line.stableText)).toEqual(["A.", "B."]);
    expect(newestLines(rows, "es", 2)).toEqual([
      { id: "b", language: "es", stableText: "", unstableText: "Hola." },
    ]);
  });
});

describe("names", () => {
  it("of loopback are known", () => {
    for (const name of ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"]) expect(isLoopback(name)).toBe(true);
    for (const name of ["192.168.1.4", "laptop.local", "127.0.0.1.example.org"]) {
      expect(isLoopback(name)).toBe(false);
    }
  });
});
