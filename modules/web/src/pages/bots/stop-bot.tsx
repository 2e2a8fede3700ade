import { useMutation } from "@tanstack/react-query";
import { Square } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { Dialog, DialogClose } from "~/ui/dialog";
import { Problem } from "~/ui/problem";
import { useStopBot } from "./bot-data";
import type { Bot } from "./life";

/** Ends a bot, after asking. */
export function StopBot({ bot }: { bot: Bot }) {
  const { t } = useTranslation(["bots", "app"]);
  const [open, setOpen] = useState(false);
  const { error, isPending, mutate } = useMutation({
    mutationFn: useStopBot(bot.id),
    onSuccess: () => setOpen(false),
  });
  const wasAsked = bot.stop_requested || bot.state === "stopping";
  return (
    <Dialog
      title={t("stop.title")}
      open={open}
      onOpenChange={setOpen}
      trigger={
        <Button
          kind="danger"
          icon={<Square aria-hidden size={16} />}
          disabled={wasAsked}
          focusableWhenDisabled
        >
          {wasAsked ? t("stop.asked") : t("stop.button")}
        </Button>
      }
      actions={
        <>
          <DialogClose render={<Button>{t("app:cancel")}</Button>} />
          <Button kind="danger" onClick={() => mutate()} disabled={isPending} focusableWhenDisabled>
            {t("stop.confirm")}
          </Button>
        </>
      }
    >
      <p>{t("stop.text")}</p>
      {error && <Problem error={error} />}
    </Dialog>
  );
}
