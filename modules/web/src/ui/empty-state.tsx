import type { ReactNode } from "react";
import styles from "./empty-state.module.css";

interface EmptyStateProps {
  readonly title: string;
  /** `h1` where it is the whole page. */
  readonly heading?: "h1" | "h2";
  readonly icon?: ReactNode;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

/** What a list says that has nothing to show, and what one can do about it. */
export function EmptyState({ title, heading: Heading = "h2", icon, children, action }: EmptyStateProps) {
  return (
    <div className={styles.empty}>
      {icon}
      <Heading>{title}</Heading>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}
