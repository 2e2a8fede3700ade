import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { data, rest, type Schemas } from "~/api/rest";
import { Captions, ORIGINAL } from "~/captions/captions";
import { type CaptionLog, useCaptionState, useCaptions } from "~/captions/log";
import { StatusLine } from "~/captions/status-line";
import { PageHead } from "~/ui/page-head";
import { Bar } from "./bar";
import type { Choices } from "./choices";
import styles from "./live.module.css";
import type { ChangeChoices } from "./live-page";
import { Notices } from "./notices";
import type { Speaking } from "./speaking";
import { useSpeakingState } from "./studio";
import { Summary } from "./summary";
import { Tools } from "./tools";
import { useNarrow } from "./use-narrow";

interface StageProps {
  readonly speaking: Speaking;
  readonly choices: Choices;
  readonly onChange: ChangeChoices;
}

/** The session while it is spoken, and what it came to. */
export function Stage({ speaking, choices, onChange }: StageProps) {
  const { t } = useTranslation("live");
  const { phase } = useSpeakingState(speaking);
  const log = useCaptions(speaking.connection);
  const [share, setShare] = useState(false);
  const [help, setHelp] = useState(false);
  const translation = useTargets(speaking.target.sessionId, log);
  const isNarrow = useNarrow();
  const isOver = phase === "ended" || phase === "failed";
  return (
    <div className={styles.stage} data-over={isOver || undefined}>
      <PageHead
        title={speaking.target.title || t("title")}
        actions={
          <Tools
            speaking={speaking}
            translation={translation}
            isNarrow={isNarrow}
            choices={choices}
            onChange={onChange}
            share={[share, setShare]}
            help={[help, setHelp]}
          />
        }
      >
        <StatusLine log={log} isSpeaker />
      </PageHead>
      {isOver ? (
        <Summary speaking={speaking} />
      ) : (
        <Notices speaking={speaking} choices={choices} onChange={onChange} />
      )}
      <div className={styles.captions}>
        <Captions
          log={log}
          layout={isNarrow ? "below" : choices.layout}
          languages={[ORIGINAL, ...(translation?.targets ?? [])]}
          scale={choices.scale}
          announced={null}
          empty={
            <p className={styles.nothing}>{t(isOver ? "nothingSaid" : `empty.${speaking.source.kind}`)}</p>
          }
        />
      </div>
      {!isOver && (
        <Bar
          speaking={speaking}
          shortcuts={choices.shortcuts}
          onShare={() => setShare(true)}
          onHelp={() => setHelp(true)}
        />
      )}
    </div>
  );
}

/** Into what it is translated: as the server has it, asked again when it tells that others changed it. */
function useTargets(sessionId: string, log: CaptionLog): Schemas["Translation"] | undefined {
  const queries = useQueryClient();
  const told = useCaptionState(log, (state) => state.targets).join();
  const { data: translation } = useQuery({
    queryKey: ["translation", sessionId],
    queryFn: () =>
      data(
        rest.GET("/v1/sessions/{session_id}/translation", { params: { path: { session_id: sessionId } } }),
      ),
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the change is what counts
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: ["translation", sessionId] });
  }, [told, queries, sessionId]);
  return translation;
}
