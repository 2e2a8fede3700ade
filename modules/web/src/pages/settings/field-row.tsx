import { RotateCcw, Undo2 } from "lucide-react";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "~/api/rest";
import { Badge } from "~/ui/badge";
import { IconButton } from "~/ui/button";
import { COMMON_LANGUAGES } from "~/ui/language";
import { LanguagePicker } from "~/ui/language-picker";
import { type Fault, toText } from "./draft";
import type { ConfigField } from "./schema";
import styles from "./settings.module.css";

type Typed = string | readonly string[] | null | undefined;

interface FieldRowProps {
  readonly field: ConfigField;
  /** What this scope sets; undefined: nothing. */
  readonly own: unknown;
  /** What a session runs with now; undefined: as each process was started. */
  readonly inForce: unknown;
  readonly origin: Schemas["Scope"] | undefined;
  /** What was typed and is not saved; null: taken out; undefined: nothing was touched. */
  readonly typed: Typed;
  readonly fault: Fault | undefined;
  readonly onType: (typed: Typed) => void;
}

/** One value: its name, its control, what is in force and where that comes from, and a way back. */
export function FieldRow(props: FieldRowProps) {
  const { field, own, inForce, origin, typed, fault, onType } = props;
  const { t } = useTranslation("settings");
  const id = useId();
  const isSet = own !== undefined && own !== null;
  return (
    <div className={styles.row} data-changed={typed !== undefined || undefined}>
      <div className={styles.about}>
        <label id={`${id}-label`} htmlFor={id}>
          {fieldName(t, field)}
        </label>
        {field.about && (
          <p id={`${id}-about`} lang="en">
            {field.about}
          </p>
        )}
      </div>
      <div className={styles.control}>
        <Control {...props} id={id} />
        {fault && (
          <p id={`${id}-fault`} className={styles.fault}>
            {t(`faults.${fault.key}`, { ...fault })}
          </p>
        )}
      </div>
      <div className={styles.origin}>
        <Badge tone={origin === undefined || origin === "defaults" ? "neutral" : "accent"}>
          {t(`origins.${origin ?? (isSet ? "system" : "unknown")}`)}
        </Badge>
        <span className={styles.inForce}>
          {inForce === undefined || inForce === null ? "" : shown(field, inForce)}
        </span>
      </div>
      <div className={styles.back}>
        {typed !== undefined ? (
          <IconButton
            label={t("undo", { name: fieldName(t, field) })}
            icon={<Undo2 aria-hidden size={18} />}
            onClick={() => onType(undefined)}
          />
        ) : (
          isSet && (
            <IconButton
              label={t("takeOut", { name: fieldName(t, field) })}
              icon={<RotateCcw aria-hidden size={18} />}
              onClick={() => onType(null)}
            />
          )
        )}
      </div>
    </div>
  );
}

function Control({ field, own, inForce, typed, fault, onType, id }: FieldRowProps & { id: string }) {
  const { t } = useTranslation("settings");
  const text = typed === undefined ? toText(field, own) : typed === null ? "" : typed;
  const described = [field.about && `${id}-about`, fault && `${id}-fault`].filter(Boolean).join(" ");
  const common = {
    id,
    className: styles.input,
    "aria-invalid": fault !== undefined,
    ...(described ? { "aria-describedby": described } : {}),
  };
  const placeholder = inForce === undefined || inForce === null ? t("asStarted") : toText(field, inForce);
  // An emptied field that was set takes the value out; one that was not is as before.
  const back = own === undefined || own === null ? undefined : null;
  if (field.kind === "languages") {
    const codes = Array.isArray(typed)
      ? typed
      : typed === undefined && Array.isArray(own)
        ? own.map(String)
        : [];
    return <LanguagePicker label={t("targets")} value={codes} onChange={onType} codes={COMMON_LANGUAGES} />;
  }
  if (field.kind === "boolean" || field.kind === "choice") {
    const choices = field.choices ?? ["true", "false"];
    return (
      <select {...common} value={String(text)} onChange={(event) => onType(event.target.value || back)}>
        <option value="">{t("notSet")}</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice === "true" ? t("on") : choice === "false" ? t("off") : choice}
          </option>
        ))}
      </select>
    );
  }
  if (field.kind === "json") {
    return (
      <textarea
        {...common}
        rows={4}
        spellCheck={false}
        value={String(text)}
        placeholder={t("asStarted")}
        onChange={(event) => onType(event.target.value || back)}
      />
    );
  }
  return (
    <span className={styles.withUnit}>
      <input
        {...common}
        inputMode={field.kind === "number" ? "decimal" : "text"}
        value={String(text)}
        placeholder={placeholder}
        autoComplete="off"
        onChange={(event) => onType(event.target.value === "" ? back : event.target.value)}
      />
      {field.unit && <span className={styles.unit}>{field.unit}</span>}
    </span>
  );
}

function shown(field: ConfigField, value: unknown): string {
  const text = toText(field, value);
  return field.unit ? `${text} ${field.unit}` : text;
}

type Translate = ReturnType<typeof useTranslation<"settings">>["t"];

/** A field's name in the catalogue; of one that is newer than the catalogue, its own. */
function fieldName(t: Translate, field: Pick<ConfigField, "path" | "name">): string {
  const key = `fields.${field.path}`;
  return t(key as "fields.recognition.min_step_ms", { defaultValue: field.name.replaceAll("_", " ") });
}
