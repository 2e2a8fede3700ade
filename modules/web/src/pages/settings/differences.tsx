import { useTranslation } from "react-i18next";
import type { Schemas } from "~/api/rest";
import table from "~/ui/table.module.css";

/** What differs, field by field. */
export function Differences({ changes }: { changes: readonly Schemas["FieldDifference"][] }) {
  const { t } = useTranslation("settings");
  if (changes.length === 0) return <p>{t("noDifference")}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls on narrow screens, by keyboard too
    <section className={table.scroll} tabIndex={0} aria-label={t("differences")}>
      <table className={table.table}>
        <thead>
          <tr>
            <th scope="col">{t("field")}</th>
            <th scope="col">{t("before")}</th>
            <th scope="col">{t("after")}</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ path, before, after }) => (
            <tr key={path}>
              <td>
                <code>{path}</code>
              </td>
              <td>{value(before) ?? t("notSet")}</td>
              <td>{value(after) ?? t("notSet")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function value(of: unknown): string | null {
  if (of === null || of === undefined) return null;
  return typeof of === "string" ? of : JSON.stringify(of);
}
