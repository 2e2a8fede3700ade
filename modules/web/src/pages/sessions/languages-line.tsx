import { useTranslation } from "react-i18next";
import { languageName } from "~/ui/language";
import type { Session } from "./arrange";

/** In which language a session is spoken, and into which it is translated. */
export function LanguagesLine({ session }: { session: Session }) {
  const { t, i18n } = useTranslation("sessions");
  const name = (code: string) => languageName(code, i18n.language);
  const spoken = session.language === null ? t("auto") : name(session.language);
  const targets = session.translation.targets.map(name).join(", ");
  return <span>{targets === "" ? spoken : t("into", { spoken, targets })}</span>;
}
