import { useTranslation } from "react-i18next";
import { Badge } from "~/ui/badge";
import { Card } from "~/ui/card";
import { DataTable } from "./data-table";
import styles from "./tables.module.css";
import { count, duration } from "./units";
import type { Overview } from "./verdict";

type Stream = Overview["streams"][number];
type Group = Stream["groups"][number];

/** A group of a stream, or a stream that nobody reads. */
interface Row {
  readonly stream: Stream;
  readonly group: Group | null;
}

/** What goes between the parts: how much there is, and how much of it waits. */
export function StreamsTable({ overview }: { overview: Overview }) {
  const { t, i18n } = useTranslation("system");
  const say = (value: number) => count(value, i18n.language);
  const rows = overview.streams.flatMap((stream): Row[] =>
    stream.groups.length > 0 ? stream.groups.map((group) => ({ stream, group })) : [{ stream, group: null }],
  );
  return (
    <Card title={t("streams.title")}>
      <DataTable<Row>
        label={t("streams.title")}
        rows={rows}
        rowKey={({ stream, group }) => `${stream.name} ${group?.group ?? ""}`}
        columns={[
          {
            title: t("streams.stream"),
            cell: ({ stream, group }) => (
              <span className={styles.named}>
                {stream.name}
                <small>{group ? t("streams.group", { group: group.group }) : t("streams.noGroup")}</small>
              </span>
            ),
          },
          { title: t("streams.length"), cell: ({ stream }) => say(stream.length), isNumber: true },
          {
            title: t("streams.lag"),
            cell: ({ group }) => (group ? (group.lag === null ? "?" : say(group.lag)) : ""),
            isNumber: true,
          },
          {
            title: t("streams.pending"),
            cell: ({ group }) => group && pending(group),
            isNumber: true,
          },
          {
            title: t("streams.dead"),
            cell: ({ stream }) =>
              stream.dead_letters > 0 ? <Badge tone="bad">{say(stream.dead_letters)}</Badge> : "0",
            isNumber: true,
          },
        ]}
      />
    </Card>
  );

  function pending(group: Group): string {
    if (group.pending === 0 || group.oldest_idle_ms === 0) return say(group.pending);
    const age = duration(group.oldest_idle_ms / 1000, i18n.language);
    return t("streams.oldest", { pending: say(group.pending), age });
  }
}
