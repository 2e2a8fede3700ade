import { useTranslation } from "react-i18next";
import { clock } from "~/ui/time";
import styles from "./bot-timeline.module.css";
import { type Bot, type BotState, isFinal, type Moment, type Remark, timeline, upcoming } from "./life";
import { causeWords } from "./words";

/** Below this, how long a step lasted says nothing. */
const BRIEF_MS = 100;

/** All that happened to a bot, and what still lies before it. */
export function BotTimeline({ bot, remarks }: { bot: Bot; remarks: readonly Remark[] }) {
  const { t } = useTranslation("bots");
  const moments = timeline(bot, remarks);
  const last = bot.history.at(-1)?.seq;
  return (
    <ol className={styles.life}>
      {moments.map((one) =>
        one.kind === "step" ? (
          <Step key={one.step.seq} one={one} isNow={one.step.seq === last} />
        ) : (
          <li key={one.key} className={styles.moment} data-kind={one.kind}>
            <span className={styles.name}>{t(`life.${one.kind}`)}</span>
            <At atMs={one.atMs} />
            <span className={styles.cause}>{causeWords(t, { code: one.code, message: "" })}</span>
          </li>
        ),
      )}
      {upcoming(bot.state, bot.driver).map((state) => (
        <Next key={state} state={state} />
      ))}
    </ol>
  );
}

function Step({ one, isNow }: { one: Extract<Moment, { kind: "step" }>; isNow: boolean }) {
  const { t } = useTranslation("bots");
  const { step } = one;
  const lastedMs = one.lastedMs !== null && one.lastedMs >= BRIEF_MS ? one.lastedMs : null;
  const cause = causeWords(t, step.cause);
  const kind = step.state === "failed" || step.state === "needs_help" ? step.state : "step";
  return (
    <li
      className={styles.moment}
      data-kind={kind}
      data-now={(isNow && !isFinal(step.state)) || undefined}
      {...(isNow ? { "aria-current": "step" } : {})}
    >
      <span className={styles.name}>
        {t(`states.${step.state}`)}
        {step.attempt > 1 && <small> · {t("life.attempt", { count: step.attempt })}</small>}
      </span>
      <At atMs={one.atMs} />
      {(cause || lastedMs !== null) && (
        <span className={styles.cause}>
          {[cause, lastedMs !== null ? t("life.lasted", { duration: lasted(lastedMs) }) : ""]
            .filter(Boolean)
            .join(" · ")}
        </span>
      )}
    </li>
  );
}

function Next({ state }: { state: BotState }) {
  const { t } = useTranslation("bots");
  return (
    <li className={styles.moment} data-kind="next">
      <span className={styles.name}>
        {t(`states.${state}`)}
        <span className="visually-hidden"> ({t("life.next")})</span>
      </span>
    </li>
  );
}

/** The time to the second: steps often follow one another within one. */
function At({ atMs }: { atMs: number }) {
  const { i18n } = useTranslation("bots");
  const at = new Date(atMs);
  const isToday = at.toDateString() === new Date().toDateString();
  const text = new Intl.DateTimeFormat(i18n.language, {
    ...(isToday ? {} : { dateStyle: "short" }),
    timeStyle: "medium",
  }).format(at);
  return (
    <time className={styles.time} dateTime={at.toISOString()}>
      {text}
    </time>
  );
}

function lasted(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : clock(ms);
}
