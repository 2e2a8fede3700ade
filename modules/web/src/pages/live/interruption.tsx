import { useQuery } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { data, rest } from "~/api/rest";
import type { AudioSource } from "~/capture/source";
import { Button } from "~/ui/button";
import { canGoOn, forgetSpeaking, interruptedSession } from "./interrupted";
import styles from "./live.module.css";
import { endSession, goOnSpeaking } from "./studio";

interface InterruptionProps {
  /** Opens the source and begins. */
  readonly onGoOn: (begin: (source: AudioSource) => void) => void;
  readonly isBusy: boolean;
}

/** The page was reloaded, or the browser broke, while it was live: going on is one click. */
export function Interruption({ onGoOn, isBusy }: InterruptionProps) {
  const { t } = useTranslation("live");
  const [session, setSession] = useState(interruptedSession);
  const sessionId = session?.sessionId ?? "";
  const { data: found } = useQuery({
    queryKey: ["session", sessionId],
    queryFn: () =>
      data(rest.GET("/v1/sessions/{session_id}", { params: { path: { session_id: sessionId } } })),
    enabled: session !== null,
  });
  if (!session || (found?.status !== "live" && found?.status !== "created")) return null;
  const end = () => {
    setSession(null);
    void endSession(sessionId).catch(forgetSpeaking);
  };
  const may = canGoOn(session);
  return (
    <section className={styles.notice} data-tone="accent" aria-labelledby="interrupted">
      <RotateCcw aria-hidden size={22} />
      <div>
        <h2 id="interrupted">{t("interrupted.title")}</h2>
        <p>{t(may ? "interrupted.text" : "interrupted.textOpus")}</p>
        <div className={styles.buttons}>
          {may && (
            <Button
              kind="primary"
              disabled={isBusy}
              onClick={() => onGoOn((source) => goOnSpeaking(source, session))}
            >
              {t("interrupted.goOn")}
            </Button>
          )}
          <Button onClick={end}>{t("interrupted.end")}</Button>
        </div>
      </div>
    </section>
  );
}
