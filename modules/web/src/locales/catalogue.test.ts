import { describe, expect, it } from "vitest";

type Texts = { readonly [key: string]: string | Texts };

const files = import.meta.glob<{ default: Texts }>("./*/*.json", { eager: true });
const catalogues = Object.entries(files).map(([path, file]) => {
  const [, language = "", namespace = ""] = /\.\/(\w+)\/(\w+)\.json$/.exec(path) ?? [];
  return { language, namespace, texts: flatten(file.default) };
});
const english = new Map(
  catalogues.filter(({ language }) => language === "en").map(({ namespace, texts }) => [namespace, texts]),
);

function flatten(texts: Texts, prefix = ""): Map<string, string> {
  return new Map(
    Object.entries(texts).flatMap(([key, value]) =>
      typeof value === "string"
        ? [[`${prefix}${key}`, value] as const]
        : [...flatten(value, `${prefix}${key}.`)],
    ),
  );
}

const places = (text: string) =>
  [...text.matchAll(/\{\{(\w+)\}\}|<\/?(\w+)>/g)].map((found) => found[0]).sort();

describe("the catalogue", () => {
  it("has the same pages in every language", () => {
    for (const language of ["es", "de"]) {
      const own = catalogues.filter((one) => one.language === language).map((one) => one.namespace);
      expect(own.sort()).toEqual([...english.keys()].sort());
    }
  });

  it.each(catalogues.filter(({ language }) => language !== "en"))(
    "says in $language everything that $namespace says in English",
    ({ namespace, texts }) => {
      const original = english.get(namespace) ?? new Map<string, string>();
      // Spanish has a plural of its own for millions, which is the other one in English.
      const keys = [...texts.keys()].filter((key) => !key.endsWith("_many"));
      expect(keys.sort()).toEqual([...original.keys()].sort());
      for (const [key, text] of texts) {
        expect(text.trim(), key).not.toBe("");
        expect(places(text), key).toEqual(places(original.get(key.replace(/_many$/, "_other")) ?? ""));
      }
    },
  );
});
