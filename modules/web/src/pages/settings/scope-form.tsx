import { useSuspenseQuery } from "@tanstack/react-query";
import { Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { Card } from "~/ui/card";
import { type Draft, faultsOf, patchOf } from "./draft";
import { FieldRow } from "./field-row";
import { effectiveQuery, type Scope, schemaQuery, scopeQuery } from "./queries";
import { ReviewDialog } from "./review-dialog";
import { presetSections } from "./schema";
import styles from "./settings.module.css";

const EMPTY: Draft = new Map();

/** All that a scope can set, with what is in force now and why; nothing is changed before it is reviewed. */
export function ScopeForm({ scope }: { scope: Scope }) {
  return (
    <Suspense fallback={null}>
      <Form key={scope.preset} scope={scope} />
    </Suspense>
  );
}

function Form({ scope }: { scope: Scope }) {
  const { t } = useTranslation("settings");
  const { data: all } = useSuspenseQuery(schemaQuery);
  const { data: current } = useSuspenseQuery(scopeQuery(scope));
  const { data: effective } = useSuspenseQuery(effectiveQuery(scope));
  const [draft, setDraft] = useState(EMPTY);
  const [reviewing, setReviewing] = useState(false);
  const sections = scope.preset === null ? all : presetSections(all);
  const faults = faultsOf(sections, draft);
  const set = (path: string, typed: string | readonly string[] | null | undefined) => {
    const next = new Map(draft);
    if (typed === undefined) next.delete(path);
    else next.set(path, typed);
    setDraft(next);
  };
  return (
    <div className={styles.form}>
      {sections.map((section) => (
        <Card key={section.name} title={t(`sections.${section.name}`)}>
          <div className={styles.rows}>
            {section.fields.map((field) => (
              <FieldRow
                key={field.path}
                field={field}
                own={valueAt(current.values, field.section, field.name)}
                inForce={valueAt(effective.values, field.section, field.name)}
                origin={effective.provenance[field.path]}
                typed={draft.get(field.path)}
                fault={faults.get(field.path)}
                onType={(typed) => set(field.path, typed)}
              />
            ))}
          </div>
        </Card>
      ))}
      {draft.size > 0 && (
        <div className={styles.bar} role="status">
          <span>{t("changes", { count: draft.size })}</span>
          <Button onClick={() => setDraft(EMPTY)}>{t("discard")}</Button>
          <Button
            kind="primary"
            disabled={faults.size > 0}
            focusableWhenDisabled
            onClick={() => setReviewing(true)}
          >
            {t("review")}
          </Button>
        </div>
      )}
      {reviewing && (
        <ReviewDialog
          scope={scope}
          patch={patchOf(sections, draft)}
          etag={current.etag}
          onClose={() => setReviewing(false)}
          onSaved={() => {
            setReviewing(false);
            setDraft(EMPTY);
          }}
        />
      )}
    </div>
  );
}

function valueAt(values: object, section: string, name: string): unknown {
  return (values as Record<string, Record<string, unknown> | undefined>)[section]?.[name];
}
