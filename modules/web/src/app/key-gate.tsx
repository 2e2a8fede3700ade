import { lazy, type ReactNode, Suspense } from "react";
import { useKey } from "./credential";

const KeyForm = lazy(() => import("./key-form").then((file) => ({ default: file.KeyForm })));

/** Shows its children to those who have a key, and asks all others for one. */
export function KeyGate({ children }: { children: ReactNode }) {
  const { key, rejected } = useKey();
  if (key !== null && !rejected) return children;
  return (
    <Suspense fallback={null}>
      <KeyForm rejected={rejected} />
    </Suspense>
  );
}
