import { Combobox } from "@base-ui/react/combobox";
import { Field } from "@base-ui/react/field";
import { Check, X } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useOverlayContainer } from "./dialog";
import styles from "./field.module.css";
import { languageName } from "./language";

const focus = (input: HTMLInputElement | null) => input?.focus();

export interface LanguagePickerProps {
  readonly label: string;
  /** BCP 47 codes. */
  readonly value: readonly string[];
  readonly onChange: (codes: string[]) => void;
  /** The codes that can be chosen; others that are chosen already stay. */
  readonly codes: readonly string[];
  /** A short remark on a code that cannot be had here; such codes come last. */
  readonly note?: (code: string) => string | undefined;
  readonly placeholder?: string;
  readonly help?: string;
  readonly max?: number;
}

/** The picker itself: type to find a language, Backspace takes the last one back. It was asked for, so it is open. */
export function LanguageCombobox(props: LanguagePickerProps) {
  const { label, value, onChange, codes, note, placeholder, help, max = 20 } = props;
  const { t, i18n } = useTranslation("app");
  const container = useOverlayContainer();
  const name = (code: string) => languageName(code, i18n.language);
  const items = useMemo(() => {
    const collator = new Intl.Collator(i18n.language);
    const names = new Map(codes.map((code) => [code, languageName(code, i18n.language)]));
    const rank = (code: string) => (note?.(code) === undefined ? 0 : 1);
    return [...codes].sort(
      (a, b) => rank(a) - rank(b) || collator.compare(names.get(a) ?? a, names.get(b) ?? b),
    );
  }, [codes, i18n.language, note]);
  return (
    <Field.Root className={styles.field}>
      <Combobox.Root
        multiple
        items={items}
        value={[...value]}
        onValueChange={(chosen: string[], { reason }) => {
          // Escape closes the list; a second one must not take everything back.
          if (reason !== "escape-key") onChange(chosen.slice(0, max));
        }}
        itemToStringLabel={name}
        filter={(code: string, query: string) => {
          const wanted = query.trim().toLocaleLowerCase();
          return code.toLowerCase() === wanted || name(code).toLocaleLowerCase().includes(wanted);
        }}
        autoHighlight
        defaultOpen
      >
        <Combobox.Label className={styles.label}>{label}</Combobox.Label>
        <Combobox.Chips className={`${styles.control} ${styles.chips}`}>
          {value.map((code) => (
            <Combobox.Chip key={code} className={styles.chip}>
              {name(code)}
              <Combobox.ChipRemove
                className={styles.chipRemove}
                aria-label={t("remove", { name: name(code) })}
              >
                <X aria-hidden size={14} />
              </Combobox.ChipRemove>
            </Combobox.Chip>
          ))}
          <Combobox.Input
            ref={focus}
            // Enter chooses; it must not send the form that the picker is in.
            onKeyDown={(event) => event.key === "Enter" && event.preventDefault()}
            className={styles.chipInput}
            placeholder={value.length ? "" : placeholder}
          />
        </Combobox.Chips>
        <Combobox.Portal {...(container ? { container } : {})}>
          <Combobox.Positioner className={styles.positioner} sideOffset={6}>
            <Combobox.Popup className={styles.popup}>
              <Combobox.Empty className={styles.empty}>{t("noMatch")}</Combobox.Empty>
              <Combobox.List>
                {(code: string) => (
                  <Combobox.Item key={code} value={code} className={styles.item}>
                    <Combobox.ItemIndicator className={styles.indicator}>
                      <Check aria-hidden size={16} />
                    </Combobox.ItemIndicator>
                    <span className={styles.itemText}>{name(code)}</span>
                    <span className={styles.note}>{note?.(code) ?? code}</span>
                  </Combobox.Item>
                )}
              </Combobox.List>
            </Combobox.Popup>
          </Combobox.Positioner>
        </Combobox.Portal>
      </Combobox.Root>
      {help !== undefined && <Field.Description className={styles.help}>{help}</Field.Description>}
    </Field.Root>
  );
}
