import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Card } from "~/ui/card";
import { Problem } from "~/ui/problem";
import { Segmented } from "~/ui/segmented";
import { DataTable } from "./data-table";
import { useUsage } from "./system-data";
import styles from "./tables.module.css";
import { count, duration } from "./units";
import { type KeyTotal, totals } from "./usage";

type Range = "1" | "7" | "30" | "365";
const RANGES: readonly Range[] = ["1", "7", "30", "365"];

/** What each API key used; sessions count when they end. */
export function UsageCard() {
  const { t, i18n } = useTranslation("system");
  const [range, setRange] = useState<Range>("30");
  const { data, error } = useUsage(Number(range));
  const say = (value: number) => count(value, i18n.language);
  const rows = totals(data?.usage ?? []);
  return (
    <Card
      title={t("usage.title")}
      actions={
        <Segmented<Range>
          label={t("usage.range")}
          hideLabel
          value={range}
          onChange={setRange}
          choices={RANGES.map((value) => ({ value, label: t(`usage.ranges.${value}`) }))}
        />
      }
    >
      {error && <Problem error={error} />}
      {data && rows.length === 0 && <p className={styles.note}>{t("usage.none")}</p>}
      {rows.length > 0 && (
        <DataTable<KeyTotal>
          label={t("usage.title")}
          rows={rows}
          rowKey={(row) => row.key}
          columns={[
            { title: t("usage.key"), cell: (row) => row.key },
            {
              title: t("usage.audio"),
              cell: (row) => duration(row.audioMs / 1000, i18n.language),
              isNumber: true,
            },
            { title: t("usage.sessions"), cell: (row) => say(row.sessions), isNumber: true },
            { title: t("usage.chars"), cell: (row) => say(row.translatedChars), isNumber: true },
            { title: t("usage.bots"), cell: (row) => say(row.bots), isNumber: true },
          ]}
        />
      )}
      <p className={styles.note}>{t("usage.note")}</p>
    </Card>
  );
}
