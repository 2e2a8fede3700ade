import { lazy, type ReactNode, Suspense, useSyncExternalStore } from "react";

/** A short notice at the edge of the page. */
export interface Notice {
  readonly title: string;
  readonly description?: string;
  readonly type?: "good" | "bad";
}

const ToastHost = lazy(() => import("./toast-host").then((file) => ({ default: file.ToastHost })));

let waiting: readonly Notice[] = [];
let wasUsed = false;
const listeners = new Set<() => void>();

function changed(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Shows a notice for some seconds and has it read out politely. */
function tell(notice: Notice): void {
  waiting = [...waiting, notice];
  wasUsed = true;
  changed();
}

/** What is to be shown, oldest first; each notice is given once. */
export function takeNotices(): readonly Notice[] {
  const taken = waiting;
  waiting = [];
  return taken;
}

export function useWaitingNotices(): readonly Notice[] {
  return useSyncExternalStore(subscribe, () => waiting);
}

/** Room for notices; what draws them is fetched with the first one. */
export function Toasts({ children }: { children: ReactNode }) {
  const isUsed = useSyncExternalStore(subscribe, () => wasUsed);
  return (
    <>
      {children}
      {isUsed && (
        <Suspense fallback={null}>
          <ToastHost />
        </Suspense>
      )}
    </>
  );
}

/** `tell({title, description, type: "good" | "bad"})`. */
export const useToast = () => tell;
