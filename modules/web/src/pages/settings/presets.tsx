import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { data, rest } from "~/api/rest";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { EmptyState } from "~/ui/empty-state";
import { Problem } from "~/ui/problem";
import { Segmented } from "~/ui/segmented";
import { TextField } from "~/ui/text-field";
import { presetsQuery, WAIT_S } from "./queries";
import { ScopeForm } from "./scope-form";
import styles from "./settings.module.css";

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** Named sets of values that sessions choose. */
export function Presets() {
  const { t } = useTranslation("settings");
  const { data: presets, error } = useQuery(presetsQuery);
  const [wanted, setWanted] = useState<string | null>(null);
  if (error) return <Problem error={error} />;
  if (!presets) return null;
  const chosen = wanted !== null && presets.includes(wanted) ? wanted : (presets[0] ?? null);
  return (
    <div className={styles.presets}>
      <div className={styles.presetHead}>
        {chosen !== null && (
          <Segmented
            label={t("tabs.presets")}
            hideLabel
            value={chosen}
            onChange={setWanted}
            choices={presets.map((name) => ({ value: name, label: name }))}
          />
        )}
        <NewPreset onMade={setWanted} />
        {chosen !== null && <DeletePreset key={chosen} name={chosen} />}
      </div>
      {chosen === null ? (
        <EmptyState title={t("noPresets")}>{t("noPresetsText")}</EmptyState>
      ) : (
        <ScopeForm key={chosen} scope={{ preset: chosen }} />
      )}
    </div>
  );
}

function NewPreset({ onMade }: { onMade: (name: string) => void }) {
  const { t } = useTranslation("settings");
  const { t: app } = useTranslation("app");
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const make = useMutation({
    mutationFn: () =>
      data(
        rest.PUT("/v1/config/presets/{name}", {
          params: { path: { name }, header: { "if-none-match": "*", prefer: `wait=${WAIT_S}` } },
          body: {},
        }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["config"] });
      onMade(name);
      setOpen(false);
      setName("");
    },
  });
  const isName = NAME.test(name);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (isName) make.mutate();
  };
  return (
    <Dialog
      title={t("newPreset")}
      open={open}
      onOpenChange={setOpen}
      trigger={<Button icon={<Plus aria-hidden size={18} />}>{t("newPreset")}</Button>}
    >
      <form className={styles.newPreset} onSubmit={submit}>
        <TextField
          label={t("presetName")}
          help={t("presetNameHelp")}
          value={name}
          onChange={setName}
          {...(name !== "" && !isName ? { error: t("faults.pattern") } : {})}
        />
        {make.error && <Problem error={make.error} />}
        <div className={styles.buttons}>
          <Button onClick={() => setOpen(false)}>{app("cancel")}</Button>
          <Button type="submit" kind="primary" disabled={!isName || make.isPending} focusableWhenDisabled>
            {t("make")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function DeletePreset({ name }: { name: string }) {
  const { t } = useTranslation("settings");
  const { t: app } = useTranslation("app");
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const remove = useMutation({
    mutationFn: () =>
      data(
        rest.DELETE("/v1/config/presets/{name}", {
          params: { path: { name }, header: { prefer: `wait=${WAIT_S}` } },
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["config"] }),
  });
  return (
    <Dialog
      title={t("deletePresetTitle", { name })}
      open={open}
      onOpenChange={setOpen}
      trigger={<Button kind="quiet">{t("deletePreset")}</Button>}
      actions={
        <>
          <Button onClick={() => setOpen(false)}>{app("cancel")}</Button>
          <Button
            kind="danger"
            disabled={remove.isPending}
            focusableWhenDisabled
            onClick={() => remove.mutate()}
          >
            {t("deletePreset")}
          </Button>
        </>
      }
    >
      <p>{t("deletePresetText")}</p>
      {remove.error && <Problem error={remove.error} />}
    </Dialog>
  );
}
