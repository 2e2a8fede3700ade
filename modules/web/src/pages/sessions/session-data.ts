import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { data, rest, type Schemas } from "~/api/rest";
import { isOpen, type Session } from "./arrange";
import type { Ledger } from "./ledger";
import { mergeTexts, type Segment } from "./segments";

const PAGE = 25;
const OPEN_REFRESH_MS = 3_000;
const LIST_REFRESH_MS = 5_000;
/** The transcript is fetched whole each time: of a long one less often, so that it costs no more. */
const REFRESH_MS_PER_SEGMENT = 5;
/** Of a transcript, the API shows so many languages at once. */
const LANGUAGES_PER_ANSWER = 2;

const at = (sessionId: string) => ({ params: { path: { session_id: sessionId } } });

/** All sessions, newest first, page by page. */
export const sessionsQuery = infiniteQueryOptions({
  queryKey: ["sessions"],
  queryFn: ({ pageParam, signal }) =>
    data(
      rest.GET("/v1/sessions", {
        params: { query: { limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } },
        signal,
      }),
    ),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
  refetchInterval: LIST_REFRESH_MS,
});

/** One session as it is now; asked for again until it has ended. */
export const sessionQuery = (sessionId: string) =>
  queryOptions({
    queryKey: ["session", sessionId],
    // With a key, the API answers with all of it; only holders of a viewer's token are told less.
    queryFn: ({ signal }) =>
      data(rest.GET("/v1/sessions/{session_id}", { ...at(sessionId), signal })) as Promise<Session>,
    refetchInterval: ({ state }) => (state.data && !isOpen(state.data) ? false : OPEN_REFRESH_MS),
  });

/** Where every millisecond went; of an ended session it does not change any more. */
export const ledgerQuery = (session: Session) =>
  queryOptions<Ledger>({
    queryKey: ["session", session.id, "ledger", session.status],
    queryFn: ({ signal }) =>
      data(rest.GET("/v1/sessions/{session_id}/ledger", { ...at(session.id), signal })),
    ...freshness(session, () => OPEN_REFRESH_MS),
  });

/** The final segments, with their translations into `languages` (any number of them). */
export const transcriptQuery = (session: Session, languages: readonly string[]) =>
  queryOptions<Segment[]>({
    queryKey: ["session", session.id, "transcript", session.status, languages.join()],
    queryFn: async ({ signal }) => {
      const answers = await Promise.all(
        chunks(languages).map((some) =>
          transcript(session.id, some.length > 0 ? { language: some.join() } : {}, signal),
        ),
      );
      return mergeTexts(answers.map((answer) => answer.segments));
    },
    placeholderData: (before) => before,
    ...freshness(session, (segments) => OPEN_REFRESH_MS + REFRESH_MS_PER_SEGMENT * (segments?.length ?? 0)),
  });

/** The transcript as JSON, which is one of its formats. */
function transcript(sessionId: string, query: { language?: string }, signal: AbortSignal) {
  const path = { session_id: sessionId };
  return data(
    rest.GET("/v1/sessions/{session_id}/transcript", { params: { path, query }, signal }) as Promise<{
      data?: Schemas["Transcript"];
    }>,
  );
}

function freshness<T>(session: Session, intervalMs: (known: T | undefined) => number) {
  if (!isOpen(session)) return { staleTime: Number.POSITIVE_INFINITY };
  return {
    refetchInterval: ({ state }: { state: { data: T | undefined } }) => intervalMs(state.data),
  };
}

function chunks(languages: readonly string[]): string[][] {
  const found: string[][] = [];
  for (let index = 0; index < languages.length; index += LANGUAGES_PER_ANSWER) {
    found.push(languages.slice(index, index + LANGUAGES_PER_ANSWER));
  }
  return found.length > 0 ? found : [[]];
}

/** A token for a viewer of the session, valid as long as the server allows. */
export async function viewerToken(sessionId: string): Promise<string> {
  return (await data(rest.POST("/v1/sessions/{session_id}/viewer-tokens", at(sessionId)))).token;
}

/** Lets the browser's `<audio>` hear the recording for an hour, by a cookie. */
export async function openRecording(sessionId: string): Promise<void> {
  await rest.POST("/v1/sessions/{session_id}/recording/access", at(sessionId));
}

function useSessionChange<T>(change: (wanted: T) => Promise<unknown>, onDone?: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => {
      onDone?.(); // before the answer takes away what it was asked from
      return Promise.all(
        [["session"], ["sessions"]].map((queryKey) => queries.invalidateQueries({ queryKey })),
      );
    },
  });
}

export function useRename(sessionId: string) {
  return useSessionChange((title: string) =>
    rest.PATCH("/v1/sessions/{session_id}", { ...at(sessionId), body: { title } }),
  );
}

export function useEnd(sessionId: string) {
  return useSessionChange<void>(() => rest.POST("/v1/sessions/{session_id}/end", at(sessionId)));
}

/** `onDone` is called even though the player, with all that is in it, goes away with the recording. */
export function useDeleteRecording(sessionId: string, onDone: () => void) {
  return useSessionChange<void>(
    () => rest.DELETE("/v1/sessions/{session_id}/recording", at(sessionId)),
    onDone,
  );
}
