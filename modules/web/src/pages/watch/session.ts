import { useQuery } from "@tanstack/react-query";
import { data, restClient } from "~/api/rest";
import { ProblemError } from "~/app/problem";

/** What the session is, for who has a viewer's token or a key. */
export function useWatchedSession(sessionId: string, credential: string) {
  return useQuery({
    queryKey: ["watched", sessionId, credential],
    queryFn: () =>
      data(
        restClient(() => credential).GET("/v1/sessions/{session_id}", {
          params: { path: { session_id: sessionId } },
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Why the link cannot be used, where the server says so; null where it may mend. */
export function linkProblemOf(error: unknown): "invalid" | "forbidden" | "gone" | null {
  const status = error instanceof ProblemError ? error.status : 0;
  if (status === 401) return "invalid";
  if (status === 403) return "forbidden";
  return status === 404 || status === 422 ? "gone" : null;
}
