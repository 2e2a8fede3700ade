import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import tones from "~/ui/tone.module.css";
import styles from "./glance.module.css";
import type { Seen } from "./system-data";
import { duration } from "./units";
import { byWeight, type Trouble, verdict } from "./verdict";
import { kindWords, ruleWords } from "./words";

const ICONS = { good: CircleCheck, warn: TriangleAlert, bad: CircleAlert };

/** How the installation is, in one sentence, and what can be done if it is not well. */
export function Glance({ seen }: { seen: Seen }) {
  const { t, i18n } = useTranslation("system");
  const { health, overview } = seen;
  const { kind, tone, troubles } = verdict(health, overview);
  const [gravest] = byWeight(overview?.anomalies ?? []);
  const Icon = ICONS[tone];
  return (
    <section className={`${tones.toned} ${styles.glance}`} data-tone={tone} aria-labelledby="glance">
      <Icon aria-hidden size={28} />
      <div className={styles.text}>
        <div role="status">
          <h2 id="glance">{t(`glance.${kind}`)}</h2>
        </div>
        {kind === "blind" && <p>{t("glance.blindText")}</p>}
        {kind === "old" && overview && (
          <p>{t("glance.oldText", { age: duration(overview.age_ms / 1000, i18n.language) })}</p>
        )}
        {troubles.length > 0 && (
          <ul className={styles.troubles}>
            {troubles.map((one) => (
              <li key={`${one.part} ${one.kind} ${one.name}`}>
                <strong>{nameOf(one)}</strong>: <span lang="en">{one.told}</span>
              </li>
            ))}
          </ul>
        )}
        {gravest ? (
          <p>
            <strong>{t("remedy")}: </strong>
            {ruleWords(t, gravest.rule).remedy}
          </p>
        ) : (
          troubles[0] && (
            <p>
              <strong>{t("remedy")}: </strong>
              {t(`glance.remedies.${troubles[0].part}`)}
            </p>
          )
        )}
      </div>
    </section>
  );

  function nameOf({ part, kind, name }: Trouble): string {
    if (part === "unseen") return t("glance.unseen", { name: kind });
    return `${kindWords(t, kind)} ${name}`.trim();
  }
}
