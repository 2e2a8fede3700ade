import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import meter from "~/ui/meter.module.css";
import { clock } from "~/ui/time";
import styles from "./bot-figures.module.css";
import type { Bot } from "./life";

/** What the bot's runner told last, once a second while it runs. */
export function BotFigures({ bot }: { bot: Bot }) {
  const { t, i18n } = useTranslation("bots");
  const { report } = bot;
  if (!report) return <p className={styles.note}>{t("figures.none")}</p>;
  const level = Math.round(report.peak * 100);
  const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: "medium" }).format(new Date(report.at));
  return (
    <>
      <dl className={styles.figures}>
        <Figure name={t("figures.audio")}>{clock(report.audio_ms)}</Figure>
        {report.silent_ms >= 1000 && <Figure name={t("figures.silent")}>{clock(report.silent_ms)}</Figure>}
        {bot.state === "active" && (
          <Figure name={t("figures.level")}>
            <meter
              className={`${meter.meter} ${styles.meter}`}
              min={0}
              max={100}
              value={level}
              aria-label={t("figures.level")}
            />
            {level} %
          </Figure>
        )}
        {report.participants !== null && (
          <Figure name={t("figures.participants")}>{report.participants}</Figure>
        )}
        {report.speaking !== null && <Figure name={t("figures.speaking")}>{report.speaking}</Figure>}
        {report.reconnects > 0 && <Figure name={t("figures.reconnects")}>{report.reconnects}</Figure>}
        {bot.restarts > 0 && <Figure name={t("figures.restarts")}>{bot.restarts}</Figure>}
      </dl>
      <p className={styles.note}>{t("figures.as", { time })}</p>
    </>
  );
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={styles.figure}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
