const RIGHT_TO_LEFT = new Set([
  "ar",
  "arc",
  "ckb",
  "dv",
  "fa",
  "he",
  "ks",
  "ps",
  "sd",
  "syr",
  "ug",
  "ur",
  "yi",
]);

/** The name of a BCP 47 code in the language of the interface; the code itself where nobody knows one. */
export function languageName(code: string, interfaceLanguage: string): string {
  try {
    return new Intl.DisplayNames([interfaceLanguage], { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** In which direction text of this language runs; for `dir`. */
export function direction(code: string): "ltr" | "rtl" {
  const [language = "", ...rest] = code.toLowerCase().split("-");
  if (rest.includes("latn")) return "ltr";
  return RIGHT_TO_LEFT.has(language) || rest.some((part) => part === "arab" || part === "hebr")
    ? "rtl"
    : "ltr";
}

/** Whether an offered code is what a reader who asks for `wanted` means (`pt` finds `pt-BR`, not the reverse). */
export function sameLanguage(wanted: string, offered: string): boolean {
  const [a = "", b = ""] = [wanted.toLowerCase(), offered.toLowerCase()];
  return a === b || b.startsWith(`${a}-`) || a.startsWith(`${b}-`);
}

/** Languages that Whisper models know best or that are most spoken; what is offered where nothing else is known. */
export const COMMON_LANGUAGES: readonly string[] = [
  "ar",
  "bg",
  "bn",
  "ca",
  "cs",
  "da",
  "de",
  "el",
  "en",
  "es",
  "et",
  "fa",
  "fi",
  "fr",
  "he",
  "hi",
  "hr",
  "hu",
  "id",
  "it",
  "ja",
  "ko",
  "lt",
  "lv",
  "ms",
  "nl",
  "no",
  "pl",
  "pt",
  "pt-BR",
  "ro",
  "ru",
  "sk",
  "sl",
  "sr",
  "sv",
  "sw",
  "ta",
  "th",
  "tr",
  "uk",
  "ur",
  "vi",
  "zh",
];
