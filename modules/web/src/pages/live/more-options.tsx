import { useTranslation } from "react-i18next";
import { recordsOpus } from "~/capture/opus";
import { Checkbox } from "~/ui/checkbox";
import { Segmented } from "~/ui/segmented";
import { TextField } from "~/ui/text-field";
import type { Choices } from "./choices";
import styles from "./live.module.css";
import type { ChangeChoices } from "./live-page";

interface MoreOptionsProps {
  readonly choices: Choices;
  readonly onChange: ChangeChoices;
  readonly hotwords: string;
  readonly onHotwords: (hotwords: string) => void;
  readonly canRecord: boolean;
}

/** What most people never need. */
export function MoreOptions({ choices, onChange, hotwords, onHotwords, canRecord }: MoreOptionsProps) {
  const { t } = useTranslation("live");
  const { microphone } = choices;
  const isMicrophone = choices.source === "microphone";
  return (
    <details className={styles.more}>
      <summary>{t("more")}</summary>
      <div className={styles.options}>
        <TextField
          label={t("hotwords")}
          help={t("hotwordsHelp")}
          value={hotwords}
          onChange={onHotwords}
          autoComplete="off"
        />
        {canRecord && (
          <Checkbox
            label={t("record")}
            help={t("recordHelp")}
            checked={choices.record}
            onChange={(record) => onChange({ record })}
          />
        )}
        {choices.source !== "file" && recordsOpus() && (
          <Segmented
            label={t("quality")}
            value={choices.quality}
            onChange={(quality) => onChange({ quality })}
            choices={[
              { value: "pcm", label: t("qualities.pcm") },
              { value: "opus", label: t("qualities.opus") },
            ]}
          />
        )}
        {isMicrophone && (
          <>
            <Checkbox
              label={t("echoCancellation")}
              help={t("echoCancellationHelp")}
              checked={microphone.echoCancellation}
              onChange={(echoCancellation) => onChange({ microphone: { ...microphone, echoCancellation } })}
            />
            <Checkbox
              label={t("noiseSuppression")}
              help={t("noiseSuppressionHelp")}
              checked={microphone.noiseSuppression}
              onChange={(noiseSuppression) => onChange({ microphone: { ...microphone, noiseSuppression } })}
            />
            <Checkbox
              label={t("autoGainControl")}
              checked={microphone.autoGainControl}
              onChange={(autoGainControl) => onChange({ microphone: { ...microphone, autoGainControl } })}
            />
          </>
        )}
      </div>
    </details>
  );
}
