// @vitest-environment node

import { describe, expect, it } from "vitest";
import { socketUrl, subprotocols } from "../src/address.ts";
import { Backoff } from "../src/backoff.ts";
import { BotCursor, SessionCursor } from "../src/cursor.ts";
import { environment } from "../src/environment.ts";
import { refusal } from "../src/errors.ts";
import { Events } from "../src/events.ts";
import { CloseCode, whatToDo } from "../src/index.ts";
import type { BotMessage, ServerMessage, SessionSnapshot } from "../src/messages.gen.ts";
import { FakeNetwork, final, KEY, snapshot } from "./support.ts";

describe("close codes", () => {
  it.each([
    [1000, "done"],
    [1001, "after-pause"],
    [1006, "after-pause"],
    [1011, "after-pause"],
    [1012, "after-pause"],
    [CloseCode.GOING_AWAY, "at-once"],
    [CloseCode.SLOW_CONSUMER, "at-once"],
    [4099, "at-once"],
    [CloseCode.BUS_UNAVAILABLE, "after-pause"],
    [CloseCode.IDLE_TIMEOUT, "after-pause"],
    [CloseCode.BAD_REQUEST, "give-up"],
    [CloseCode.SUPERSEDED, "give-up"],
    [4499, "give-up"],
    [4500, "after-pause"],
  ])("%i means %s", (code, step) => {
    expect(whatToDo(code)).toBe(step);
  });

  it("are told by the last permanent error, not by one that may pass", () => {
    const told = { type: "error", code: "not_found", message: "no such session", remedy: "check" } as const;
    const error = refusal(4404, { ...told, permanent: true });
    expect([error.closeCode, error.code, error.message, error.remedy]).toEqual([
      4404,
      "not_found",
      "no such session",
      "check",
    ]);
    expect(refusal(4404, { ...told, message: "Redis is away", permanent: false }).message).not.toMatch(
      "Redis",
    );
    expect(refusal(4498, null)).toMatchObject({ closeCode: 4498, name: "ConnectionRefused" });
  });
});

describe("backoff", () => {
  it("doubles its bound from a quarter of a second to eight, with full jitter", () => {
    const bounds = new Backoff(() => 1);
    expect(Array.from({ length: 8 }, () => bounds.nextMs("after-pause"))).toEqual([
      250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000,
    ]);
    bounds.reset();
    expect(bounds.nextMs("after-pause")).toBe(250);
    expect(new Backoff(() => 0.5).nextMs("after-pause")).toBe(125);
    expect(new Backoff(() => 0).nextMs("after-pause")).toBe(50);
  });

  it("begins later where the server asks for a pause", () => {
    expect(new Backoff(() => 1).nextMs("after-pause", true)).toBe(1_000);
  });

  it("is at once no more than once an outage", () => {
    const backoff = new Backoff(() => 1);
    expect([backoff.nextMs("at-once"), backoff.nextMs("at-once")]).toEqual([0, 500]);
  });
});

describe("addresses", () => {
  const url = (base: string) => {
    const { baseUrl } = environment({ ...new FakeNetwork().options(), url: base });
    return socketUrl(baseUrl, { path: "/v1/x", query: { after: "e:1", languages: "" } });
  };

  it("are those of sockets below the base, whatever its scheme", () => {
    expect(url("http://a:8080")).toBe("ws://a:8080/v1/x?after=e%3A1&languages=");
    expect(url("https://a/base/")).toBe("wss://a/base/v1/x?after=e%3A1&languages=");
    expect(url("wss://a/base")).toMatch(/^wss:\/\/a\/base\/v1\/x\?/);
  });

  it("never hold what may be secret in the base", () => {
    expect(url("https://user:word@a/?key=word#word")).not.toContain("word");
  });

  it("are refused where they are none", () => {
    expect(() => url("ftp://a")).toThrow(expect.objectContaining({ code: "invalid_address" }));
    expect(() => url("not an address")).toThrow(expect.objectContaining({ code: "invalid_address" }));
  });

  it("carry the credential as a subprotocol, and no error shows one that cannot be", () => {
    expect(subprotocols(KEY)).toEqual(["dragoman.v1", `dragoman.bearer.${KEY}`]);
    expect(subprotocols("")).toEqual(["dragoman.v1"]);
    expect(() => subprotocols("a secret")).toThrow(expect.objectContaining({ code: "invalid_credential" }));
    expect(() => subprotocols("a secret")).not.toThrow(/secret/);
  });
});

