import { useQuery } from "@tanstack/react-query";
import { Pause, Play, RotateCcw, RotateCw, Trash2 } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "~/ui/button";
import { clock } from "~/ui/time";
import { useToast } from "~/ui/toast";
import { isOpen, type Session } from "./arrange";
import { ConfirmDialog } from "./confirm-dialog";
import type { Playback } from "./playback";
import styles from "./player.module.css";
import { openRecording, useDeleteRecording } from "./session-data";

const SKIP_MS = 5_000;
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
/** The cookie lasts for an hour. */
const ACCESS_MS = 50 * 60_000;

/** Plays the recording at the foot of the page; arrow keys within it go 5 seconds back and forward. */
export function Player({ session, playback }: { session: Session; playback: Playback }) {
  const { t } = useTranslation("sessions");
  const audio = useRef<HTMLAudioElement>(null);
  const retried = useRef(false);
  const [playing, setPlaying] = useState(false);
  const [failed, setFailed] = useState(false);
  const [nowMs, setNowMs] = useState(0);
  const [lengthMs, setLengthMs] = useState(session.recording?.duration_ms ?? 0);
  const access = useQuery({
    queryKey: ["recording-access", session.id],
    queryFn: () => openRecording(session.id).then(() => true),
    staleTime: ACCESS_MS,
    refetchInterval: ACCESS_MS,
  });
  const grows = session.recording?.state === "recording";
  useEffect(() => (audio.current ? playback.attach(audio.current) : undefined), [playback]);
  useEffect(() => {
    playback.grows = grows;
  }, [playback, grows]);

  /** A cookie that has expired meanwhile is asked for again, once. */
  const retry = async () => {
    if (retried.current) return setFailed(true);
    retried.current = true;
    const resume = playback.ms;
    if ((await access.refetch()).isSuccess) playback.seek(resume);
    else setFailed(true);
  };
  const skipByKey = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -SKIP_MS, ArrowRight: SKIP_MS }[event.key];
    if (step === undefined || event.target instanceof HTMLSelectElement) return;
    event.preventDefault();
    playback.skip(step);
  };
  return (
    <section className={styles.player} aria-label={t("player.label")} onKeyDown={skipByKey}>
      <audio
        ref={audio}
        preload="metadata"
        {...(access.isSuccess ? { src: `/v1/sessions/${session.id}/recording` } : {})}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={() => setNowMs(playback.ms)}
        onSeeking={() => setNowMs(playback.ms)}
        onDurationChange={(event) => {
          const { duration } = event.currentTarget;
          if (Number.isFinite(duration)) setLengthMs(duration * 1000);
        }}
        onLoadedMetadata={() => {
          retried.current = false;
          setFailed(false);
        }}
        onError={() => void retry()}
      />
      <div className={styles.buttons}>
        <IconButton
          label={t("player.back")}
          icon={<RotateCcw aria-hidden size={18} />}
          onClick={() => playback.skip(-SKIP_MS)}
        />
        <IconButton
          kind="primary"
          label={t(playing ? "player.pause" : "player.play")}
          icon={playing ? <Pause aria-hidden size={20} /> : <Play aria-hidden size={20} />}
          disabled={!access.isSuccess || failed}
          focusableWhenDisabled
          onClick={() => playback.toggle()}
        />
        <IconButton
          label={t("player.forward")}
          icon={<RotateCw aria-hidden size={18} />}
          onClick={() => playback.skip(SKIP_MS)}
        />
      </div>
      <Position nowMs={nowMs} lengthMs={lengthMs} onGo={(ms) => playback.seek(ms)} />
      <select
        className={styles.speed}
        aria-label={t("player.speed")}
        defaultValue="1"
        onChange={(event) => {
          if (audio.current) audio.current.playbackRate = Number(event.target.value);
        }}
      >
        {SPEEDS.map((speed) => (
          <option key={speed} value={speed}>
            {t("player.times", { speed })}
          </option>
        ))}
      </select>
      <DeleteRecording session={session} />
      <Trouble session={session} failed={failed || access.isError} />
    </section>
  );
}

interface PositionProps {
  readonly nowMs: number;
  readonly lengthMs: number;
  readonly onGo: (ms: number) => void;
}

function Position({ nowMs, lengthMs, onGo }: PositionProps) {
  const { t } = useTranslation("sessions");
  const [time, duration] = [clock(nowMs), clock(lengthMs)];
  return (
    <div className={styles.position}>
      <span>{time}</span>
      <input
        type="range"
        aria-label={t("player.position")}
        aria-valuetext={t("player.positionText", { time, duration })}
        min={0}
        max={Math.max(Math.round(lengthMs), 1)}
        step={100}
        value={Math.min(nowMs, lengthMs)}
        onChange={(event) => onGo(Number(event.target.value))}
      />
      <span>{duration}</span>
    </div>
  );
}

function DeleteRecording({ session }: { session: Session }) {
  const { t } = useTranslation("sessions");
  const [asks, setAsks] = useState(false);
  const tell = useToast();
  const remove = useDeleteRecording(session.id, () => tell({ title: t("player.deleted"), type: "good" }));
  return (
    <>
      <IconButton
        label={t("player.delete")}
        icon={<Trash2 aria-hidden size={18} />}
        onClick={() => setAsks(true)}
      />
      <ConfirmDialog
        title={t("player.deleteTitle")}
        text={t(isOpen(session) ? "player.deleteLive" : "player.deleteText")}
        confirm={t("player.confirm")}
        action={remove}
        open={asks}
        onOpenChange={setAsks}
      />
    </>
  );
}

const REASONS = [
  "disk_full",
  "not_permitted",
  "folder_gone",
  "too_slow",
  "io_error",
  "not_kept_here",
  "session_failed",
] as const;

/** Why the recording cannot be heard, or not all of it. */
function Trouble({ session, failed }: { session: Session; failed: boolean }) {
  const { t } = useTranslation("sessions");
  const reason = REASONS.find((one) => one === session.recording?.reason);
  const text = failed
    ? t("player.failed")
    : session.recording?.state === "failed"
      ? t("player.incomplete", {
          reason: reason ? t(`player.reason.${reason}`) : (session.recording.reason ?? ""),
        })
      : "";
  return (
    <p role="status" className={styles.trouble}>
      {text}
    </p>
  );
}
