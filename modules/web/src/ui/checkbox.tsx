import { Checkbox as Base } from "@base-ui/react/checkbox";
import { Check } from "lucide-react";
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
      <Base.Root
        id={id}
        className={styles.box}
        checked={checked}
        onCheckedChange={onChange}
        disabled={disabled}
        {...(help === undefined ? {} : { "aria-describedby": `${id}-help` })}
      >
        <Base.Indicator className={styles.mark}>
          <Check aria-hidden size={16} strokeWidth={3} />
        </Base.Indicator>
      </Base.Root>
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
