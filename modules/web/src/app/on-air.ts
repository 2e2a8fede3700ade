import { useSyncExternalStore } from "react";

/** Whether this page is speaking into a session: the shell tells it on every page. */
let isOnAir = false;
const listeners = new Set<() => void>();

export function setOnAir(value: boolean): void {
  isOnAir = value;
  for (const tell of [...listeners]) tell();
}

export function useOnAir(): boolean {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => isOnAir,
  );
}
