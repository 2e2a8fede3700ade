import { QueryClient } from "@tanstack/react-query";
import { ProblemError } from "./problem";

const RETRIES = 3;

/** Data of the server: tried again only where that can help, fresh for a moment. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        retry: (count, error) => count < RETRIES && error instanceof ProblemError && error.mayMend,
        retryDelay: (count) => Math.min(500 * 2 ** count, 8_000),
      },
      mutations: { retry: false },
    },
  });
}
