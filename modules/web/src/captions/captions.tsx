import { ArrowDown } from "lucide-react";
import { type CSSProperties, type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "~/ui/button";
import { direction, languageName } from "~/ui/language";
import { Announcer } from "./announcer";
import styles from "./captions.module.css";
import { type CaptionLanguage, ORIGINAL } from "./languages";
import { type CaptionLog, useCaptionState } from "./log";
import { Row } from "./row";
import { useFollow } from "./use-follow";

export { type CaptionLanguage, ORIGINAL } from "./languages";

/** Translations below each line, a column a language, or one language only. */
type CaptionLayout = "below" | "columns" | "only";

export interface CaptionsProps {
  readonly log: CaptionLog;
  readonly layout: CaptionLayout;
  /** What is shown, in this order: `ORIGINAL` is what was spoken, others are BCP 47 codes. `only` shows the first. */
  readonly languages: readonly CaptionLanguage[];
  /** Of the text; 1 by default. */
  readonly scale?: number;
  /** What screen readers read out as it becomes final: the first of `languages` by default, null: nothing. */
  readonly announced?: CaptionLanguage | null;
  /** What stands there before the first word. */
  readonly empty?: ReactNode;
}

/**
 * The captions as they are spoken. It fills the box that it is in and scrolls by itself: to the newest line, until
 * the reader scrolls up.
 */
export function Captions(props: CaptionsProps) {
  const { log, layout, languages, scale = 1, announced = languages[0], empty } = props;
  const { t } = useTranslation("captions");
  const rows = useCaptionState(log, (state) => state.rows);
  const hasEarlier = useCaptionState(log, (state) => state.hasEarlier);
  const follow = useFollow();
  const shown = useShown(layout, languages);
  const style = { "--caption-scale": scale, "--caption-columns": shown.length } as CSSProperties;
  return (
    <div className={styles.box} data-layout={layout} style={style}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has no wheel scrolls by keys */}
      <section ref={follow.scroller} className={styles.scroller} tabIndex={0} aria-label={t("label")}>
        {layout === "columns" && <Heads languages={shown} />}
        {rows.length === 0 && empty && <div className={styles.empty}>{empty}</div>}
        <ol ref={follow.content} className={styles.list}>
          {hasEarlier && <li className={styles.earlier}>{t("earlier")}</li>}
          {rows.map((row, index) => (
            <Row key={row.id} row={row} languages={shown} isNewest={index === rows.length - 1} />
          ))}
        </ol>
      </section>
      {!follow.isFollowing && (
        <div className={styles.newest}>
          <Button kind="primary" icon={<ArrowDown aria-hidden size={18} />} onClick={follow.toNewest}>
            {t("newest")}
          </Button>
        </div>
      )}
      {announced != null && <Announcer log={log} language={announced} />}
    </div>
  );
}

/** The same array as long as the same languages are shown: rows render again only if they must. */
function useShown(layout: CaptionLayout, languages: readonly CaptionLanguage[]): readonly CaptionLanguage[] {
  const key = (layout === "only" ? languages.slice(0, 1) : languages).join();
  return useMemo(() => key.split(",").filter((code) => code !== ""), [key]);
}

function Heads({ languages }: { languages: readonly CaptionLanguage[] }) {
  const { t, i18n } = useTranslation("captions");
  return (
    <div className={styles.heads}>
      <span />
      {languages.map((code) => (
        <span key={code} dir={code === ORIGINAL ? undefined : direction(code)}>
          {code === ORIGINAL ? t("original") : languageName(code, i18n.language)}
        </span>
      ))}
    </div>
  );
}
