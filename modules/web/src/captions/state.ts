import type {
  ConnectionState,
  ErrorMessage,
  SessionEndedMessage,
  SpeakerEvent,
  ViewerEvent,
} from "@dragoman/client";

/** What the captions of a session are made of: everything that a connection tells. */
export type CaptionEvent = SpeakerEvent | ViewerEvent;

/** A segment in another language. */
export interface Translation {
  readonly text: string;
  readonly isFinal: boolean;
  /** There is none: as long as the translator is away, or for good. */
  readonly failed?: "for-now" | "for-good";
  readonly revision: number;
}

/** One utterance, from its first words until it stays as it is. Times are of the session's audio. */
export interface Segment {
  readonly kind: "segment";
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
  /** BCP 47; empty while it is not known. */
  readonly language: string;
  readonly speaker: string | null;
  /** Words that stay. */
  readonly stableText: string;
  /** Words that may still change; empty once it is final. */
  readonly unstableText: string;
  readonly isFinal: boolean;
  readonly revision: number;
  /** By BCP 47 code. */
  readonly translations: Readonly<Record<string, Translation>>;
  /** Languages into which it will be translated: those of the session when it began. */
  readonly expected: readonly string[];
}

/** Audio that was not transcribed. */
export interface Gap {
  readonly kind: "gap";
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly reason: string;
}

export type CaptionRow = Segment | Gap;

/** The captions at a moment. What did not change is the same object as the moment before. */
export interface CaptionState {
  /** In the order in which they were spoken. */
  readonly rows: readonly CaptionRow[];
  /** Whether there were rows before the first: the transcript has them. */
  readonly hasEarlier: boolean;
  /** Into which languages the session is translated now. */
  readonly targets: readonly string[];
  /** Only into those that somebody reads. */
  readonly onDemand: boolean;
  /** Null: it keeps up. */
  readonly lag: { readonly ms: number; readonly reason: string } | null;
  /** Null: full service. */
  readonly degraded: { readonly level: number; readonly reason: string } | null;
  readonly presence: { readonly speakers: number; readonly viewers: number } | null;
  readonly ended: SessionEndedMessage | null;
  /** The last one told. */
  readonly error: ErrorMessage | null;
  readonly isSpeaking: boolean;
  /** How the connection is; null where there was none yet. */
  readonly connection: ConnectionState | null;
  /** Translations whose segment has not come yet, by segment. */
  readonly strays: ReadonlyMap<string, Segment["translations"]>;
  /** Rows that began before this were dropped, and do not come back. */
  readonly horizonMs: number;
}

export const NO_CAPTIONS: CaptionState = {
  rows: [],
  hasEarlier: false,
  targets: [],
  onDemand: false,
  lag: null,
  degraded: null,
  presence: null,
  ended: null,
  error: null,
  isSpeaking: false,
  connection: null,
  strays: new Map(),
  horizonMs: 0,
};
