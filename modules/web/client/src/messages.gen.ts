// Made by modules/web/types/generate.mjs from `dragoman schema websocket`; not to be edited.
// sha256 c8aae2872fa5278dfeffeec4e54a3129df2f21526b0c1a955408b00dd0921d2d

export const SUBPROTOCOL = "dragoman.v1";
/** Prefix of the subprotocol that carries a credential. */
export const BEARER_SUBPROTOCOL = "dragoman.bearer.";

/** Why the server closes a socket; `whatToDo` tells what follows. */
export const CloseCode = {
  NORMAL: 1000,
  GOING_AWAY: 4000,
  SLOW_CONSUMER: 4001,
  BUS_UNAVAILABLE: 4100,
  OVERLOADED: 4101,
  RATE_LIMITED: 4102,
  IDLE_TIMEOUT: 4103,
  BAD_REQUEST: 4400,
  UNAUTHENTICATED: 4401,
  FORBIDDEN: 4403,
  NOT_FOUND: 4404,
  CONFIGURE_FIRST: 4405,
  UNSUPPORTED_AUDIO: 4406,
  SUPERSEDED: 4409,
  SESSION_ENDED: 4410,
  FRAME_TOO_LARGE: 4413,
} as const;

export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

export type DragomanWebSocket = ClientMessage | ServerMessage | BotMessage | ViewerMessage;
/**
 * What a speaker sends; audio goes in binary frames.
 */
export type ClientMessage = SessionConfigure | AudioFlush | SessionEnd;
/**
 * What a speaker is sent.
 */
export type ServerMessage =
  | SessionStarted
  | SessionResumed
  | AudioAck
  | SpeechStarted
  | SpeechEnded
  | TranscriptPartial
  | TranscriptFinal
  | TranslationPartial
  | TranslationFinal
  | TranslationFailedMessage
  | SessionTargets
  | SessionLag
  | SessionDegraded
  | AudioGap
  | SessionPresence
  | SessionEndedMessage
  | SessionSnapshot
  | ErrorMessage;
/**
 * What is told on the sockets of bots.
 */
export type BotMessage = BotsSnapshot | BotStateMessage | BotDegradedMessage | BotRecoveredMessage;
/**
 * The one lifecycle; the last two are final. `needs_help` is on the side of joining and admission.
 */
export type BotState =
  | "active"
  | "awaiting_admission"
  | "completed"
  | "failed"
  | "joining"
  | "needs_help"
  | "requested"
  | "starting"
  | "stopping";
/**
 * Why a bot that did its work has ended.
 */
export type CompletionReason =
  | "alone"
  | "max_length"
  | "media_ended"
  | "meeting_ended"
  | "removed"
  | "session_ended"
  | "silence"
  | "stopped";
/**
 * Where a bot failed.
 */
export type FailureStage = "admission" | "capture" | "join" | "launch" | "request" | "running";
/**
 * What a viewer is sent.
 */
export type ViewerMessage =
  | SpeechStarted
  | SpeechEnded
  | TranscriptPartial
  | TranscriptFinal
  | TranslationPartial
  | TranslationFinal
  | TranslationFailedMessage
  | SessionTargets
  | SessionLag
  | SessionDegraded
  | AudioGap
  | SessionPresence
  | SessionEndedMessage
  | SessionSnapshot
  | ErrorMessage;

/**
 * First message on an audio socket: how to read the binary frames, what to do with them.
 *
 * `resume_from_bytes` is the oldest byte of the session that the client still has. Where the server has
 * less (Redis lost more than the client kept), what lies between becomes a gap that is told.
 */
export interface SessionConfigure {
  audio?: AudioFormat;
  options?: SessionOptions | null;
  resume_from_bytes?: number | null;
  type: "session.configure";
}
/**
 * How the bytes of a session's binary frames are to be read.
 *
 * `sample_rate_hz` (8,000–192,000) and `channels` (1–8, interleaved, mixed down to mono) count for
 * PCM only; the opus containers carry their own.
 */
export interface AudioFormat {
  channels?: number;
  encoding?: "ogg_opus" | "pcm_f32le" | "pcm_s16le" | "webm_opus";
  sample_rate_hz?: number;
}
/**
 * What a session wants of the recogniser and the translators.
 *
 * `language` (ISO 639-1) None detects it, once an utterance. `partials` False sends finals only.
 * `translation` None leaves it as it is: none, for a new session.
 */
