import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Menu, MenuChoice, MenuGroup, MenuItem } from "~/ui/menu";
import { forgetKey, useKey } from "./credential";
import { INTERFACE_LANGUAGES, type InterfaceLanguage, setInterfaceLanguage } from "./i18n";
import { setTheme, THEMES, type Theme, useTheme } from "./theme";

const LANGUAGES = Object.entries(INTERFACE_LANGUAGES) as [InterfaceLanguage, string][];

/** Theme, language of the interface, and forgetting the key. Open when it comes: it was asked for. */
export function AppMenu({ icon }: { icon: ReactNode }) {
  const { t, i18n } = useTranslation("app");
  const theme = useTheme();
  const { key } = useKey();
  return (
    <Menu label={t("menu.label")} icon={icon} defaultOpen>
      <MenuChoice<Theme>
        label={t("menu.theme")}
        value={theme}
        onChange={setTheme}
        choices={THEMES.map((value) => ({ value, label: t(`menu.themes.${value}`) }))}
      />
      <MenuChoice<InterfaceLanguage>
        label={t("menu.language")}
        value={i18n.language as InterfaceLanguage}
        onChange={(language) => void setInterfaceLanguage(language)}
        choices={LANGUAGES.map(([value, label]) => ({ value, label, lang: value }))}
      />
      <MenuGroup>
        <MenuItem href="/docs">{t("menu.apiDocs")}</MenuItem>
        {key !== null && <MenuItem onClick={forgetKey}>{t("menu.forgetKey")}</MenuItem>}
      </MenuGroup>
    </Menu>
  );
}
