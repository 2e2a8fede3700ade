import { FileAudio, Mic, MonitorSpeaker } from "lucide-react";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { sharesDisplay } from "~/capture/display";
import { CaptureError } from "~/capture/problem";
import { Button } from "~/ui/button";
import { Segmented } from "~/ui/segmented";
import { Select } from "~/ui/select";
import { StartProblem } from "./capture-problem";
import type { Choices } from "./choices";
import { Heard, LevelMeter } from "./level-meter";
import styles from "./live.module.css";
import type { ChangeChoices } from "./live-page";
import type { MicrophoneTest } from "./use-microphone-test";
import { useMicrophones } from "./use-microphones";

interface SourceChoiceProps {
  readonly choices: Choices;
  readonly onChange: ChangeChoices;
  readonly test: MicrophoneTest;
  readonly file: File | null;
  readonly onFile: (file: File | null) => void;
}

const SOURCES = [
  { value: "microphone", icon: Mic },
  { value: "display", icon: MonitorSpeaker },
  { value: "file", icon: FileAudio },
] as const;

/** Where the sound comes from. */
export function SourceChoice(props: SourceChoiceProps) {
  const { choices, onChange } = props;
  const { t } = useTranslation("live");
  const isSecure = window.isSecureContext;
  // Phones cannot share; where the address is the reason, that is told instead.
  const offered = SOURCES.filter(
    ({ value }) => value !== "display" || choices.source === value || !isSecure || sharesDisplay(),
  );
  return (
    <>
      <Segmented
        label={t("source")}
        value={choices.source}
        onChange={(source) => onChange({ source })}
        choices={offered.map(({ value, icon: Icon }) => ({
          value,
          label: t(`sources.${value}`),
          icon: <Icon aria-hidden size={18} />,
        }))}
      />
      {choices.source !== "file" && !isSecure && <StartProblem error={new CaptureError("insecure")} />}
      {choices.source === "microphone" && isSecure && <MicrophoneChoice {...props} />}
      {choices.source === "display" && isSecure && (
        <p className={styles.hint}>{t(sharesDisplay() ? "displayHelp" : "displayUnsupported")}</p>
      )}
      {choices.source === "file" && <FileChoice {...props} />}
    </>
  );
}

function MicrophoneChoice({ choices, onChange, test }: SourceChoiceProps) {
  const { t } = useTranslation("live");
  const found = useMicrophones(test.source);
  const named = found.filter((device) => device.label !== "" && device.deviceId !== "default");
  const devices = named.map((device) => ({ value: device.deviceId, label: device.label }));
  const chosen = devices.some(({ value }) => value === choices.microphone.deviceId)
    ? choices.microphone.deviceId
    : "";
  return (
    <div className={styles.device}>
      <Select
        label={t("microphone")}
        value={chosen}
        onChange={(deviceId) => onChange({ microphone: { ...choices.microphone, deviceId } })}
        choices={[{ value: "", label: t("defaultMicrophone") }, ...devices]}
      />
      <Button onClick={() => (test.source ? test.end() : void test.run())}>
        {t(test.source ? "test.stop" : "test.start")}
      </Button>
      {test.source && (
        <div className={styles.testing}>
          <LevelMeter meter={test.source.meter} />
          <Heard meter={test.source.meter} />
        </div>
      )}
      {test.problem !== null && <StartProblem error={test.problem} />}
    </div>
  );
}

function FileChoice({ choices, onChange, file, onFile }: SourceChoiceProps) {
  const { t } = useTranslation("live");
  const id = useId();
  return (
    <div className={styles.pair}>
      <div className={styles.file}>
        <label htmlFor={id}>{t("file")}</label>
        <input
          id={id}
          type="file"
          accept="audio/*,video/*"
          onChange={(event) => onFile(event.target.files?.[0] ?? null)}
          aria-describedby={`${id}-help`}
        />
        <span id={`${id}-help`}>{file ? file.name : t("fileHelp")}</span>
      </div>
      <Segmented
        label={t("pace")}
        value={choices.pace}
        onChange={(pace) => onChange({ pace })}
        choices={[
          { value: "fast", label: t("paces.fast") },
          { value: "spoken", label: t("paces.spoken") },
        ]}
      />
    </div>
  );
}
