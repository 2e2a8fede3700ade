import { type ReactNode, useId } from "react";
import styles from "./segmented.module.css";

interface SegmentedProps<T extends string> {
  readonly label: string;
  /** Whether the label is seen, or only heard. */
  readonly hideLabel?: boolean;
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly choices: readonly {
    readonly value: T;
    readonly label: string;
    readonly icon?: ReactNode;
    readonly disabled?: boolean;
  }[];
}

/** One of two to five, all in sight. */
export function Segmented<T extends string>({
  label,
  hideLabel,
  value,
  onChange,
  choices,
}: SegmentedProps<T>) {
  const id = useId();
  return (
    <div className={styles.field}>
      <span id={id} className={hideLabel ? "visually-hidden" : styles.label}>
        {label}
      </span>
      <div role="radiogroup" aria-labelledby={id} className={styles.group}>
        {choices.map((choice) => (
          <label key={choice.value} className={styles.option}>
            <input
              type="radio"
              name={id}
              className={styles.radio}
              checked={choice.value === value}
              onChange={() => onChange(choice.value)}
              disabled={choice.disabled ?? false}
            />
            {choice.icon}
            <span>{choice.label}</span>
          </label>
        ))}
      </div>
    </div>
  );
}
