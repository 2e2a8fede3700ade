import type { Pace } from "~/capture/file-source";
import { MICROPHONE_DEFAULTS, type MicrophoneSettings } from "~/capture/microphone";
import type { Quality, SourceKind } from "~/capture/source";

/** What a speaker chose last time; nothing that was said or written. */
export interface Choices {
  readonly source: SourceKind;
  readonly microphone: MicrophoneSettings;
  /** Language that is spoken, as an ISO 639 code; empty: detected. */
  readonly language: string;
  /** BCP 47 codes. */
  readonly targets: readonly string[];
  readonly quality: Quality;
  readonly pace: Pace;
  readonly record: boolean;
  readonly layout: "columns" | "below";
  /** Of the captions' type; 1 is the usual size. */
  readonly scale: number;
  readonly shortcuts: boolean;
}

const NAME = "dragoman.live";
export const MIN_SCALE = 0.75;
export const MAX_SCALE = 2.5;

export const DEFAULTS: Choices = {
  source: "microphone",
  microphone: MICROPHONE_DEFAULTS,
  language: "",
  targets: [],
  quality: "pcm",
  pace: "fast",
  record: false,
  layout: "columns",
  scale: 1,
  shortcuts: true,
};

/** The remembered choices; what is not there, or is nothing that this version knows, is the default. */
export function loadChoices(storage: Pick<Storage, "getItem"> = window.localStorage): Choices {
  const stored = parsed(storage.getItem(NAME));
  const microphone = { ...MICROPHONE_DEFAULTS, ...known(MICROPHONE_DEFAULTS, stored.microphone) };
  const choices = { ...DEFAULTS, ...known(DEFAULTS, stored), microphone };
  return {
    ...choices,
    source: oneOf(["microphone", "display", "file"], choices.source, DEFAULTS.source),
    quality: oneOf(["pcm", "opus"], choices.quality, DEFAULTS.quality),
    pace: oneOf(["fast", "spoken"], choices.pace, DEFAULTS.pace),
    layout: oneOf(["columns", "below"], choices.layout, DEFAULTS.layout),
    scale: Math.min(MAX_SCALE, Math.max(MIN_SCALE, choices.scale)),
    targets: choices.targets.filter((code) => typeof code === "string"),
  };
}

export function saveChoices(choices: Choices, storage: Pick<Storage, "setItem"> = window.localStorage): void {
  try {
    storage.setItem(NAME, JSON.stringify(choices));
  } catch {
    // A full or forbidden storage: it is asked again next time.
  }
}

function parsed(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** The fields of `value` that are of the same kind as those of `defaults`. */
function known<T extends object>(defaults: T, value: unknown): Partial<T> {
  if (typeof value !== "object" || value === null) return {};
  const fields = Object.entries(value).filter(([name, field]) => {
    const example: unknown = Object.entries(defaults).find(([other]) => other === name)?.[1];
    return (
      typeof field === typeof example && Array.isArray(field) === Array.isArray(example) && field !== null
    );
  });
  return Object.fromEntries(fields) as Partial<T>;
}

function oneOf<T extends string>(all: readonly T[], value: T, otherwise: T): T {
  return all.includes(value) ? value : otherwise;
}
