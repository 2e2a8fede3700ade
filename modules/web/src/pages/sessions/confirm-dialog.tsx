import type { UseMutationResult } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { Dialog, DialogClose } from "~/ui/dialog";
import { Problem } from "~/ui/problem";

interface ConfirmDialogProps {
  readonly title: string;
  readonly text: string;
  /** What the button says that does it. */
  readonly confirm: string;
  readonly action: UseMutationResult<unknown, Error, void>;
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** Asks before something that cannot be taken back; says what went wrong if it does. */
export function ConfirmDialog({ title, text, confirm, action, open, onOpenChange }: ConfirmDialogProps) {
  const { t } = useTranslation("app");
  const close = (next: boolean) => {
    action.reset();
    onOpenChange(next);
  };
  const act = () =>
    action.mutate(undefined, {
      onSuccess: () => close(false),
    });
  return (
    <Dialog
      title={title}
      open={open}
      onOpenChange={close}
      actions={
        <>
          <DialogClose render={<Button>{t("cancel")}</Button>} />
          <Button kind="danger" onClick={act} disabled={action.isPending} focusableWhenDisabled>
            {confirm}
          </Button>
        </>
      }
    >
      <p>{text}</p>
      {action.error && <Problem error={action.error} />}
    </Dialog>
  );
}
