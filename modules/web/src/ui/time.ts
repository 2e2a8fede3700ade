/** Milliseconds of session audio as `m:ss` or `h:mm:ss`. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const pad = (value: number) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** The reader's own variety of the interface's language: who reads English in London writes 21 Nov, not Nov 21. */
function variety(language: string): string {
  return navigator.languages.find((code) => code.split("-")[0] === language) ?? language;
}

/** A moment as the reader writes it, such as `21 Nov 2026, 20:34`. */
export function moment(time: string | number | Date, language: string): string {
  const format = new Intl.DateTimeFormat(variety(language), { dateStyle: "medium", timeStyle: "short" });
  return format.format(new Date(time));
}
