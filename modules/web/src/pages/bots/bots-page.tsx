import { Bot } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { EmptyState } from "~/ui/empty-state";
import { PageHead } from "~/ui/page-head";
import { Problem } from "~/ui/problem";
import { useBotEvents, useBots } from "./bot-data";
import { BotForm } from "./bot-form";
import { BotList } from "./bot-list";
import styles from "./bots-page.module.css";

/** Send a bot by its link, and see all that there are. */
export function BotsPage() {
  const { t } = useTranslation("bots");
  const { live } = useBotEvents();
  const { data, error, dataUpdatedAt, hasNextPage, isFetchingNextPage, fetchNextPage } = useBots({ live });
  const bots = data?.pages.flatMap((page) => page.bots) ?? [];
  return (
    <>
      <PageHead title={t("title")}>{t("about")}</PageHead>
      <div className={styles.page}>
        <BotForm />
        {error && <Problem error={error} />}
        {data && bots.length === 0 && (
          <EmptyState title={t("empty.title")} icon={<Bot aria-hidden size={40} />}>
            {t("empty.text")}
          </EmptyState>
        )}
        {bots.length > 0 && (
          <>
            <BotList bots={bots} nowMs={dataUpdatedAt} />
            {hasNextPage && (
              <div>
                <Button onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>
                  {t("older")}
                </Button>
              </div>
            )}
            <p className={styles.news}>{live ? t("live") : t("notLive")}</p>
          </>
        )}
      </div>
    </>
  );
}
