import { useTranslation } from "react-i18next";
import { Badge } from "~/ui/badge";
import { Card } from "~/ui/card";
import meter from "~/ui/meter.module.css";
import styles from "./capacity-card.module.css";
import { count, seconds } from "./units";
import { capacity, type Health, type Overview } from "./verdict";

/** How much the audio workers hold and would take more, and who is connected to this API process. */
export function CapacityCard({ overview, health }: { overview: Overview; health: Health | null }) {
  const { t, i18n } = useTranslation("system");
  const fleets = capacity(overview);
  return (
    <Card title={t("capacity.title")}>
      {fleets.length === 0 && <p>{t("capacity.none")}</p>}
      {fleets.map(({ profile, workers, held, room, level, lagS }) => (
        <div key={profile} className={styles.fleet}>
          <div className={styles.head}>
            <h3>{t("capacity.profile", { profile })}</h3>
            <span>
              {t("capacity.held", {
                held: count(held, i18n.language),
                of: count(held + room, i18n.language),
              })}
            </span>
          </div>
          <meter
            className={`${meter.meter} ${styles.meter}`}
            min={0}
            max={Math.max(1, held + room)}
            value={held}
            aria-label={t("capacity.meter", { profile })}
          />
          <p className={styles.facts}>
            {t("capacity.workers", { count: workers })} ·{" "}
            {t("capacity.lag", { lag: seconds(lagS, i18n.language) })}
            {room === 0 && (
              <>
                {" "}
                <Badge tone="warn">{t("capacity.full")}</Badge>
              </>
            )}
            {level > 0 && (
              <>
                {" "}
                <Badge tone="warn">{t("capacity.level", { level })}</Badge>
              </>
            )}
          </p>
        </div>
      ))}
      <dl className={styles.sockets}>
        <div>
          <dt>{t("capacity.speakers")}</dt>
          <dd>{health ? count(health.speakers, i18n.language) : "–"}</dd>
        </div>
        <div>
          <dt>{t("capacity.viewers")}</dt>
          <dd>{health ? count(health.viewers, i18n.language) : "–"}</dd>
        </div>
        <div>
          <dt>{t("capacity.bots")}</dt>
          <dd>{count(overview.bots.length, i18n.language)}</dd>
        </div>
      </dl>
    </Card>
  );
}
