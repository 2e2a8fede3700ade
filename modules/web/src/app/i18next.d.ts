import type app from "../locales/en/app.json";
import type bots from "../locales/en/bots.json";
import type captions from "../locales/en/captions.json";
import type live from "../locales/en/live.json";
import type sessions from "../locales/en/sessions.json";
import type settings from "../locales/en/settings.json";
import type system from "../locales/en/system.json";
import type watch from "../locales/en/watch.json";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "app";
    resources: {
      app: typeof app;
      bots: typeof bots;
      captions: typeof captions;
      live: typeof live;
      sessions: typeof sessions;
      settings: typeof settings;
      system: typeof system;
      watch: typeof watch;
    };
  }
}
