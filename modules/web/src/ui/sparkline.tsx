import styles from "./sparkline.module.css";

interface SparklineProps {
  /** Oldest first; null where nothing is known. */
  readonly values: readonly (number | null)[];
  /** What it shows, with its newest value, for those who do not see it. */
  readonly label: string;
  /** Upper end of the scale; the largest value if that is more. */
  readonly top?: number;
}

const WIDTH = 160;
const HEIGHT = 36;

/** A line of the last minutes, without axes: the number beside it tells the value. */
export function Sparkline({ values, label, top = 1 }: SparklineProps) {
  const known = values.filter((value) => value !== null);
  const scale = Math.max(top, ...known);
  const step = WIDTH / Math.max(values.length - 1, 1);
  const y = (value: number) => (HEIGHT - 2 - (value / scale) * (HEIGHT - 4)).toFixed(1);
  let path = "";
  values.forEach((value, index) => {
    if (value === null) return;
    const pen = index > 0 && values[index - 1] !== null ? "L" : "M";
    path += `${pen}${(index * step).toFixed(1)} ${y(value)}`;
  });
  return (
    <svg
      className={styles.line}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
      preserveAspectRatio="none"
    >
      <path d={path} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
