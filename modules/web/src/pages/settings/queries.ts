import { queryOptions } from "@tanstack/react-query";
import { data, rest, type Schemas } from "~/api/rest";
import { readSchema } from "./schema";

/** How long an answer waits for the change to be in force everywhere, s. */
export const WAIT_S = 8;

/** A scope of the runtime configuration: the whole installation, or a preset. */
export type Scope = { readonly preset: string | null };

/** What a scope sets, and the ETag that a change of it must name. */
export interface ScopeValues {
  readonly values: Schemas["ConfigValues"];
  readonly version: number;
  readonly etag: string;
}

export const schemaQuery = queryOptions({
  queryKey: ["config", "schema"],
  queryFn: async () => readSchema(await data(rest.GET("/v1/config/schema"))),
  staleTime: Number.POSITIVE_INFINITY,
});

export const presetsQuery = queryOptions({
  queryKey: ["config", "presets"],
  queryFn: async () => (await data(rest.GET("/v1/config/presets"))).presets,
});

export const scopeQuery = ({ preset }: Scope) =>
  queryOptions({
    queryKey: ["config", "scope", preset],
    queryFn: async (): Promise<ScopeValues> => {
      const { data: body, response } =
        preset === null
          ? await rest.GET("/v1/config")
          : await rest.GET("/v1/config/presets/{name}", { params: { path: { name: preset } } });
      return {
        values: body?.values ?? {},
        version: body?.version ?? 0,
        etag: response.headers.get("etag") ?? "",
      };
    },
  });

export const effectiveQuery = ({ preset }: Scope) =>
  queryOptions({
    queryKey: ["config", "effective", preset],
    queryFn: () => data(rest.GET("/v1/config/effective", { params: { query: { preset: preset ?? "" } } })),
  });

export const historyQuery = queryOptions({
  queryKey: ["config", "history"],
  queryFn: () => data(rest.GET("/v1/config/history", { params: { query: { limit: 50 } } })),
});

export const diffQuery = (from: number, to: number) =>
  queryOptions({
    queryKey: ["config", "diff", from, to],
    queryFn: () => data(rest.GET("/v1/config/diff", { params: { query: { from, to } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });

export type Patch = Record<string, Record<string, unknown>>;

interface ChangeOfScope extends Scope {
  readonly patch: Patch;
  readonly etag: string;
  readonly dryRun: boolean;
}

/** Changes a scope, or with `dryRun` tells what that would do.
 *
 * @throws ProblemError 412 if somebody else was quicker, 422 with the wrong fields, 409 if a service refuses.
 */
export async function changeScope({ preset, patch, etag, dryRun }: ChangeOfScope) {
  const header = { "if-match": etag, prefer: `wait=${WAIT_S}` };
  const query = { dry_run: dryRun };
  const answer =
    preset === null
      ? rest.PATCH("/v1/config", { params: { query, header }, body: patch })
      : rest.PATCH("/v1/config/presets/{name}", {
          params: { path: { name: preset }, query, header },
          body: patch,
        });
  return await data(answer);
}
