import { Link } from "@tanstack/react-router";
import { Globe, Radio } from "lucide-react";
import { useTranslation } from "react-i18next";
import { moment } from "~/ui/time";
import styles from "./bot-list.module.css";
import { BotStateBadge } from "./bot-state";
import { type BotSummary, grouped, isFinal } from "./life";
import { shortLink, wayOf } from "./recognise";
import { causeWords, endWords } from "./words";

/** Bots by what they ask of a person; each leads to its own page. */
export function BotList({ bots, nowMs }: { bots: readonly BotSummary[]; nowMs: number }) {
  const { t } = useTranslation("bots");
  return grouped(bots, nowMs).map(([group, found]) => (
    <section key={group} className={styles.group} aria-labelledby={`bots-${group}`}>
      <h2 id={`bots-${group}`}>{t(`groups.${group}`)}</h2>
      <ul className={styles.list}>
        {found.map((bot) => (
          <BotRow key={bot.id} bot={bot} isLater={group === "scheduled"} />
        ))}
      </ul>
    </section>
  ));
}

function BotRow({ bot, isLater }: { bot: BotSummary; isLater: boolean }) {
  const { t, i18n } = useTranslation("bots");
  const Icon = bot.driver === "media" ? Radio : Globe;
  const time = moment((isLater && bot.join_at) || bot.state_at, i18n.language);
  const when = isLater ? t("joins", { time }) : isFinal(bot.state) ? time : t("since", { time });
  return (
    <li className={styles.row}>
      <Icon aria-hidden size={22} className={styles.icon} />
      <div className={styles.what}>
        <Link to="/bots/$botId" params={{ botId: bot.id }} className={styles.link}>
          {shortLink(bot.url)}
        </Link>
        <span className={styles.about}>
          {t(`ways.${wayOf(bot.driver, bot.url)}`)} · {when}
        </span>
      </div>
      <div className={styles.state}>
        <BotStateBadge bot={bot} />
        <span className={styles.about}>
          {bot.state === "failed" ? causeWords(t, bot.cause) : endWords(t, bot)}
        </span>
      </div>
      <Link to="/sessions/$sessionId" params={{ sessionId: bot.session_id }} className={styles.session}>
        {t("session")}
        <span className="visually-hidden"> {shortLink(bot.url)}</span>
      </Link>
    </li>
  );
}