export interface SessionOptions {
  hotwords?: string;
  language?: string | null;
  partials?: boolean;
  profile?: string | null;
  prompt?: string;
  translation?: TranslationOptions | null;
}
/**
 * Into which languages a session is translated, and how; may be changed while it is live.
 *
 * `targets` are BCP 47 codes. `on_demand` translates only into those of them that a viewer subscribes to
 * at the time. `drafts` False translates finals only. `glossaries` are names of sets kept by the server,
 * whose terms come before those of `glossary`.
 */
export interface TranslationOptions {
  drafts?: boolean;
  formality?: "default" | "formal" | "informal";
  glossaries?: string[];
  glossary?: GlossaryTerm[];
  on_demand?: boolean;
  targets?: string[];
}
/**
 * How a term is to be translated.
 *
 * `source` is the term as it is spoken, `translations` its translation by BCP 47 code. `keep` leaves
 * it as it is in all languages that `translations` does not name. `hotword` tells the recogniser to
 * expect it.
 */
export interface GlossaryTerm {
  hotword?: boolean;
  keep?: boolean;
  source: string;
  translations?: {
    [k: string]: string;
  };
}
/**
 * Make what is pending final now, as if the utterance had ended here.
 */
export interface AudioFlush {
  type: "audio.flush";
}
/**
 * No more audio; `session.ended` follows when all of it is transcribed.
 */
export interface SessionEnd {
  type: "session.end";
}
/**
 * The socket is configured; send audio from `received_ms` on.
 */
export interface SessionStarted {
  epoch: number;
  position?: StreamPosition;
  received_bytes: number;
  received_ms: number;
  session_id: string;
  type: "session.started";
}
/**
 * Where an event stands in a session's results.
 *
 * `offset` grows by at least one an event (superseded partials leave holes); it counts within `epoch`
 * only. A position of another epoch means that history was lost and cannot be replayed.
 */
export interface StreamPosition {
  epoch: string;
  offset: number;
}
/**
 * As `session.started`, on a session that has audio already: send from `received_ms` on.
 */
export interface SessionResumed {
  epoch: number;
  position?: StreamPosition;
  received_bytes: number;
  received_ms: number;
  session_id: string;
  type: "session.resumed";
}
/**
 * Audio up to `received_ms` is stored, up to `committed_ms` it is final (or silence).
 */
export interface AudioAck {
  committed_ms: number;
  position?: StreamPosition;
  received_bytes: number;
  received_ms: number;
  type: "audio.ack";
}
/**
 * Voice activity began.
 */
export interface SpeechStarted {
  position?: StreamPosition;
  start_ms: number;
  type: "speech.started";
}
/**
 * Voice activity ended.
 */
export interface SpeechEnded {
  end_ms: number;
  position?: StreamPosition;
  type: "speech.ended";
}
/**
 * A segment as it is heard so far; `stable_text` will not be taken back.
 */
export interface TranscriptPartial {
  confidence: number;
  end_ms: number;
  language: string;
  position?: StreamPosition;
  revision: number;
  segment_id: string;
  speaker: string | null;
  stable_text: string;
  start_ms: number;
  text: string;
  type: "transcript.partial";
  unstable_text: string;
  words: Word[];
}
/**
 * A word with its times in ms of session audio and its probability in [0, 1].
 */
export interface Word {
  end_ms: number;
  probability: number;
  start_ms: number;
  text: string;
}
/**
 * A segment that stays.
 */
export interface TranscriptFinal {
  confidence: number;
  end_ms: number;
  language: string;
  position?: StreamPosition;
  revision: number;
  segment_id: string;
  speaker: string | null;
  start_ms: number;
  text: string;
  type: "transcript.final";
  words: Word[];
}
/**
 * A draft translation of the stable part of a segment; the next one, or the final one, replaces it.
 *
 * `revision` is that of the transcript it was made from.
 */
export interface TranslationPartial {
  position?: StreamPosition;
  revision: number;
  segment_id: string;
  source_language: string;
  target_language: string;
  text: string;
  type: "translation.partial";
}
/**
 * The translation of a final segment.
 *
 * `engine` names what made it; it is empty where the segment was spoken in the target language already and
 * is passed through. `glossary_missed` are terms of the glossary that the engine did not translate as
 * told.
 */
export interface TranslationFinal {
  end_ms: number;
  engine: string;
  glossary_missed: string[];
  position?: StreamPosition;
  revision: number;
  segment_id: string;
  source_language: string;
  start_ms: number;
  target_language: string;
  text: string;
  type: "translation.final";
}
/**
 * A final segment has no translation: for good if `permanent`, else until the translator is back.
 */
