import { useTranslation } from "react-i18next";
import { canTranslate, spokenLanguages, targetLanguages, useCapabilities } from "~/api/capabilities";
import { languageName } from "~/ui/language";
import { LanguagePicker } from "~/ui/language-picker";
import { Select } from "~/ui/select";
import type { Wish } from "./request";

/** Which language is spoken; left open it is found by itself. */
export function SpokenLanguage({ value, onChange }: { value: string; onChange: (code: string) => void }) {
  const { t, i18n } = useTranslation(["bots", "app"]);
  const known = useCapabilities();
  const collator = new Intl.Collator(i18n.language);
  const languages = spokenLanguages(known)
    .map((code) => ({ value: code, label: languageName(code, i18n.language) }))
    .sort((a, b) => collator.compare(a.label, b.label));
  return (
    <Select
      label={t("form.spoken")}
      value={value}
      onChange={onChange}
      choices={[{ value: "", label: t("app:auto") }, ...languages]}
    />
  );
}

/** What to translate into, with a word on what cannot be had here. */
export function Targets({ wish, onChange }: { wish: Wish; onChange: (targets: string[]) => void }) {
  const { t } = useTranslation("bots");
  const known = useCapabilities();
  const isLacking = (code: string) => !canTranslate(known, wish.spoken, code);
  return (
    <LanguagePicker
      label={t("form.targets")}
      value={wish.targets}
      onChange={onChange}
      codes={targetLanguages(known)}
      max={known?.limits.max_targets ?? 20}
      note={(code) => (isLacking(code) ? t("form.noTranslator") : undefined)}
      {...(wish.targets.some(isLacking) ? { help: t("form.targetsLacking") } : {})}
    />
  );
}
