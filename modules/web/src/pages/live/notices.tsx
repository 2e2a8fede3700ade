import { CloudOff, Mic, Unplug } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { Select } from "~/ui/select";
import { StartProblem } from "./capture-problem";
import type { Choices } from "./choices";
import styles from "./live.module.css";
import type { ChangeChoices } from "./live-page";
import { openStream } from "./open-source";
import type { Speaking } from "./speaking";
import { useSpeakingState } from "./studio";
import { useMicrophones } from "./use-microphones";
import { useSilent } from "./use-silent";

/** Less than this waits at any time. */
const KEPT_MS = 1_500;

interface NoticesProps {
  readonly speaking: Speaking;
  readonly choices: Choices;
  readonly onChange: ChangeChoices;
}

/** What a speaker should know, while it is so. */
export function Notices(props: NoticesProps) {
  const { sourceEnd, connection, droppedMs, phase, muted, paused } = useSpeakingState(props.speaking);
  const { kind, meter } = props.speaking.source;
  const isSilent = useSilent(meter, kind !== "microphone" || muted || paused || phase !== "live");
  const { t } = useTranslation("live");
  return (
    <>
      {sourceEnd && phase === "live" && <SourceGone {...props} />}
      {isSilent && (
        <p role="status" className={styles.notice} data-tone="warn">
          {t("silent")}
        </p>
      )}
      {connection.name !== "open" && <Kept speaking={props.speaking} />}
      {droppedMs > 0 && (
        <p role="status" className={styles.notice} data-tone="bad">
          {t("dropped", { count: Math.ceil(droppedMs / 1000) })}
        </p>
      )}
    </>
  );
}

/** Words that wait for the network. */
function Kept({ speaking }: { speaking: Speaking }) {
  const { t } = useTranslation("live");
  const [keptMs, setKeptMs] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setKeptMs(speaking.unstoredMs), 500);
    return () => clearInterval(timer);
  }, [speaking]);
  if (keptMs < KEPT_MS) return null;
  return (
    <div className={styles.notice} data-tone="warn">
      <CloudOff aria-hidden size={22} />
      <p>{t("kept", { count: Math.round(keptMs / 1000) })}</p>
    </div>
  );
}

/** The device was unplugged, or the share stopped: another one goes on with the same session. */
function SourceGone({ speaking, choices, onChange }: NoticesProps) {
  const { t } = useTranslation("live");
  const [problem, setProblem] = useState<unknown>(null);
  const found = useMicrophones(problem);
  const isShare = speaking.source.kind === "display";
  const { microphone } = choices;
  const choose = (deviceId: string) => onChange({ microphone: { ...microphone, deviceId } });
  const goOn = async () => {
    setProblem(null);
    try {
      const source = isShare ? "display" : "microphone";
      await speaking.replaceStream(await openStream({ ...choices, source }));
    } catch (error) {
      setProblem(error);
    }
  };
  const devices = found.filter((device) => device.label !== "" && device.deviceId !== "default");
  return (
    <div role="alert" className={styles.notice} data-tone="warn">
      <Unplug aria-hidden size={22} />
      <div>
        <h2>{t(isShare ? "shareStopped.title" : "deviceLost.title")}</h2>
        <p>{t(isShare ? "shareStopped.text" : "deviceLost.text")}</p>
        <div className={styles.buttons}>
          {!isShare && devices.length > 0 && (
            <Select
              label={t("microphone")}
              value={
                devices.some((device) => device.deviceId === microphone.deviceId) ? microphone.deviceId : ""
              }
              onChange={choose}
              choices={[
                { value: "", label: t("defaultMicrophone") },
                ...devices.map(({ deviceId, label }) => ({ value: deviceId, label })),
              ]}
            />
          )}
          <Button kind="primary" icon={<Mic aria-hidden size={18} />} onClick={() => void goOn()}>
            {t(isShare ? "shareStopped.again" : "deviceLost.goOn")}
          </Button>
        </div>
        {problem !== null && <StartProblem error={problem} />}
      </div>
    </div>
  );
}
