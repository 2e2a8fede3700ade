import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ListVideo } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { EmptyState } from "~/ui/empty-state";
import { PageHead } from "~/ui/page-head";
import { Problem } from "~/ui/problem";
import { Segmented } from "~/ui/segmented";
import { TextField } from "~/ui/text-field";
import { arrange, distinct, type StatusFilter } from "./arrange";
import { sessionsQuery } from "./session-data";
import { SessionList } from "./session-list";
import { useSessionName } from "./session-name";
import styles from "./sessions-page.module.css";

const FILTERS: readonly StatusFilter[] = ["all", "open", "ended"];

/** All sessions there are, newest first. */
export function SessionsPage() {
  const { t } = useTranslation(["sessions", "app"]);
  const list = useInfiniteQuery(sessionsQuery);
  const sessions = distinct(list.data?.pages ?? []);
  const nothing = list.data !== undefined && sessions.length === 0 && !list.hasNextPage;
  return (
    <>
      <PageHead title={t("title")}>
        <p>{t("about")}</p>
      </PageHead>
      {list.error && <Problem error={list.error} />}
      {list.isPending && <p role="status">{t("app:loading")}</p>}
      {nothing && (
        <EmptyState
          title={t("list.empty")}
          icon={<ListVideo aria-hidden size={40} />}
          action={
            <Button kind="primary" render={<Link to="/" />}>
              {t("list.toLive")}
            </Button>
          }
        >
          {t("list.emptyText")}
        </EmptyState>
      )}
      {sessions.length > 0 && (
        <Found
          sessions={sessions}
          more={
            list.hasNextPage && (
              <Button
                onClick={() => void list.fetchNextPage()}
                disabled={list.isFetchingNextPage}
                focusableWhenDisabled
              >
                {t("list.more")}
              </Button>
            )
          }
        />
      )}
    </>
  );
}

function Found({ sessions, more }: { sessions: ReturnType<typeof distinct>; more: ReactNode }) {
  const { t } = useTranslation("sessions");
  const name = useSessionName();
  const [text, setText] = useState("");
  const [status, setStatus] = useState<StatusFilter>("all");
  const shown = arrange(sessions, { text, status }, name);
  const clear = () => {
    setText("");
    setStatus("all");
  };
  return (
    <div className={styles.page}>
      <search className={styles.filter}>
        <TextField label={t("list.find")} value={text} onChange={setText} type="search" />
        <Segmented
          label={t("list.show")}
          value={status}
          onChange={setStatus}
          choices={FILTERS.map((value) => ({ value, label: t(`list.${value}`) }))}
        />
      </search>
      <p role="status" className="visually-hidden">
        {t("list.shown", { count: shown.length })}
      </p>
      {shown.length > 0 ? (
        <SessionList sessions={shown} />
      ) : (
        <EmptyState title={t("list.noMatch")} action={<Button onClick={clear}>{t("list.clear")}</Button>}>
          {t("list.noMatchText")}
        </EmptyState>
      )}
      <div className={styles.more}>{more}</div>
    </div>
  );
}
