import { useTranslation } from "react-i18next";
import { ConfirmDialog } from "./confirm-dialog";
import { useEnd } from "./session-data";

interface EndDialogProps {
  readonly sessionId: string;
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** Asks whether a session is to end. */
export function EndDialog({ sessionId, ...rest }: EndDialogProps) {
  const { t } = useTranslation("sessions");
  const end = useEnd(sessionId);
  return (
    <ConfirmDialog
      title={t("end.title")}
      text={t("end.text")}
      confirm={t("end.confirm")}
      action={end}
      {...rest}
    />
  );
}
