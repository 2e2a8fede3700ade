/** A wrong place of an invalid request, such as `body.language`, and why it is wrong. */
export interface WrongPlace {
  readonly location: string;
  readonly message: string;
}

/**
 * What went wrong with a request, as the API tells it (problem details, RFC 9457): a stable `code`, a sentence on
 * the cause, what can be done about it, and the id under which the server's log has it.
 */
export class ProblemError extends Error {
  override readonly name = "ProblemError";

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly remedy: string,
    readonly traceId: string | null = null,
    readonly errors: readonly WrongPlace[] = [],
  ) {
    super(detail);
  }

  /** Whether the same request may succeed later without a change. */
  get mayMend(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** The server could not be reached at all. */
export function unreachable(): ProblemError {
  return new ProblemError(0, "unreachable", "", "");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** From the body of an answer that is no success; also of one that some proxy made up. */
export function problemOf(status: number, body: unknown): ProblemError {
  const fields: Record<string, unknown> = typeof body === "object" && body !== null ? { ...body } : {};
  return new ProblemError(
    status,
    text(fields.code) || `http_${status}`,
    text(fields.detail) || text(fields.title) || `HTTP ${status}`,
    text(fields.remedy),
    text(fields.trace_id) || null,
    Array.isArray(fields.errors) ? fields.errors.map(wrongPlace) : [],
  );
}

function wrongPlace(value: { location?: unknown; message?: unknown } | null): WrongPlace {
  return { location: text(value?.location), message: text(value?.message) };
}
