// @vitest-environment node

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  BotEventsConnection,
  ViewerConnection,
  type ViewerEvent,
  type ViewerSettings,
} from "../src/index.ts";
import { ended, FakeNetwork, final, KEY, pass, SESSION, snapshot } from "./support.ts";

let network: FakeNetwork;
let viewer: ViewerConnection;
let events: ViewerEvent[];

beforeEach(() => {
  vi.useFakeTimers();
  network = new FakeNetwork();
});

afterEach(() => {
  viewer?.close();
  vi.useRealTimers();
});

async function watch(more: Partial<ViewerSettings> = {}): Promise<void> {
  viewer = new ViewerConnection({ ...network.options(), sessionId: SESSION, ...more });
  events = [];
  viewer.onAny((event) => events.push(event));
  await pass();
}

/** What was told but states: texts of finals, else types, with the reason of a reset. */
function told(): string[] {
  return events.flatMap((event) => {
    if (event.type === "state") return [];
    if (event.type === "transcript.final") return [event.text];
    return [event.type === "reset" ? `reset ${event.reason}` : event.type];
  });
}

const states = () => events.flatMap((event) => (event.type === "state" ? [event.state.name] : []));

it("connects with the credential as a subprotocol, and is open with its snapshot", async () => {
  await watch({ languages: ["es", "pt-BR"] });
  const { url, protocols } = network.last;
  expect(url.href).toBe(`wss://captions.test/base/v1/sessions/${SESSION}/events?languages=es%2Cpt-BR`);
  expect(protocols).toEqual(["dragoman.v1", `dragoman.bearer.${KEY}`]);
  network.last.open();
  expect(viewer.state.name).toBe("connecting");
  network.last.tell(snapshot(3), final(4));
  expect(viewer.state.name).toBe("open");
  expect(told()).toEqual(["session.snapshot", "text 4"]);
});

it("goes on after the last event, giving none twice and none of the resumption's snapshot", async () => {
  await watch();
  network.last.tell(snapshot(3), final(4), final(5));
  network.last.drop(1006);
  await pass(250);
  expect(network.sockets).toHaveLength(2);
  expect(network.last.url.searchParams.get("after")).toBe("e1:5");
  network.last.tell(snapshot(5), final(5), final(6));
  expect(told()).toEqual(["session.snapshot", "text 4", "text 5", "text 6"]);
  expect(states()).toEqual(["open", "waiting", "connecting", "open"]);
});

it("tells a loss of history as a reset, also in the middle of a connection", async () => {
  await watch();
  network.last.tell(snapshot(3), final(4));
  network.last.drop(4000);
  await pass();
  network.last.tell(
    snapshot(1, { recovered: false, position: { epoch: "e2", offset: 1 } }),
    final(2, "again", "e2"),
  );
  network.last.tell(
    snapshot(0, { recovered: false, position: { epoch: "e3", offset: 7 } }),
    final(8, "more", "e3"),
  );
  expect(told()).toEqual([
    "session.snapshot",
    "text 4",
    "reset history-lost",
    "again",
    "reset history-lost",
    "more",
  ]);
  expect(viewer.position).toEqual({ epoch: "e3", offset: 8 });
});

it("begins after a position that it was given", async () => {
  await watch({ after: { epoch: "e1", offset: 7 } });
  expect(network.last.url.searchParams.get("after")).toBe("e1:7");
  network.last.tell(snapshot(7), final(8));
  expect(told()).toEqual(["session.snapshot", "text 8"]);
});

describe("other languages", () => {
  it("come with a whole snapshot, as a reset, on a new connection", async () => {
    await watch({ languages: ["es"] });
    const before = network.last;
    before.tell(snapshot(3), final(4));
    viewer.setLanguages(["ar"]);
    await pass();
    expect(before.closedWith).toBe(1000);
    before.tell(final(5, "of the old socket"));
    expect(network.last.url.search).toBe("?languages=ar");
    network.last.tell(snapshot(5), final(6));
    expect(told()).toEqual(["session.snapshot", "text 4", "reset languages", "text 6"]);
  });

  it("may be asked for by who hears the first snapshot", async () => {
    await watch();
    viewer.on("session.snapshot", () => viewer.setLanguages(["es"]));
    network.last.tell(snapshot(3));
    expect(viewer.state.name).toBe("connecting");
    await pass();
    expect(network.last.url.search).toBe("?languages=es");
  });

  it("are asked for until they came, also where the first attempt fails", async () => {
    await watch();
    network.last.tell(snapshot(3));
    viewer.setLanguages([]);
    await pass();
    network.last.drop(1006);
    await pass(8_000);
    expect(network.last.url.search).toBe("?languages=");
    network.last.tell(snapshot(4));
    network.last.drop(1006);
    await pass(8_000);
    expect(network.last.url.search).toBe("?languages=&after=e1%3A4");
    expect(told()).toEqual(["session.snapshot", "reset languages"]);
  });

  it("that are the same change nothing", async () => {
    await watch({ languages: ["es", "fr"] });
    network.last.tell(snapshot(3));
    viewer.setLanguages(["fr", "es"]);
    await pass();
    expect(network.sockets).toHaveLength(1);
  });
});

