import { useTranslation } from "react-i18next";
import { Badge } from "~/ui/badge";
import { Card } from "~/ui/card";
import { type Column, DataTable } from "./data-table";
import styles from "./tables.module.css";
import { count, duration } from "./units";
import { broken, type Overview } from "./verdict";
import { kindWords } from "./words";

/** A worker, an API process, a service or Redis: whatever has a state. */
interface Part {
  readonly kind: string;
  readonly profile: string;
  readonly name: string;
  readonly state: string;
  readonly load: string;
  readonly version: string;
  readonly config: string;
  readonly isBehind: boolean;
  readonly breakers: readonly string[];
  readonly up: string;
}

/** All processes and services, those that are not well first. */
export function PartsTable({ overview }: { overview: Overview }) {
  const { t } = useTranslation("system");
  const parts = useParts(overview);
  const breakers: Column<Part> = {
    title: t("parts.breakers"),
    cell: (part) =>
      part.breakers.length > 0 && (
        <Badge tone="warn">{t("parts.notAsked", { names: part.breakers.join(", ") })}</Badge>
      ),
  };
  return (
    <Card title={t("parts.title")}>
      <DataTable
        label={t("parts.title")}
        rows={parts}
        rowKey={(part) => `${part.kind} ${part.name}`}
        columns={[
          {
            title: t("parts.kind"),
            cell: (part) => (
              <span className={styles.named}>
                {kindWords(t, part.kind)} {part.profile}
                <small>{part.name}</small>
              </span>
            ),
          },
          { title: t("parts.state"), cell: (part) => <State state={part.state} /> },
          { title: t("parts.load"), cell: (part) => part.load, isNumber: true },
          { title: t("parts.up"), cell: (part) => part.up, isNumber: true },
          { title: t("parts.version"), cell: (part) => part.version },
          {
            title: t("parts.config"),
            cell: (part) =>
              part.isBehind ? (
                <Badge tone="warn">{t("parts.behind", { version: part.config })}</Badge>
              ) : (
                part.config
              ),
          },
          ...(parts.some((part) => part.breakers.length > 0) ? [breakers] : []),
        ]}
      />
    </Card>
  );
}

function State({ state }: { state: string }) {
  const { t } = useTranslation("system");
  if (state === "ok") return <Badge tone="good">{t("parts.ok")}</Badge>;
  return (
    <span className={styles.named}>
      <Badge tone="bad">{t("parts.notOk")}</Badge>
      <small lang="en">{state}</small>
    </span>
  );
}

function useParts(overview: Overview): Part[] {
  const { t, i18n } = useTranslation("system");
  const say = (value: number) => count(value, i18n.language);
  const nothing = { profile: "", config: "", isBehind: false, breakers: [], up: "" };
  const answer = (ms: number) => t("parts.answer", { ms: say(Math.round(ms)) });
  const { redis } = overview;
  const parts: Part[] = [
    {
      ...nothing,
      kind: "redis",
      name: redis.role,
      state: redis.state,
      load: answer(redis.answer_ms),
      version: redis.version,
    },
    ...overview.services.map((one) => ({
      ...nothing,
      kind: one.name.split(" ")[0] ?? one.name,
      name: one.url,
      state: one.state,
      load: one.state === "ok" ? answer(one.answer_ms) : "",
      version: one.version,
    })),
    ...overview.processes.map((one) => ({
      kind: one.kind,
      profile: one.profile,
      name: one.name,
      state: one.state,
      load: loadOf(one.measures),
      version: one.version,
      config: say(one.config_version),
      isBehind: one.state === "ok" && one.config_version < overview.config_version,
      breakers: broken(one.breakers),
      up: duration(one.uptime_s, i18n.language),
    })),
  ];
  return parts.sort((a, b) => Number(a.state === "ok") - Number(b.state === "ok"));

  function loadOf(measures: Readonly<Record<string, number>>): string {
    const { sessions, bots, speakers, room } = measures;
    if (sessions !== undefined && room !== undefined) {
      return t("parts.sessionsOf", { held: say(sessions), of: say(sessions + room) });
    }
    if (bots !== undefined && room !== undefined) {
      return t("parts.botsOf", { held: say(bots), of: say(bots + room) });
    }
    return speakers === undefined ? "" : t("parts.speakers", { count: speakers });
  }
}
