import { Button as BaseButton } from "@base-ui/react/button";
import type { ComponentProps, ReactNode } from "react";
import styles from "./button.module.css";

type Kind = "primary" | "plain" | "quiet" | "danger";

export interface ButtonProps extends Omit<ComponentProps<typeof BaseButton>, "className"> {
  readonly kind?: Kind;
  readonly size?: "m" | "l";
  readonly icon?: ReactNode;
}

/** A button with words; `icon` stands before them. */
export function Button({ kind = "plain", size = "m", icon, children, ...rest }: ButtonProps) {
  return (
    <BaseButton {...rest} className={styles.button} data-kind={kind} data-size={size}>
      {icon}
      <span>{children}</span>
    </BaseButton>
  );
}

export interface IconButtonProps extends Omit<ComponentProps<typeof BaseButton>, "className" | "children"> {
  readonly label: string;
  readonly icon: ReactNode;
  readonly kind?: Kind;
  /** For buttons that are on or off. */
  readonly pressed?: boolean;
}

/** A button with a picture only; `label` is its name for all who do not see the picture, and its tooltip. */
export function IconButton({ label, icon, kind = "quiet", pressed, ...rest }: IconButtonProps) {
  return (
    <BaseButton
      {...rest}
      className={styles.button}
      data-kind={kind}
      data-square=""
      aria-label={label}
      title={label}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
    >
      {icon}
    </BaseButton>
  );
}
