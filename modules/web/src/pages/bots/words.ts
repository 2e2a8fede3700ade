import type { TFunction } from "i18next";
import type english from "../../locales/en/bots.json";
import type { Bot } from "./life";

type Catalogue = typeof english;
type T = TFunction<"bots">;

/** What can be done about a failure, by its code (docs/bots.md, "Codes of failures"). */
const REMEDIES: Readonly<Record<keyof Catalogue["remedies"], readonly string[]>> = {
  link: ["invalid_url", "not_found", "meeting_ended", "protocol_not_allowed"],
  setting: [
    "address_forbidden",
    "files_not_allowed",
    "protocol_not_built",
    "unknown_recipe",
    "recipe_invalid",
  ],
  access: ["unauthorized", "forbidden"],
  later: ["too_many_requests", "server_error"],
  reach: ["unreachable", "timeout", "host_unresolved", "source_lost"],
  chromium: ["no_browser", "browser_start_failed"],
  crash: ["browser_crashed", "page_crashed", "page_hung", "runner_ended", "runner_silent", "runner_error"],
  launch: ["runner_never_reported"],
  admit: ["not_admitted", "refused", "no_help", "page_needs_help"],
  site: ["join_timeout", "join_stuck", "no_hooks", "capture_failed", "meeting_lost"],
  media: ["no_audio_stream", "not_media", "no_decoder"],
  session: ["session_gone", "session_unreachable"],
  log: [],
};

/** What can be done about a bot that failed with this code. */
export function remedyOf(code: string): keyof Catalogue["remedies"] {
  const found = Object.entries(REMEDIES).find(([, codes]) => codes.includes(code));
  return (found?.[0] as keyof Catalogue["remedies"] | undefined) ?? "log";
}

/** Causes that say no more than the state they lead to. */
const SAYS_NOTHING: readonly string[] = ["joining", "awaiting_admission", "needs_help", "active", "done"];

/** The words for a cause; those of the server where the catalogue has none. Empty for what says nothing. */
export function causeWords(t: T, cause: { code: string; message: string }): string {
  if (SAYS_NOTHING.includes(cause.code)) return "";
  const key = cause.code as keyof Catalogue["causes"];
  return t(`causes.${key}`, { defaultValue: cause.message || cause.code });
}

/** Why it ended, where that is worth a sentence. */
export function endWords(t: T, bot: Pick<Bot, "completion">): string {
  if (!bot.completion) return "";
  return t(`completions.${bot.completion as keyof Catalogue["completions"]}`, {
    defaultValue: bot.completion,
  });
}
