import { useSyncExternalStore } from "react";

/** Light, dark, or as the system wants it. */
export type Theme = "system" | "light" | "dark";

export const THEMES: readonly Theme[] = ["system", "light", "dark"];
const NAME = "dragoman.theme";
const listeners = new Set<() => void>();

function current(): Theme {
  const stored = window.localStorage.getItem(NAME);
  return stored === "light" || stored === "dark" ? stored : "system";
}

/** Puts the stored choice on the document; call before the first paint. */
export function applyTheme(): void {
  const theme = current();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function setTheme(theme: Theme): void {
  if (theme === "system") window.localStorage.removeItem(NAME);
  else window.localStorage.setItem(NAME, theme);
  applyTheme();
  for (const tell of listeners) tell();
}

export function useTheme(): Theme {
  return useSyncExternalStore((tell) => {
    listeners.add(tell);
    return () => listeners.delete(tell);
  }, current);
}
