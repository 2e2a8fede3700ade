import { MessageSquareText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Captions } from "~/captions/captions";
import type { CaptionLanguage } from "~/captions/languages";
import { useCaptionState } from "~/captions/log";
import { refusalOf } from "~/captions/status";
import { StatusLine } from "~/captions/status-line";
import { EmptyState } from "~/ui/empty-state";
import { languageName } from "~/ui/language";
import { PageHead } from "~/ui/page-head";
import { missingLanguages, shownLanguages, toggled, usualLanguages } from "./choice";
import { Ended } from "./ended";
import { linkProblemOf, useWatchedSession } from "./session";
import { changeSettings, useReaderSettings } from "./settings";
import { LanguageBar, ViewBar } from "./toolbar";
import { useWakeLock } from "./use-page";
import { keepInAddress, useFragment, useViewer } from "./use-viewer";
import styles from "./watch.module.css";
import { LinkProblem } from "./watch-page";

interface ReaderProps {
  readonly sessionId: string;
  readonly credential: string;
}

/** The page to read at: captions, and what a reader may choose. */
export function Reader(props: ReaderProps) {
  const session = useWatchedSession(props.sessionId, props.credential);
  const problem = linkProblemOf(session.error);
  if (problem) return <LinkProblem name={problem} />;
  if (session.isPending) return null;
  // Where the server does not answer, the connection goes on trying, and says so.
  const { title = "", language = null, translation } = session.data ?? {};
  return <Session {...props} title={title} spoken={language} targets={translation?.targets ?? []} />;
}

interface SessionProps extends ReaderProps {
  readonly title: string;
  readonly spoken: string | null;
  /** Until the connection tells them. */
  readonly targets: readonly string[];
}

function Session({ sessionId, credential, title, spoken, targets: firstTargets }: SessionProps) {
  const { t, i18n } = useTranslation("watch");
  const fragment = useFragment();
  const settings = useReaderSettings();
  const [usual] = useState(() =>
    usualLanguages({ targets: firstTargets, spoken }, [i18n.language, ...navigator.languages]),
  );
  const [wanted, setWanted] = useState(fragment.languages ?? settings.languages ?? usual);
  const log = useViewer({ sessionId, credential, languages: wanted });
  const isTold = useCaptionState(log, (state) => state.connection?.name === "open" || state.rows.length > 0);
  const toldTargets = useCaptionState(log, (state) => state.targets);
  const connection = useCaptionState(log, (state) => state.connection);
  const hasRows = useCaptionState(log, (state) => state.rows.length > 0);
  const hasEnded = useCaptionState(log, (state) => state.ended !== null);
  const heard = useCaptionState(log, ({ rows }) => {
    const last = rows.findLast((row) => row.kind === "segment" && row.language !== "");
    return last?.kind === "segment" ? last.language : null;
  });
  useWakeLock(connection?.name === "open");
  const targets = isTold ? toldTargets : firstTargets;
  const shown = shownLanguages(wanted, targets);
  const missing = missingLanguages(wanted, targets);
  const choose = (code: CaptionLanguage) => {
    const next = toggled(shown, code, targets);
    setWanted(next);
    changeSettings({ languages: next });
    keepInAddress({ ...fragment, languages: next });
  };
  // A link that runs out takes nothing away from who reads already: the line on top tells it.
  if (connection?.name === "refused" && !hasRows && refusalOf(connection.error.code)) {
    return <LinkProblem name={refusedName(connection.error.code)} />;
  }
  return (
    <main className={styles.page}>
      <PageHead
        title={title || t("name")}
        actions={<ViewBar isColumnsOffered={shown.length > 1} settings={settings} />}
      >
        <StatusLine log={log} />
      </PageHead>
      {targets.length > 0 && <LanguageBar targets={targets} shown={shown} onChoose={choose} />}
      {missing.length > 0 && isTold && (
        <p className={styles.note}>
          {t("notOffered", {
            languages: missing.map((code) => languageName(code, i18n.language)).join(", "),
          })}
        </p>
      )}
      {hasEnded && <Ended {...{ sessionId, credential, title }} languages={shown} spoken={spoken ?? heard} />}
      <div className={styles.captions}>
        <Captions
          log={log}
          layout={shown.length > 1 ? settings.layout : "only"}
          languages={shown}
          scale={settings.scale}
          empty={
            <EmptyState icon={<MessageSquareText aria-hidden size={36} />} title={t("empty.title")}>
              {t(hasEnded ? "empty.ended" : "empty.text")}
            </EmptyState>
          }
        />
      </div>
    </main>
  );
}

function refusedName(code: string): "invalid" | "forbidden" | "gone" {
  if (code === "unauthenticated") return "invalid";
  return code === "forbidden" ? "forbidden" : "gone";
}
