/** The recipes that every runner knows (`dragoman_contracts.bots.RECIPES`), with who has seen them work. */
const RECIPES = {
  generic: { verified: true, hosts: [] },
  jitsi: { verified: false, hosts: ["meet.jit.si"] },
  google_meet: { verified: false, hosts: ["meet.google.com"] },
  teams: { verified: false, hosts: ["teams.microsoft.com", "teams.live.com"] },
  zoom_web: { verified: false, hosts: ["zoom.us"] },
} as const;

type Recipe = keyof typeof RECIPES;

/** How a bot goes about a link: as media that FFmpeg reads, or by a recipe of the browser. */
export type Way = "media" | Recipe;

export const WAYS: readonly Way[] = ["media", ...(Object.keys(RECIPES) as Recipe[])];

const STREAMS: readonly string[] = ["rtmp:", "rtmps:", "rtsp:", "srt:", "file:"];
const MEDIA_FILE =
  /\.(?:aac|aiff?|avi|flac|flv|m3u8?|m4a|m4v|mkv|mov|mp2|mp3|mp4|mpd|mpeg|mpg|oga|ogg|ogv|opus|ts|wav|webm|wma|wmv)$/i;

export interface Recognised {
  readonly way: Way;
  /** Whether the link itself tells; if not, it is a guess that the user should look at. */
  readonly certain: boolean;
}

/** The link with a scheme: people copy `meet.jit.si/room` as often as the whole address. */
export function wholeLink(link: string): string {
  const text = link.trim();
  if (text === "" || /^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
  return /^[^\s/@]+\.[^\s/@]+/.test(text) ? `https://${text}` : text;
}

/** What kind of link this is; null where it is none. */
export function recognise(link: string): Recognised | null {
  const url = parsed(wholeLink(link));
  if (url === null) return null;
  if (STREAMS.includes(url.protocol)) return { way: "media", certain: true };
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  for (const [name, { hosts }] of Object.entries(RECIPES)) {
    if (hosts.some((host) => url.hostname === host || url.hostname.endsWith(`.${host}`))) {
      return { way: name as Recipe, certain: true };
    }
  }
  if (MEDIA_FILE.test(url.pathname)) return { way: "media", certain: true };
  return { way: "generic", certain: false };
}

/** Whether nobody has seen this way work. */
export function isUnverified(way: Way): boolean {
  return way !== "media" && !RECIPES[way].verified;
}

/** A name for the platform of a bot in a list: the recipe is not part of it, its host is. */
export function wayOf(driver: "media" | "browser", url: string): Way {
  if (driver === "media") return "media";
  const found = recognise(url)?.way;
  return found === undefined || found === "media" ? "generic" : found;
}

/** Host and path, as short as a heading wants it. */
export function shortLink(url: string): string {
  return url.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "").replace(/\/$/, "") || url;
}

function parsed(text: string): URL | null {
  try {
    const url = new URL(text);
    return url.hostname !== "" || url.protocol === "file:" ? url : null;
  } catch {
    return null;
  }
}
