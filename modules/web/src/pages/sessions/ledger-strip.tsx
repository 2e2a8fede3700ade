import { type KeyboardEvent, type MouseEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { clock } from "~/ui/time";
import { KINDS, type Ledger, painted, type Stretch, stretchAt, stretches, sums } from "./ledger";
import styles from "./ledger-strip.module.css";
import type { Playback } from "./playback";
import type { Segment } from "./segments";

/** Speech that is nearer together than this part of the session is painted as one. */
const CLOSE = 1 / 800;

interface LedgerStripProps {
  readonly ledger: Ledger;
  readonly segments: readonly Segment[];
  readonly playback: Playback;
  /** Somebody wants to go to this moment (ms of the session). */
  readonly onGo: (ms: number) => void;
}

/** Where every second of the session went: a strip over its length, and the sums in words. */
export const LedgerStrip = memo(function LedgerStrip({ ledger, segments, playback, onGo }: LedgerStripProps) {
  const { t } = useTranslation("sessions");
  if (ledger.received_ms === 0) return <p className={styles.quiet}>{t("ledger.none")}</p>;
  return (
    <section className={styles.ledger} aria-labelledby="ledger-title">
      <header className={styles.head}>
        <h2 id="ledger-title">{t("ledger.title")}</h2>
        <Verdict ledger={ledger} />
      </header>
      <Strip ledger={ledger} segments={segments} playback={playback} onGo={onGo} />
      <Legend ledger={ledger} />
    </section>
  );
});

function Strip({ ledger, segments, playback, onGo }: LedgerStripProps) {
  const { t } = useTranslation("sessions");
  const words = useStretchWords();
  const head = useRef<HTMLSpanElement>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const [focused, setFocused] = useState(false);
  const [chosenMs, setChosenMs] = useState(0);
  const total = ledger.received_ms;
  const all = useMemo(() => stretches(segments, ledger), [segments, ledger]);
  const boxes = useMemo(
    () =>
      painted(all, total * CLOSE).map((one) => (
        <span key={one.startMs} className={styles.box} data-kind={one.kind} style={placed(one, total)} />
      )),
    [all, total],
  );
  const chosen = all[stretchAt(all, chosenMs)];
  const shown = pointed !== null ? all[stretchAt(all, pointed)] : focused ? chosen : undefined;

  useEffect(
    () =>
      playback.listen((ms) => {
        if (!head.current) return;
        head.current.hidden = false;
        head.current.style.insetInlineStart = `${Math.min((100 * ms) / total, 100)}%`;
      }),
    [playback, total],
  );
  const msAt = (event: MouseEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - left) / width, 0), 1) * total;
  };
  const go = (ms: number) => {
    setChosenMs(ms);
    onGo(ms);
  };
  const step = (event: KeyboardEvent) => {
    const index = stretchAt(all, chosenMs);
    const wanted = {
      ArrowRight: index + 1,
      ArrowUp: index + 1,
      ArrowLeft: index - 1,
      ArrowDown: index - 1,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (event.key === "Enter" || event.key === " ") onGo(chosen?.startMs ?? 0);
    else if (wanted !== undefined)
      setChosenMs(all[Math.min(Math.max(wanted, 0), all.length - 1)]?.startMs ?? 0);
    else return;
    setPointed(null);
    event.preventDefault();
  };
  return (
    <>
      <div
        role="slider"
        tabIndex={0}
        className={styles.strip}
        aria-label={t("ledger.strip")}
        aria-describedby="ledger-hint"
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={Math.round(chosen?.startMs ?? 0)}
        aria-valuetext={chosen ? words(chosen) : ""}
        onKeyDown={step}
        onClick={(event) => go(msAt(event))}
        onPointerMove={(event) => setPointed(msAt(event))}
        onPointerLeave={() => setPointed(null)}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
      >
        {boxes}
        {shown && <span className={styles.frame} style={placed(shown, total)} />}
        <span ref={head} className={styles.playhead} hidden />
      </div>
      <div className={styles.scale}>
        <span>{clock(0)}</span>
        <span className={styles.told} aria-hidden>
          {shown && words(shown)}
        </span>
        <span>{clock(total)}</span>
      </div>
      <p id="ledger-hint" className="visually-hidden">
        {t("ledger.hint")}
      </p>
    </>
  );
}

/** Where a stretch lies on a strip of so many ms. */
function placed({ startMs, endMs }: Stretch, total: number) {
  return {
    insetInlineStart: `${(100 * startMs) / total}%`,
    width: `${(100 * (endMs - startMs)) / total}%`,
  };
}

/** A moment to a tenth of a second: many a pause is shorter than one. */
function fine(ms: number): string {
  return `${clock(ms)}.${Math.floor(ms / 100) % 10}`;
}

/** A stretch in words, such as “0:12.0 to 0:15.2: Transcribed, 3.2 s”. */
function useStretchWords(): (stretch: Stretch) => string {
  const { t } = useTranslation("sessions");
  const seconds = useSeconds();
  return ({ kind, startMs, endMs, reason }) => {
    const told = {
      from: fine(startMs),
      to: fine(endMs),
      kind: t(`ledger.kind.${kind}`),
      duration: seconds(endMs - startMs),
    };
    if (reason === undefined) return t("ledger.stretch", told);
    const known = (["lost", "failed", "unaccounted"] as const).find((one) => one === reason);
    return t("ledger.stretchWhy", { ...told, reason: t(`ledger.reason.${known ?? "other"}`, { reason }) });
  };
}

/** Times of the ledger to a thousandth, so that whoever adds them up finds them right. */
function useSeconds(): (ms: number) => string {
  const { t, i18n } = useTranslation("sessions");
  const format = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 3 });
  return (ms) => t("seconds", { value: format.format(ms / 1000) });
}

function Verdict({ ledger }: { ledger: Ledger }) {
  const { t } = useTranslation("sessions");
  const seconds = useSeconds();
  const gaps = ledger.gaps ?? [];
  const known = gaps.reduce((sum, gap) => sum + gap.end_ms - gap.start_ms, 0);
  if (ledger.gap_ms > known) {
    return <p data-tone="bad">{t("ledger.moreGaps", { duration: seconds(ledger.gap_ms) })}</p>;
  }
  if (ledger.gap_ms > 0) {
    return (
      <p data-tone="bad">{t("ledger.lost", { duration: seconds(ledger.gap_ms), count: gaps.length })}</p>
    );
  }
  if (ledger.pending_ms > 0) return <p>{t("ledger.pending", { duration: seconds(ledger.pending_ms) })}</p>;
  return <p data-tone="good">{t("ledger.nothingLost")}</p>;
}

function Legend({ ledger }: { ledger: Ledger }) {
  const { t } = useTranslation("sessions");
  const seconds = useSeconds();
  const by = sums(ledger);
  return (
    <dl className={styles.legend}>
      {KINDS.filter((kind) => by[kind] > 0 || kind === "transcribed" || kind === "silence").map((kind) => (
        <div key={kind}>
          <dt>
            <span className={styles.key} data-kind={kind} aria-hidden />
            {t(`ledger.kind.${kind}`)}
          </dt>
          <dd>{seconds(by[kind])}</dd>
        </div>
      ))}
      <div className={styles.total}>
        <dt>=</dt>
        <dd>{t("ledger.received", { duration: seconds(ledger.received_ms) })}</dd>
      </div>
    </dl>
  );
}
