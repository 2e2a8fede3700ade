import { data, restClient } from "~/api/rest";
import { currentKey } from "~/app/credential";
import type { Format } from "./file-name";

interface Wanted {
  readonly sessionId: string;
  readonly format: Format;
  /** One language or two, under each other; none: as spoken. */
  readonly languages: readonly string[];
  /** Of a viewer; left out: this browser's key. */
  readonly credential?: string;
}

/** The transcript as a file; the credential travels in a header. Throws a `ProblemError`. */
export async function transcriptFile(wanted: Wanted): Promise<Blob> {
  const { sessionId, format, languages, credential } = wanted;
  const query = { format, ...(languages.length > 0 ? { language: languages.slice(0, 2).join() } : {}) };
  const file: unknown = await data(
    restClient(() => credential ?? currentKey()).GET("/v1/sessions/{session_id}/transcript", {
      params: { path: { session_id: sessionId }, query },
      parseAs: "blob",
    }),
  );
  return file as Blob;
}
