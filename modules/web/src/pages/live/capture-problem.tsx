import { MicOff } from "lucide-react";
import { useTranslation } from "react-i18next";
import { CaptureError } from "~/capture/problem";
import { Problem } from "~/ui/problem";
import styles from "./live.module.css";

/** Why it cannot start, and what to do: of the capture in this page's words, all else as the server told it. */
export function StartProblem({ error }: { error: unknown }) {
  const { t } = useTranslation("live");
  if (!(error instanceof CaptureError)) return <Problem error={error} />;
  // Who closed the browser's question knows why.
  if (error.code === "cancelled") return null;
  const { host } = window.location;
  return (
    <div role="alert" className={styles.notice} data-tone="bad">
      <MicOff aria-hidden size={22} />
      <div>
        <h2>{t(`problems.${error.code}.title`)}</h2>
        <p>{t(`problems.${error.code}.remedy`, { host })}</p>
      </div>
    </div>
  );
}
