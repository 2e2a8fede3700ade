import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { ProblemError } from "~/app/problem";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { Problem } from "~/ui/problem";
import { useToast } from "~/ui/toast";
import { Differences } from "./differences";
import { changeScope, type Patch, type Scope } from "./queries";

interface ReviewDialogProps {
  readonly scope: Scope;
  readonly patch: Patch;
  readonly etag: string;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}

/** What the change would do, checked by the server; then it is made, or not. */
export function ReviewDialog({ scope, patch, etag, onClose, onSaved }: ReviewDialogProps) {
  const { t } = useTranslation("settings");
  const tell = useToast();
  const queries = useQueryClient();
  const preview = useQuery({
    queryKey: ["config-preview", scope.preset, etag, patch],
    queryFn: () => changeScope({ ...scope, patch, etag, dryRun: true }),
    retry: false,
    gcTime: 0,
  });
  const save = useMutation({
    mutationFn: () => changeScope({ ...scope, patch, etag, dryRun: false }),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["config"] });
      const away =
        "services" in made ? Object.values(made.services).filter((state) => state !== "in_sync") : [];
      tell({
        title: "version" in made && made.version ? t("saved", { version: made.version }) : t("asked"),
        description: away.length > 0 ? t("servicesAway", { count: away.length }) : t("inForce"),
        type: away.length > 0 ? "bad" : "good",
      });
      onSaved();
    },
  });
  const error = save.error ?? preview.error;
  const isStale = error instanceof ProblemError && error.status === 412;
  const changes = preview.data && "changes" in preview.data ? preview.data.changes : undefined;
  return (
    <Dialog
      title={t("reviewTitle")}
      open
      onOpenChange={(open) => !open && onClose()}
      actions={
        <>
          <Button onClick={onClose}>{t("back")}</Button>
          {isStale ? (
            <Button
              kind="primary"
              onClick={() => {
                void queries.invalidateQueries({ queryKey: ["config"] });
                onClose();
              }}
            >
              {t("readAgain")}
            </Button>
          ) : (
            <Button
              kind="primary"
              disabled={changes === undefined || changes.length === 0 || save.isPending}
              focusableWhenDisabled
              onClick={() => save.mutate()}
            >
              {save.isPending ? t("saving") : t("save")}
            </Button>
          )}
        </>
      }
    >
      {isStale ? <p role="alert">{t("stale")}</p> : error && <Problem error={error} />}
      {changes && <Differences changes={changes} />}
    </Dialog>
  );
}
