import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { isClipping, type Meter, meterPosition } from "~/capture/level";
import styles from "./level-meter.module.css";

/** Speech stands out of the noise of a room here, about -45 dB. */
const HEARD_RMS = 0.0056;

interface LevelMeterProps {
  readonly meter: Meter | null;
  readonly isOff?: boolean;
}

/** How loud it is, for the eye. It is written into the document, 20 times a second, past React. */
export function LevelMeter({ meter, isOff = false }: LevelMeterProps) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(
    () =>
      meter?.subscribe((level) => {
        const style = bar.current?.style;
        style?.setProperty("--level", meterPosition(level.rms).toFixed(3));
        style?.setProperty("--peak", meterPosition(level.peak).toFixed(3));
        bar.current?.toggleAttribute("data-clipping", isClipping(level));
      }),
    [meter],
  );
  return (
    <div ref={bar} className={styles.meter} data-off={isOff || undefined} data-testid="level" aria-hidden>
      <div className={styles.level} />
      <div className={styles.peak} />
    </div>
  );
}

/** The same in words, once: whether anything was heard. */
export function Heard({ meter }: { meter: Meter }) {
  const { t } = useTranslation("live");
  const [heard, setHeard] = useState(false);
  useEffect(() => {
    if (heard) return;
    return meter.subscribe((level) => {
      if (level.rms > HEARD_RMS) setHeard(true);
    });
  }, [meter, heard]);
  return (
    <p role="status" className={styles.heard} data-heard={heard || undefined}>
      {t(heard ? "test.heard" : "test.listening")}
    </p>
  );
}
