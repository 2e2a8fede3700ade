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

type Format = "txt" | "srt" | "vtt";
export const FORMATS: readonly Format[] = ["txt", "srt", "vtt"];

interface Wanted {
  readonly sessionId: string;
  readonly credential: string;
  readonly format: Format;
  /** One language or two, as the API takes them; empty: as spoken. */
  readonly languages: readonly string[];
}

/** The transcript as a file. Throws a `ProblemError`. */
export async function transcriptFile({ sessionId, credential, format, languages }: Wanted): Promise<Blob> {
  const query = { format, ...(languages.length ? { language: languages.slice(0, 2).join(",") } : {}) };
  return (await data(
    restClient(() => credential).GET("/v1/sessions/{session_id}/transcript", {
      params: { path: { session_id: sessionId }, query },
      parseAs: "blob",
    }),
  )) as Blob;
}

/** Has the browser save `file`; no address of it ever leaves the page. */
export function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A title as the name of a file; the id where it has no letters. */
export function fileName(title: string, sessionId: string, ending: string): string {
  const words = title
    .normalize("NFC")
    .match(/[\p{L}\p{N}\p{M}]+/gu)
    ?.join("-")
    .slice(0, 80);
  return `${words || sessionId}.${ending}`;
}
