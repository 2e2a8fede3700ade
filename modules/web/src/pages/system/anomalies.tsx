import { useTranslation } from "react-i18next";
import { Badge, type Tone } from "~/ui/badge";
import { Card } from "~/ui/card";
import { moment } from "~/ui/time";
import styles from "./anomalies.module.css";
import { count, duration } from "./units";
import { type Anomaly, byWeight } from "./verdict";
import { ruleWords } from "./words";

const TONES: Readonly<Record<Anomaly["severity"], Tone>> = {
  critical: "bad",
  warning: "warn",
  info: "neutral",
};

/** The anomalies that are open: what, since when, by which rule, and what can be done. */
export function Anomalies({ anomalies, nowMs }: { anomalies: readonly Anomaly[]; nowMs: number }) {
  const { t, i18n } = useTranslation("system");
  if (anomalies.length === 0) return null;
  return (
    <Card title={t("anomalies.title")}>
      <ul className={styles.list}>
        {byWeight(anomalies).map((one) => {
          const { title, remedy } = ruleWords(t, one.rule);
          return (
            <li key={`${one.rule} ${one.subject}`} className={styles.anomaly}>
              <div className={styles.head}>
                <h3>{title}</h3>
                <Badge tone={TONES[one.severity]}>{t(`severities.${one.severity}`)}</Badge>
              </div>
              {one.subject && <p className={styles.subject}>{one.subject}</p>}
              <p>
                <strong>{t("remedy")}: </strong>
                {remedy}
              </p>
              <p className={styles.facts}>
                {t("anomalies.since", {
                  time: moment(one.since_ms, i18n.language),
                  duration: duration((nowMs - one.since_ms) / 1000, i18n.language),
                })}
                {" · "}
                {t("anomalies.measure", { measure: one.measure, value: count(one.value, i18n.language) })}
                {" · "}
                {t("anomalies.rule", { rule: one.rule })}
              </p>
              <p className={styles.facts} lang="en">
                {one.message}
              </p>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
