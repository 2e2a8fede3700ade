import { useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { Checkbox } from "~/ui/checkbox";
import { TextField } from "~/ui/text-field";
import { storeKey } from "./credential";
import styles from "./key-form.module.css";

/** Asks for the API key; `rejected`: the server did not know the last one. */
export function KeyForm({ rejected }: { rejected: boolean }) {
  const { t } = useTranslation("app");
  const queries = useQueryClient();
  const [given, setGiven] = useState("");
  const [remember, setRemember] = useState(false);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (given.trim() === "") return;
    queries.clear();
    storeKey(given.trim(), { remember });
  };
  return (
    <form className={styles.gate} onSubmit={submit}>
      <KeyRound aria-hidden size={32} />
      <h1>{t("key.title")}</h1>
      <p>{t("key.text")}</p>
      <TextField
        label={t("key.label")}
        type="password"
        autoComplete="current-password"
        value={given}
        onChange={setGiven}
        {...(rejected ? { error: t("key.rejected") } : {})}
      />
      <Checkbox label={t("key.remember")} checked={remember} onChange={setRemember} />
      <Button type="submit" kind="primary">
        {t("key.submit")}
      </Button>
    </form>
  );
}
