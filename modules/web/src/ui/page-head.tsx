import { type ReactNode, useEffect } from "react";
import styles from "./page-head.module.css";

interface PageHeadProps {
  readonly title: string;
  /** Stands in the place of the h1 and holds it, where the title can be changed. */
  readonly heading?: ReactNode;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}

/** The page's one h1 (and the title of its tab), a line about it, and what can be done. */
export function PageHead({ title, heading, children, actions }: PageHeadProps) {
  useEffect(() => {
    document.title = `${title} · Dragoman`;
  }, [title]);
  return (
    <header className={styles.head}>
      <div>
        {heading ?? <h1>{title}</h1>}
        {children && <div className={styles.about}>{children}</div>}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </header>
  );
}
