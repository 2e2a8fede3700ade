import { BotEventsConnection } from "@dragoman/client";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { data, rest } from "~/api/rest";
import { currentKey } from "~/app/credential";
import { type Bot, isFinal, type Remark } from "./life";

const BOTS = "bots";
const PAGE = 50;
/** While events come, asking is only a safety net; without them it is all there is. */
const CALM_MS = 15_000;
const ALONE_MS = 2_500;
/** The runner of a bot reports once a second. */
const FIGURES_MS = 1_500;
/** Events that come in a rush are one reason to look. */
const RUSH_MS = 120;

/** All bots of the key, newest first, page by page. */
export function useBots({ live }: { live: boolean }) {
  return useInfiniteQuery({
    queryKey: [BOTS, "list"],
    queryFn: ({ pageParam }) =>
      data(
        rest.GET("/v1/bots", {
          params: { query: { limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: live ? CALM_MS : ALONE_MS,
  });
}

/** One bot with its history and figures; asked for as long as something can change. */
export function useBot(botId: string) {
  return useQuery({
    queryKey: [BOTS, botId],
    queryFn: () => data(rest.GET("/v1/bots/{bot_id}", { params: { path: { bot_id: botId } } })),
    refetchInterval: ({ state }) => (state.data && isFinal(state.data.state) ? false : FIGURES_MS),
  });
}

/** The times of a bot's screenshots, newest first; `step` makes it look again. */
export function useScreenshots(bot: Bot) {
  return useQuery({
    queryKey: [BOTS, bot.id, "screenshots", bot.state],
    queryFn: () => data(rest.GET("/v1/bots/{bot_id}/screenshots", { params: { path: { bot_id: bot.id } } })),
    enabled: bot.driver === "browser" && (bot.state === "failed" || bot.state === "needs_help"),
  });
}

/** A picture that only the key may see, as an address for `<img>`; given back when nobody shows it any more. */
export function usePicture(botId: string, timeMs: number): { src: string | null; error: Error | null } {
  const { data: picture, error } = useQuery({
    queryKey: [BOTS, botId, "screenshot", timeMs],
    queryFn: () =>
      data(
        rest.GET("/v1/bots/{bot_id}/screenshots/{time_ms}", {
          params: { path: { bot_id: botId, time_ms: timeMs } },
          parseAs: "blob",
        }) as Promise<{ data?: Blob }>,
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [src, setSrc] = useState<string | null>(null);
  useEffect(() => {
    if (!picture) return;
    const address = URL.createObjectURL(picture);
    setSrc(address);
    return () => {
      setSrc(null);
      URL.revokeObjectURL(address);
    };
  }, [picture]);
  return { src, error };
}

/** A request to end one bot; what the API answers is shown at once. */
export function useStopBot(botId: string) {
  const queries = useQueryClient();
  return async () => {
    const bot = await data(rest.DELETE("/v1/bots/{bot_id}", { params: { path: { bot_id: botId } } }));
    queries.setQueryData([BOTS, botId], bot);
    await queries.invalidateQueries({ queryKey: [BOTS, "list"] });
  };
}

/**
 * Follows all bots of the key while the page is open: whatever happens to one makes the page look again.
 *
 * `live` tells whether events come; `remarks` are what was told about `botId` that no history keeps.
 */
export function useBotEvents(botId?: string): { live: boolean; remarks: readonly Remark[] } {
  const queries = useQueryClient();
  const [live, setLive] = useState(false);
  const [remarks, setRemarks] = useState<readonly Remark[]>([]);
  useEffect(() => {
    const connection = new BotEventsConnection({ credential: () => currentKey() ?? "" });
    let looking: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      looking ??= setTimeout(() => {
        looking = undefined;
        void queries.invalidateQueries({ queryKey: [BOTS, "list"] });
        if (botId !== undefined) void queries.invalidateQueries({ queryKey: [BOTS, botId], exact: true });
      }, RUSH_MS);
    };
    const note = (remark: Remark) => {
      setRemarks((known) => [...known, remark]);
      look();
    };
    connection.on("state", ({ state }) => setLive(state.name === "open"));
    connection.on("bots.snapshot", look);
    connection.on("reset", look);
    connection.on("bot.state_changed", look);
    connection.on("bot.degraded", (told) => {
      if (told.bot_id === botId) note({ kind: "degraded", atMs: told.since_ms, code: told.cause.code });
      else look();
    });
    connection.on("bot.recovered", (told) => {
      if (told.bot_id === botId) note({ kind: "recovered", atMs: Date.now(), code: told.cause.code });
      else look();
    });
    return () => {
      clearTimeout(looking);
      connection.close();
    };
  }, [queries, botId]);
  return { live, remarks };
}
