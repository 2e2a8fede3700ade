import createClient, { type Middleware } from "openapi-fetch";
import { currentKey, rejectKey } from "~/app/credential";
import { problemOf, unreachable } from "~/app/problem";
import type { components, paths } from "./schema.gen";

/** Bodies of the REST API by name, generated from its own OpenAPI document. */
export type Schemas = components["schemas"];

/** A client whose requests carry what `credential` gives at the time; anything but success is thrown. */
export function restClient(credential: () => string | null) {
  const middleware: Middleware = {
    onRequest({ request }) {
      const key = credential();
      if (key !== null) request.headers.set("authorization", `Bearer ${key}`);
      return request;
    },
    async onResponse({ response }) {
      if (response.ok || response.status === 304) return;
      const problem = problemOf(response.status, await response.json().catch(() => null));
      const key = credential();
      if (response.status === 401 && key !== null && key === currentKey()) rejectKey(key);
      throw problem;
    },
    onError: () => unreachable(),
  };
  const client = createClient<paths>({ baseUrl: window.location.origin });
  client.use(middleware);
  return client;
}

/** The API with the key of this browser. Every call throws a `ProblemError` unless it succeeds. */
export const rest = restClient(currentKey);

/** The data of an answer: what openapi-fetch calls optional is always there when nothing was thrown. */
export async function data<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}
