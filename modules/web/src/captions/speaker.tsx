import type { CSSProperties } from "react";
import styles from "./captions.module.css";

const HUES = 8;

/** Whose words these are: the name, and a colour that is the same for the same name everywhere. */
export function Speaker({ name }: { name: string }) {
  return (
    <span className={styles.speaker} style={{ "--hue": hueOf(name) } as CSSProperties}>
      {name}
    </span>
  );
}

/** In degrees; one of a few that can be told apart. */
function hueOf(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return (sum % HUES) * (360 / HUES);
}