export interface TranslationFailedMessage {
  code: string;
  message: string;
  permanent: boolean;
  position?: StreamPosition;
  revision: number;
  segment_id: string;
  target_language: string;
  type: "translation.failed";
}
/**
 * Into which languages the session is translated from here on.
 */
export interface SessionTargets {
  on_demand: boolean;
  position?: StreamPosition;
  targets: string[];
  type: "session.targets";
}
/**
 * Processing is `lag_ms` behind what was received; 0 tells that it caught up.
 */
export interface SessionLag {
  lag_ms: number;
  position?: StreamPosition;
  reason: string;
  type: "session.lag";
}
/**
 * The session runs at a lower level of service.
 */
export interface SessionDegraded {
  level: number;
  position?: StreamPosition;
  reason: string;
  type: "session.degraded";
}
/**
 * This audio will not be transcribed.
 */
export interface AudioGap {
  end_ms: number;
  position?: StreamPosition;
  reason: string;
  start_ms: number;
  type: "audio.gap";
}
/**
 * How many sockets are connected to the session now, in all API processes. It has no position.
 */
export interface SessionPresence {
  position?: StreamPosition;
  speakers: number;
  type: "session.presence";
  viewers: number;
}
/**
 * The last event of a session.
 */
export interface SessionEndedMessage {
  ledger: Ledger;
  position?: StreamPosition;
  reason: string;
  type: "session.ended";
}
/**
 * Where every accepted millisecond went: the four sums add up to `received_ms`.
 */
export interface Ledger {
  gap_ms: number;
  gaps: Gap[];
  pending_ms: number;
  received_ms: number;
  silence_ms: number;
  transcribed_ms: number;
}
/**
 * Audio that will not be transcribed, and why.
 */
export interface Gap {
  end_ms: number;
  reason: string;
  start_ms: number;
}
/**
 * First message on an events socket: what a late joiner must know.
 *
 * `recovered` tells, for `after=<position>`, whether everything since that position follows. `finals`,
 * `partial` and `translations` (final and failed ones, and the last draft of each language, in the
 * languages that the viewer subscribes to) are events as they were sent; the tail begins after `position`.
 * `targets` are the languages that the session is translated into. `truncated` tells that older finals
 * are left out; `GET /v1/sessions/{id}/transcript` has all of them.
 */
export interface SessionSnapshot {
  finals: TranscriptFinal[];
  partial: TranscriptPartial | null;
  position?: StreamPosition;
  recovered: boolean;
  session_id: string;
  status: string;
  targets: string[];
  translations: (TranslationPartial | TranslationFinal | TranslationFailedMessage)[];
  truncated: boolean;
  type: "session.snapshot";
}
/**
 * Something went wrong; `permanent` False means that it may mend by itself.
 */
export interface ErrorMessage {
  code: string;
  message: string;
  permanent: boolean;
  position?: StreamPosition;
  remedy: string;
  type: "error";
}
/**
 * How the bots are: the first message, unless a position was given that can be gone on from.
 *
 * `recovered` False: what happened since the position that was given is not known any more.
 */
export interface BotsSnapshot {
  bots: BotNow[];
  position: string;
  recovered: boolean;
  type: "bots.snapshot";
}
/**
 * A bot in a snapshot; `degraded` is empty, or what it lacks.
 */
export interface BotNow {
  bot_id: string;
  cause: BotCause;
  degraded: string;
  seq: number;
  session_id: string;
  state: BotState;
}
/**
 * Why a transition happened: a code for machines, a sentence for people, whether trying again can help.
 *
 * Never holds the meeting's URL, which may carry a password, nor names of people.
 */
export interface BotCause {
  code: string;
  message: string;
  transient: boolean;
}
/**
 * A bot went from one state to another; `seq` counts its steps from 1, without holes.
 */
export interface BotStateMessage {
  attempt: number;
  bot_id: string;
  cause: BotCause;
  completion: CompletionReason | null;
  position: string;
  previous: BotState | null;
  seq: number;
  session_id: string;
  stage: FailureStage | null;
  state: BotState;
  time_ms: number;
  type: "bot.state_changed";
}
/**
 * An active bot does not do what it is there for: `cause.code` is `no_audio` or `no_words`.
 */
export interface BotDegradedMessage {
  bot_id: string;
  cause: BotCause;
  position: string;
  session_id: string;
  since_ms: number;
  type: "bot.degraded";
}
/**
 * What `bot.degraded` told is over.
 */
export interface BotRecoveredMessage {
  bot_id: string;
  cause: BotCause;
  degraded_ms: number;
  position: string;
  session_id: string;
  type: "bot.recovered";
}
