import { useTranslation } from "react-i18next";
import { moment } from "~/ui/time";
import { usePicture, useScreenshots } from "./bot-data";
import type { Bot } from "./life";
import styles from "./screenshots.module.css";

/** What a browser bot saw when it failed or needed help; nothing where it took no picture. */
export function Screenshots({ bot }: { bot: Bot }) {
  const { t } = useTranslation("bots");
  const { data } = useScreenshots(bot);
  if (!data || data.screenshots.length === 0) return null;
  return (
    <div className={styles.shots}>
      <h3>{t("screenshots.title")}</h3>
      <ul className={styles.list}>
        {data.screenshots.map((one) => (
          <li key={one.time_ms}>
            <Picture botId={bot.id} timeMs={one.time_ms} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Picture({ botId, timeMs }: { botId: string; timeMs: number }) {
  const { t, i18n } = useTranslation("bots");
  const { src, error } = usePicture(botId, timeMs);
  const time = moment(timeMs, i18n.language);
  if (error) return <p>{error.message}</p>;
  return (
    <figure className={styles.shot}>
      {src && (
        <a href={src} target="_blank" rel="noreferrer" aria-label={t("screenshots.open", { time })}>
          <img src={src} alt={t("screenshots.alt", { time })} />
        </a>
      )}
      <figcaption>{time}</figcaption>
    </figure>
  );
}
