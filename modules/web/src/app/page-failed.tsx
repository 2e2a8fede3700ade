import type { ErrorComponentProps } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { Problem } from "~/ui/problem";

/** A page threw: what is known about it, and a way on. */
export function PageFailed({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation("app");
  return (
    <main>
      <Problem error={error} action={<Button onClick={reset}>{t("tryAgain")}</Button>} />
    </main>
  );
}
