import { Menu as Base } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "./button";
import { useOverlayContainer } from "./dialog";
import styles from "./menu.module.css";

interface MenuProps {
  readonly label: string;
  readonly icon: ReactNode;
  readonly children: ReactNode;
  readonly defaultOpen?: boolean;
}

/** A button that opens a list of things to do or choose. */
export function Menu({ label, icon, children, defaultOpen = false }: MenuProps) {
  const container = useOverlayContainer();
  return (
    <Base.Root modal={false} defaultOpen={defaultOpen}>
      <Base.Trigger render={<IconButton label={label} icon={icon} />} />
      <Base.Portal {...(container ? { container } : {})}>
        <Base.Positioner className={styles.positioner} sideOffset={6} align="end">
          <Base.Popup className={styles.popup}>{children}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

interface MenuChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly choices: readonly { readonly value: T; readonly label: string; readonly lang?: string }[];
}

export function MenuChoice<T extends string>({ label, value, onChange, choices }: MenuChoiceProps<T>) {
  return (
    <Base.Group className={styles.group}>
      <Base.GroupLabel className={styles.label}>{label}</Base.GroupLabel>
      <Base.RadioGroup value={value} onValueChange={(chosen: T) => onChange(chosen)}>
        {choices.map((choice) => (
          <Base.RadioItem key={choice.value} value={choice.value} className={styles.item} lang={choice.lang}>
            <Base.RadioItemIndicator className={styles.indicator}>
              <Check aria-hidden size={16} />
            </Base.RadioItemIndicator>
            <span className={styles.text}>{choice.label}</span>
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  );
}

export function MenuGroup({ children }: { children: ReactNode }) {
  return <Base.Group className={styles.group}>{children}</Base.Group>;
}

interface MenuItemProps {
  readonly children: ReactNode;
  readonly onClick?: () => void;
  readonly href?: string;
  /** Offers the address as a file of this name. */
  readonly download?: string;
}

/** Something to do, or somewhere to go. */
export function MenuItem({ children, onClick, href, download }: MenuItemProps) {
  const text = <span className={styles.text}>{children}</span>;
  if (href !== undefined) {
    return (
      <Base.LinkItem className={styles.item} href={href} download={download}>
        {text}
      </Base.LinkItem>
    );
  }
  return (
    <Base.Item className={styles.item} {...(onClick ? { onClick } : {})}>
      {text}
    </Base.Item>
  );
}
