import { useTranslation } from "react-i18next";
import { moment } from "~/ui/time";
import type { Session } from "./arrange";

/** By what a session is called on the page: its title, or when it was made. */
export function useSessionName(): (session: Session) => string {
  const { t, i18n } = useTranslation("sessions");
  return (session) => session.title || t("untitled", { when: moment(session.created_at, i18n.language) });
}
