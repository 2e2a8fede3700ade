import type { Schemas } from "~/api/rest";

/** Sections of the runtime configuration, such as `whisper`. */
type SectionName = keyof Schemas["ConfigValues"];

/** A value that a scope can set, as its JSON Schema describes it. */
export interface ConfigField {
  /** `section.name`, unique. */
  readonly path: string;
  readonly section: SectionName;
  readonly name: string;
  readonly kind: "boolean" | "number" | "text" | "choice" | "list" | "languages" | "json";
  readonly isInteger: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Of a choice, or of the items of a list. */
  readonly choices?: readonly string[];
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly unit: "ms" | "s" | "";
  /** In English, as the API documents it. */
  readonly about: string;
}

export interface ConfigSection {
  readonly name: SectionName;
  readonly about: string;
  readonly fields: readonly ConfigField[];
}

/** What a preset may set; the rest is of the whole installation. */
const OF_PRESETS: readonly SectionName[] = ["voice_activity", "recognition", "partials"];

type Json = Record<string, unknown>;

const object = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});
const text = (value: unknown) => (typeof value === "string" ? value : "");
const number = (value: unknown) => (typeof value === "number" ? value : undefined);
const strings = (value: unknown) => (Array.isArray(value) ? value.map(String) : undefined);

/** The sections and fields of `GET /v1/config/schema`. A field of a form that is not known is edited as JSON. */
export function readSchema(schema: unknown): ConfigSection[] {
  const definitions = object(object(schema).$defs);
  const resolve = (node: Json): Json => {
    const name = text(node.$ref).split("/").pop();
    return name ? { ...object(definitions[name]), ...node } : node;
  };
  return Object.entries(object(object(schema).properties)).map(([name, node]) => {
    const section = resolve(object(node));
    const fields = Object.entries(object(section.properties)).map(([field, value]) =>
      readField(name as SectionName, field, resolve(object(value))),
    );
    return { name: name as SectionName, about: text(section.description), fields };
  });
}

/** Those sections that a preset can set. */
export function presetSections(sections: readonly ConfigSection[]): ConfigSection[] {
  return sections.filter((section) => OF_PRESETS.includes(section.name));
}

function readField(section: SectionName, name: string, node: Json): ConfigField {
  const variants = Array.isArray(node.anyOf) ? node.anyOf.map(object) : [node];
  const type = variants.find((variant) => variant.type !== "null") ?? node;
  const items = object(type.items);
  const choices = strings(type.enum) ?? strings(items.enum);
  const min = number(type.minimum) ?? number(type.exclusiveMinimum);
  const max = number(type.maximum) ?? number(type.exclusiveMaximum);
  const maxLength = number(type.maxLength);
  const pattern = text(type.pattern) || text(items.pattern);
  return {
    path: `${section}.${name}`,
    section,
    name,
    kind: kindOf(name, type, choices),
    isInteger: type.type === "integer",
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(choices === undefined ? {} : { choices }),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(pattern === "" ? {} : { pattern }),
    unit: name.endsWith("_ms") ? "ms" : name.endsWith("_s") ? "s" : "",
    about: text(node.description),
  };
}

function kindOf(name: string, type: Json, choices: readonly string[] | undefined): ConfigField["kind"] {
  if (type.type === "boolean") return "boolean";
  if (type.type === "integer" || type.type === "number") return "number";
  if (type.type === "array") return name === "targets" ? "languages" : "list";
  if (type.type === "string") return choices ? "choice" : "text";
  return "json";
}
