import { type CSSProperties, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Announcer } from "~/captions/announcer";
import { type CaptionLanguage, ORIGINAL } from "~/captions/languages";
import { type CaptionLog, useCaptionState } from "~/captions/log";
import { StatusLine } from "~/captions/status-line";
import { Button } from "~/ui/button";
import { direction } from "~/ui/language";
import { fragmentOf, type ViewOptions } from "./address";
import { shownLanguages } from "./choice";
import { newestLines } from "./lines";
import styles from "./screen.module.css";
import { toggleFullscreen, useIdle, useWakeLock } from "./use-page";
import { useFragment, useViewer } from "./use-viewer";

/** An overlay shows nothing when nothing was said for so long. */
const QUIET_MS = 8_000;
const AS_SPOKEN: readonly CaptionLanguage[] = [ORIGINAL];

interface ScreenProps {
  readonly sessionId: string;
  readonly credential: string;
  readonly options: ViewOptions;
}

/** The last lines in large letters, for a projector or over a picture, and nothing else. */
export function Screen({ sessionId, credential, options }: ScreenProps) {
  const { t } = useTranslation("watch");
  const fragment = useFragment();
  const wanted = fragment.languages ?? AS_SPOKEN;
  const log = useViewer({ sessionId, credential, languages: wanted, isPersistent: true });
  const targets = useCaptionState(log, (state) => state.targets);
  const languages = shownLanguages(wanted, targets);
  const isOverlay = options.view === "overlay";
  const isIdle = useIdle();
  useWakeLock(!isOverlay);
  const style = {
    "--lines": options.lines,
    "--letters": options.size,
    ...(options.background && { "--backdrop": options.background }),
  } as CSSProperties;
  return (
    <main
      className={styles.screen}
      style={style}
      data-view={options.view}
      data-position={options.position}
      data-text={isOverlay || options.background ? options.text : undefined}
      data-plain={options.background === null && !isOverlay ? "" : undefined}
      data-idle={isIdle || undefined}
    >
      <h1 className="visually-hidden">{t("name")}</h1>
      {languages.map((language) => (
        <Lines key={language} log={log} language={language} count={options.lines} isFleeting={isOverlay} />
      ))}
      {!isOverlay && <Announcer log={log} language={languages[0] ?? ORIGINAL} />}
      {!isOverlay && <Trouble log={log} />}
      {!isOverlay && <Hint isIdle={isIdle} hash={fragmentOf(fragment)} />}
    </main>
  );
}

interface LinesProps {
  readonly log: CaptionLog;
  readonly language: CaptionLanguage;
  readonly count: number;
  /** Whether old words go by themselves. */
  readonly isFleeting: boolean;
}

function Lines({ log, language, count, isFleeting }: LinesProps) {
  const rows = useCaptionState(log, (state) => state.rows);
  // A line that is broken takes the place of two: what does not fit is cut off above.
  const lines = newestLines(rows, language, count);
  const said = lines.map((line) => line.id + line.stableText + line.unstableText).join();
  const isQuiet = useQuiet(said) && isFleeting;
  return (
    <div className={styles.window} hidden={isQuiet || lines.length === 0}>
      <div className={styles.lines}>
        {lines.map((line) => (
          <p
            key={line.id}
            className={styles.line}
            lang={line.language || undefined}
            dir={dirOf(line.language)}
          >
            <span>
              {line.stableText}
              {line.stableText && line.unstableText && " "}
              {line.unstableText && <span className={styles.unstable}>{line.unstableText}</span>}
            </span>
          </p>
        ))}
      </div>
    </div>
  );
}

function dirOf(language: string): "ltr" | "rtl" | "auto" {
  return language ? direction(language) : "auto";
}

/** Whether `said` has been the same for a while. */
function useQuiet(said: string): boolean {
  const [quiet, setQuiet] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setQuiet(said), QUIET_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return quiet === said;
}

/** How it is, where it is not well: who looks at a dark screen should know why. */
function Trouble({ log }: { log: CaptionLog }) {
  const isWell = useCaptionState(
    log,
    ({ connection, rows }) => connection?.name === "open" && rows.length > 0,
  );
  const hasEnded = useCaptionState(log, (state) => state.ended !== null);
  return (
    <div className={styles.trouble} hidden={isWell || hasEnded}>
      <StatusLine log={log} />
    </div>
  );
}

/** What can be done here, for as long as somebody touches the mouse or a key. */
function Hint({ isIdle, hash }: { isIdle: boolean; hash: string }) {
  const { t } = useTranslation("watch");
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "f" || event.key === "F") toggleFullscreen();
      // Escape leaves the whole screen by itself, and no key event comes of it.
      if (event.key === "Escape" && !document.fullscreenElement) leave(hash);
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [hash]);
  return (
    <div className={styles.hint} data-idle={isIdle || undefined}>
      {document.fullscreenEnabled && <Button onClick={toggleFullscreen}>{t("screen.fullscreen")}</Button>}
      <Button onClick={() => leave(hash)}>{t("screen.leave")}</Button>
    </div>
  );
}

/** To the page where one can read and choose. */
function leave(hash: string): void {
  window.location.assign(window.location.pathname + hash);
}
