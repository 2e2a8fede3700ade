import type { ConfigField, ConfigSection } from "./schema";

/** What somebody has typed, by path; null takes the value out of the scope. What is not in it stays as it is. */
export type Draft = ReadonlyMap<string, string | readonly string[] | null>;

/** Why a typed value cannot be: a key of the catalogue and what it tells. */
export type Fault =
  | { readonly key: "notNumber" | "notInteger" | "notJson" | "pattern" }
  | { readonly key: "range"; readonly min: string; readonly max: string }
  | { readonly key: "choices"; readonly choices: string }
  | { readonly key: "tooLong"; readonly max: number };

/** A value as it stands in a field. */
export function toText(field: ConfigField, value: unknown): string {
  if (value === undefined || value === null) return "";
  if (field.kind === "json") return JSON.stringify(value, null, 2);
  return Array.isArray(value) ? value.join(", ") : String(value);
}

const items = (text: string) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

/** What was typed, as JSON has it; or what is wrong with it. The server has the last word. */
export function parse(
  field: ConfigField,
  typed: string | readonly string[],
): { readonly value: unknown } | { readonly fault: Fault } {
  if (typeof typed !== "string") return { value: [...typed] };
  switch (field.kind) {
    case "boolean":
      return { value: typed === "true" };
    case "number":
      return parseNumber(field, typed);
    case "list":
    case "languages":
      return parseList(field, items(typed));
    case "json":
      try {
        return { value: JSON.parse(typed) };
      } catch {
        return { fault: { key: "notJson" } };
      }
    default:
      return parseText(field, typed);
  }
}

function parseNumber(field: ConfigField, typed: string): { value: number } | { fault: Fault } {
  const value = Number(typed.trim().replace(",", "."));
  if (typed.trim() === "" || !Number.isFinite(value)) return { fault: { key: "notNumber" } };
  if (field.isInteger && !Number.isInteger(value)) return { fault: { key: "notInteger" } };
  const { min = -Infinity, max = Infinity } = field;
  if (value < min || value > max) {
    return { fault: { key: "range", min: String(field.min ?? "−∞"), max: String(field.max ?? "∞") } };
  }
  return { value };
}

function parseList(field: ConfigField, value: string[]): { value: string[] } | { fault: Fault } {
  const { choices, pattern } = field;
  if (choices && value.some((item) => !choices.includes(item))) {
    return { fault: { key: "choices", choices: choices.join(", ") } };
  }
  if (pattern && value.some((item) => !new RegExp(pattern, "u").test(item)))
    return { fault: { key: "pattern" } };
  return { value };
}

function parseText(field: ConfigField, typed: string): { value: string } | { fault: Fault } {
  if (field.maxLength !== undefined && typed.length > field.maxLength) {
    return { fault: { key: "tooLong", max: field.maxLength } };
  }
  if (field.pattern && !new RegExp(field.pattern, "u").test(typed)) return { fault: { key: "pattern" } };
  return { value: typed };
}

/** The faults of a draft, by path. */
export function faultsOf(sections: readonly ConfigSection[], draft: Draft): Map<string, Fault> {
  const faults = new Map<string, Fault>();
  for (const field of sections.flatMap((section) => section.fields)) {
    const typed = draft.get(field.path);
    if (typed === undefined || typed === null) continue;
    const parsed = parse(field, typed);
    if ("fault" in parsed) faults.set(field.path, parsed.fault);
  }
  return faults;
}

/** The draft as a merge patch (RFC 7396); only for a draft without faults. */
export function patchOf(
  sections: readonly ConfigSection[],
  draft: Draft,
): Record<string, Record<string, unknown>> {
  const patch: Record<string, Record<string, unknown>> = {};
  for (const field of sections.flatMap((section) => section.fields)) {
    const typed = draft.get(field.path);
    if (typed === undefined) continue;
    const parsed = typed === null ? { value: null } : parse(field, typed);
    if (!("value" in parsed)) continue;
    patch[field.section] = { ...patch[field.section], [field.name]: parsed.value };
  }
  return patch;
}
