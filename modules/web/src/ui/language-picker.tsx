import { Plus, X } from "lucide-react";
import { lazy, Suspense, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./field.module.css";
import { languageName } from "./language";
import type { LanguagePickerProps } from "./language-combobox";

const load = () => import("./language-combobox");
const LanguageCombobox = lazy(() => load().then((file) => ({ default: file.LanguageCombobox })));

/** Any number of languages. The list to search in is fetched when somebody wants to add one. */
export function LanguagePicker(props: LanguagePickerProps) {
  const [wanted, setWanted] = useState(false);
  const closed = <Chosen {...props} onAdd={() => setWanted(true)} />;
  if (!wanted) return closed;
  return (
    <Suspense fallback={closed}>
      <LanguageCombobox {...props} />
    </Suspense>
  );
}

function Chosen({
  label,
  value,
  onChange,
  placeholder,
  help,
  onAdd,
}: LanguagePickerProps & { onAdd: () => void }) {
  const { t, i18n } = useTranslation("app");
  const id = useId();
  const name = (code: string) => languageName(code, i18n.language);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out like the fields beside it
    <div className={styles.field} role="group" aria-labelledby={id}>
      <span id={id} className={styles.label}>
        {label}
      </span>
      <div className={`${styles.control} ${styles.chips}`}>
        {value.map((code) => (
          <span key={code} className={styles.chip}>
            {name(code)}
            <button
              type="button"
              className={styles.chipRemove}
              aria-label={t("remove", { name: name(code) })}
              onClick={() => onChange(value.filter((other) => other !== code))}
            >
              <X aria-hidden size={14} />
            </button>
          </span>
        ))}
        <button type="button" className={styles.add} onClick={onAdd} onPointerEnter={() => void load()}>
          <Plus aria-hidden size={16} />
          {placeholder ?? t("addLanguage")}
        </button>
      </div>
      {help !== undefined && <span className={styles.help}>{help}</span>}
    </div>
  );
}
