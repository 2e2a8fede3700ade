import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Send } from "lucide-react";
import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { data, rest, type Schemas } from "~/api/rest";
import { Button } from "~/ui/button";
import { Card } from "~/ui/card";
import { Problem } from "~/ui/problem";
import { Select } from "~/ui/select";
import { TextField } from "~/ui/text-field";
import styles from "./bot-form.module.css";
import { SpokenLanguage, Targets } from "./form-languages";
import { More } from "./form-more";
import { isUnverified, recognise, WAYS, type Way } from "./recognise";
import { type Field, fieldError, NO_WISH, requestKey, requestOf, type Wish } from "./request";

/** One link is enough to send a bot; all else can be left as it is. */
export function BotForm() {
  const { t } = useTranslation("bots");
  const form = useRef<HTMLFormElement>(null);
  const [wish, setWish] = useState<Wish>(NO_WISH);
  const change = (part: Partial<Wish>) => setWish((known) => ({ ...known, ...part }));
  const found = recognise(wish.link);
  const way = wish.way ?? found?.way ?? "generic";
  const { error, isPending, mutate, reset } = useSendBot();
  const wrong = fieldError(error);

  useEffect(() => {
    if (error) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [error]);

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate(requestOf(wish, way));
  };
  const edit = (part: Partial<Wish>) => {
    if (error) reset();
    change(part);
  };
  const errorOf = (field: Field) => (wrong?.field === field ? { error: wrong.message } : {});
  return (
    <Card title={t("form.title")}>
      <form ref={form} className={styles.form} onSubmit={submit}>
        <TextField
          label={t("form.link")}
          type="text"
          inputMode="url"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          required
          maxLength={4000}
          placeholder={t("form.linkPlaceholder")}
          value={wish.link}
          onChange={(link) => edit({ link })}
          help={t("form.linkHelp")}
          {...errorOf("link")}
        />
        <Recognition link={wish.link} way={way} chosen={wish.way !== null} />
        <div className={styles.row}>
          {found && (
            <Select<Way>
              label={t("form.way")}
              value={way}
              onChange={(chosen) => edit({ way: chosen })}
              choices={WAYS.map((value) => ({ value, label: wayLabel(t, value) }))}
            />
          )}
          <SpokenLanguage value={wish.spoken} onChange={(spoken) => edit({ spoken })} />
          <Targets wish={wish} onChange={(targets) => edit({ targets })} />
        </div>
        {found && way !== "media" && (
          <div className={styles.row}>
            <TextField
              label={t("form.name")}
              placeholder={t("form.namePlaceholder")}
              maxLength={80}
              value={wish.name}
              onChange={(name) => edit({ name })}
              {...errorOf("name")}
            />
            <TextField
              label={t("form.notice")}
              placeholder={t("form.noticePlaceholder")}
              help={t("form.noticeHelp")}
              maxLength={500}
              value={wish.notice}
              onChange={(notice) => edit({ notice })}
              {...errorOf("notice")}
            />
          </div>
        )}
        <More wish={wish} onChange={edit} errorOf={errorOf} open={isBelow(wrong?.field)} />
        {error && (!wrong || !SHOWN_AT_FIELD.includes(wrong.field)) && <Problem error={error} />}
        <div>
          <Button
            type="submit"
            kind="primary"
            size="l"
            icon={<Send aria-hidden size={20} />}
            disabled={isPending || found === null}
            focusableWhenDisabled
          >
            {isPending ? t("form.sending") : wish.joinAt ? t("form.schedule") : t("form.send")}
          </Button>
        </div>
      </form>
    </Card>
  );
}

const BELOW: readonly (Field | undefined)[] = ["joinAt", "length", "title"];
const SHOWN_AT_FIELD: readonly Field[] = ["link", "name", "notice", "joinAt", "length", "title"];

function isBelow(field: Field | undefined): boolean {
  return BELOW.includes(field);
}

/** The way with a word on whether anybody has seen it work. */
function wayLabel(t: ReturnType<typeof useTranslation<"bots">>["t"], way: Way): string {
  const name = t(`ways.${way}`);
  return isUnverified(way) ? t("unverified", { way: name }) : name;
}

/** Sends the request; the same one twice, say after a lost answer, gives one bot. */
function useSendBot() {
  const navigate = useNavigate();
  const sent = useRef({ body: "", key: "" });
  return useMutation({
    mutationFn: (wanted: Schemas["CreateBot"]) => {
      const body = JSON.stringify(wanted);
      if (sent.current.body !== body) sent.current = { body, key: requestKey() };
      return data(
        rest.POST("/v1/bots", {
          body: wanted,
          params: { header: { "idempotency-key": sent.current.key } },
        }),
      );
    },
    onSuccess: (bot) => navigate({ to: "/bots/$botId", params: { botId: bot.id } }),
  });
}

function Recognition({ link, way, chosen }: { link: string; way: Way; chosen: boolean }) {
  const { t } = useTranslation("bots");
  const found = recognise(link);
  let text = "";
  if (found?.certain && !chosen) text = t("form.known", { what: t(`ways.${way}`) });
  else if (found && !chosen) text = t("form.guess", { media: t("ways.media") });
  else if (!found && link.trim() !== "") text = t("form.noLink");
  return (
    <div role="status" className={styles.recognition}>
      {text && <p>{text}</p>}
      {link.trim() !== "" && isUnverified(way) && <p className={styles.caution}>{t("form.unverified")}</p>}
    </div>
  );
}
