import type { TFunction } from "i18next";
import type english from "../../locales/en/system.json";

type T = TFunction<"system">;
type Rules = keyof (typeof english)["rules"];
type Kinds = keyof (typeof english)["kinds"];

/** A rule in words, and what can be done when it holds; one of the installation's own goes by its name. */
export function ruleWords(t: T, rule: string): { title: string; remedy: string } {
  const key = rule as Rules;
  return {
    title: t(`rules.${key}.title`, { defaultValue: rule }),
    remedy: t(`rules.${key}.remedy`, { defaultValue: t("ownRule", { rule }) }),
  };
}

/** What kind of process or service this is. */
export function kindWords(t: T, kind: string): string {
  return t(`kinds.${kind as Kinds}`, { defaultValue: kind });
}

/** What a session is doing. */
export function statusWords(t: T, status: string): string {
  return t(`statuses.${status as keyof (typeof english)["statuses"]}`, { defaultValue: status });
}
