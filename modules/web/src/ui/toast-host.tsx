import { Toast } from "@base-ui/react/toast";
import { X } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "./button";
import { takeNotices, useWaitingNotices } from "./toast";
import styles from "./toast.module.css";

/** Draws the notices of `tell`. It is there before the first of them, so that screen readers hear that one too. */
export function ToastHost() {
  return (
    <Toast.Provider>
      <Toast.Portal>
        <Viewport />
      </Toast.Portal>
    </Toast.Provider>
  );
}

function Viewport() {
  const { t } = useTranslation("app");
  const { toasts, add } = Toast.useToastManager();
  const waiting = useWaitingNotices();
  useEffect(() => {
    if (waiting.length > 0) for (const notice of takeNotices()) add({ ...notice });
  }, [waiting, add]);
  return (
    <Toast.Viewport className={styles.viewport} aria-label={t("notifications")}>
      {toasts.map((toast) => (
        <Toast.Root key={toast.id} toast={toast} className={styles.toast} data-kind={toast.type}>
          <Toast.Content className={styles.content}>
            <div>
              <Toast.Title className={styles.title} />
              <Toast.Description className={styles.text} />
            </div>
            <Toast.Close render={<IconButton label={t("close")} icon={<X aria-hidden size={18} />} />} />
          </Toast.Content>
        </Toast.Root>
      ))}
    </Toast.Viewport>
  );
}
