import { useTranslation } from "react-i18next";
import { PageHead } from "~/ui/page-head";
import { Problem } from "~/ui/problem";
import { Anomalies } from "./anomalies";
import { CapacityCard } from "./capacity-card";
import { Charts } from "./charts";
import { Glance } from "./glance";
import { PartsTable } from "./parts-table";
import { SessionsTable } from "./sessions-table";
import { StreamsTable } from "./streams-table";
import { useSystem } from "./system-data";
import styles from "./system-page.module.css";
import { UsageCard } from "./usage-card";

/** How the whole installation is: at a glance, then part by part. */
export function SystemPage() {
  const { t } = useTranslation(["system", "app"]);
  const { seen, error, atMs } = useSystem();
  const overview = seen?.overview;
  return (
    <>
      <PageHead title={t("title")}>{t("about")}</PageHead>
      <div className={styles.page}>
        {error && <Problem error={error} />}
        {!error && !seen && <p>{t("app:loading")}</p>}
        {seen && !error && <Glance seen={seen} />}
        {seen && overview && (
          <>
            <Anomalies anomalies={overview.anomalies} nowMs={atMs} />
            <Charts seen={seen} overview={overview} />
            <div className={styles.pair}>
              <CapacityCard overview={overview} health={seen.health} />
              <SessionsTable overview={overview} />
            </div>
            <PartsTable overview={overview} />
            <StreamsTable overview={overview} />
          </>
        )}
        {seen && <UsageCard />}
      </div>
    </>
  );
}
