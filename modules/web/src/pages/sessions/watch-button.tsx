import { useMutation } from "@tanstack/react-query";
import { Eye } from "lucide-react";
import { useTranslation } from "react-i18next";
import { watchLink } from "~/pages/watch/address";
import { Button } from "~/ui/button";
import { useToast } from "~/ui/toast";
import { viewerToken } from "./session-data";

/** Goes to the viewer's page of a session that is open, as a viewer does: with a token, in the fragment. */
export function WatchButton({ sessionId }: { sessionId: string }) {
  const { t } = useTranslation("sessions");
  const tell = useToast();
  const watch = useMutation({
    mutationFn: () => viewerToken(sessionId),
    onSuccess: (token) =>
      window.location.assign(watchLink(window.location.origin, sessionId, { token, languages: null })),
    onError: (error) => tell({ title: t("watch.failed"), description: error.message, type: "bad" }),
  });
  return (
    <Button
      icon={<Eye aria-hidden size={18} />}
      onClick={() => watch.mutate()}
      disabled={watch.isPending}
      focusableWhenDisabled
    >
      {t("watch.action")}
    </Button>
  );
}
