import { Download } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type CaptionLanguage, ORIGINAL } from "~/captions/languages";
import { fileName } from "~/downloads/file-name";
import { saveFile } from "~/downloads/save-file";
import { transcriptFile } from "~/downloads/transcript-file";
import { Button } from "~/ui/button";
import { languageName } from "~/ui/language";
import { Problem } from "~/ui/problem";
import styles from "./watch.module.css";

const FORMATS = ["txt", "srt", "vtt"] as const;

interface EndedProps {
  readonly sessionId: string;
  readonly credential: string;
  readonly title: string;
  /** What is shown, and so what is saved: one language, or two side by side. */
  readonly languages: readonly CaptionLanguage[];
  /** The code of what was spoken; null where there was nothing. */
  readonly spoken: string | null;
}

/** The session is over: what was said can be taken along. */
export function Ended({ sessionId, credential, title, languages, spoken }: EndedProps) {
  const { t, i18n } = useTranslation("watch");
  const [error, setError] = useState<unknown>(null);
  const codes = languages.length > 1 || languages[0] !== ORIGINAL ? languages : [];
  const saved = codes
    .map((code) => (code === ORIGINAL ? spoken : code))
    .filter((code) => code !== null)
    .slice(0, 2);
  const names = saved.map((code) => languageName(code, i18n.language)).join(", ");
  const download = async (format: (typeof FORMATS)[number]) => {
    try {
      setError(null);
      const file = await transcriptFile({ sessionId, credential, format, languages: saved });
      saveFile(file, fileName({ title }, format, saved));
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <section className={styles.ended} aria-labelledby="ended">
      <div>
        <h2 id="ended">{t("ended.title")}</h2>
        <p>{names ? t("ended.translated", { languages: names }) : t("ended.text")}</p>
      </div>
      <div className={styles.downloads}>
        {FORMATS.map((format) => (
          <Button
            key={format}
            icon={<Download aria-hidden size={18} />}
            onClick={() => void download(format)}
          >
            {t(`ended.formats.${format}`)}
          </Button>
        ))}
      </div>
      {error !== null && <Problem error={error} />}
    </section>
  );
}
