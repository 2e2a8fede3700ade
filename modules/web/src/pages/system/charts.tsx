import { useTranslation } from "react-i18next";
import { Sparkline } from "~/ui/sparkline";
import styles from "./charts.module.css";
import { type Figure, line, SPAN_MS } from "./series";
import type { Seen } from "./system-data";
import { count, duration, seconds, size } from "./units";
import { figuresOf, type Overview } from "./verdict";

/** The least that the top of a scale is, so that noise does not look like a mountain. */
const TOPS: Readonly<Record<Figure, number>> = { lagS: 1, sessions: 4, backlogS: 5, memoryBytes: 4 << 20 };
const FIGURES: readonly Figure[] = ["lagS", "sessions", "backlogS", "memoryBytes"];

/** The figures that tell how it goes, each with its last minutes. */
export function Charts({ seen, overview }: { seen: Seen; overview: Overview }) {
  const { t, i18n } = useTranslation("system");
  const now = figuresOf(overview);
  const untilMs = seen.samples.at(-1)?.atMs ?? 0;
  const span = duration(SPAN_MS / 1000, i18n.language);
  return (
    <ul className={styles.charts}>
      {FIGURES.map((figure) => {
        const value = told(figure, now[figure], i18n.language);
        return (
          <li key={figure} className={styles.chart}>
            <span className={styles.name}>{t(`charts.${figure}.name`)}</span>
            <span className={styles.value}>{value}</span>
            <span className={styles.note}>{note(figure)}</span>
            <Sparkline
              values={line(seen.samples, figure, untilMs)}
              label={t("charts.label", { name: t(`charts.${figure}.name`), span, value })}
              top={TOPS[figure]}
            />
          </li>
        );
      })}
    </ul>
  );

  function note(figure: Figure): string {
    const limit = overview.redis.max_memory_bytes;
    if (figure === "memoryBytes" && limit > 0) {
      return t("charts.memoryBytes.of", { limit: size(limit, i18n.language) });
    }
    return t(`charts.${figure}.note`);
  }
}

function told(figure: Figure, value: number, language: string): string {
  if (figure === "memoryBytes") return size(value, language);
  return figure === "sessions" ? count(value, language) : seconds(value, language);
}
