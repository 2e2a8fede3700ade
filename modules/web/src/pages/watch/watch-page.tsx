import { useParams } from "@tanstack/react-router";
import { Link2Off } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState } from "~/ui/empty-state";
import { PageHead } from "~/ui/page-head";
import { viewOptions } from "./address";
import { useCredential } from "./use-viewer";
import styles from "./watch.module.css";

const Reader = lazy(() => import("./reader").then((file) => ({ default: file.Reader })));
const Screen = lazy(() => import("./screen").then((file) => ({ default: file.Screen })));

/** A session for those who only read: no account, no microphone, nothing but the link. */
export function WatchPage() {
  const { sessionId } = useParams({ from: "/watch/$sessionId" });
  const credential = useCredential();
  const [options] = useState(() => viewOptions(window.location.search));
  if (credential === null) return <LinkProblem name="incomplete" />;
  const who = { sessionId, credential };
  return (
    <Suspense fallback={null}>
      {options.view === "page" ? <Reader {...who} /> : <Screen {...who} options={options} />}
    </Suspense>
  );
}

/** The link cannot be read with: why, and what to do. */
export function LinkProblem({ name }: { name: "incomplete" | "invalid" | "forbidden" | "gone" }) {
  const { t } = useTranslation("watch");
  return (
    <main className={styles.problem}>
      <PageHead title={t("name")} />
      <EmptyState icon={<Link2Off aria-hidden size={36} />} title={t(`link.${name}.title`)}>
        {t(`link.${name}.text`)}
      </EmptyState>
    </main>
  );
}
