import { useQuery } from "@tanstack/react-query";
import { data, rest } from "~/api/rest";
import { ProblemError } from "~/app/problem";
import { remember, type Sample, STEP_MS } from "./series";
import { lastDays } from "./usage";
import { figuresOf, type Health, type Overview } from "./verdict";

const SYSTEM = ["system"] as const;

/** All that is known now, and the figures of the last minutes. */
export interface Seen {
  readonly health: Health;
  /** Null while no monitor looks, or Redis, where its looks are kept, is away. */
  readonly overview: Overview | null;
  readonly samples: readonly Sample[];
}

/** Looks every two seconds, as the monitor does; not while nobody sees the page. */
export function useSystem() {
  return useQuery({
    queryKey: SYSTEM,
    queryFn: async ({ client }): Promise<Seen> => {
      const [health, overview] = await Promise.all([data(rest.GET("/v1/system/health")), readOverview()]);
      const known = client.getQueryData<Seen>(SYSTEM)?.samples ?? [];
      if (overview === null) return { health, overview, samples: known };
      const sample = { atMs: Date.now() - overview.age_ms, ...figuresOf(overview) };
      return { health, overview, samples: remember(known, sample) };
    },
    refetchInterval: STEP_MS,
    retry: false,
  });
}

async function readOverview(): Promise<Overview | null> {
  try {
    return await data(rest.GET("/v1/system/overview"));
  } catch (error) {
    if (error instanceof ProblemError && error.status === 503) return null;
    throw error;
  }
}

/** What each key used in the last `days` days. */
export function useUsage(days: number) {
  return useQuery({
    queryKey: [...SYSTEM, "usage", days],
    queryFn: () => data(rest.GET("/v1/system/usage", { params: { query: lastDays(days, Date.now()) } })),
    staleTime: 60_000,
  });
}
