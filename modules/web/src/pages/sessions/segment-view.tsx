import { memo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { direction, languageName } from "~/ui/language";
import { clock } from "~/ui/time";
import { type Hit, SPOKEN } from "./search";
import { pieces, type Segment, UNCERTAIN_PROBABILITY } from "./segments";
import styles from "./transcript.module.css";

interface SegmentViewProps {
  readonly segment: Segment;
  readonly index: number;
  /** Languages of the translations that are shown. */
  readonly lanes: readonly string[];
  /** Whether its speaker is named. */
  readonly named: boolean;
  /** Whether there is a recording to go to from its words. */
  readonly heard: boolean;
  /** Whether translations may still come. */
  readonly open: boolean;
  /** What was found in it, where the browser cannot mark text by itself. */
  readonly marks: readonly Hit[] | undefined;
}

/**
 * A segment with its translations. It is rendered again only when something of it changes: which word is spoken
 * and what was found are marked from outside.
 */
export const SegmentView = memo(function SegmentView({
  segment,
  index,
  lanes,
  named,
  heard,
  open,
  marks,
}: SegmentViewProps) {
  const { t, i18n } = useTranslation("sessions");
  const time = clock(segment.start_ms);
  return (
    <li className={styles.segment} data-index={index}>
      {heard ? (
        <button type="button" className={styles.time} data-go aria-label={t("transcript.goTo", { time })}>
          {time}
        </button>
      ) : (
        <span className={styles.time}>{time}</span>
      )}
      <div className={styles.lanes}>
        <div>
          {named && <p className={styles.speaker}>{segment.speaker}</p>}
          <p className={styles.spoken} data-lane={SPOKEN} {...tongue(segment.language)}>
            {spokenText(segment, heard, marksOf(marks, SPOKEN))}
          </p>
        </div>
        {lanes.map((lane) => {
          const text = segment.texts?.[lane];
          // Not there yet, or not to be had: a passage in another language than it says would be misread.
          if (!text) {
            return (
              <p key={lane} className={styles.missing}>
                {t(open ? "transcript.notYet" : "transcript.noTranslation", {
                  language: languageName(lane, i18n.language),
                })}
              </p>
            );
          }
          return (
            <p key={lane} className={styles.translation} data-lane={lane} {...tongue(lane)}>
              {marked(text, 0, marksOf(marks, lane))}
            </p>
          );
        })}
      </div>
    </li>
  );
});

function tongue(code: string) {
  return code === "" ? { dir: "auto" } : { lang: code, dir: direction(code) };
}

function marksOf(marks: readonly Hit[] | undefined, lane: string): readonly Hit[] {
  return marks?.filter((one) => one.lane === lane) ?? [];
}

/** Words are elements only where something can be done with them: thousands of segments stay light. */
function spokenText(segment: Segment, heard: boolean, hits: readonly Hit[]): ReactNode {
  const words = segment.words ?? [];
  let at = 0;
  return pieces(segment.text, words).map(({ text, word }) => {
    const start = at;
    at += text.length;
    const low = word !== null && (words[word]?.probability ?? 1) < UNCERTAIN_PROBABILITY;
    const shown = marked(text, start, hits);
    if (word === null || !(heard || low)) return shown;
    return (
      <span key={start} {...(heard ? { "data-word": word } : {})} {...(low ? { "data-low": "" } : {})}>
        {shown}
      </span>
    );
  });
}

/** A part of a text that begins at `from`, with what was found in it in `<mark>`. */
function marked(text: string, from: number, hits: readonly Hit[]): ReactNode {
  const inside = hits.filter((hit) => hit.start < from + text.length && hit.end > from);
  if (inside.length === 0) return text;
  const parts: ReactNode[] = [];
  let at = 0;
  for (const hit of inside) {
    const [start, end] = [Math.max(hit.start - from, 0), Math.min(hit.end - from, text.length)];
    parts.push(text.slice(at, start), <mark key={start}>{text.slice(start, end)}</mark>);
    at = end;
  }
  return [...parts, text.slice(at)];
}
