import { useQuery } from "@tanstack/react-query";
import { data, rest } from "~/api/rest";
import { ProblemError } from "~/app/problem";
import { remember, type Sample, STEP_MS } from "./series";
import { lastDays } from "./usage";
import { figuresOf, type Health, type Overview } from "./verdict";

const SYSTEM = "system";
const POLLED = { refetchInterval: STEP_MS, retry: false } as const;

/** All that is known now, and the figures of the last minutes. */
export interface Seen {
  /** Of the API process that was asked; null until it has answered. */
  readonly health: Health | null;
  /** Null while no monitor looks, or Redis, where its looks are kept, is away. */
  readonly overview: Overview | null;
  readonly samples: readonly Sample[];
}

interface Look {
  readonly overview: Overview | null;
  readonly samples: readonly Sample[];
}

/**
 * Looks every two seconds, as the monitor does; not while nobody sees the page.
 *
 * The API's own view takes up to two seconds while a service is away: the monitor's is not kept waiting for it.
 */
export function useSystem(): { seen: Seen | null; error: Error | null; atMs: number } {
  const health = useQuery({
    queryKey: [SYSTEM, "health"],
    queryFn: () => data(rest.GET("/v1/system/health")),
    ...POLLED,
  });
  const look = useQuery({
    queryKey: [SYSTEM, "overview"],
    queryFn: async ({ client, queryKey }): Promise<Look> => {
      const overview = await readOverview();
      const samples = client.getQueryData<Look>(queryKey)?.samples ?? [];
      if (overview === null) return { overview, samples };
      const sample = { atMs: Date.now() - overview.age_ms, ...figuresOf(overview) };
      return { overview, samples: remember(samples, sample) };
    },
    ...POLLED,
  });
  const isKnown = look.data && (look.data.overview || health.data);
  return {
    seen: isKnown ? { ...look.data, health: health.data ?? null } : null,
    error: look.error ?? health.error,
    atMs: look.dataUpdatedAt,
  };
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
    queryKey: [SYSTEM, "usage", days],
    queryFn: () => data(rest.GET("/v1/system/usage", { params: { query: lastDays(days, Date.now()) } })),
    staleTime: 60_000,
  });
}
