export const FORMATS = ["srt", "vtt", "txt", "json"] as const;
export type Format = (typeof FORMATS)[number];

const MAX_NAME_CHARS = 80;
// What no file system or shell takes kindly, and what would make the file hidden.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNSAFE = /[\\/:*?"<>|\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;

/**
 * A good name for a file of a session: its title, or when it began (now, if that is not known), and the languages in it, such as
 * `Board meeting.en+es.srt`.
 */
export function fileName(
  session: { readonly title: string; readonly created_at?: string },
  format: Format,
  languages: readonly string[],
): string {
  const title = session.title
    .replace(UNSAFE, " ")
    .replace(/\s+/g, " ")
    .replace(/^[\s.]+/, "");
  const name =
    [...title]
      .slice(0, MAX_NAME_CHARS)
      .join("")
      .replace(/[\s.]+$/, "") || `dragoman ${stamp(session.created_at)}`;
  const codes = languages.map((code) => code.replace(/[^A-Za-z0-9-]/g, "")).join("+");
  return `${name}${codes === "" ? "" : `.${codes}`}.${format}`;
}

/** A moment as it can stand in a file's name and sorts well: `2026-11-21 20-34`, in the reader's time. */
function stamp(time: string | undefined): string {
  const at = time === undefined ? new Date() : new Date(time);
  const pad = (value: number) => String(value).padStart(2, "0");
  const day = [at.getFullYear(), pad(at.getMonth() + 1), pad(at.getDate())].join("-");
  return `${day} ${pad(at.getHours())}-${pad(at.getMinutes())}`;
}

/**
 * The languages that a file is asked for in (`language=` of the transcript): none for the text as spoken, one, or
 * two under each other. `spoken` is what the session is mostly spoken in.
 */
export function languagesOf(first: string, second: string, spoken: string | undefined): string[] {
  if (second === "") return first === "" ? [] : [first];
  const upper = first === "" ? spoken : first;
  return upper === undefined || upper === second ? [second] : [upper, second];
}
