import { ConnectionRefused, type SessionSnapshot, ViewerConnection } from "@dragoman/client";
import { useSyncExternalStore } from "react";
import { data, rest, type Schemas } from "~/api/rest";
import { currentKey, rejectKey } from "~/app/credential";
import { setOnAir } from "~/app/on-air";
import { logOf } from "~/captions/log";
import type { AudioSource } from "~/capture/source";
import { forgetSpeaking, type Interrupted } from "./interrupted";
import { Speaking, type SpeakingState } from "./speaking";

/**
 * The one session that this page speaks into. It outlives the page's component: who looks at the sessions
 * meanwhile goes on speaking.
 */
let current: Speaking | null = null;
const listeners = new Set<() => void>();

function put(speaking: Speaking | null): void {
  current = speaking;
  for (const tell of [...listeners]) tell();
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

export function useSpeaking(): Speaking | null {
  return useSyncExternalStore(subscribe, () => current);
}

export function useSpeakingState(speaking: Speaking): SpeakingState {
  return useSyncExternalStore(speaking.subscribe, speaking.state);
}

/** Makes a session and speaks into it. Throws a `ProblemError`; the source is let go then. */
export async function startSpeaking(source: AudioSource, wanted: Schemas["CreateSession"]): Promise<void> {
  let session: Schemas["Session"];
  try {
    session = await data(rest.POST("/v1/sessions", { body: wanted }));
  } catch (error) {
    await source.stop();
    throw error;
  }
  const { id, title, language } = session;
  begin(new Speaking({ sessionId: id, title, language: language ?? "", goesOn: false }, source));
}

/** Goes on with a session after the page was reloaded: what was said in between is not in it. */
export function goOnSpeaking(source: AudioSource, { sessionId, title, language }: Interrupted): void {
  const speaking = new Speaking({ sessionId, title, language, goesOn: true }, source);
  begin(speaking);
  void showEarlier(speaking);
}

/** What was said before: a speaker is told only what is new. */
async function showEarlier({ target, connection }: Speaking): Promise<void> {
  const { sessionId } = target;
  const viewer = new ViewerConnection({ sessionId, credential: () => currentKey() ?? "" });
  const snapshot = await new Promise<SessionSnapshot | null>((resolve) => {
    viewer.on("session.snapshot", resolve);
    viewer.on("state", ({ state }) => {
      if (state.name === "refused" || state.name === "ended") resolve(null);
    });
  });
  viewer.close();
  if (snapshot) logOf(connection).push(snapshot);
}

function begin(speaking: Speaking): void {
  put(speaking);
  const tellShell = () => setOnAir(current === speaking && speaking.state().phase === "live");
  speaking.subscribe(tellShell);
  tellShell();
  speaking.connection.on("state", ({ state }) => {
    const isUnknown = state.name === "refused" && state.error instanceof ConnectionRefused;
    const key = currentKey();
    if (isUnknown && key !== null && state.error.code === "unauthenticated") rejectKey(key);
  });
}

/** Ends a session without speaking on. */
export async function endSession(sessionId: string): Promise<void> {
  forgetSpeaking();
  await rest.POST("/v1/sessions/{session_id}/end", { params: { path: { session_id: sessionId } } });
}

/** Back to the beginning. */
export function leaveSession(): void {
  put(null);
}
