import { ConnectionRefused } from "@dragoman/client";
import { Link } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, Download, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fileName } from "~/downloads/file-name";
import { saveFile } from "~/downloads/save-file";
import { transcriptFile } from "~/downloads/transcript-file";
import { Button } from "~/ui/button";
import { Problem } from "~/ui/problem";
import { clock } from "~/ui/time";
import styles from "./live.module.css";
import type { Speaking } from "./speaking";
import { leaveSession, useSpeakingState } from "./studio";

const SUPERSEDED = 4409;

/** What came of it, and where to go from here. */
export function Summary({ speaking }: { speaking: Speaking }) {
  const { t, i18n } = useTranslation("live");
  const { result, words, error, droppedMs } = useSpeakingState(speaking);
  const { sessionId } = speaking.target;
  const lostMs = (result?.ledger.gap_ms ?? 0) + droppedMs;
  const isWhole = result !== null && lostMs === 0;
  const count = new Intl.NumberFormat(i18n.language).format(words);
  return (
    <section className={styles.summary} aria-labelledby="summary">
      {error ? <Failure error={error} /> : null}
      <div className={styles.result} data-whole={isWhole || undefined}>
        {isWhole ? <CircleCheck aria-hidden size={28} /> : <CircleAlert aria-hidden size={28} />}
        <div role="status">
          <h2 id="summary">{t(error ? "summary.stopped" : "summary.title")}</h2>
          <p>
            {t("summary.length", {
              time: clock(result?.ledger.received_ms ?? speaking.stopwatch.elapsedMs),
              words: t("summary.words", { count: words, shown: count }),
            })}{" "}
            {result === null && t("summary.unfinished")}
            {isWhole && t("summary.whole")}
            {result !== null && lostMs > 0 && t("summary.lost", { count: Math.ceil(lostMs / 1000) })}
          </p>
        </div>
      </div>
      <div className={styles.buttons}>
        <Link to="/sessions/$sessionId" params={{ sessionId }} className={styles.open}>
          {t("summary.open")}
        </Link>
        <Downloads sessionId={sessionId} title={speaking.target.title} />
        <Button kind="primary" icon={<Plus aria-hidden size={18} />} onClick={leaveSession}>
          {t("summary.again")}
        </Button>
      </div>
    </section>
  );
}

function Failure({ error }: { error: Error }) {
  const { t } = useTranslation("live");
  if (!(error instanceof ConnectionRefused) || error.closeCode !== SUPERSEDED) {
    return <Problem error={error} />;
  }
  return (
    <div role="alert" className={styles.notice} data-tone="warn">
      <CircleAlert aria-hidden size={22} />
      <div>
        <h2>{t("superseded.title")}</h2>
        <p>{t("superseded.text")}</p>
      </div>
    </div>
  );
}

const FORMATS = ["txt", "srt"] as const;

function Downloads({ sessionId, title }: { sessionId: string; title: string }) {
  const { t } = useTranslation("live");
  const [problem, setProblem] = useState<unknown>(null);
  const download = async (format: (typeof FORMATS)[number]) => {
    setProblem(null);
    try {
      const file = await transcriptFile({ sessionId, format, languages: [] });
      saveFile(file, fileName({ title }, format, []));
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <>
      {FORMATS.map((format) => (
        <Button key={format} icon={<Download aria-hidden size={18} />} onClick={() => void download(format)}>
          {t(`summary.download.${format}`)}
        </Button>
      ))}
      {problem !== null && <Problem error={problem} />}
    </>
  );
}
