import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type CaptionLanguage, ORIGINAL } from "~/captions/languages";
import { CopyButton } from "~/ui/copy-button";
import { Dialog } from "~/ui/dialog";
import { languageName } from "~/ui/language";
import { Problem } from "~/ui/problem";
import { Segmented } from "~/ui/segmented";
import { Select } from "~/ui/select";
import { moment } from "~/ui/time";
import { watchLink } from "./address";
import { isLoopback } from "./loopback";
import { QrCode } from "./qr-code";
import styles from "./share.module.css";
import { Look, queryOf, USUAL_LOOK } from "./share-look";
import { type Life, useLives, useTargets, useViewerToken } from "./viewer-token";

const KINDS = ["page", "screen", "overlay"] as const;
type Kind = (typeof KINDS)[number];

interface ShareDialogProps {
  readonly sessionId: string;
  /** Into which the session is translated; asked for where it is left out. */
  readonly targets?: readonly string[];
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** A link for viewers, as text and as a QR code; load it lazily. */
export function ShareDialog({ open, onOpenChange, ...session }: ShareDialogProps) {
  const { t } = useTranslation("watch");
  return (
    <Dialog title={t("share.title")} open={open} onOpenChange={onOpenChange}>
      <Share {...session} />
    </Dialog>
  );
}

function Share({ sessionId, targets: known }: Pick<ShareDialogProps, "sessionId" | "targets">) {
  const { t, i18n } = useTranslation("watch");
  const [kind, setKind] = useState<Kind>("page");
  const [life, setLife] = useState<Life>("longest");
  const [language, setLanguage] = useState<CaptionLanguage | "">("");
  const [look, setLook] = useState(USUAL_LOOK);
  const issued = useViewerToken(sessionId, life);
  const lives = useLives();
  const targets = useTargets(sessionId, known);
  if (issued.error) return <Problem error={issued.error} />;
  const languages = language === "" ? null : [language];
  const link =
    issued.data &&
    watchLink(
      window.location.origin,
      sessionId,
      { token: issued.data.token, languages },
      queryOf(kind, look),
    );
  return (
    <>
      <Segmented
        label={t("share.kind")}
        hideLabel
        value={kind}
        onChange={setKind}
        choices={KINDS.map((value) => ({ value, label: t(`share.kinds.${value}`) }))}
      />
      <p className={styles.about}>{t(`share.about.${kind}`)}</p>
      {isLoopback(window.location.hostname) && <p className={styles.warning}>{t("share.loopback")}</p>}
      <div className={styles.sheet}>
        {link && kind === "page" && <QrCode text={link} label={t("share.qr")} />}
        <div className={styles.choices}>
          <Select
            label={t("share.language")}
            value={language}
            onChange={setLanguage}
            choices={[
              { value: "", label: t(kind === "page" ? "share.readersChoice" : "original") },
              ...(kind === "page" ? [{ value: ORIGINAL, label: t("original") }] : []),
              ...targets.map((code) => ({ value: code, label: languageName(code, i18n.language) })),
            ]}
          />
          {kind !== "page" && <Look kind={kind} look={look} onChange={setLook} />}
          <Select<Life>
            label={t("share.life")}
            value={life}
            onChange={setLife}
            choices={lives.map((value) => ({ value, label: t(`share.lives.${value}`) }))}
          />
        </div>
      </div>
      <output className={styles.link} aria-label={t("share.link")}>
        {link ?? " "}
      </output>
      <div className={styles.foot}>
        <p className={styles.about}>
          {issued.data && t("share.until", { time: moment(issued.data.expires_at, i18n.language) })}
        </p>
        {link && <CopyButton text={link} label={t("share.copy")} />}
      </div>
    </>
  );
}
