import { X } from "lucide-react";
import {
  type ComponentProps,
  cloneElement,
  createContext,
  type MouseEvent,
  type ReactElement,
  type ReactNode,
  useContext,
  useId,
  useLayoutEffect,
  useState,
} from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "./button";
import styles from "./dialog.module.css";

type Pressable = ReactElement<{ onClick?: (event: MouseEvent<HTMLButtonElement>) => void }>;

interface DialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** A `Button` that opens it; or `open` and `onOpenChange`. */
  readonly trigger?: Pressable;
  readonly open?: boolean;
  readonly onOpenChange?: (open: boolean) => void;
  /** Buttons at the foot. */
  readonly actions?: ReactNode;
}

const Close = createContext<() => void>(() => undefined);
const Container = createContext<HTMLElement | null>(null);

/** Where lists that are drawn over everything belong: in the open dialog, else (null) in the body. */
export const useOverlayContainer = () => useContext(Container);

/**
 * A window over the page: the browser's own modal `<dialog>`, so that the rest of the page is inert, Escape closes
 * it and the focus returns to where it was.
 */
export function Dialog({ title, children, trigger, open, onOpenChange, actions }: DialogProps) {
  const [isOpenItself, setOpenItself] = useState(false);
  const isOpen = open ?? isOpenItself;
  const change = (next: boolean) => {
    setOpenItself(next);
    onOpenChange?.(next);
  };
  return (
    <>
      {trigger && cloneElement(trigger, { onClick: () => change(true) })}
      {isOpen && (
        <Modal title={title} actions={actions} close={() => change(false)}>
          {children}
        </Modal>
      )}
    </>
  );
}

interface ModalProps extends Pick<DialogProps, "title" | "children" | "actions"> {
  readonly close: () => void;
}

function Modal({ title, children, actions, close }: ModalProps) {
  const { t } = useTranslation("app");
  const id = useId();
  const [element, setElement] = useState<HTMLDialogElement | null>(null);
  useLayoutEffect(() => {
    element?.showModal();
    // Before it leaves the document: only then does the browser give the focus back.
    return () => element?.close();
  }, [element]);
  const outside = (event: MouseEvent) => event.target === element && close();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape, and the button, do the same
    <dialog
      ref={setElement}
      className={styles.popup}
      aria-labelledby={id}
      onClick={outside}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <Close value={close}>
        <Container value={element}>
          <div className={styles.content}>
            <div className={styles.head}>
              <h2 id={id} className={styles.title}>
                {title}
              </h2>
              <IconButton label={t("close")} icon={<X aria-hidden size={20} />} onClick={close} />
            </div>
            <div className={styles.body}>{children}</div>
            {actions && <div className={styles.actions}>{actions}</div>}
          </div>
        </Container>
      </Close>
    </dialog>
  );
}

/** Closes the dialog that it is in: `render` is its button. */
export function DialogClose({ render }: { render: ReactElement<Pick<ComponentProps<"button">, "onClick">> }) {
  const close = useContext(Close);
  return cloneElement(render, { onClick: close });
}
