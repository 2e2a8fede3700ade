import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleStop, Pencil, Share2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "~/ui/button";
import table from "~/ui/table.module.css";
import { clock, moment } from "~/ui/time";
import { canEnd, type Session } from "./arrange";
import { EndDialog } from "./end-dialog";
import { LanguagesLine } from "./languages-line";
import { ledgerQuery } from "./session-data";
import styles from "./session-list.module.css";
import { useSessionName } from "./session-name";
import { ShareSession } from "./share-session";
import { StatusBadge } from "./status-badge";
import { TitleEdit } from "./title-edit";
import { useMedia } from "./use-media";

/** Sessions as a table, or as cards where there is no room for one. */
export function SessionList({ sessions }: { sessions: readonly Session[] }) {
  const wide = useMedia("(min-width: 60rem)");
  const [asked, setAsked] = useState<Asked | null>(null);
  const [open, setOpen] = useState(false);
  const ask: Ask = (what, session) => {
    setAsked({ what, session });
    setOpen(true);
  };
  return (
    <>
      {wide ? <Table sessions={sessions} ask={ask} /> : <Cards sessions={sessions} ask={ask} />}
      {asked?.what === "end" && <EndDialog sessionId={asked.session.id} open={open} onOpenChange={setOpen} />}
      {asked?.what === "share" && <ShareSession session={asked.session} open={open} onOpenChange={setOpen} />}
    </>
  );
}

interface Asked {
  readonly what: "end" | "share";
  readonly session: Session;
}
type Ask = (what: Asked["what"], session: Session) => void;

interface SessionsProps {
  readonly sessions: readonly Session[];
  readonly ask: Ask;
}

function Table({ sessions, ask }: SessionsProps) {
  const { t, i18n } = useTranslation("sessions");
  return (
    <table className={table.table} aria-label={t("list.label")}>
      <thead>
        <tr>
          <th scope="col">{t("list.session")}</th>
          <th scope="col">{t("list.state")}</th>
          <th scope="col">{t("list.languages")}</th>
          <th scope="col" data-number>
            {t("list.duration")}
          </th>
          <th scope="col">{t("list.when")}</th>
          <th scope="col">
            <span className="visually-hidden">{t("list.actions")}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {sessions.map((session) => (
          <tr key={session.id}>
            <td className={styles.titleCell}>
              <Title session={session} />
            </td>
            <td>
              <StatusBadge status={session.status} />
            </td>
            <td>
              <LanguagesLine session={session} />
            </td>
            <td data-number>
              <Length session={session} />
            </td>
            <td className={styles.when}>{moment(session.created_at, i18n.language)}</td>
            <td>
              <Actions session={session} ask={ask} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cards({ sessions, ask }: SessionsProps) {
  const { t, i18n } = useTranslation("sessions");
  return (
    <ul className={styles.cards} aria-label={t("list.label")}>
      {sessions.map((session) => (
        <li key={session.id} className={styles.card}>
          <Title session={session} />
          <p className={styles.facts}>
            <StatusBadge status={session.status} />
            <Length session={session} />
            <span>{moment(session.created_at, i18n.language)}</span>
          </p>
          <div className={styles.foot}>
            <LanguagesLine session={session} />
            <Actions session={session} ask={ask} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function Title({ session }: { session: Session }) {
  const { t } = useTranslation("sessions");
  const name = useSessionName()(session);
  const [edited, setEdited] = useState<"no" | "now" | "done">("no");
  if (edited === "now") {
    return (
      <TitleEdit
        sessionId={session.id}
        title={session.title}
        placeholder={name}
        onDone={() => setEdited("done")}
      />
    );
  }
  return (
    <div className={styles.title}>
      <Link to="/sessions/$sessionId" params={{ sessionId: session.id }} className={styles.link} dir="auto">
        {name}
      </Link>
      <IconButton
        label={t("rename.actionOf", { title: name })}
        icon={<Pencil aria-hidden size={16} />}
        autoFocus={edited === "done"}
        onClick={() => setEdited("now")}
      />
    </div>
  );
}

/** How much audio a session has: only its ledger knows, for audio may come faster or slower than it was spoken. */
function Length({ session }: { session: Session }) {
  const { data: ledger } = useQuery({ ...ledgerQuery(session), enabled: session.status !== "created" });
  return <span className={styles.length}>{ledger ? clock(ledger.received_ms) : "–"}</span>;
}

function Actions({ session, ask }: { session: Session; ask: Ask }) {
  const { t } = useTranslation("sessions");
  const title = useSessionName()(session);
  return (
    <div className={styles.actions}>
      {canEnd(session) && (
        <IconButton
          label={t("end.actionOf", { title })}
          icon={<CircleStop aria-hidden size={18} />}
          onClick={() => ask("end", session)}
        />
      )}
      <IconButton
        label={t("share.actionOf", { title })}
        icon={<Share2 aria-hidden size={18} />}
        onClick={() => ask("share", session)}
      />
    </div>
  );
}
