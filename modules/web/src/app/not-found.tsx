import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { EmptyState } from "~/ui/empty-state";

export function NotFound() {
  const { t } = useTranslation("app");
  return (
    <main>
      <EmptyState heading="h1" title={t("notFound.title")} action={<Link to="/">{t("notFound.home")}</Link>}>
        {t("notFound.text")}
      </EmptyState>
    </main>
  );
}
