import { useSyncExternalStore } from "react";

/**
 * The API key of this browser.
 *
 * It comes with the address (`/#key=…`, as `dragoman up` prints it) or from the key dialog. A fragment never
 * reaches a server; it is taken out of the address bar at once, so that a copied address gives nothing away. The
 * key lasts as long as the tab, or until it is forgotten if the user wants it remembered on this device.
 */
const NAME = "dragoman.key";

type State = { readonly key: string | null; readonly rejected: boolean };

let state: State = { key: null, rejected: false };
const listeners = new Set<() => void>();

function set(next: State): void {
  state = next;
  for (const tell of listeners) tell();
}

/** Takes the key from the address or from what was stored; call once, before the first request. */
export function loadKey(location: Location = window.location): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get("key");
  if (given) {
    fragment.delete("key");
    const rest = fragment.toString();
    window.history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
    storeKey(given, { remember: window.localStorage.getItem(NAME) !== null });
    return;
  }
  set({ key: window.sessionStorage.getItem(NAME) ?? window.localStorage.getItem(NAME), rejected: false });
}

/** Uses `key` from now on. */
export function storeKey(key: string, { remember }: { remember: boolean }): void {
  window.sessionStorage.setItem(NAME, key);
  if (remember) window.localStorage.setItem(NAME, key);
  else window.localStorage.removeItem(NAME);
  set({ key, rejected: false });
}

/** Forgets the key here and on this device. */
export function forgetKey(): void {
  window.sessionStorage.removeItem(NAME);
  window.localStorage.removeItem(NAME);
  set({ key: null, rejected: false });
}

/** The server did not know the key: the user is asked for another one. */
export function rejectKey(key: string): void {
  if (state.key === key) set({ key, rejected: true });
}

export function currentKey(): string | null {
  return state.key;
}

/** The key and whether the server refused it. */
export function useKey(): State {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => state,
  );
}
