import { describe, expect, it } from "vitest";
import { faultsOf, parse, patchOf, toText } from "./draft";
import { type ConfigField, presetSections, readSchema } from "./schema";

const schema = {
  $defs: {
    VoiceActivity: {
      description: "When speech begins and ends.",
      properties: {
        threshold: {
          anyOf: [{ type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 }, { type: "null" }],
        },
        min_silence_ms: { anyOf: [{ type: "integer", minimum: 64, maximum: 5000 }, { type: "null" }] },
      },
    },
    Session: {
      properties: {
        targets: {
          anyOf: [{ type: "array", items: { type: "string", pattern: "^[a-z-]+$" } }, { type: "null" }],
        },
        drafts: { anyOf: [{ type: "boolean" }, { type: "null" }] },
        formality: { anyOf: [{ type: "string", enum: ["formal", "informal"] }, { type: "null" }] },
        hotwords: { anyOf: [{ type: "string", maxLength: 5 }, { type: "null" }] },
      },
    },
    Monitoring: { properties: { rules: { anyOf: [{ type: "object" }, { type: "null" }] } } },
    Degradation: {
      properties: { steps: { anyOf: [{ type: "array", items: { enum: ["a", "b"] } }, { type: "null" }] } },
    },
  },
  properties: {
    voice_activity: { $ref: "#/$defs/VoiceActivity" },
    session: { $ref: "#/$defs/Session" },
    monitoring: { $ref: "#/$defs/Monitoring" },
    degradation: { $ref: "#/$defs/Degradation" },
  },
};

const sections = readSchema(schema);

function field(path: string): ConfigField {
  const found = sections.flatMap((section) => section.fields).find((one) => one.path === path);
  if (!found) throw new Error(path);
  return found;
}

describe("the schema", () => {
  it("tells each field's kind, bounds and unit", () => {
    expect(field("voice_activity.min_silence_ms")).toMatchObject({
      kind: "number",
      isInteger: true,
      min: 64,
      max: 5000,
      unit: "ms",
    });
    expect(field("session.targets").kind).toBe("languages");
    expect(field("session.drafts").kind).toBe("boolean");
    expect(field("session.formality")).toMatchObject({ kind: "choice", choices: ["formal", "informal"] });
    expect(field("monitoring.rules").kind).toBe("json");
    expect(field("degradation.steps")).toMatchObject({ kind: "list", choices: ["a", "b"] });
  });

  it("leaves presets what presets can set", () => {
    expect(presetSections(sections).map((section) => section.name)).toEqual(["voice_activity"]);
  });
});

describe("what is typed", () => {
  it.each([
    ["voice_activity.min_silence_ms", "700", 700],
    ["voice_activity.threshold", "0,6", 0.6],
    ["session.drafts", "false", false],
    ["session.formality", "formal", "formal"],
    ["degradation.steps", "b, a", ["b", "a"]],
    ["session.targets", ["es", "pt-br"], ["es", "pt-br"]],
    ["monitoring.rules", '{"a": 1}', { a: 1 }],
  ])("of %s becomes its value", (path, typed, value) => {
    expect(parse(field(path), typed)).toEqual({ value });
  });

  it.each([
    ["voice_activity.min_silence_ms", "soon", "notNumber"],
    ["voice_activity.min_silence_ms", "70.5", "notInteger"],
    ["voice_activity.min_silence_ms", "63", "range"],
    ["voice_activity.min_silence_ms", "5001", "range"],
    ["session.hotwords", "longer than five", "tooLong"],
    ["degradation.steps", "a, c", "choices"],
    ["session.targets", "ES!", "pattern"],
    ["monitoring.rules", "{", "notJson"],
  ])("of %s is told when it cannot be: %s", (path, typed, key) => {
    expect(parse(field(path), typed)).toMatchObject({ fault: { key } });
    expect(faultsOf(sections, new Map([[path, typed]])).get(path)?.key).toBe(key);
  });

  it("becomes a merge patch, with null for what is taken out", () => {
    const draft = new Map([
      ["voice_activity.min_silence_ms", "700"],
      ["voice_activity.threshold", null],
      ["session.drafts", "true"],
    ]);
    expect(patchOf(sections, draft)).toEqual({
      voice_activity: { min_silence_ms: 700, threshold: null },
      session: { drafts: true },
    });
  });

  it("is shown as it is set", () => {
    expect(toText(field("degradation.steps"), ["a", "b"])).toBe("a, b");
    expect(toText(field("voice_activity.threshold"), undefined)).toBe("");
    expect(toText(field("monitoring.rules"), { a: 1 })).toBe('{\n  "a": 1\n}');
  });
});
