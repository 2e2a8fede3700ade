import { type ReactNode, useId } from "react";
import styles from "./checkbox.module.css";

interface CheckboxProps {
  readonly label: ReactNode;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly help?: string;
  readonly disabled?: boolean;
}

export function Checkbox({ label, checked, onChange, help, disabled = false }: CheckboxProps) {
  const id = useId();
  return (
    <div className={styles.row}>
      <input
        type="checkbox"
        id={id}
        className={styles.box}
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
        disabled={disabled}
        {...(help === undefined ? {} : { "aria-describedby": `${id}-help` })}
      />
      <div>
        <label htmlFor={id}>{label}</label>
        {help !== undefined && (
          <p id={`${id}-help`} className={styles.help}>
            {help}
          </p>
        )}
      </div>
    </div>
  );
}
