import i18next, { type TFunction } from "i18next";
import { beforeAll, describe, expect, it } from "vitest";
import english from "../../locales/en/bots.json";
import { causeWords, endWords, remedyOf } from "./words";

let t: TFunction<"bots">;

beforeAll(async () => {
  const i18n = i18next.createInstance();
  await i18n.init({ lng: "en", resources: { en: { bots: english } }, defaultNS: "bots" });
  t = i18n.getFixedT("en", "bots");
});

describe("causeWords", () => {
  it("says in plain words what the catalogue knows", () => {
    expect(causeWords(t, { code: "unreachable", message: "the source cannot be reached" })).toBe(
      "Nothing answers at this link",
    );
  });

  it("leaves to the server what it does not know, and says nothing where there is nothing to say", () => {
    expect(causeWords(t, { code: "brand_new", message: "something odd" })).toBe("something odd");
    expect(causeWords(t, { code: "brand_new", message: "" })).toBe("brand_new");
    expect(causeWords(t, { code: "active", message: "" })).toBe("");
  });
});

it("tells why a bot ended, and nothing of one that did not", () => {
  expect(endWords(t, { completion: "alone" })).toBe("It was alone in the meeting.");
  expect(endWords(t, { completion: null })).toBe("");
});

it.each([
  ["address_forbidden", "setting"],
  ["page_crashed", "crash"],
  ["not_admitted", "admit"],
  ["brand_new", "log"],
])("has a remedy for %s", (code, remedy) => {
  expect(remedyOf(code)).toBe(remedy);
  expect(english.remedies).toHaveProperty(remedy);
});
