import { useEffect, useRef, useState } from "react";
import { direction } from "~/ui/language";
import { unheard } from "./announcement";
import { type CaptionLanguage, ORIGINAL } from "./languages";
import type { CaptionLog } from "./log";

/** How often screen readers are given something, in ms. */
const EVERY_MS = 4_000;

/**
 * Reads what has become final to screen readers, in one language, a few sentences at a time, and never what may
 * still change.
 */
export function Announcer({ log, language }: { log: CaptionLog; language: CaptionLanguage }) {
  const [said, setSaid] = useState("");
  const heard = useRef<Set<string> | null>(null);
  useEffect(() => {
    // What was there before the reader came is theirs to read.
    heard.current = unheard(log.state(), language, null).heard;
    const timer = setInterval(() => {
      const next = unheard(log.state(), language, heard.current);
      heard.current = next.heard;
      if (next.text) setSaid(next.text);
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [log, language]);
  const foreign = language === ORIGINAL ? {} : { lang: language, dir: direction(language) };
  return (
    <div className="visually-hidden" aria-live="polite" aria-atomic="true" {...foreign}>
      {said}
    </div>
  );
}
