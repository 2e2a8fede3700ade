import { useTranslation } from "react-i18next";
import { Badge } from "~/ui/badge";
import { type BotSummary, isMoving, toneOf } from "./life";

/** How a bot is, in a word or two. */
export function BotStateBadge({ bot }: { bot: Pick<BotSummary, "state" | "degraded"> }) {
  const { t } = useTranslation("bots");
  return (
    <Badge tone={toneOf(bot)} live={isMoving(bot.state)}>
      {bot.degraded ? t(`degraded.${bot.degraded.code}`) : t(`states.${bot.state}`)}
    </Badge>
  );
}
