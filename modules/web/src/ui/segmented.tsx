import { Radio } from "@base-ui/react/radio";
import { RadioGroup } from "@base-ui/react/radio-group";
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
      <RadioGroup
        aria-labelledby={id}
        className={styles.group}
        value={value}
        onValueChange={(chosen) => onChange(chosen as T)}
      >
        {choices.map((choice) => (
          // biome-ignore lint/a11y/noLabelWithoutControl: the radio is the control within
          <label key={choice.value} className={styles.option}>
            <Radio.Root value={choice.value} disabled={choice.disabled ?? false} className={styles.radio} />
            {choice.icon}
            <span>{choice.label}</span>
          </label>
        ))}
      </RadioGroup>
    </div>
  );
}
