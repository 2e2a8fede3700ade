import { Mic, MicOff, Pause, Play, Square } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { FileSource } from "~/capture/file-source";
import { Badge } from "~/ui/badge";
import { Button } from "~/ui/button";
import { Dialog, DialogClose } from "~/ui/dialog";
import { clock } from "~/ui/time";
import { LevelMeter } from "./level-meter";
import styles from "./live.module.css";
import type { Speaking } from "./speaking";
import { useSpeakingState } from "./studio";
import { useShortcuts } from "./use-shortcuts";

const UNSENT_MS = 1_000;

interface BarProps {
  readonly speaking: Speaking;
  readonly shortcuts: boolean;
  readonly onShare: () => void;
  readonly onHelp: () => void;
}

/** What one does while speaking, always in the same place. */
export function Bar({ speaking, shortcuts, onShare, onHelp }: BarProps) {
  const { t } = useTranslation("live");
  const { phase, paused, muted, sourceEnd } = useSpeakingState(speaking);
  const [unsentMs, setUnsentMs] = useState<number | null>(null);
  const isFile = speaking.source.kind === "file";
  const mute = () => speaking.setMuted(!muted);
  const pause = () => void speaking.setPaused(!paused);
  const stop = () => {
    const unsent = speaking.connection.state.name === "open" ? 0 : speaking.unstoredMs;
    if (unsent > UNSENT_MS) setUnsentMs(unsent);
    else void speaking.stop();
  };
  const isLive = phase === "live";
  useShortcuts(
    { ...(isFile ? {} : { m: mute }), ...(sourceEnd ? {} : { p: pause }), s: onShare, "?": onHelp },
    shortcuts && isLive,
  );
  if (!isLive) return <Finishing speaking={speaking} />;
  return (
    <section className={styles.bar} aria-label={t("bar.label")}>
      <div className={styles.buttons}>
        {!isFile && (
          <Button
            aria-pressed={muted}
            aria-keyshortcuts={shortcuts ? "m" : undefined}
            onClick={mute}
            icon={muted ? <MicOff aria-hidden size={20} /> : <Mic aria-hidden size={20} />}
          >
            {t(muted ? "bar.unmute" : "bar.mute")}
          </Button>
        )}
        <Button
          aria-pressed={paused}
          aria-keyshortcuts={shortcuts ? "p" : undefined}
          onClick={pause}
          disabled={sourceEnd !== null}
          icon={paused ? <Play aria-hidden size={20} /> : <Pause aria-hidden size={20} />}
        >
          {t(paused ? "bar.resume" : "bar.pause")}
        </Button>
      </div>
      <div className={styles.gauge}>
        <LevelMeter meter={speaking.source.meter} isOff={muted || paused} />
        <span className={styles.source}>{speaking.source.label}</span>
      </div>
      <div className={styles.time}>
        {muted && <Badge tone="warn">{t("bar.muted")}</Badge>}
        {paused && <Badge tone="warn">{t("bar.paused")}</Badge>}
        <Elapsed speaking={speaking} />
      </div>
      <Button kind="danger" onClick={stop} icon={<Square aria-hidden size={18} fill="currentColor" />}>
        {t("bar.stop")}
      </Button>
      <Dialog
        title={t("unsent.title", { count: Math.round((unsentMs ?? 0) / 1000) })}
        open={unsentMs !== null}
        onOpenChange={() => setUnsentMs(null)}
        actions={
          <>
            <DialogClose render={<Button>{t("unsent.goOn")}</Button>} />
            <Button kind="primary" onClick={() => void speaking.stop()}>
              {t("unsent.stop")}
            </Button>
          </>
        }
      >
        <p>{t("unsent.text")}</p>
      </Dialog>
    </section>
  );
}

/** How long one has spoken; of a file, how far it is. */
function Elapsed({ speaking }: { speaking: Speaking }) {
  const { t } = useTranslation("live");
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), 500);
    return () => clearInterval(timer);
  }, []);
  const { source } = speaking;
  if (!(source instanceof FileSource)) {
    return (
      <span role="timer" aria-label={t("bar.elapsed")} className={styles.clock}>
        {clock(speaking.stopwatch.elapsedMs)}
      </span>
    );
  }
  return (
    <>
      <progress
        className={styles.progress}
        max={source.durationMs}
        value={source.givenMs}
        aria-label={t("bar.file")}
      />
      <span className={styles.clock}>
        {clock(source.givenMs)} / {clock(source.durationMs)}
      </span>
    </>
  );
}

/** All is said; the last words are on their way. */
function Finishing({ speaking }: { speaking: Speaking }) {
  const { t } = useTranslation("live");
  const { connection } = useSpeakingState(speaking);
  const isAway = connection.name !== "open";
  return (
    <section className={styles.bar} aria-label={t("bar.label")}>
      <p role="status" className={styles.finishing}>
        {t(isAway ? "finishing.away" : "finishing.text")}
      </p>
      {isAway && (
        <Button kind="danger" onClick={() => speaking.abandon()}>
          {t("finishing.abandon")}
        </Button>
      )}
    </section>
  );
}
