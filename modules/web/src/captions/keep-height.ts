/**
 * A ref callback: the element never gets less high than it was, as long as its width stays.
 *
 * Drafts are longer than what becomes of them now and then; without this the page would jump each time.
 */
export function keepHeight(element: HTMLElement | null): (() => void) | undefined {
  if (!element || typeof ResizeObserver === "undefined") return;
  let width = 0;
  let height = 0;
  const observer = new ResizeObserver(([entry]) => {
    const size = entry?.borderBoxSize[0];
    if (!size) return;
    if (size.inlineSize !== width) {
      width = size.inlineSize;
      height = 0;
      element.style.minBlockSize = "";
    } else if (size.blockSize > height) {
      height = size.blockSize;
      element.style.minBlockSize = `${height}px`;
    }
  });
  observer.observe(element);
  return () => observer.disconnect();
}
