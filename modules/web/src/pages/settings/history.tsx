import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { data, rest, type Schemas } from "~/api/rest";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { EmptyState } from "~/ui/empty-state";
import { Problem } from "~/ui/problem";
import { moment } from "~/ui/time";
import { useToast } from "~/ui/toast";
import { Differences } from "./differences";
import { diffQuery, historyQuery, WAIT_S } from "./queries";
import styles from "./settings.module.css";

/** The versions, newest first: who made them, what they changed, and the way back to each. */
export function History() {
  const { t } = useTranslation("settings");
  const { data: history, error } = useQuery(historyQuery);
  if (error) return <Problem error={error} />;
  if (!history) return null;
  if (history.versions.length === 0)
    return <EmptyState title={t("noHistory")}>{t("noHistoryText")}</EmptyState>;
  return (
    <ol className={styles.versions}>
      {history.versions.map((version, index) => (
        <Version key={version.version} version={version} isNewest={index === 0} />
      ))}
    </ol>
  );
}

function Version({ version, isNewest }: { version: Schemas["VersionSummary"]; isNewest: boolean }) {
  const { t, i18n } = useTranslation("settings");
  const [isOpen, setOpen] = useState(false);
  const [returning, setReturning] = useState(false);
  return (
    <li className={styles.version}>
      <div className={styles.versionHead}>
        <h2>{t("version", { version: version.version })}</h2>
        <p>
          {version.changed_at ? moment(version.changed_at, i18n.language) : ""} · {version.changed_by}
        </p>
        <Button kind="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {t("whatChanged")}
        </Button>
        {isNewest ? (
          <span className={styles.now}>{t("now")}</span>
        ) : (
          <Button onClick={() => setReturning(true)}>{t("return")}</Button>
        )}
      </div>
      {isOpen && version.version > 0 && <Changed from={version.version - 1} to={version.version} />}
      {returning && <ReturnDialog version={version.version} onClose={() => setReturning(false)} />}
    </li>
  );
}

function Changed({ from, to }: { from: number; to: number }) {
  const { data: diff, error } = useQuery(diffQuery(from, to));
  if (error) return <Problem error={error} />;
  return diff ? <Differences changes={diff.changes} /> : null;
}

function ReturnDialog({ version, onClose }: { version: number; onClose: () => void }) {
  const { t } = useTranslation("settings");
  const tell = useToast();
  const queries = useQueryClient();
  const roll = (dryRun: boolean) =>
    data(
      rest.POST("/v1/config/rollback", {
        params: { query: { dry_run: dryRun }, header: { prefer: `wait=${WAIT_S}` } },
        body: { to_version: version },
      }),
    );
  const preview = useQuery({
    queryKey: ["config-preview", "rollback", version],
    queryFn: () => roll(true),
    retry: false,
    gcTime: 0,
  });
  const back = useMutation({
    mutationFn: () => roll(false),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["config"] });
      tell({
        title: "version" in made && made.version ? t("saved", { version: made.version }) : t("asked"),
        description: t("inForce"),
        type: "good",
      });
      onClose();
    },
  });
  const error = back.error ?? preview.error;
  const changes = preview.data && "changes" in preview.data ? preview.data.changes : undefined;
  return (
    <Dialog
      title={t("returnTitle", { version })}
      open
      onOpenChange={(open) => !open && onClose()}
      actions={
        <>
          <Button onClick={onClose}>{t("back")}</Button>
          <Button
            kind="primary"
            disabled={changes === undefined || back.isPending}
            focusableWhenDisabled
            onClick={() => back.mutate()}
          >
            {back.isPending ? t("saving") : t("return")}
          </Button>
        </>
      }
    >
      <p>{t("returnText")}</p>
      {error && <Problem error={error} />}
      {changes && <Differences changes={changes} />}
    </Dialog>
  );
}