describe("cursors", () => {
  const event = (offset: number, epoch?: string) => final(offset, "", epoch) as unknown as ServerMessage;

  it("know what was seen within an epoch, and take another as new", () => {
    const cursor = new SessionCursor();
    expect(cursor.after()).toBeNull();
    expect([3, 3, 2, 5].map((offset) => cursor.isNew(event(offset)))).toEqual([true, false, false, true]);
    expect(cursor.isNew({ type: "session.presence", speakers: 1, viewers: 1 })).toBe(true);
    expect(cursor.after()).toBe("e1:5");
    expect(cursor.isNew(event(1, "e2"))).toBe(true);
    expect(cursor.after()).toBe("e2:1");
  });

  it("move with snapshots", () => {
    const cursor = new SessionCursor({ epoch: "e0", offset: 9 });
    cursor.moveTo(snapshot(4) as unknown as SessionSnapshot);
    expect([cursor.isNew(event(4)), cursor.isNew(event(5))]).toEqual([false, true]);
  });

  it("compare ids of bots' events as numbers", () => {
    const cursor = new BotCursor("999-10");
    const at = (position: string) => cursor.isNew({ type: "bot.recovered", position } as BotMessage);
    expect(["999-9", "999-10", "999-11", "1000-0", "1000-0"].map(at)).toEqual([
      false,
      false,
      true,
      true,
      false,
    ]);
  });
});

describe("events", () => {
  type Numbered = { type: "a" | "b"; n: number };

  it("reach handlers of their type, handlers of all, and iterators, in order", async () => {
    const events = new Events<Numbered>();
    const seen: string[] = [];
    const off = events.on("a", ({ n }: Numbered) => seen.push(`a${n}`));
    events.on("*", ({ n }: Numbered) => seen.push(`*${n}`));
    const iterator = events.iterate();
    events.emit({ type: "a", n: 1 });
    events.emit({ type: "b", n: 2 });
    off();
    events.emit({ type: "a", n: 3 });
    events.finish(null);
    const read: number[] = [];
    for await (const { n } of iterator) read.push(n);
    expect(seen).toEqual(["a1", "*1", "*2", "*3"]);
    expect(read).toEqual([1, 2, 3]);
  });

  it("end an iterator that waits, with the error if there is one, once", async () => {
    const events = new Events<Numbered>();
    const iterator = events.iterate();
    const next = iterator.next();
    events.finish(new Error("over"));
    await expect(next).rejects.toThrow("over");
    expect((await iterator.next()).done).toBe(true);
    await expect(events.iterate().next()).rejects.toThrow("over");
  });

  it("are not kept for an iterator that was left", async () => {
    const events = new Events<Numbered>();
    const iterator = events.iterate();
    events.emit({ type: "a", n: 1 });
    for await (const _ of iterator) break;
    events.emit({ type: "a", n: 2 });
    expect((await iterator.next()).done).toBe(true);
  });

  it("go on when a handler throws, whose mistake is told elsewhere", async () => {
    const events = new Events<Numbered>();
    const told = new Promise((resolve) => process.once("uncaughtException", resolve));
    const seen: number[] = [];
    events.on("a", () => {
      throw new Error("of the caller");
    });
    events.on("a", ({ n }: Numbered) => seen.push(n));
    events.emit({ type: "a", n: 1 });
    expect(seen).toEqual([1]);
    expect(await told).toMatchObject({ message: "of the caller" });
  });
});
