import i18next, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";

/** Languages of the interface, by their own names. */
export const INTERFACE_LANGUAGES = { en: "English", es: "Español", de: "Deutsch" } as const;
export type InterfaceLanguage = keyof typeof INTERFACE_LANGUAGES;

const NAME = "dragoman.language";
const files = import.meta.glob<{ default: Record<string, unknown> }>("../locales/*/*.json");

/** One JSON file a language and page; each is fetched when it is first needed. */
const catalogue: BackendModule = {
  type: "backend",
  init: () => undefined,
  read: (language, namespace, done) => {
    const load = files[`../locales/${language}/${namespace}.json`];
    if (!load) return done(new Error(`there is no catalogue ${language}/${namespace}`), null);
    load().then(
      (file) => done(null, file.default),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), null),
    );
  },
};

function known(code: string | null | undefined): InterfaceLanguage | undefined {
  const short = code?.toLowerCase().split("-")[0] ?? "";
  return short in INTERFACE_LANGUAGES ? (short as InterfaceLanguage) : undefined;
}

/** What the user chose, else the first of the browser's languages that there is a catalogue for, else English. */
function preferredLanguage(): InterfaceLanguage {
  const wanted = [window.localStorage.getItem(NAME), ...navigator.languages];
  return wanted.map(known).find((code) => code !== undefined) ?? "en";
}

function tellDocument(language: string): void {
  document.documentElement.lang = language;
}

/** Loads the catalogue of the preferred language; resolves when texts can be shown. */
export async function startI18n(): Promise<void> {
  i18next.on("languageChanged", tellDocument);
  await i18next
    .use(catalogue)
    .use(initReactI18next)
    .init({
      lng: preferredLanguage(),
      fallbackLng: "en",
      ns: ["app"],
      defaultNS: "app",
      interpolation: { escapeValue: false }, // React escapes
      react: { useSuspense: true },
    });
}

export async function setInterfaceLanguage(language: InterfaceLanguage): Promise<void> {
  window.localStorage.setItem(NAME, language);
  await i18next.changeLanguage(language);
}
