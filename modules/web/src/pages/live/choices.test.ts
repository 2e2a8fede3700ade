import { expect, it } from "vitest";
import { type Choices, DEFAULTS, loadChoices, saveChoices } from "./choices";

function storage(text: string | null = null) {
  const kept = { text };
  return {
    kept,
    getItem: () => kept.text,
    setItem: (_: string, value: string) => {
      kept.text = value;
    },
  };
}

it("choices come back as they were made", () => {
  const made: Choices = {
    ...DEFAULTS,
    source: "display",
    targets: ["es", "ar"],
    quality: "opus",
    shortcuts: false,
    microphone: { ...DEFAULTS.microphone, noiseSuppression: true },
  };
  const kept = storage();
  saveChoices(made, kept);
  expect(loadChoices(kept)).toEqual(made);
});

it.each([null, "", "no json", "[]", "null", '{"source": "gramophone", "targets": "es", "microphone": 3}'])(
  "what is stored as %s gives the defaults",
  (text) => {
    expect(loadChoices(storage(text))).toEqual(DEFAULTS);
  },
);

it("an older version's choices keep what is known", () => {
  const old =
    '{"language": "de", "gone": true, "microphone": {"echoCancellation": false}, "targets": ["es", 4]}';
  expect(loadChoices(storage(old))).toEqual({
    ...DEFAULTS,
    language: "de",
    targets: ["es"],
    microphone: { ...DEFAULTS.microphone, echoCancellation: false },
  });
});

it("a storage that is full is no error", () => {
  const full = {
    setItem: () => {
      throw new DOMException("", "QuotaExceededError");
    },
  };
  expect(() => saveChoices(DEFAULTS, full)).not.toThrow();
});
