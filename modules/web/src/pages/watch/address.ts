/** What a viewer's address says. The credential is in the fragment, which no browser sends to a server. */

import { type CaptionLanguage, ORIGINAL } from "~/captions/languages";

/** A page to read at, lines for a projector, or lines over a picture. */
type View = "page" | "screen" | "overlay";

export interface ViewOptions {
  readonly view: View;
  /** Lines of text in sight. */
  readonly lines: number;
  /** Height of the letters in percent of the screen's height. */
  readonly size: number;
  readonly position: "bottom" | "top";
  /** `#rrggbb` of a plain background, which a mixer can take out; null: dark. */
  readonly background: string | null;
  /** What makes the letters legible over a picture. */
  readonly text: "box" | "outline";
}

export interface Fragment {
  readonly token: string | null;
  /** Null: the link leaves the choice to the reader. */
  readonly languages: readonly CaptionLanguage[] | null;
}

const LINES = { least: 1, most: 6, screen: 3, overlay: 2 };
const SIZE = { least: 2, most: 20, screen: 7, overlay: 5 };

/** The view that the query of an address asks for; what is no sense in it is left out. */
export function viewOptions(search: string): ViewOptions {
  const query = new URLSearchParams(search);
  const asked = query.get("view");
  const isOverlay = query.has("caption") || asked === "overlay";
  const view: View = isOverlay ? "overlay" : asked === "screen" ? "screen" : "page";
  const kind = isOverlay ? "overlay" : "screen";
  const colour = query.get("bg")?.replace(/^#/, "") ?? "";
  return {
    view,
    lines: Math.round(between(query.get("lines"), LINES.least, LINES.most, LINES[kind])),
    size: between(query.get("size"), SIZE.least, SIZE.most, SIZE[kind]),
    position: query.get("position") === "top" ? "top" : "bottom",
    background: /^([\da-f]{3}|[\da-f]{6})$/i.test(colour) ? `#${colour.toLowerCase()}` : null,
    text: query.get("text") === "outline" ? "outline" : "box",
  };
}

function between(given: string | null, least: number, most: number, otherwise: number): number {
  const value = Number(given ?? Number.NaN);
  return given && Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : otherwise;
}

export function readFragment(hash: string): Fragment {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const languages = (values.get("lang") ?? "").split(",").map((code) => code.trim());
  const wanted = [...new Set(languages.filter(isLanguage))];
  return { token: values.get("token") || null, languages: wanted.length ? wanted : null };
}

function isLanguage(code: string): boolean {
  return code === ORIGINAL || /^[a-z]{2,3}(-[a-z\d]{2,8})*$/i.test(code);
}

/** The fragment of a link: what it says of languages is readable, as people look at links. */
export function fragmentOf({ token, languages }: Fragment): string {
  const parts = [
    token === null ? "" : `token=${encodeURIComponent(token)}`,
    languages?.length ? `lang=${languages.join(",")}` : "",
  ].filter(Boolean);
  return parts.length ? `#${parts.join("&")}` : "";
}

/** A link to a session for who holds `fragment.token`. `query` is as `viewOptions` reads it. */
export function watchLink(
  origin: string,
  sessionId: string,
  fragment: Fragment,
  query: Readonly<Record<string, string>> = {},
): string {
  const search = Object.entries(query)
    .map(([name, value]) => (value === "" ? name : `${name}=${encodeURIComponent(value)}`))
    .join("&");
  const path = `${origin}/watch/${encodeURIComponent(sessionId)}`;
  return `${path}${search && `?${search}`}${fragmentOf(fragment)}`;
}
