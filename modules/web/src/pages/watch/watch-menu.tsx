import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { INTERFACE_LANGUAGES, type InterfaceLanguage, setInterfaceLanguage } from "~/app/i18n";
import { setTheme, THEMES, type Theme, useTheme } from "~/app/theme";
import { Menu, MenuChoice } from "~/ui/menu";

const LANGUAGES = Object.entries(INTERFACE_LANGUAGES) as [InterfaceLanguage, string][];

/** Theme and language of the page. Open when it comes: it was asked for. */
export function WatchMenu({ icon }: { icon: ReactNode }) {
  const { t, i18n } = useTranslation(["watch", "app"]);
  const theme = useTheme();
  return (
    <Menu label={t("menu")} icon={icon} defaultOpen>
      <MenuChoice<Theme>
        label={t("app:menu.theme")}
        value={theme}
        onChange={setTheme}
        choices={THEMES.map((value) => ({ value, label: t(`app:menu.themes.${value}`) }))}
      />
      <MenuChoice<InterfaceLanguage>
        label={t("app:menu.language")}
        value={i18n.language as InterfaceLanguage}
        onChange={(language) => void setInterfaceLanguage(language)}
        choices={LANGUAGES.map(([value, label]) => ({ value, label, lang: value }))}
      />
    </Menu>
  );
}
