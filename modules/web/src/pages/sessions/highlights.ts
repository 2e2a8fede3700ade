import { type RefObject, useEffect } from "react";
import { type Hit, SPOKEN } from "./search";
import type { Segment } from "./segments";

const ALL = "found";
const NOW = "found-now";

/** Whether the browser marks text without elements of its own (CSS Custom Highlight API). */
export const MARKS_TEXT = "highlights" in CSS;

/** The element that shows a lane of the segment with this index. */
function laneElement(list: Element, index: number, lane: string): HTMLElement | null {
  return list.children[index]?.querySelector<HTMLElement>(`[data-lane="${CSS.escape(lane)}"]`) ?? null;
}

/**
 * The same characters of an element's text as a range of its text nodes. A static one: thousands of ranges that
 * follow each change of the page make every change slow.
 */
function rangeIn(element: Element, start: number, end: number): StaticRange | null {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let at = 0;
  let begin: { startContainer: Node; startOffset: number } | null = null;
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const length = node.textContent?.length ?? 0;
    if (begin === null && start < at + length) begin = { startContainer: node, startOffset: start - at };
    if (begin !== null && end <= at + length) {
      return new StaticRange({ ...begin, endContainer: node, endOffset: end - at });
    }
    at += length;
  }
  return null;
}

/** Marks what was found in the list of segments, the present hit apart from the others. */
export function useHighlights(
  list: RefObject<Element | null>,
  segments: readonly Segment[],
  hits: readonly Hit[],
  now: Hit | undefined,
): void {
  useEffect(() => {
    if (!MARKS_TEXT || list.current === null || segments.length === 0) return;
    const [all, present] = [new Highlight(), new Highlight()];
    present.priority = 1;
    for (const hit of hits) {
      const element = laneElement(list.current, hit.segment, hit.lane);
      const range = element && rangeIn(element, hit.start, hit.end);
      if (range) (hit === now ? present : all).add(range);
    }
    CSS.highlights.set(ALL, all);
    CSS.highlights.set(NOW, present);
    return () => {
      CSS.highlights.delete(ALL);
      CSS.highlights.delete(NOW);
    };
  }, [list, segments, hits, now]);
}

/** Brings what was found into sight. */
export function showHit(list: Element, hit: Hit): void {
  const element = laneElement(list, hit.segment, hit.lane) ?? laneElement(list, hit.segment, SPOKEN);
  element?.scrollIntoView({ block: "center" });
}
