/** Speak into and read from Dragoman sessions over WebSocket. README.md shows how. */

export type { AudioFormat } from "./audio.ts";
export { type BotEvent, BotEventsConnection, type BotEventsSettings } from "./bots.ts";
export type { Connection } from "./connection.ts";
export type {
  Clock,
  DragomanOptions,
  NetworkEvents,
  WebSocketConstructor,
  WebSocketLike,
} from "./environment.ts";
export { ConnectionRefused, DragomanError } from "./errors.ts";
export type { ResetEvent } from "./follower.ts";
export * from "./messages.gen.ts";
export { SpeakerConnection } from "./speaker.ts";
export type { SpeakerEvent, SpeakerProgress, SpeakerSettings, TailDroppedEvent } from "./speaking.ts";
export type { ConnectionState, NextStep, Reason, StateEvent } from "./state.ts";
export { whatToDo } from "./state.ts";
export { ViewerConnection, type ViewerEvent, type ViewerSettings } from "./viewer.ts";
