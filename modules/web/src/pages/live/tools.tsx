import { useMutation, useQueryClient } from "@tanstack/react-query";
import { AArrowDown, AArrowUp, Columns2, Keyboard, Languages, Rows2, Share2 } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { canTranslate, targetLanguages, useCapabilities } from "~/api/capabilities";
import { data, rest, type Schemas } from "~/api/rest";
import { Button, IconButton } from "~/ui/button";
import { Checkbox } from "~/ui/checkbox";
import { Dialog } from "~/ui/dialog";
import { LanguagePicker } from "~/ui/language-picker";
import { Problem } from "~/ui/problem";
import { type Choices, MAX_SCALE, MIN_SCALE } from "./choices";
import styles from "./live.module.css";
import type { ChangeChoices } from "./live-page";
import type { Speaking } from "./speaking";
import { useSpeakingState } from "./studio";

const ShareDialog = lazy(() =>
  import("~/pages/watch/share-dialog").then((file) => ({ default: file.ShareDialog })),
);
const SCALE_STEP = 0.25;
type OpenState = readonly [open: boolean, setOpen: (open: boolean) => void];

interface ToolsProps {
  readonly speaking: Speaking;
  readonly translation: Schemas["Translation"] | undefined;
  /** Too narrow for columns, and for a keyboard. */
  readonly isNarrow: boolean;
  readonly choices: Choices;
  readonly onChange: ChangeChoices;
  readonly share: OpenState;
  readonly help: OpenState;
}

/** How it is read: by whom, in which languages, how large. */
export function Tools({ speaking, translation, isNarrow, choices, onChange, share, help }: ToolsProps) {
  const { t } = useTranslation("live");
  const { phase } = useSpeakingState(speaking);
  const [isShared, setShared] = share;
  const { layout, scale } = choices;
  const isBelow = layout === "below";
  return (
    <>
      <IconButton
        label={t("tools.smaller")}
        icon={<AArrowDown aria-hidden size={20} />}
        disabled={scale <= MIN_SCALE}
        focusableWhenDisabled
        onClick={() => onChange({ scale: Math.max(MIN_SCALE, scale - SCALE_STEP) })}
      />
      <IconButton
        label={t("tools.larger")}
        icon={<AArrowUp aria-hidden size={20} />}
        disabled={scale >= MAX_SCALE}
        focusableWhenDisabled
        onClick={() => onChange({ scale: Math.min(MAX_SCALE, scale + SCALE_STEP) })}
      />
      {!isNarrow && (translation?.targets?.length ?? 0) > 0 && (
        <IconButton
          label={t(isBelow ? "tools.columns" : "tools.below")}
          icon={isBelow ? <Columns2 aria-hidden size={20} /> : <Rows2 aria-hidden size={20} />}
          onClick={() => onChange({ layout: isBelow ? "columns" : "below" })}
        />
      )}
      <Shortcuts isHidden={isNarrow} open={help} choices={choices} onChange={onChange} />
      {phase === "live" && <TargetsDialog speaking={speaking} translation={translation} />}
      <Button kind="primary" icon={<Share2 aria-hidden size={18} />} onClick={() => setShared(true)}>
        {t("tools.share")}
      </Button>
      {isShared && (
        <Suspense fallback={null}>
          <ShareDialog
            sessionId={speaking.target.sessionId}
            targets={translation?.targets ?? []}
            open
            onOpenChange={setShared}
          />
        </Suspense>
      )}
    </>
  );
}

/** Languages come and go while somebody speaks. */
function TargetsDialog({ speaking, translation }: Pick<ToolsProps, "speaking" | "translation">) {
  const { t } = useTranslation("live");
  const known = useCapabilities();
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const { sessionId, language } = speaking.target;
  const put = useMutation({
    mutationFn: (targets: string[]) =>
      data(
        rest.PUT("/v1/sessions/{session_id}/translation", {
          params: { path: { session_id: sessionId } },
          // All of it is replaced: what else was set stays. Its sets of terms are copied into it already.
          body: { ...translation, glossaries: [], targets },
        }),
      ),
    onSuccess: (now) => queries.setQueryData(["translation", sessionId], now),
  });
  const lacking = (code: string) => (canTranslate(known, language, code) ? undefined : t("noTranslator"));
  // What was just chosen is shown at once, and taken back if the server refuses it.
  const targets = put.isPending ? put.variables : (translation?.targets ?? []);
  return (
    <Dialog
      title={t("tools.languages")}
      open={open}
      onOpenChange={setOpen}
      trigger={
        <Button icon={<Languages aria-hidden size={18} />} disabled={!translation}>
          {t("tools.languages")}
        </Button>
      }
    >
      <LanguagePicker
        label={t("targets")}
        value={targets}
        onChange={(codes) => put.mutate(codes)}
        codes={targetLanguages(known)}
        max={known?.limits.max_targets ?? 20}
        note={lacking}
        help={t("tools.languagesHelp")}
      />
      {put.error && <Problem error={put.error} />}
    </Dialog>
  );
}

const KEYS = ["m", "p", "s", "?"] as const;

interface ShortcutsProps extends Pick<ToolsProps, "choices" | "onChange"> {
  readonly open: OpenState;
  /** Whether only a key opens it. */
  readonly isHidden: boolean;
}

function Shortcuts({ open: [open, setOpen], isHidden, choices, onChange }: ShortcutsProps) {
  const { t } = useTranslation("live");
  return (
    <Dialog
      title={t("shortcuts.title")}
      open={open}
      onOpenChange={setOpen}
      {...(isHidden
        ? {}
        : { trigger: <IconButton label={t("shortcuts.title")} icon={<Keyboard aria-hidden size={20} />} /> })}
    >
      <dl className={styles.keys}>
        {KEYS.map((key) => (
          <div key={key}>
            <dt>
              <kbd>{key.toUpperCase()}</kbd>
            </dt>
            <dd>{t(`shortcuts.${key === "?" ? "help" : key}`)}</dd>
          </div>
        ))}
      </dl>
      <Checkbox
        label={t("shortcuts.enabled")}
        checked={choices.shortcuts}
        onChange={(shortcuts) => onChange({ shortcuts })}
      />
    </Dialog>
  );
}
