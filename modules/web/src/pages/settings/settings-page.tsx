import { useState } from "react";
import { useTranslation } from "react-i18next";
import { PageHead } from "~/ui/page-head";
import { Tabs } from "~/ui/tabs";
import { History } from "./history";
import { Presets } from "./presets";
import { ScopeForm } from "./scope-form";

const INSTALLATION = { preset: null };

/** The runtime configuration: what is set for all, what presets set, and how it came to be. */
export function SettingsPage() {
  const { t } = useTranslation("settings");
  const [tab, setTab] = useState<"values" | "presets" | "history">("values");
  return (
    <>
      <PageHead title={t("title")}>{t("about")}</PageHead>
      <Tabs
        label={t("title")}
        value={tab}
        onChange={setTab}
        tabs={[
          { value: "values", label: t("tabs.values"), panel: <ScopeForm scope={INSTALLATION} /> },
          { value: "presets", label: t("tabs.presets"), panel: <Presets /> },
          { value: "history", label: t("tabs.history"), panel: <History /> },
        ]}
      />
    </>
  );
}
