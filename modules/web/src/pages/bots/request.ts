import type { Schemas } from "~/api/rest";
import { ProblemError } from "~/app/problem";
import { type Way, wholeLink } from "./recognise";

/** What the form holds, as it is typed. */
export interface Wish {
  readonly link: string;
  /** What the user chose; null: what the link was recognised as. */
  readonly way: Way | null;
  /** ISO 639; empty: found by itself. */
  readonly spoken: string;
  readonly targets: readonly string[];
  readonly name: string;
  /** Empty: the configuration's. */
  readonly notice: string;
  readonly title: string;
  /** Local time as `<input type="datetime-local">` has it; empty: now. */
  readonly joinAt: string;
  /** Minutes; empty: the configuration's. */
  readonly lengthMin: string;
}

export const NO_WISH: Wish = {
  link: "",
  way: null,
  spoken: "",
  targets: [],
  name: "",
  notice: "",
  title: "",
  joinAt: "",
  lengthMin: "",
};

/** The request for this wish; `way` is how the bot goes about it. */
export function requestOf(wish: Wish, way: Way): Schemas["CreateBot"] {
  const isBrowser = way !== "media";
  const lengthMin = Number(wish.lengthMin);
  return {
    driver: isBrowser ? "browser" : "media",
    url: wholeLink(wish.link),
    ...(isBrowser ? { recipe: way } : {}),
    ...(isBrowser && wish.name.trim() ? { display_name: wish.name.trim() } : {}),
    ...(isBrowser && wish.notice.trim() ? { notice: wish.notice.trim() } : {}),
    ...(wish.joinAt ? { join_at: new Date(wish.joinAt).toISOString() } : {}),
    ...(lengthMin > 0 ? { limits: { length_s: lengthMin * 60 } } : {}),
    session: {
      ...(wish.title.trim() ? { title: wish.title.trim() } : {}),
      ...(wish.spoken ? { language: wish.spoken } : {}),
      ...(wish.targets.length > 0 ? { translation: { targets: [...wish.targets] } } : {}),
    },
  } as Schemas["CreateBot"];
}

/** Fields of the form that an error can be about. */
export type Field = "link" | "way" | "spoken" | "targets" | "name" | "notice" | "title" | "joinAt" | "length";

const FIELDS: Readonly<Record<string, Field>> = {
  url: "link",
  driver: "way",
  recipe: "way",
  display_name: "name",
  notice: "notice",
  join_at: "joinAt",
  "limits.length_s": "length",
  "session.language": "spoken",
  "session.title": "title",
  "session.translation": "targets",
  "session.translation.targets": "targets",
};
const FIELDS_BY_CODE: Readonly<Record<string, Field>> = {
  address_forbidden: "link",
  unknown_language: "targets",
};
/** `url: it is no URL`, or `the request is not valid: body.url: …` */
const PLACE = /^(?:the request is not valid: )?(?:body\.)?([a-z_]+(?:\.[a-z_]+)*)(?:\.\d+)?: (.+)$/s;

/** The field that the API complains about, and its words with what can be done; null where it names none. */
export function fieldError(error: unknown): { field: Field; message: string } | null {
  if (!(error instanceof ProblemError) || error.status !== 422) return null;
  const [, place = "", told = ""] = PLACE.exec(error.message) ?? [];
  const field = FIELDS[place] ?? FIELDS_BY_CODE[error.code];
  if (field === undefined) return null;
  const what = FIELDS[place] ? told : error.message;
  return { field, message: sentences(what, error.remedy) };
}

function sentences(...parts: string[]): string {
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1) + (/[.!?]$/.test(part) ? "" : "."))
    .join(" ");
}

/** Names a request: sent twice with the same key it gives the same bot. (`randomUUID` needs https.) */
export function requestKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `page-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
