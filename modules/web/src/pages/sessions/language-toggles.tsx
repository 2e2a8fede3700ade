import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { languageName } from "~/ui/language";
import styles from "./language-toggles.module.css";

interface LanguageTogglesProps {
  readonly codes: readonly string[];
  readonly chosen: readonly string[];
  readonly onChange: (codes: string[]) => void;
}

/** Which translations are shown: each language is on or off, in the order of the session. */
export function LanguageToggles({ codes, chosen, onChange }: LanguageTogglesProps) {
  const { t, i18n } = useTranslation("sessions");
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out like the fields beside it
    <div role="group" aria-label={t("transcript.translations")} className={styles.toggles}>
      {codes.map((code) => {
        const on = chosen.includes(code);
        return (
          <Button
            key={code}
            aria-pressed={on}
            onClick={() => onChange(codes.filter((one) => (one === code ? !on : chosen.includes(one))))}
          >
            {languageName(code, i18n.language)}
          </Button>
        );
      })}
    </div>
  );
}
