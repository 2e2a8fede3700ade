import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { FORMATS, type Format, fileName, languagesOf } from "~/downloads/file-name";
import { saveFile } from "~/downloads/save-file";
import { transcriptFile } from "~/downloads/transcript-file";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { languageName, sameLanguage } from "~/ui/language";
import { Problem } from "~/ui/problem";
import { Segmented } from "~/ui/segmented";
import { Select } from "~/ui/select";
import { isOpen, type Session } from "./arrange";
import styles from "./download-dialog.module.css";

interface DownloadDialogProps {
  readonly session: Session;
  /** Languages in which it was spoken, the main one first. */
  readonly spoken: readonly string[];
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** The transcript as a file: in which format, and in which one or two languages. */
export function DownloadDialog({ session, spoken, open, onOpenChange }: DownloadDialogProps) {
  const { t } = useTranslation("sessions");
  const [format, setFormat] = useState<Format>("srt");
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const { choices, codes, main } = useLanguages(session, spoken);
  const upper = first === "" ? main : first;
  const seconds = codes.filter((one) => one.value !== upper);
  // What is not offered any more beside the first language is not asked for.
  const below = seconds.some((one) => one.value === second) ? second : "";
  const languages = languagesOf(first, below, main);
  const name = fileName(session, format, languages);
  const save = useMutation({
    mutationFn: () => transcriptFile({ sessionId: session.id, format, languages }),
    onSuccess: (file) => {
      saveFile(file, name);
      onOpenChange(false);
    },
  });
  return (
    <Dialog
      title={t("download.title")}
      open={open}
      onOpenChange={onOpenChange}
      actions={
        <Button
          kind="primary"
          icon={<Download aria-hidden size={18} />}
          onClick={() => save.mutate()}
          disabled={save.isPending}
          focusableWhenDisabled
        >
          {t("download.confirm")}
        </Button>
      }
    >
      <div>
        <Segmented
          label={t("download.format")}
          value={format}
          onChange={setFormat}
          choices={FORMATS.map((value) => ({ value, label: t(`download.formats.${value}`) }))}
        />
        <p className={styles.help} aria-live="polite">
          {t(`download.help.${format}`)}
        </p>
      </div>
      <div className={styles.languages}>
        <Select label={t("download.language")} value={first} onChange={setFirst} choices={choices} />
        {seconds.length > 0 && upper !== undefined && (
          <Select
            label={t("download.second")}
            value={below}
            onChange={setSecond}
            choices={[{ value: "", label: t("download.none") }, ...seconds]}
          />
        )}
      </div>
      <p className={styles.name}>
        <span className="visually-hidden">{t("download.name")}: </span>
        {name}
      </p>
      {isOpen(session) && <p className={styles.help}>{t("download.soFar")}</p>}
      {save.error && <Problem error={save.error} />}
    </Dialog>
  );
}

/**
 * What can be chosen, "" for as spoken, and all codes there are; `main` is that of what is spoken, if that is one
 * language.
 */
function useLanguages(session: Session, spoken: readonly string[]) {
  const { t, i18n } = useTranslation("sessions");
  const name = (code: string) => languageName(code, i18n.language);
  const { targets } = session.translation;
  const one = spoken.length === 1 ? spoken[0] : undefined;
  const main = one ?? (spoken.length === 0 ? (session.language ?? undefined) : undefined);
  // A meeting in two languages can be had wholly in each of them.
  const others = [...targets, ...(one ? [] : spoken)].filter(
    (code, index, all) => all.indexOf(code) === index && !(main && sameLanguage(code, main)),
  );
  const original = main ? t("download.spokenIn", { language: name(main) }) : t("download.spoken");
  const named = (value: string) => ({ value, label: name(value) });
  return {
    choices: [{ value: "", label: original }, ...others.map(named)],
    codes: [...(main ? [main] : []), ...others].map(named),
    main,
  };
}
