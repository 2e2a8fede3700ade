import { useQuery } from "@tanstack/react-query";
import { data, rest, type Schemas } from "~/api/rest";
import { COMMON_LANGUAGES, sameLanguage } from "~/ui/language";

export type Capabilities = Schemas["Capabilities"];

/** What this installation can do; undefined until that is known. */
export function useCapabilities(): Capabilities | undefined {
  const { data: known } = useQuery({
    queryKey: ["capabilities"],
    queryFn: () => data(rest.GET("/v1/capabilities")),
    staleTime: 60_000,
  });
  return known;
}

/** Languages that can be spoken here. */
export function spokenLanguages(known: Capabilities | undefined): readonly string[] {
  if (known?.spoken.length) return known.spoken;
  // Recognisers know languages, not their regions.
  return COMMON_LANGUAGES.filter((code) => !code.includes("-"));
}

/** Languages to choose translations from: all that there is a translator for, and the common ones. */
export function targetLanguages(known: Capabilities | undefined): readonly string[] {
  const offered = (known?.pairs ?? []).map((pair) => pair.target).filter((code) => code !== "*");
  return [...new Set([...offered, ...COMMON_LANGUAGES])];
}

/**
 * Whether there is a translator into `target` here from what is spoken (empty: any language). True while that is
 * not known.
 */
export function canTranslate(known: Capabilities | undefined, spoken: string, target: string): boolean {
  if (!known || known.problems.translation) return true;
  const isSource = (code: string) => spoken === "" || code === "*" || sameLanguage(spoken, code);
  const isTarget = (code: string) => code === "*" || sameLanguage(target, code);
  if (spoken !== "" && sameLanguage(spoken, target)) return true;
  return known.pairs.some((pair) => isSource(pair.source) && isTarget(pair.target));
}
