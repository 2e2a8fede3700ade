import { Field } from "@base-ui/react/field";
import type { ComponentProps } from "react";
import styles from "./field.module.css";

interface TextFieldProps
  extends Omit<ComponentProps<typeof Field.Control>, "className" | "onChange" | "value" | "onValueChange"> {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly help?: string;
  readonly error?: string;
}

/** One line of text with its label, and what is wrong with it. */
export function TextField({ label, value, onChange, help, error, ...rest }: TextFieldProps) {
  return (
    <Field.Root className={styles.field} invalid={error !== undefined}>
      <Field.Label className={styles.label}>{label}</Field.Label>
      <Field.Control {...rest} className={styles.control} value={value} onValueChange={onChange} />
      {help !== undefined && <Field.Description className={styles.help}>{help}</Field.Description>}
      {error !== undefined && (
        <Field.Error className={styles.error} match>
          {error}
        </Field.Error>
      )}
    </Field.Root>
  );
}
