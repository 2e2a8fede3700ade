import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Badge } from "~/ui/badge";
import { Card } from "~/ui/card";
import { DataTable } from "./data-table";
import styles from "./tables.module.css";
import { count, duration, seconds } from "./units";
import type { Overview } from "./verdict";
import { statusWords } from "./words";

const SHORT_ID = 8;

/** Sessions that have not ended, those that are behind first. */
export function SessionsTable({ overview }: { overview: Overview }) {
  const { t, i18n } = useTranslation("system");
  const { sessions, sessions_total: total } = overview;
  return (
    <Card title={t("sessions.title")}>
      {sessions.length === 0 ? (
        <p className={styles.note}>{t("sessions.none")}</p>
      ) : (
        <DataTable
          label={t("sessions.title")}
          rows={sessions}
          rowKey={(session) => session.id}
          columns={[
            {
              title: t("sessions.session"),
              cell: (session) => (
                <Link to="/sessions/$sessionId" params={{ sessionId: session.id }} className={styles.id}>
                  <code>{session.id.slice(0, SHORT_ID)}</code>
                </Link>
              ),
            },
            { title: t("sessions.status"), cell: (session) => statusWords(t, session.status) },
            {
              title: t("sessions.backlog"),
              cell: (session) => seconds(session.backlog_s, i18n.language),
              isNumber: true,
            },
            {
              title: t("sessions.pace"),
              cell: ({ real_time_factor: factor }) =>
                factor === null ? (
                  t("sessions.unknown")
                ) : factor < 1 ? (
                  <Badge tone="warn">{t("sessions.slow", { factor: count(factor, i18n.language) })}</Badge>
                ) : (
                  t("sessions.keepsUp")
                ),
            },
            {
              title: t("sessions.audio"),
              cell: (session) => duration(session.received_s, i18n.language),
              isNumber: true,
            },
            { title: t("sessions.key"), cell: (session) => session.owner_key },
            {
              title: t("sessions.worker"),
              cell: (session) =>
                session.worker ? (
                  <span className={styles.name}>
                    {session.profile} · {session.worker}
                  </span>
                ) : session.status === "created" ? (
                  session.profile
                ) : (
                  <Badge tone="warn">{t("sessions.nobody")}</Badge>
                ),
            },
          ]}
        />
      )}
      {sessions.length < total && (
        <p className={styles.note}>{t("sessions.more", { count: total - sessions.length })}</p>
      )}
    </Card>
  );
}
