import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import { direction, languageName } from "~/ui/language";
import { clock } from "~/ui/time";
import styles from "./captions.module.css";
import { keepHeight } from "./keep-height";
import { type CaptionLanguage, isExpected, ORIGINAL, translationInto } from "./languages";
import { Speaker } from "./speaker";
import type { CaptionRow, Gap, Segment } from "./state";

interface RowProps {
  readonly row: CaptionRow;
  readonly languages: readonly CaptionLanguage[];
  readonly isNewest: boolean;
}

/** One line of the captions; it renders again only when something in it has changed. */
export const Row = memo(function Row({ row, ...rest }: RowProps) {
  return row.kind === "gap" ? <GapRow gap={row} /> : <SegmentRow segment={row} {...rest} />;
});

function SegmentRow({ segment, languages, isNewest }: Omit<RowProps, "row"> & { segment: Segment }) {
  // One that grows before the reader's eyes does not shrink again: what is above it stays where it is. It is as high
  // as it needs to be when the next one comes, which moves them all anyway.
  const [wasDraft] = useState(!segment.isFinal);
  if (segment.isFinal && segment.stableText === "") return null;
  return (
    <li
      ref={wasDraft && isNewest ? keepHeight : null}
      className={styles.row}
      data-final={segment.isFinal || undefined}
    >
      <span className={styles.time}>{clock(segment.startMs)}</span>
      {segment.speaker && <Speaker name={segment.speaker} />}
      {languages.map((code) => (
        <div key={code} className={styles.cell}>
          {code === ORIGINAL ? (
            <Spoken segment={segment} />
          ) : (
            <Translated segment={segment} language={code} />
          )}
        </div>
      ))}
    </li>
  );
}

function Spoken({ segment: { language, stableText, unstableText } }: { segment: Segment }) {
  return (
    <p {...foreign(language)}>
      {stableText}
      {stableText && unstableText && " "}
      {unstableText && <span className={styles.unstable}>{unstableText}</span>}
    </p>
  );
}

function Translated({ segment, language }: { segment: Segment; language: string }) {
  const { t, i18n } = useTranslation("captions");
  const translation = translationInto(segment, language);
  if (!translation) {
    // The room of one that will come is kept, so that nothing moves when it does.
    return isExpected(segment, language) ? <p className={styles.pending} /> : null;
  }
  if (translation.failed) {
    const name = languageName(language, i18n.language);
    const key = translation.failed === "for-good" ? "failed" : "failedForNow";
    return <p className={styles.failed}>{t(key, { language: name })}</p>;
  }
  const { text, isFinal } = translation;
  return <p {...foreign(language)}>{isFinal ? text : <span className={styles.unstable}>{text}</span>}</p>;
}

function foreign(language: string): { lang?: string; dir: "ltr" | "rtl" | "auto" } {
  return language ? { lang: language, dir: direction(language) } : { dir: "auto" };
}

function GapRow({ gap }: { gap: Gap }) {
  const { t } = useTranslation("captions");
  const seconds = Math.max(1, Math.round((gap.endMs - gap.startMs) / 1000));
  const reason = gap.reason === "lost" || gap.reason === "not-sent" ? gap.reason : "failed";
  return (
    <li className={styles.row} data-gap>
      <span className={styles.time}>{clock(gap.startMs)}</span>
      <p className={styles.gap}>{t(`gap.${reason}`, { count: seconds })}</p>
    </li>
  );
}
