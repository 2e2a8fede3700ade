/**
 * Words as places to go to: one of them, the cursor, is a stop of the Tab key and a button; arrow keys move it.
 * All others are plain text, so that a screen reader reads sentences, not buttons.
 */

const WORD = "[data-word]";

/** The word that an event happened on. */
export function wordOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(WORD) : null;
}

/** Makes a word the stop of the Tab key. */
export function setCursor(list: Element, word: HTMLElement): void {
  for (const before of list.querySelectorAll(`${WORD}[tabindex]`)) {
    before.removeAttribute("tabindex");
    before.removeAttribute("role");
  }
  word.tabIndex = 0;
  word.setAttribute("role", "button");
}

/** Sees to it that there is a cursor where there are words. */
export function ensureCursor(list: Element): void {
  if (list.querySelector(`${WORD}[tabindex]`) !== null) return;
  const first = list.querySelector<HTMLElement>(WORD);
  if (first) setCursor(list, first);
}

/** The word to which a key leads from this one; null if it leads nowhere. */
export function wordByKey(word: HTMLElement, key: string): HTMLElement | null {
  const rtl = getComputedStyle(word).direction === "rtl";
  switch (key) {
    case "ArrowRight":
      return beside(word, rtl ? -1 : 1);
    case "ArrowLeft":
      return beside(word, rtl ? 1 : -1);
    case "ArrowDown":
      return inNextSegment(word, 1, 0);
    case "ArrowUp":
      return inNextSegment(word, -1, 0);
    case "Home":
      return wordsOf(word.closest("li"))[0] ?? null;
    case "End":
      return wordsOf(word.closest("li")).at(-1) ?? null;
    default:
      return null;
  }
}

function wordsOf(segment: Element | null): HTMLElement[] {
  return segment ? [...segment.querySelectorAll<HTMLElement>(WORD)] : [];
}

function beside(word: HTMLElement, step: 1 | -1): HTMLElement | null {
  const words = wordsOf(word.closest("li"));
  const next = words[words.indexOf(word) + step];
  return next ?? inNextSegment(word, step, step === 1 ? 0 : -1);
}

/** The first (0) or last (-1) word of the next segment in this direction that has words. */
function inNextSegment(word: HTMLElement, step: 1 | -1, which: 0 | -1): HTMLElement | null {
  let segment: Element | null = word.closest("li");
  do {
    segment = (step === 1 ? segment?.nextElementSibling : segment?.previousElementSibling) ?? null;
    const found = wordsOf(segment).at(which);
    if (found) return found;
  } while (segment !== null);
  return null;
}
