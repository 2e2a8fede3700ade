import { useQuery } from "@tanstack/react-query";
import { data, rest } from "~/api/rest";

/** For how long a link is good, in s; null: as long as the server allows. */
const LIVES = { hour: 3_600, halfDay: 43_200, longest: null } as const;
export type Life = keyof typeof LIVES;

/** A new token for viewers, the same one as long as the page is open. */
export function useViewerToken(sessionId: string, life: Life) {
  return useQuery({
    queryKey: ["viewer-token", sessionId, life],
    queryFn: () =>
      data(
        rest.POST("/v1/sessions/{session_id}/viewer-tokens", {
          params: { path: { session_id: sessionId } },
          body: { ttl_s: LIVES[life] },
        }),
      ),
    // Each answer is another token: the one that was shared already stays in sight.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
}

/** The lives that this installation grants. */
export function useLives(): Life[] {
  const limits = useQuery({ queryKey: ["capabilities"], queryFn: () => data(rest.GET("/v1/capabilities")) });
  const longestS = limits.data?.limits.viewer_token_ttl_s ?? Number.POSITIVE_INFINITY;
  return (Object.keys(LIVES) as Life[]).filter((life) => (LIVES[life] ?? 0) < longestS);
}

/** Into which languages the session is translated: as its page knows it, else as the server tells. */
export function useTargets(sessionId: string, known: readonly string[] | undefined): readonly string[] {
  const session = useQuery({
    queryKey: ["session", sessionId, "targets"],
    queryFn: () =>
      data(rest.GET("/v1/sessions/{session_id}", { params: { path: { session_id: sessionId } } })),
    enabled: known === undefined,
  });
  return known ?? session.data?.translation?.targets ?? [];
}
