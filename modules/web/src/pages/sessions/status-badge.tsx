import { useTranslation } from "react-i18next";
import { Badge, type Tone } from "~/ui/badge";
import type { Status } from "./arrange";

const TONES: Record<Status, Tone> = { created: "neutral", live: "good", ending: "accent", ended: "neutral" };

/** How a session is, in a word; a live one pulses. */
export function StatusBadge({ status }: { status: Status }) {
  const { t } = useTranslation("sessions");
  return (
    <Badge tone={TONES[status]} live={status === "live"}>
      {t(`status.${status}`)}
    </Badge>
  );
}
