import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
} from "@tanstack/react-router";
import { NotFound } from "./not-found";
import { PageFailed } from "./page-failed";
import { Shell } from "./shell";

/**
 * The pages. Those of the speaker and operator live in the shell, with navigation and an API key; a viewer's page
 * stands alone and needs nothing but its link. The server answers the same paths (`api/page.py`).
 */
const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: PageFailed });

const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });

const live = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: lazyRouteComponent(() => import("~/pages/live/live-page"), "LivePage"),
});
const sessions = createRoute({
  getParentRoute: () => shell,
  path: "/sessions",
  component: lazyRouteComponent(() => import("~/pages/sessions/sessions-page"), "SessionsPage"),
});
const session = createRoute({
  getParentRoute: () => shell,
  path: "/sessions/$sessionId",
  component: lazyRouteComponent(() => import("~/pages/sessions/session-page"), "SessionPage"),
});
const bots = createRoute({
  getParentRoute: () => shell,
  path: "/bots",
  component: lazyRouteComponent(() => import("~/pages/bots/bots-page"), "BotsPage"),
});
const bot = createRoute({
  getParentRoute: () => shell,
  path: "/bots/$botId",
  component: lazyRouteComponent(() => import("~/pages/bots/bot-page"), "BotPage"),
});
const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  component: lazyRouteComponent(() => import("~/pages/settings/settings-page"), "SettingsPage"),
});
const system = createRoute({
  getParentRoute: () => shell,
  path: "/system",
  component: lazyRouteComponent(() => import("~/pages/system/system-page"), "SystemPage"),
});
const watch = createRoute({
  getParentRoute: () => root,
  path: "/watch/$sessionId",
  component: lazyRouteComponent(() => import("~/pages/watch/watch-page"), "WatchPage"),
});

const tree = root.addChildren([
  shell.addChildren([live, sessions, session, bots, bot, settings, system]),
  watch,
]);

export function createAppRouter() {
  return createRouter({ routeTree: tree, defaultPreload: "intent", scrollRestoration: true });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
