/**
 * A ref callback: while the element has it, it never gets less high than it was, as long as its width stays.
 *
 * Drafts are longer than what becomes of them now and then; without this the page would jump each time.
 */
export function keepHeight(element: HTMLElement | null): (() => void) | undefined {
  if (!element || typeof ResizeObserver === "undefined") return;
  let width = 0;
  let height = 0;
  const keep = (px: number) => {
    height = px;
    element.style.minBlockSize = px > 0 ? `${px}px` : "";
  };
  const sizes = new ResizeObserver(([entry]) => {
    const size = entry?.borderBoxSize[0];
    if (!size) return;
    const isWidthNew = size.inlineSize !== width;
    if (isWidthNew && height > 0) keep(0);
    // What it needs at the new width is not what it was given at the old one.
    const needed = isWidthNew && width > 0 ? element.offsetHeight : size.blockSize;
    width = size.inlineSize;
    if (needed > height) keep(needed);
  });
  sizes.observe(element);
  return () => {
    sizes.disconnect();
    keep(0);
  };
}
