import { useState } from "react";
import { useTranslation } from "react-i18next";
import { TextField } from "~/ui/text-field";
import styles from "./bot-form.module.css";
import type { Field, Wish } from "./request";

interface MoreProps {
  readonly wish: Wish;
  readonly onChange: (part: Partial<Wish>) => void;
  readonly errorOf: (field: Field) => { error?: string };
  /** Unfolds it: something in it is wrong. */
  readonly open: boolean;
}

/** What few need: a time to join, a longest time, a title. */
export function More({ wish, onChange, errorOf, open }: MoreProps) {
  const { t } = useTranslation("bots");
  const [isOpen, setOpen] = useState(false);
  return (
    <details
      className={styles.more}
      open={isOpen || open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>{t("form.more")}</summary>
      <div className={styles.row}>
        <TextField
          label={t("form.joinAt")}
          help={t("form.joinAtHelp")}
          type="datetime-local"
          value={wish.joinAt}
          onChange={(joinAt) => onChange({ joinAt })}
          {...errorOf("joinAt")}
        />
        <TextField
          label={t("form.length")}
          help={t("form.lengthHelp")}
          type="number"
          inputMode="numeric"
          min={1}
          max={10_080}
          value={wish.lengthMin}
          onChange={(lengthMin) => onChange({ lengthMin })}
          {...errorOf("length")}
        />
        <TextField
          label={t("form.sessionTitle")}
          maxLength={200}
          value={wish.title}
          onChange={(title) => onChange({ title })}
          {...errorOf("title")}
        />
      </div>
    </details>
  );
}
