import { type ComponentProps, cloneElement, type MouseEvent, type ReactElement, type ReactNode } from "react";
import styles from "./button.module.css";

type Kind = "primary" | "plain" | "quiet" | "danger";

interface Common extends Omit<ComponentProps<"button">, "className" | "children"> {
  readonly kind?: Kind;
  /** Stays in the tab order while it is disabled, so that nobody loses the focus or the reason. */
  readonly focusableWhenDisabled?: boolean;
}

export interface ButtonProps extends Common {
  readonly size?: "m" | "l";
  readonly icon?: ReactNode;
  readonly children: ReactNode;
  /** A link that looks like a button. */
  readonly render?: ReactElement<{ className?: string; children?: ReactNode }>;
}

/** What makes a disabled button focusable: it is told as disabled, and does nothing. */
function press({ disabled, focusableWhenDisabled, onClick }: Common): Partial<ComponentProps<"button">> {
  if (!focusableWhenDisabled) return { ...(disabled ? { disabled } : {}), ...(onClick ? { onClick } : {}) };
  const ignore = (event: MouseEvent) => event.preventDefault();
  return {
    "aria-disabled": disabled ?? false,
    ...(disabled ? { onClick: ignore } : onClick ? { onClick } : {}),
  };
}

/** A button with words; `icon` stands before them. */
export function Button({ kind = "plain", size = "m", icon, children, render, ...rest }: ButtonProps) {
  const { disabled, focusableWhenDisabled, onClick, type = "button", ...others } = rest;
  const look = { className: styles.button ?? "", "data-kind": kind, "data-size": size };
  const content = (
    <>
      {icon}
      <span>{children}</span>
    </>
  );
  if (render) return cloneElement(render, { ...look, children: content });
  return (
    <button {...others} {...press(rest)} {...look} type={type}>
      {content}
    </button>
  );
}

export interface IconButtonProps extends Common {
  readonly label: string;
  readonly icon: ReactNode;
  /** For buttons that are on or off. */
  readonly pressed?: boolean;
}

/** A button with a picture only; `label` is its name for all who do not see the picture, and its tooltip. */
export function IconButton({ label, icon, kind = "quiet", pressed, ...rest }: IconButtonProps) {
  const { disabled, focusableWhenDisabled, onClick, type = "button", ...others } = rest;
  return (
    <button
      {...others}
      {...press(rest)}
      type={type}
      className={styles.button}
      data-kind={kind}
      data-square=""
      aria-label={label}
      title={label}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
    >
      {icon}
    </button>
  );
}
