import { CircleAlert, CircleCheck, Hourglass, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { moment } from "~/ui/time";
import tones from "~/ui/tone.module.css";
import styles from "./bot-notices.module.css";
import { type Bot, isFinal } from "./life";
import { Screenshots } from "./screenshots";
import { causeWords, endWords, remedyOf } from "./words";

/** What a person has to know about this bot now, and what can be done. */
export function BotNotices({ bot }: { bot: Bot }) {
  const { t, i18n } = useTranslation("bots");
  const time = (at: string) => moment(at, i18n.language);
  if (bot.state === "failed") return <Failure bot={bot} />;
  if (bot.state === "completed") {
    return (
      <Notice tone="good" icon={<CircleCheck aria-hidden size={22} />} title={t("end.title")}>
        <p>{endWords(t, bot)}</p>
      </Notice>
    );
  }
  if (bot.state === "needs_help") {
    return (
      <Notice tone="warn" icon={<TriangleAlert aria-hidden size={22} />} title={t("help.title")} isUrgent>
        <p>{t("help.text")}</p>
        <p>{t("help.what")}</p>
        <Screenshots bot={bot} />
      </Notice>
    );
  }
  if (bot.state === "awaiting_admission") {
    return (
      <Notice tone="warn" icon={<Hourglass aria-hidden size={22} />} title={t("help.waitingTitle")}>
        <p>{t("help.waitingText")}</p>
      </Notice>
    );
  }
  if (bot.degraded) {
    return (
      <Notice
        tone="warn"
        icon={<TriangleAlert aria-hidden size={22} />}
        title={t(`degraded.${bot.degraded.code}`)}
      >
        <p>{t(`lacks.${bot.degraded.code}`, { time: time(bot.degraded.since) })}</p>
      </Notice>
    );
  }
  return <Waiting bot={bot} time={time} />;
}

function Waiting({ bot, time }: { bot: Bot; time: (at: string) => string }) {
  const { t } = useTranslation("bots");
  const isLater = bot.join_at !== null && Date.parse(bot.join_at) > Date.now();
  if (isFinal(bot.state) || bot.state !== "requested" || !(bot.queue.queued || isLater)) return null;
  const { position } = bot.queue;
  return (
    <Notice tone="neutral" icon={<Hourglass aria-hidden size={22} />} title={t("states.requested")}>
      <p>
        {isLater && bot.join_at
          ? t("queue.scheduled", { time: time(bot.join_at) })
          : position === null
            ? t("queue.unknown")
            : t("queue.text", { position })}
      </p>
    </Notice>
  );
}

function Failure({ bot }: { bot: Bot }) {
  const { t } = useTranslation("bots");
  const stage = (bot.failure_stage ?? "unknown") as Parameters<typeof stageKey>[0];
  return (
    <Notice
      tone="bad"
      icon={<CircleAlert aria-hidden size={22} />}
      title={t("failure.title", { stage: t(stageKey(stage)) })}
    >
      <p>{causeWords(t, bot.cause)}.</p>
      <p>
        <strong>{t("failure.remedy")}: </strong>
        {t(`remedies.${remedyOf(bot.cause.code)}`)}
      </p>
      {bot.cause.message && (
        <p className={styles.told}>{t("failure.told", { message: bot.cause.message })}</p>
      )}
      <Screenshots bot={bot} />
    </Notice>
  );
}

function stageKey(stage: "request" | "launch" | "join" | "admission" | "capture" | "running" | "unknown") {
  return `stages.${stage}` as const;
}

interface NoticeProps {
  readonly tone: "good" | "warn" | "bad" | "neutral";
  readonly icon: ReactNode;
  readonly title: string;
  readonly children: ReactNode;
  /** Whether it is told at once, whatever is being read out. */
  readonly isUrgent?: boolean;
}

function Notice({ tone, icon, title, children, isUrgent = false }: NoticeProps) {
  return (
    <section
      className={`${tones.toned} ${styles.notice}`}
      data-tone={tone}
      {...(isUrgent ? { role: "alert" } : {})}
    >
      {icon}
      <div className={styles.text}>
        <h2>{title}</h2>
        {children}
      </div>
    </section>
  );
}
