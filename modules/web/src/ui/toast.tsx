import { Toast } from "@base-ui/react/toast";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "./button";
import styles from "./toast.module.css";

/** Room for short notices at the edge of the page; they are read out politely. */
export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider>
      {children}
      <Toast.Portal>
        <Viewport />
      </Toast.Portal>
    </Toast.Provider>
  );
}

function Viewport() {
  const { t } = useTranslation("app");
  const { toasts } = Toast.useToastManager();
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

/** `tell({title, description, type: "good" | "bad"})` shows a notice for some seconds. */
export function useToast() {
  return Toast.useToastManager().add;
}
