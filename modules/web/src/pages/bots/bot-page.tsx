import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft, Captions } from "lucide-react";
import { useTranslation } from "react-i18next";
import buttons from "~/ui/button.module.css";
import { Card } from "~/ui/card";
import { PageHead } from "~/ui/page-head";
import { Problem } from "~/ui/problem";
import { useBot, useBotEvents } from "./bot-data";
import { BotFigures } from "./bot-figures";
import { BotNotices } from "./bot-notices";
import styles from "./bot-page.module.css";
import { BotStateBadge } from "./bot-state";
import { BotTimeline } from "./bot-timeline";
import { type Bot, isFinal, type Remark } from "./life";
import { isUnverified, shortLink, WAYS, type Way } from "./recognise";
import { StopBot } from "./stop-bot";

/** One bot: how it is, what it needs, what it hears, and all of its life. */
export function BotPage() {
  const { t } = useTranslation("bots");
  const { botId } = useParams({ from: "/shell/bots/$botId" });
  const { remarks } = useBotEvents(botId);
  const { data: bot, error } = useBot(botId);
  return (
    <>
      <p className={styles.back}>
        <Link to="/bots">
          <ArrowLeft aria-hidden size={16} /> {t("back")}
        </Link>
      </p>
      {bot && <Whole bot={bot} remarks={remarks} />}
      {error && (
        <>
          {!bot && <PageHead title={t("title")} />}
          <Problem error={error} />
        </>
      )}
    </>
  );
}

function Whole({ bot, remarks }: { bot: Bot; remarks: readonly Remark[] }) {
  const { t } = useTranslation("bots");
  return (
    <>
      <PageHead
        title={shortLink(bot.url)}
        actions={
          <>
            <Link
              to="/sessions/$sessionId"
              params={{ sessionId: bot.session_id }}
              className={buttons.button}
              data-kind="primary"
            >
              <Captions aria-hidden size={18} />
              <span>{t("captions")}</span>
            </Link>
            {!isFinal(bot.state) && <StopBot bot={bot} />}
          </>
        }
      >
        <div className={styles.about}>
          <span role="status">
            <BotStateBadge bot={bot} />
          </span>
          <span>{platform(t, bot)}</span>
        </div>
      </PageHead>
      <div className={styles.page}>
        <div className={styles.notices}>
          <BotNotices bot={bot} />
        </div>
        <Card title={t("life.title")}>
          <BotTimeline bot={bot} remarks={remarks} />
        </Card>
        <Card title={t("figures.title")}>
          <BotFigures bot={bot} />
        </Card>
      </div>
    </>
  );
}

function platform(t: ReturnType<typeof useTranslation<"bots">>["t"], bot: Bot): string {
  if (bot.driver === "media") return t("ways.media");
  const way = bot.recipe as Way;
  if (!WAYS.includes(way)) return bot.recipe; // a recipe of this installation
  return isUnverified(way) ? t("unverified", { way: t(`ways.${way}`) }) : t(`ways.${way}`);
}