describe("the end", () => {
  it("comes with session.ended, and iterators end with it", async () => {
    await watch();
    const iterated = (async () => {
      const types: string[] = [];
      for await (const event of viewer) types.push(event.type);
      return types;
    })();
    network.last.tell(snapshot(3), ended(4));
    expect(viewer.state).toEqual({ name: "ended", reason: "end" });
    expect(await iterated).toEqual(["session.snapshot", "state", "session.ended", "state"]);
    await pass(600_000);
    expect(network.sockets).toHaveLength(1);
  });

  it("comes with 1000, for who had seen all before", async () => {
    await watch({ after: { epoch: "e1", offset: 7 } });
    network.last.tell(snapshot(7));
    network.last.drop(1000);
    expect(viewer.state).toEqual({ name: "ended", reason: "end" });
  });

  it("comes with close, from which on nothing is heard and nothing runs", async () => {
    await watch();
    network.last.tell(snapshot(3));
    viewer.close();
    expect(network.last.closedWith).toBe(1000);
    network.last.tell(final(4));
    expect(told()).toEqual(["session.snapshot"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is a typed error where the server refuses", async () => {
    await watch();
    const iterated = viewer[Symbol.asyncIterator]().next();
    const error = {
      type: "error",
      code: "unauthenticated",
      message: "no such key",
      remedy: "ask",
      permanent: true,
    };
    iterated.catch(() => {});
    network.last.tell(error);
    network.last.drop(4401);
    expect(viewer.state).toMatchObject({
      name: "refused",
      error: { name: "ConnectionRefused", closeCode: 4401, code: "unauthenticated", remedy: "ask" },
    });
    expect(JSON.stringify(events)).not.toContain(KEY);
    await pass(600_000);
    expect(network.sockets).toHaveLength(1);
  });
});

describe("attempts", () => {
  it("wait longer each time while none works, and say so", async () => {
    await watch();
    const waits: number[] = [];
    viewer.on("state", ({ state }) => state.name === "waiting" && waits.push(state.retryInMs));
    for (let attempt = 0; attempt < 7; attempt += 1) {
      network.last.drop(1006);
      await pass(8_000);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000]);
    network.last.tell(snapshot(3), final(4));
    network.last.drop(1006);
    expect(viewer.state).toMatchObject({ name: "waiting", retryInMs: 250, reason: "lost" });
  });

  it("begin anew after a connection that lasted, though nothing was said on it", async () => {
    await watch();
    for (let attempt = 0; attempt < 4; attempt += 1) {
      network.last.drop(1006);
      await pass(8_000);
    }
    network.last.tell(snapshot(3));
    await pass(6_000);
    network.last.drop(1006);
    expect(viewer.state).toMatchObject({ name: "waiting", retryInMs: 250 });
  });

  it("are not made once it is closed, though the credential comes after that", async () => {
    let give: (credential: string) => void = () => {};
    await watch({
      credential: () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    });
    viewer.close();
    give(KEY);
    await pass();
    expect(network.sockets).toHaveLength(0);
  });

  it("do not take a server for healthy that greets and closes at once", async () => {
    await watch();
    network.last.tell(snapshot(3));
    network.last.drop(4001);
    await pass();
    network.last.tell(snapshot(3));
    network.last.drop(4001);
    expect(viewer.state).toMatchObject({ name: "waiting", reason: "too-slow" });
  });

  it("tell the server's reason", async () => {
    await watch();
    network.last.tell({
      type: "error",
      code: "overloaded",
      message: "no room",
      remedy: "",
      permanent: false,
    });
    network.last.drop(4101);
    expect(viewer.state).toMatchObject({
      name: "waiting",
      retryInMs: 1_000,
      reason: "overloaded",
      error: { code: "overloaded" },
    });
  });

  it("are made at once when the browser comes online", async () => {
    await watch();
    for (let attempt = 0; attempt < 6; attempt += 1) {
      network.last.drop(1006);
      await pass(8_000);
    }
    network.last.drop(1006);
    const before = network.sockets.length;
    network.events.dispatchEvent(new Event("online"));
    await pass();
    expect(network.sockets).toHaveLength(before + 1);
    // One that hangs is replaced too.
    network.events.dispatchEvent(new Event("online"));
    await pass();
    expect(network.sockets).toHaveLength(before + 2);
  });

  it("are given up after ten seconds without an answer", async () => {
    await watch();
    network.last.open();
    await pass(11_000);
    expect(viewer.state).toMatchObject({ name: "waiting", reason: "no-answer" });
    await pass(250);
    expect(network.sockets[0]?.closedWith).toBe(1000);
    expect(network.sockets).toHaveLength(2);
  });

  it("ask for the credential anew, and outlast one that cannot be had", async () => {
    const given = ["first", new Error("secret cause"), "third"];
    await watch({
      credential: async () => {
        const next = given.shift();
        if (next instanceof Error) throw next;
        return next ?? "";
      },
    });
    expect(network.last.protocols[1]).toBe("dragoman.bearer.first");
    network.last.drop(1006);
    await pass(250);
    expect(viewer.state).toMatchObject({ name: "waiting", reason: "no-credential", error: null });
    await pass(500);
    expect(network.last.protocols[1]).toBe("dragoman.bearer.third");
  });

  it("are refused here where the credential cannot travel, without showing it", async () => {
    await watch({ credential: "not a token" });
    expect(network.sockets).toHaveLength(0);
    expect(viewer.state).toMatchObject({ name: "refused", error: { code: "invalid_credential" } });
  });
});

describe("a connection on which nobody is there any more", () => {
  it("is replaced after two minutes of silence", async () => {
    await watch();
    network.last.tell(snapshot(3));
    await pass(119_000);
    expect(network.sockets).toHaveLength(1);
    await pass(3_000);
    expect(network.last.url.searchParams.get("after")).toBe("e1:3");
  });

  it("is replaced when the machine has slept", async () => {
    await watch();
    network.last.tell(snapshot(3));
    vi.setSystemTime(Date.now() + 100_000);
    await pass(1_000);
    expect(network.sockets).toHaveLength(2);
  });

  it("is replaced where it says nothing once the network is back", async () => {
    await watch();
    network.last.tell(snapshot(3));
    network.events.dispatchEvent(new Event("offline"));
    network.events.dispatchEvent(new Event("online"));
    await pass(3_000);
    network.last.tell(final(4));
    await pass(30_000);
    expect(network.sockets).toHaveLength(1);
    network.events.dispatchEvent(new Event("offline"));
    network.events.dispatchEvent(new Event("online"));
    await pass(7_000);
    expect(network.sockets).toHaveLength(2);
  });
});

describe("bots", () => {
  const state = (position: string) => ({ type: "bot.state_changed", position, bot_id: "b", state: "active" });

  it("are followed as sessions are: each event once, from the last position", async () => {
    const bots = new BotEventsConnection({ ...network.options(), botId: "b1" });
    const seen: string[] = [];
    bots.onAny((event) => event.type !== "state" && seen.push(event.type));
    await pass();
    expect(network.last.url.pathname).toBe("/base/v1/bots/b1/events");
    network.last.tell({ type: "bots.snapshot", position: "5-0", bots: [], recovered: true }, state("5-1"));
    network.last.drop(1006);
    await pass(250);
    expect(network.last.url.searchParams.get("after")).toBe("5-1");
    network.last.open();
    expect(bots.state.name).toBe("open");
    network.last.tell(state("5-1"), state("6-0"));
    network.last.tell({ type: "bots.snapshot", position: "2-0", bots: [], recovered: false }, state("2-1"));
    expect(seen).toEqual([
      "bots.snapshot",
      "bot.state_changed",
      "bot.state_changed",
      "reset",
      "bot.state_changed",
    ]);
    network.last.drop(1000);
    expect(bots.state).toEqual({ name: "ended", reason: "end" });
  });
});
