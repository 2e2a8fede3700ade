import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ProblemError } from "~/app/problem";
import styles from "./problem.module.css";

/** What went wrong, why, and what can be done: for whatever was thrown. */
export function Problem({ error, action }: { error: unknown; action?: ReactNode }) {
  const { t } = useTranslation("app");
  const known = error instanceof ProblemError ? error : undefined;
  const away = known?.code === "unreachable";
  return (
    <div role="alert" className={styles.problem}>
      <CircleAlert aria-hidden size={22} />
      <div className={styles.text}>
        <h2>{t("problem.title")}</h2>
        <p>{away ? t("problem.unreachable") : error instanceof Error ? error.message : String(error)}</p>
        {away && <p>{t("problem.unreachableRemedy")}</p>}
        {known !== undefined && known.errors.length > 0 && (
          <ul>
            {known.errors.map(({ location, message }) => (
              <li key={location}>
                <code>{location}</code> {message}
              </li>
            ))}
          </ul>
        )}
        {known?.remedy && <p>{known.remedy}</p>}
        {known?.traceId && <p className={styles.trace}>{t("problem.trace", { id: known.traceId })}</p>}
        {action}
      </div>
    </div>
  );
}
