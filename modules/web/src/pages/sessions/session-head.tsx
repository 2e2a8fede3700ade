import { Link } from "@tanstack/react-router";
import { CircleStop, Download, Pencil, Share2 } from "lucide-react";
import { lazy, memo, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "~/ui/button";
import { PageHead } from "~/ui/page-head";
import { clock, moment } from "~/ui/time";
import { canEnd, isOpen, type Session } from "./arrange";
import { EndDialog } from "./end-dialog";
import { LanguagesLine } from "./languages-line";
import type { Ledger } from "./ledger";
import styles from "./session-head.module.css";
import { useSessionName } from "./session-name";
import { ShareSession } from "./share-session";
import { StatusBadge } from "./status-badge";
import { TitleEdit } from "./title-edit";
import { WatchButton } from "./watch-button";

const DownloadDialog = lazy(() =>
  import("./download-dialog").then((file) => ({ default: file.DownloadDialog })),
);

interface SessionHeadProps {
  readonly session: Session;
  readonly ledger: Ledger | undefined;
  /** Languages in which it was spoken, the main one first. */
  readonly spoken: readonly string[];
}

/** What a session is called, how it is, and what can be done with it. */
export const SessionHead = memo(function SessionHead({ session, ledger, spoken }: SessionHeadProps) {
  const { t } = useTranslation("sessions");
  const name = useSessionName()(session);
  const [asked, setAsked] = useState<"download" | "share" | "end" | null>(null);
  const [open, setOpen] = useState(false);
  const ask = (what: "download" | "share" | "end") => () => {
    setAsked(what);
    setOpen(true);
  };
  const shown = { open, onOpenChange: setOpen };
  return (
    <>
      <Link to="/sessions" className={styles.back}>
        {t("back")}
      </Link>
      <PageHead
        title={name}
        heading={<Heading session={session} name={name} />}
        actions={
          <>
            {isOpen(session) && <WatchButton sessionId={session.id} />}
            {canEnd(session) && (
              <Button kind="danger" icon={<CircleStop aria-hidden size={18} />} onClick={ask("end")}>
                {t("end.action")}
              </Button>
            )}
            <Button icon={<Share2 aria-hidden size={18} />} onClick={ask("share")}>
              {t("share.action")}
            </Button>
            <Button kind="primary" icon={<Download aria-hidden size={18} />} onClick={ask("download")}>
              {t("download.action")}
            </Button>
          </>
        }
      >
        <Facts session={session} ledger={ledger} />
      </PageHead>
      <Suspense fallback={null}>
        {asked === "download" && <DownloadDialog session={session} spoken={spoken} {...shown} />}
        {asked === "share" && <ShareSession session={session} {...shown} />}
      </Suspense>
      {asked === "end" && <EndDialog sessionId={session.id} {...shown} />}
    </>
  );
});

function Heading({ session, name }: { session: Session; name: string }) {
  const { t } = useTranslation("sessions");
  const [edited, setEdited] = useState<"no" | "now" | "done">("no");
  if (edited === "now") {
    return (
      <>
        <h1 className="visually-hidden">{name}</h1>
        <TitleEdit
          sessionId={session.id}
          title={session.title}
          placeholder={name}
          onDone={() => setEdited("done")}
        />
      </>
    );
  }
  return (
    <div className={styles.heading}>
      <h1 dir="auto">{name}</h1>
      <IconButton
        label={t("rename.action")}
        icon={<Pencil aria-hidden size={18} />}
        autoFocus={edited === "done"}
        onClick={() => setEdited("now")}
      />
    </div>
  );
}

const REASONS = ["client", "request", "abandoned", "idle", "failed"] as const;

function Facts({ session, ledger }: { session: Session; ledger: Ledger | undefined }) {
  const { t, i18n } = useTranslation("sessions");
  const reason = session.end_reason;
  const known = REASONS.find((one) => one === reason);
  return (
    <div className={styles.facts}>
      <StatusBadge status={session.status} />
      <span>{moment(session.created_at, i18n.language)}</span>
      {ledger && <span>{t("audio", { duration: clock(ledger.received_ms) })}</span>}
      <LanguagesLine session={session} />
      {!isOpen(session) && reason && <span>{t(`endReason.${known ?? "other"}`, { reason })}</span>}
    </div>
  );
}
