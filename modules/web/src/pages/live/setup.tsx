import { Radio } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { canTranslate, spokenLanguages, targetLanguages, useCapabilities } from "~/api/capabilities";
import type { Schemas } from "~/api/rest";
import type { AudioSource } from "~/capture/source";
import { Button } from "~/ui/button";
import { languageName } from "~/ui/language";
import { LanguagePicker } from "~/ui/language-picker";
import { PageHead } from "~/ui/page-head";
import { Select } from "~/ui/select";
import { TextField } from "~/ui/text-field";
import { StartProblem } from "./capture-problem";
import type { Choices } from "./choices";
import { Interruption } from "./interruption";
import styles from "./live.module.css";
import type { ChangeChoices } from "./live-page";
import { MoreOptions } from "./more-options";
import { openSamples, openSource } from "./open-source";
import { SourceChoice } from "./source-choice";
import { startSpeaking } from "./studio";
import { useMicrophoneTest } from "./use-microphone-test";

interface SetupProps {
  readonly choices: Choices;
  readonly onChange: ChangeChoices;
}

/** What is spoken, from where, and into which languages; all of it but the start can be left as it is. */
export function Setup({ choices, onChange }: SetupProps) {
  const { t } = useTranslation("live");
  const known = useCapabilities();
  const test = useMicrophoneTest(choices);
  const [title, setTitle] = useState("");
  const [hotwords, setHotwords] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [isStarting, setIsStarting] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);

  const start = async (begin: (source: AudioSource) => Promise<void> | void, goesOn = false) => {
    setIsStarting(true);
    setProblem(null);
    test.clearProblem();
    try {
      const tested = goesOn ? null : test.take();
      await begin(tested ?? (await (goesOn ? openSamples(choices) : openSource(choices, file))));
    } catch (error) {
      setProblem(error);
    } finally {
      setIsStarting(false);
    }
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const wanted: Schemas["CreateSession"] = {
      title: title.trim(),
      language: choices.language || null,
      hotwords: hotwords.trim(),
      record: choices.record && known?.recording === true,
      translation: { targets: [...choices.targets] },
    };
    void start((source) => startSpeaking(source, wanted));
  };
  const lacksFile = choices.source === "file" && file === null;

  return (
    <div className={styles.setup}>
      <PageHead title={t("title")}>{t("about")}</PageHead>
      <Interruption onGoOn={(begin) => void start(begin, true)} isBusy={isStarting} />
      <form className={styles.form} onSubmit={submit}>
        <SourceChoice choices={choices} onChange={onChange} test={test} file={file} onFile={setFile} />
        <div className={styles.pair}>
          <SpokenLanguage choices={choices} onChange={onChange} />
          <Targets choices={choices} onChange={onChange} />
        </div>
        <TextField
          label={t("name")}
          placeholder={t("namePlaceholder")}
          value={title}
          onChange={setTitle}
          maxLength={200}
          autoComplete="off"
        />
        <MoreOptions
          choices={choices}
          onChange={onChange}
          hotwords={hotwords}
          onHotwords={setHotwords}
          canRecord={known?.recording === true}
        />
        {known?.problems.whisper && (
          <p className={styles.notice} data-tone="warn">
            {t("noRecogniser")}
          </p>
        )}
        {problem !== null && <StartProblem error={problem} />}
        <div className={styles.start}>
          <Button
            type="submit"
            kind="primary"
            size="l"
            icon={<Radio aria-hidden size={22} />}
            disabled={isStarting || lacksFile}
            focusableWhenDisabled
          >
            {t(isStarting ? "starting" : "start")}
          </Button>
          <p>{t(lacksFile ? "chooseFirst" : `startHelp.${choices.source}`)}</p>
        </div>
      </form>
    </div>
  );
}

function SpokenLanguage({ choices, onChange }: SetupProps) {
  const { t, i18n } = useTranslation("live");
  const known = useCapabilities();
  const collator = new Intl.Collator(i18n.language);
  const codes = new Set([...spokenLanguages(known), ...(choices.language ? [choices.language] : [])]);
  const languages = [...codes]
    .map((code) => ({ value: code, label: languageName(code, i18n.language) }))
    .sort((a, b) => collator.compare(a.label, b.label));
  const detects = known?.detects_language ?? true;
  return (
    <Select
      label={t("spoken")}
      value={choices.language}
      onChange={(language) => onChange({ language })}
      choices={[{ value: "", label: t(detects ? "detected" : "asServer") }, ...languages]}
    />
  );
}

function Targets({ choices, onChange }: SetupProps) {
  const { t } = useTranslation("live");
  const known = useCapabilities();
  const lacking = (code: string) => !canTranslate(known, choices.language, code);
  const isLacking = choices.targets.some(lacking);
  return (
    <LanguagePicker
      label={t("targets")}
      value={choices.targets}
      onChange={(targets) => onChange({ targets })}
      codes={targetLanguages(known)}
      max={known?.limits.max_targets ?? 20}
      note={(code) => (lacking(code) ? t("noTranslator") : undefined)}
      {...(isLacking ? { help: t("targetsLacking") } : {})}
    />
  );
}
