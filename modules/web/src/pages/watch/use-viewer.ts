import { ViewerConnection } from "@dragoman/client";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useKey } from "~/app/credential";
import { type CaptionLanguage, ORIGINAL } from "~/captions/languages";
import { type CaptionLog, logOf, useCaptionState, useCaptions } from "~/captions/log";
import { type Fragment, fragmentOf, readFragment } from "./address";

/** After a refusal a screen that nobody sits at tries again so often, in ms. */
const AGAIN_MS = 15_000;

function onHashChange(tell: () => void): () => void {
  window.addEventListener("hashchange", tell);
  return () => window.removeEventListener("hashchange", tell);
}

/** What stands behind the `#` of the address now. */
export function useFragment(): Fragment {
  return readFragment(useSyncExternalStore(onHashChange, () => window.location.hash));
}

/** Puts other languages into the address, so that it can be shared on as it is. */
export function keepInAddress(fragment: Fragment): void {
  const { pathname, search } = window.location;
  window.history.replaceState(window.history.state, "", pathname + search + fragmentOf(fragment));
}

/** Viewer's token of the address, or the key of this browser; null where there is neither. */
export function useCredential(): string | null {
  const { token } = useFragment();
  const { key, rejected } = useKey();
  return token ?? (rejected ? null : key);
}

interface Wanted {
  readonly sessionId: string;
  readonly credential: string;
  /** Translations that are shown; others are not even sent. */
  readonly languages: readonly CaptionLanguage[];
  /** Whether a refusal is taken for something that passes. */
  readonly isPersistent?: boolean;
}

/** Reads a session as long as the component is there. */
export function useViewer({ sessionId, credential, languages, isPersistent = false }: Wanted): CaptionLog {
  const translations = languages.filter((code) => code !== ORIGINAL);
  const wanted = useRef(translations);
  const [connection, setConnection] = useState<ViewerConnection | null>(null);
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt is another connection
  useEffect(() => {
    const viewer = new ViewerConnection({ sessionId, credential, languages: wanted.current });
    logOf(viewer);
    setConnection(viewer);
    return () => viewer.close();
  }, [sessionId, credential, attempt]);
  const key = translations.join();
  useEffect(() => {
    wanted.current = key === "" ? [] : key.split(",");
    connection?.setLanguages(wanted.current);
  }, [connection, key]);
  const log = useCaptions(connection);
  const isRefused = useCaptionState(log, (state) => state.connection?.name === "refused");
  useEffect(() => {
    if (!isRefused || !isPersistent) return;
    const timer = setTimeout(() => setAttempt((count) => count + 1), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [isRefused, isPersistent]);
  return log;
}
