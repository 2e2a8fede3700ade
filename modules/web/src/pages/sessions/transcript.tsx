import { type KeyboardEvent, type MouseEvent, memo, type RefObject, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { MARKS_TEXT, useHighlights } from "./highlights";
import type { Playback } from "./playback";
import type { Hit } from "./search";
import { SegmentView } from "./segment-view";
import { type Segment, speakerBegins } from "./segments";
import styles from "./transcript.module.css";
import { useSpokenWord } from "./use-spoken-word";
import { ensureCursor, setCursor, wordByKey, wordOf } from "./word-cursor";

export type Layout = "below" | "beside";

interface TranscriptProps {
  readonly list: RefObject<HTMLOListElement | null>;
  readonly segments: readonly Segment[];
  /** Languages of the translations that are shown. */
  readonly lanes: readonly string[];
  readonly layout: Layout;
  /** Whether uncertain words are marked. */
  readonly uncertain: boolean;
  /** Whether the session goes on, so that translations may still come. */
  readonly open: boolean;
  /** Whether there is a recording to go to from the words. */
  readonly heard: boolean;
  readonly playback: Playback;
  readonly hits: readonly Hit[];
  readonly hit: Hit | undefined;
}

/** All that was said, segment by segment. Words of a recorded session lead to where they were spoken. */
export const Transcript = memo(function Transcript({
  list,
  segments,
  lanes,
  layout,
  uncertain,
  open,
  heard,
  playback,
  hits,
  hit,
}: TranscriptProps) {
  const { t } = useTranslation("sessions");
  useHighlights(list, segments, hits, hit);
  useSpokenWord(list, segments, playback);
  useEffect(() => {
    if (heard && segments.length > 0 && list.current) ensureCursor(list.current);
  }, [list, heard, segments]);

  const segmentOf = (element: Element) => segments[Number(element.closest("li")?.dataset.index)];
  const go = (word: HTMLElement) => {
    const told = segmentOf(word)?.words?.[Number(word.dataset.word)];
    if (told) playback.seek(told.start_ms);
  };
  const onClick = (event: MouseEvent<HTMLElement>) => {
    if (!heard || window.getSelection()?.isCollapsed === false) return; // somebody selects text to copy it
    const word = wordOf(event.target);
    if (word) {
      setCursor(event.currentTarget, word);
      word.focus({ preventScroll: true });
      go(word);
    } else if (event.target instanceof Element && event.target.closest("[data-go]")) {
      playback.seek(segmentOf(event.target)?.start_ms ?? 0);
    }
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const word = wordOf(event.target);
    if (!word || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter") go(word);
    else if (event.key === " ") playback.toggle();
    else {
      const next = wordByKey(word, event.key);
      if (!next) return;
      setCursor(event.currentTarget, next);
      next.focus();
    }
    event.preventDefault();
  };
  return (
    <>
      {heard && <p className={styles.hint}>{t("transcript.hint")}</p>}
      <ol
        ref={list}
        className={styles.list}
        aria-label={t("transcript.label")}
        data-layout={layout}
        data-heard={heard || undefined}
        data-uncertain={uncertain || undefined}
        onClick={onClick}
        onKeyDown={onKeyDown}
      >
        {segments.map((segment, index) => (
          <SegmentView
            key={segment.segment_id}
            segment={segment}
            index={index}
            lanes={lanes}
            named={speakerBegins(segments, index)}
            heard={heard}
            open={open}
            marks={MARKS_TEXT ? undefined : hits.filter((one) => one.segment === index)}
          />
        ))}
      </ol>
    </>
  );
});
