import type { Schemas } from "~/api/rest";
import { fold } from "./search";

export type Session = Schemas["Session"];
export type Status = Session["status"];
export type StatusFilter = "all" | "open" | "ended";

/** Whether something still happens in a session. */
export function isOpen(session: { readonly status: Status }): boolean {
  return session.status !== "ended";
}

/** Whether it still takes audio. */
export function canEnd(session: { readonly status: Status }): boolean {
  return session.status === "created" || session.status === "live";
}

function isNow(session: Session): boolean {
  return session.status === "live" || session.status === "ending";
}

/** Those that are wanted: live ones first, then the newest. `shown` is the name by which each is listed. */
export function arrange(
  sessions: readonly Session[],
  { text, status }: { readonly text: string; readonly status: StatusFilter },
  shown: (session: Session) => string,
): Session[] {
  const wanted = fold(text.trim()).text;
  return sessions
    .filter((one) => status === "all" || isOpen(one) === (status === "open"))
    .filter((one) => wanted === "" || fold(shown(one)).text.includes(wanted))
    .sort((a, b) => Number(isNow(b)) - Number(isNow(a)) || b.created_at.localeCompare(a.created_at));
}

/** Pages of the list as one; a session that moved from one page to the next meanwhile is there once. */
export function distinct(pages: readonly { readonly sessions: readonly Session[] }[]): Session[] {
  return [...new Map(pages.flatMap((page) => page.sessions).map((one) => [one.id, one])).values()];
}
