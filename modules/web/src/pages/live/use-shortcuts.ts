import { useEffect, useEffectEvent } from "react";

/** Where a letter is text, or means something else. */
const TAKEN =
  "input, textarea, select, [contenteditable], dialog, [role=dialog], [role=listbox], [role=menu]";

/** What to do for a key, unless it is meant for a field, a dialog or the browser. */
export function actionOf<T>(event: KeyboardEvent, actions: Readonly<Record<string, T>>): T | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
  if (event.target instanceof Element && event.target.closest(TAKEN)) return;
  return actions[event.key.toLowerCase()];
}

/** Single keys that do something; `enabled` false: none (WCAG 2.1.4). */
export function useShortcuts(actions: Readonly<Record<string, () => void>>, enabled: boolean): void {
  const pressed = useEffectEvent((event: KeyboardEvent) => {
    const action = actionOf(event, actions);
    if (!action) return;
    event.preventDefault();
    action();
  });
  useEffect(() => {
    if (!enabled) return;
    const listen = (event: KeyboardEvent) => pressed(event);
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [enabled]);
}
