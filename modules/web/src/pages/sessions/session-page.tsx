import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { FileClock } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ProblemError } from "~/app/problem";
import { Button } from "~/ui/button";
import { EmptyState } from "~/ui/empty-state";
import { PageHead } from "~/ui/page-head";
import { Problem } from "~/ui/problem";
import { sessionQuery } from "./session-data";
import { SessionView } from "./session-view";

const route = getRouteApi("/shell/sessions/$sessionId");

/** One session: its transcript, where its time went, its recording. */
export function SessionPage() {
  const { t } = useTranslation(["sessions", "app"]);
  const { sessionId } = route.useParams();
  const { data: session, error } = useQuery(sessionQuery(sessionId));
  if (error instanceof ProblemError && error.status === 404) return <Gone />;
  if (error && !session) return <Problem error={error} />;
  if (!session) return <p role="status">{t("app:loading")}</p>;
  return <SessionView key={session.id} session={session} />;
}

function Gone() {
  const { t } = useTranslation("sessions");
  return (
    <>
      <PageHead title={t("title")} />
      <EmptyState
        title={t("gone.title")}
        icon={<FileClock aria-hidden size={40} />}
        action={
          <Button kind="primary" render={<Link to="/sessions" />}>
            {t("back")}
          </Button>
        }
      >
        {t("gone.text")}
      </EmptyState>
    </>
  );
}
