/** Seconds in the two largest units that fit, such as `12 s`, `3 min`, `2 h 7 min`, `5 days 3 h`. */
export function duration(seconds: number, language: string): string {
  const whole = Math.max(0, Math.round(seconds));
  const [d, h, m] = [Math.floor(whole / 86_400), Math.floor(whole / 3_600) % 24, Math.floor(whole / 60) % 60];
  const say = (value: number, unit: "day" | "hour" | "minute" | "second") =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(value);
  if (whole < 60) return say(whole, "second");
  if (d > 0) return [say(d, "day"), h > 0 ? say(h, "hour") : ""].filter(Boolean).join(" ");
  if (h > 0) return [say(h, "hour"), m > 0 ? say(m, "minute") : ""].filter(Boolean).join(" ");
  return say(m, "minute");
}

/** Seconds to one place, such as `0.4 s`. */
export function seconds(value: number, language: string): string {
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: "second",
    unitDisplay: "short",
    maximumFractionDigits: 1,
  }).format(value);
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes in binary units, such as `2.2 MiB`. */
export function size(bytes: number, language: string): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const value = new Intl.NumberFormat(language, { maximumFractionDigits: power === 0 ? 0 : 1 }).format(
    bytes / 1024 ** power,
  );
  return `${value} ${UNITS[power]}`;
}

export function count(value: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 2 }).format(value);
}
