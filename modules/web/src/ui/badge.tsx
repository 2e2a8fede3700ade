import type { ReactNode } from "react";
import styles from "./badge.module.css";

export type Tone = "neutral" | "accent" | "good" | "warn" | "bad";

/** A short word on a state. Its tone never stands alone: the word says the same. */
export function Badge({
  tone = "neutral",
  children,
  live = false,
}: {
  tone?: Tone;
  children: ReactNode;
  live?: boolean;
}) {
  return (
    <span className={styles.badge} data-tone={tone} data-live={live || undefined}>
      {children}
    </span>
  );
}
