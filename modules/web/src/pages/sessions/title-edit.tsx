import { type KeyboardEvent, type SyntheticEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { useToast } from "~/ui/toast";
import { useRename } from "./session-data";
import styles from "./title-edit.module.css";

const MAX_TITLE_CHARS = 200;

interface TitleEditProps {
  readonly sessionId: string;
  readonly title: string;
  readonly placeholder: string;
  /** It was saved, or given up. */
  readonly onDone: () => void;
}

/** The title of a session as a field: Enter saves, Escape gives up. */
export function TitleEdit({ sessionId, title, placeholder, onDone }: TitleEditProps) {
  const { t } = useTranslation(["sessions", "app"]);
  const [given, setGiven] = useState(title);
  const rename = useRename(sessionId);
  const tell = useToast();
  const id = useId();
  const save = (event: SyntheticEvent) => {
    event.preventDefault();
    const wanted = given.trim();
    if (wanted === title) return onDone();
    rename.mutate(wanted, {
      onSuccess: onDone,
      onError: (error) => tell({ title: t("rename.failed"), description: error.message, type: "bad" }),
    });
  };
  const giveUp = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    onDone();
  };
  return (
    <form className={styles.form} onSubmit={save} onKeyDown={giveUp}>
      <label htmlFor={id} className="visually-hidden">
        {t("rename.label")}
      </label>
      <input
        id={id}
        className={styles.input}
        value={given}
        placeholder={placeholder}
        maxLength={MAX_TITLE_CHARS}
        dir="auto"
        // biome-ignore lint/a11y/noAutofocus: whoever asked to rename wants to type
        autoFocus
        onFocus={(event) => event.target.select()}
        onChange={(event) => setGiven(event.target.value)}
      />
      <Button type="submit" kind="primary" disabled={rename.isPending} focusableWhenDisabled>
        {t("rename.save")}
      </Button>
      <Button type="button" kind="quiet" onClick={onDone}>
        {t("app:cancel")}
      </Button>
    </form>
  );
}
