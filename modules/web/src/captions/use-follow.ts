import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

/** So near to its end, in pixels, a reader is taken to be at it. */
const NEAR_PX = 24;

interface Follow {
  readonly scroller: RefObject<HTMLElement | null>;
  readonly content: RefObject<HTMLOListElement | null>;
  readonly isFollowing: boolean;
  readonly toNewest: () => void;
}

/**
 * Scrolls to the end whenever the content grows, until the reader scrolls up, by whatever means; at the end it
 * follows again. The layout is read when it is clean only: after it was made, or once for a scroll.
 */
export function useFollow(): Follow {
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLOListElement>(null);
  const following = useRef(true);
  const [isFollowing, setFollowing] = useState(true);
  const follow = useCallback((is: boolean) => {
    following.current = is;
    setFollowing(is);
  }, []);
  useEffect(() => {
    const [box, list] = [scroller.current, content.current];
    if (!box || !list) return;
    let lastTop = box.scrollTop;
    const scrolled = () => {
      const top = box.scrollTop;
      if (box.scrollHeight - top - box.clientHeight <= NEAR_PX) follow(true);
      else if (top < lastTop) follow(false);
      lastTop = top;
    };
    const observer = new ResizeObserver(() => {
      if (following.current) box.scrollTop = box.scrollHeight;
    });
    observer.observe(list);
    observer.observe(box);
    box.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener("scroll", scrolled);
    };
  }, [follow]);
  const toNewest = useCallback(() => {
    follow(true);
    const box = scroller.current;
    if (box) {
      box.scrollTop = box.scrollHeight;
      box.focus({ preventScroll: true });
    }
  }, [follow]);
  return { scroller, content, isFollowing, toNewest };
}
