import { type ChangeEvent, useId } from "react";
import styles from "./field.module.css";

interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  /** Language of the label, where it is not that of the page. */
  readonly lang?: string;
  readonly disabled?: boolean;
}

interface SelectProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly choices: readonly Choice<T>[];
  readonly help?: string;
  readonly disabled?: boolean;
}

/** One of a few, by the browser's own control, which every phone and screen reader knows; for many languages see
 * `LanguagePicker`. */
export function Select<T extends string>({
  label,
  value,
  onChange,
  choices,
  help,
  disabled = false,
}: SelectProps<T>) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      <select
        id={id}
        className={`${styles.control} ${styles.select}`}
        value={value}
        onChange={(event: ChangeEvent<HTMLSelectElement>) => onChange(event.target.value as T)}
        disabled={disabled}
        {...(help === undefined ? {} : { "aria-describedby": `${id}-help` })}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value} disabled={choice.disabled} lang={choice.lang}>
            {choice.label}
          </option>
        ))}
      </select>
      {help !== undefined && (
        <span id={`${id}-help`} className={styles.help}>
          {help}
        </span>
      )}
    </div>
  );
}
