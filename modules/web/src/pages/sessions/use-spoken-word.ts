import { type RefObject, useEffect } from "react";
import type { Playback } from "./playback";
import { type Segment, WordClock, type WordPlace } from "./segments";

/**
 * Marks the word that is spoken while the recording plays, and keeps it in sight for as long as the reader is
 * there: who has scrolled elsewhere is left in peace.
 */
export function useSpokenWord(
  list: RefObject<Element | null>,
  segments: readonly Segment[],
  playback: Playback,
): void {
  useEffect(() => {
    const words = new WordClock(segments);
    let marked: Element | null = null;
    let place: WordPlace | null = null;
    const mark = (ms: number) => {
      const next = words.at(ms);
      if (next === place) return;
      const followed = marked === null || isInSight(marked);
      marked?.removeAttribute("data-now");
      marked = (next && list.current && wordElement(list.current, next)) ?? null;
      marked?.setAttribute("data-now", "");
      place = next;
      if (followed && marked && !isInSight(marked)) marked.scrollIntoView({ block: "center" });
    };
    const end = playback.listen(mark);
    return () => {
      end();
      marked?.removeAttribute("data-now");
    };
  }, [list, segments, playback]);
}

function wordElement(list: Element, { segment, word }: WordPlace): Element | null {
  return list.children[segment]?.querySelector(`[data-word="${word}"]`) ?? null;
}

function isInSight(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < window.innerHeight;
}
