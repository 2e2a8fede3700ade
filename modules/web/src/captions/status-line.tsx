import type { ConnectionState } from "@dragoman/client";
import type { TFunction } from "i18next";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Badge } from "~/ui/badge";
import { type CaptionLog, useCaptionState } from "./log";
import type { CaptionState } from "./state";
import { lostSteps, refusalOf, statusOf } from "./status";
import styles from "./status-line.module.css";

type Texts = TFunction<"captions">;

interface StatusLineProps {
  readonly log: CaptionLog;
  /** Speakers are told that their words are kept; viewers need not know. */
  readonly isSpeaker?: boolean;
}

/** How it is: connection, lag, reduced service, who is there. Screen readers hear changes, but no counting. */
export function StatusLine({ log, isSpeaker = false }: StatusLineProps) {
  const { t } = useTranslation("captions");
  const state = useCaptionState(log, (whole) => whole);
  const status = statusOf(state);
  const seconds = useSecondsLeft(state.connection);
  const label = seconds > 0 ? t("status.waitingFor", { seconds }) : t(`status.${status.name}`);
  const notes = notesOf(state, isSpeaker, t);
  const viewers = state.presence?.viewers ?? 0;
  return (
    <div className={styles.line}>
      <div className={styles.seen} aria-hidden>
        <Badge tone={status.tone} live={status.name === "live"}>
          {label}
        </Badge>
        {notes.map(({ seen }) => (
          <span key={seen}>{seen}</span>
        ))}
        {status.tone === "good" && viewers > 0 && <span>{t("viewers", { count: viewers })}</span>}
      </div>
      <p role="status" className="visually-hidden">
        {[t(`status.${status.name}`), ...notes.map(({ heard }) => heard)].join(". ")}
      </p>
    </div>
  );
}

interface Note {
  readonly seen: string;
  /** The same without numbers that change all the time. */
  readonly heard: string;
}

function notesOf(state: CaptionState, isSpeaker: boolean, t: Texts): Note[] {
  const { name } = statusOf(state);
  const notes: string[] = [];
  if (name === "refused") notes.push(refusal(state, t));
  if (isSpeaker && (name === "waiting" || name === "reconnecting")) notes.push(t("kept"));
  if (state.connection?.name !== "open") return notes.map(alike);
  if (state.degraded) notes.push(degradation(state.degraded.reason, t));
  const told = notes.map(alike);
  if (!state.lag) return told;
  const seconds = Math.max(1, Math.round(state.lag.ms / 1000));
  return [{ seen: t("behind", { seconds }), heard: t("behindHeard") }, ...told];
}

function alike(text: string): Note {
  return { seen: text, heard: text };
}

function refusal({ connection }: CaptionState, t: Texts): string {
  if (connection?.name !== "refused") return "";
  const known = refusalOf(connection.error.code);
  if (known) return t(`refused.${known}`);
  return [connection.error.message, connection.error.remedy].filter(Boolean).join(". ");
}

function degradation(reason: string, t: Texts): string {
  const lost = lostSteps(reason).map((step) => t(`lost.${step}`));
  return lost.length ? `${t("reduced")}: ${lost.join(", ")}` : t("reduced");
}

/** Whole seconds until the next attempt; 0 where none is waited for. */
function useSecondsLeft(connection: ConnectionState | null): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (connection?.name !== "waiting") return setLeft(0);
    const endsAt = Date.now() + connection.retryInMs;
    const count = () => setLeft(Math.max(0, Math.round((endsAt - Date.now()) / 1000)));
    count();
    const timer = setInterval(count, 1_000);
    return () => clearInterval(timer);
  }, [connection]);
  return left;
}
