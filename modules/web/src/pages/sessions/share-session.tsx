import { lazy, Suspense } from "react";
import type { Session } from "./arrange";

const ShareDialog = lazy(() =>
  import("~/pages/watch/share-dialog").then((file) => ({ default: file.ShareDialog })),
);

interface ShareSessionProps {
  readonly session: Session;
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** The dialog with a link for viewers, fetched when it is first wanted. */
export function ShareSession({ session, open, onOpenChange }: ShareSessionProps) {
  return (
    <Suspense fallback={null}>
      <ShareDialog
        sessionId={session.id}
        targets={session.translation.targets}
        open={open}
        onOpenChange={onOpenChange}
      />
    </Suspense>
  );
}
