// @vitest-environment node

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SpeakerConnection, type SpeakerEvent, type SpeakerSettings } from "../src/index.ts";
import { ended, FakeNetwork, final, KEY, pass, SESSION, seeded, snapshot } from "./support.ts";

const PCM = { encoding: "pcm_s16le", sampleRateHz: 16_000, channels: 1 } as const;
const BYTES_PER_MS = 32;

let network: FakeNetwork;
let speaker: SpeakerConnection;
let events: SpeakerEvent[];

beforeEach(() => {
  vi.useFakeTimers();
  network = new FakeNetwork();
});

afterEach(() => {
  speaker?.close();
  vi.useRealTimers();
});

async function speak(more: Partial<SpeakerSettings> = {}): Promise<void> {
  speaker = new SpeakerConnection({ ...network.options(), sessionId: SESSION, audio: PCM, ...more });
  events = [];
  speaker.onAny((event) => events.push(event));
  await pass();
}

const started = (bytes = 0, type = bytes ? "session.resumed" : "session.started") => ({
  type,
  session_id: SESSION,
  epoch: 1,
  received_ms: 0,
  received_bytes: bytes,
});

const ack = (bytes: number, committedMs = 0) => ({
  type: "audio.ack",
  received_ms: 0,
  committed_ms: committedMs,
  received_bytes: bytes,
});

/** Open the newest socket as a server does that has so many bytes. */
function greet(bytes = 0): void {
  network.last.open();
  network.last.tell(started(bytes));
}

function audio(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => valueAt(from + index));
}

const valueAt = (at: number) => (at * 31 + (at >> 8) * 7) & 0xff;
const bytes = (from: number, to: number) => [...audio(from, to - from)];
const types = () => events.flatMap(({ type }) => (type === "state" ? [] : [type]));
const own = (type: SpeakerEvent["type"]) => events.filter((event) => event.type === type);

describe("speaking", () => {
  it("configures first, and sends when the server has said how much it has", async () => {
    await speak({ options: { language: "en" } });
    speaker.send(audio(0, 640));
    expect(network.last.url.href).toBe(`wss://captions.test/base/v1/sessions/${SESSION}/audio`);
    expect(network.last.protocols).toEqual(["dragoman.v1", `dragoman.bearer.${KEY}`]);
    network.last.open();
    expect(network.last.messages).toEqual([
      {
        type: "session.configure",
        audio: { encoding: "pcm_s16le", sample_rate_hz: 16_000, channels: 1 },
        options: { language: "en" },
      },
    ]);
    expect(network.last.audio).toEqual([]);
    network.last.tell(started());
    expect(speaker.state.name).toBe("open");
    expect(network.last.audio).toEqual(bytes(0, 640));
    speaker.send(audio(640, 640).buffer as ArrayBuffer);
    speaker.send(new Int16Array(audio(1_280, 4).buffer as ArrayBuffer, 2, 1));
    expect(network.last.audio).toEqual([...bytes(0, 1_280), ...bytes(1_282, 1_284)]);
    expect(speaker.progress).toMatchObject({
      givenBytes: 1_282,
      sentBytes: 1_282,
      storedBytes: 0,
      unstoredMs: 40,
    });
  });

  it("does not fill a socket that does not empty itself", async () => {
    await speak();
    greet();
    network.last.onSent = (data) => {
      if (typeof data !== "string") network.last.bufferedAmount += data.length;
    };
    speaker.send(audio(0, 1_000_000));
    const first = network.last.audio.length;
    expect(first).toBeLessThanOrEqual(131_072 + 32_768);
    await pass(1_000);
    expect(network.last.audio.length).toBe(first);
    network.last.bufferedAmount = 0;
    await pass(50);
    expect(network.last.audio.length).toBeGreaterThan(first);
  });

  it("lets who sends a file wait for the server", async () => {
    await speak();
    greet();
    speaker.send(audio(0, 64_000));
    const outcomes: boolean[] = [];
    void speaker.drained(1_000).then((isDrained) => outcomes.push(isDrained));
    network.last.tell(ack(30_000));
    await pass();
    expect(outcomes).toEqual([]);
    network.last.tell(ack(32_000));
    await pass();
    expect(outcomes).toEqual([true]);
    void speaker.drained(0).then((isDrained) => outcomes.push(isDrained));
    speaker.close();
    await pass();
    expect(outcomes).toEqual([true, false]);
  });
});

describe("a lost connection", () => {
  it("is resumed from what the server has, with all events once", async () => {
    await speak();
    greet();
    speaker.send(audio(0, 3_200));
    network.last.tell(ack(1_600), final(1), final(2));
    network.last.drop(1006);
    speaker.send(audio(3_200, 640));
    speaker.flush();
    await pass(250);
    expect(network.last.url.searchParams.get("after")).toBe("e1:2");
    network.last.open();
    expect(network.last.messages).toEqual([expect.objectContaining({ resume_from_bytes: 0 })]);
    network.last.tell(started(1_920), snapshot(2), final(2), final(3));
    expect(network.last.audio).toEqual(bytes(1_920, 3_840));
    expect(network.last.messages.at(-1)).toEqual({ type: "audio.flush" });
    expect(types()).toEqual([
      "session.started",
      "audio.ack",
      "transcript.final",
      "transcript.final",
      "session.resumed",
      "transcript.final",
    ]);
  });

  it("is resumed also from before what was acknowledged, where Redis lost its last moments", async () => {
    await speak();
    greet();
    speaker.send(audio(0, 64_000));
    network.last.tell(ack(64_000));
    network.last.drop(4000);
    await pass();
    greet(32_000);
    expect(network.last.audio).toEqual(bytes(32_000, 64_000));
  });

  it("tells a reset where the server lost its results", async () => {
    await speak();
    greet();
    network.last.tell(final(5));
    network.last.drop(4000);
    await pass();
    greet();
    network.last.tell(snapshot(0, { recovered: false }), final(1));
    expect(types().slice(-2)).toEqual(["reset", "transcript.final"]);
  });

  it("that nobody is at any more is noticed by acknowledgements that are missing", async () => {
    await speak();
    greet();
    speaker.send(audio(0, 640));
    network.last.tell(ack(640));
    await pass(60_000);
    expect(network.sockets).toHaveLength(1); // all is acknowledged: silence is none of ours
    speaker.send(audio(640, 640));
    await pass(14_000);
    expect(network.sockets).toHaveLength(1);
    await pass(3_000);
    expect(network.sockets).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ state: { name: "connecting", reason: "no-answer" } });
    greet(640);
    expect(network.last.audio).toEqual(bytes(640, 1_280));
  });

  it("is not suspected so soon while the server holds the speaker back", async () => {
    await speak();
    greet();
    speaker.send(audio(0, 640));
    network.last.tell({ type: "session.lag", lag_ms: 31_000, reason: "backpressure" });
    await pass(50_000);
    expect(network.sockets).toHaveLength(1);
    await pass(15_000);
    expect(network.sockets).toHaveLength(2);
  });
});

describe("too much that is not stored", () => {
  it("loses its oldest samples, told, and the next connection says so", async () => {
    await speak({ keepMs: 1_000 });
    for (let at = 0; at < 96_000; at += 640) speaker.send(audio(at, 640));
    const dropped = own("tail-dropped");
    const oldest = speaker.progress.keptFromBytes;
    expect(dropped[0]).toMatchObject({ fromBytes: 0, startMs: 0, reason: "full" });
    expect(dropped.at(-1)).toMatchObject({ toBytes: oldest, endMs: Math.floor(oldest / BYTES_PER_MS) });
    network.last.open();
    expect(network.last.messages[0]).toMatchObject({ resume_from_bytes: oldest });
    network.last.tell(started(oldest));
    expect(network.last.audio).toEqual(bytes(oldest, 96_000));
  });

  it("makes a new connection where the old one cannot go on without a hole", async () => {
    await speak({ keepMs: 1_000 });
    greet();
    network.last.bufferedAmount = 1_000_000;
    for (let at = 0; at < 64_000; at += 640) speaker.send(audio(at, 640));
    await pass();
    expect(network.sockets.length).toBe(2);
    expect(network.last.url.pathname).toMatch(/audio$/);
    network.last.open();
    const { resume_from_bytes: oldest } = network.last.messages[0] as { resume_from_bytes?: number };
    expect(oldest).toBeGreaterThan(0);
    network.last.tell(started(oldest));
    expect(network.last.audio).toEqual(bytes(oldest ?? 0, 64_000));
  });

  it("is kept while the server is being told what there is, and no longer", async () => {
    await speak({ keepMs: 1_000 });
    network.last.open();
    for (let at = 0; at < 64_000; at += 640) speaker.send(audio(at, 640));
    expect(own("tail-dropped")).toEqual([]);
    network.last.tell(started());
    expect(network.last.audio).toEqual(bytes(0, 64_000));
    network.last.drop(4000);
    await pass();
    network.last.open();
    network.last.drop(1006);
    speaker.send(audio(64_000, 640));
    expect(own("tail-dropped")).toHaveLength(1);
  });

  it("ends a container whose beginning would be lost", async () => {
    await speak({ audio: { ...PCM, encoding: "webm_opus" }, keepBytes: 1_000 });
    expect(speaker.send(audio(0, 900))).toBe(true);
    expect(speaker.send(audio(900, 900))).toBe(false);
    expect(speaker.state).toMatchObject({ name: "refused", error: { code: "audio_overflow" } });
  });
});

describe("a speaker that says nothing", () => {
  it("is parked, and connects when there is something to send", async () => {
    await speak();
    greet();
    speaker.send(audio(0, 640));
    network.last.tell(ack(640));
    network.last.drop(4103);
    expect(speaker.state.name).toBe("parked");
    network.events.dispatchEvent(new Event("online"));
    await pass(600_000);
    expect(network.sockets).toHaveLength(1);
    speaker.send(audio(640, 640));
    await pass();
    greet(640);
    expect(network.last.audio).toEqual(bytes(640, 1_280));
  });

  it("is not parked while something is not stored", async () => {
    await speak();
    greet();
    speaker.send(audio(0, 640));
    network.last.drop(4103);
    expect(speaker.state).toMatchObject({ name: "waiting", reason: "idle", retryInMs: 1_000 });
  });

  it("leaves its parking to end", async () => {
    await speak();
    greet();
    network.last.drop(4103);
    const end = speaker.end();
    await pass();
    greet(0);
    expect(network.last.messages.at(-1)).toEqual({ type: "session.end" });
    network.last.tell(ended(9));
    expect((await end).reason).toBe("client");
  });
});

describe("the end", () => {
  it("is told after all audio, and resolves with the session's last event", async () => {
    await speak();
    speaker.send(audio(0, 640));
    const end = speaker.end();
    expect(speaker.send(audio(640, 640))).toBe(false);
    greet();
    expect(network.last.sent.slice(1)).toEqual([audio(0, 640), '{"type":"session.end"}']);
    network.last.tell(final(1), ended(2, 20));
    expect(await end).toMatchObject({ type: "session.ended", reason: "client" });
    expect(speaker.state).toEqual({ name: "ended", reason: "end" });
    expect(await speaker.end()).toMatchObject({ reason: "client" });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is heard as a viewer where the server takes no speaker any more", async () => {
    await speak();
    greet();
    speaker.send(audio(0, 640));
    network.last.tell(ack(640), final(1));
    const end = speaker.end();
    network.last.drop(1006);
    await pass(250);
    network.last.open();
    network.last.tell({
      type: "error",
      code: "session_ended",
      message: "ended",
      remedy: "",
      permanent: true,
    });
    network.last.drop(4410);
    await pass(8_000);
    expect(network.last.url.pathname).toMatch(/events$/);
    expect(network.last.url.searchParams.get("after")).toBe("e1:1");
    network.last.open();
    expect(network.last.sent).toEqual([]);
    network.last.tell(snapshot(1), final(2), ended(3, 20));
    expect((await end).ledger.received_ms).toBe(20);
    expect(types().filter((type) => type === "transcript.final")).toHaveLength(2);
    expect(own("tail-dropped")).toEqual([]);
  });

  it("tells what the session never received", async () => {
    await speak();
    greet();
    speaker.send(audio(0, 32_000));
    network.last.tell(ack(16_000));
    const end = speaker.end();
    network.last.drop(4410);
    await pass(8_000);
    network.last.tell(snapshot(1), ended(3, 500));
    await end;
    expect(own("tail-dropped")).toEqual([
      {
        type: "tail-dropped",
        reason: "session-ended",
        fromBytes: 16_000,
        toBytes: 32_000,
        startMs: 500,
        endMs: 1_000,
      },
    ]);
  });

  it("is asked for again where the server says nothing for a minute", async () => {
    await speak();
    greet();
    void speaker.end();
    await pass(59_000);
    expect(network.sockets).toHaveLength(1);
    await pass(3_000);
    expect(network.sockets).toHaveLength(2);
    greet();
    expect(network.last.messages.at(-1)).toEqual({ type: "session.end" });
  });

  it("rejects where the connection is closed, or over without the last event", async () => {
    await speak();
    const closed = speaker.end();
    speaker.close();
    await expect(closed).rejects.toMatchObject({ code: "closed" });
    await expect(speaker.end()).rejects.toMatchObject({ code: "closed" });
    await speak();
    greet();
    const over = speaker.end();
    network.last.drop(1000);
    await expect(over).rejects.toMatchObject({ code: "session_ended" });
  });
});

it("a credential that cannot be had is tried again, and breaks nothing", async () => {
  await speak({
    credential: () => {
      throw new Error("secret cause");
    },
  });
  expect(speaker.state).toMatchObject({ name: "waiting", reason: "no-credential" });
  expect(speaker.send(audio(0, 640))).toBe(true);
});

describe("a refusal", () => {
  it.each([4400, 4401, 4403, 4404, 4405, 4406, 4409, 4410, 4413, 4499])("by %i is for good", async (code) => {
    await speak();
    const next = speaker[Symbol.asyncIterator]().next();
    network.last.drop(code);
    expect(speaker.state).toMatchObject({ name: "refused", error: { closeCode: code } });
    await expect(next).resolves.toMatchObject({ value: { type: "state" } });
    await expect(speaker.end()).rejects.toMatchObject({ closeCode: code });
    expect(speaker.send(audio(0, 2))).toBe(false);
    await pass(600_000);
    expect(network.sockets).toHaveLength(1);
  });

  it("comes from this side where the server's audio is not ours", async () => {
    await speak();
    greet(64_000);
    expect(speaker.state).toMatchObject({ name: "refused", error: { code: "resume_impossible" } });
    expect(network.last.closedWith).toBe(1000);
  });

  it("does not come where the speaker goes on after another", async () => {
    await speak({ continues: true });
    speaker.send(audio(0, 640));
    greet(64_000);
    expect(network.last.audio).toEqual(bytes(0, 640));
    network.last.drop(4000);
    await pass();
    network.last.open();
    expect(network.last.messages[0]).toMatchObject({ resume_from_bytes: 64_000 });
  });

  it("does not come either where it had to drop some before", async () => {
    await speak({ continues: true, keepMs: 1_000 });
    for (let at = 0; at < 64_000; at += 640) speaker.send(audio(at, 640));
    greet(10_000);
    await pass();
    network.last.open();
    const { resume_from_bytes: oldest = 0 } = network.last.messages[0] as { resume_from_bytes?: number };
    network.last.tell(started(oldest));
    expect(network.last.audio).toEqual(bytes(oldest - 10_000, 64_000));
  });
});

/** A server that stores what comes, a while after it came, and breaks in every way that it may. */
async function live(seed: number): Promise<void> {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const stored: number[] = [];
  const gaps: [number, number][] = [];
  let results = 0;
  network.onSocket = (socket) => {
    if (random() < 0.2) return; // nobody answers
    queueMicrotask(() => socket.open());
    socket.onSent = (data) => {
      if (socket !== network.last || socket.closedWith !== null) return;
      if (typeof data !== "string") {
        if (random() < 0.97) stored.push(...data);
        else socket.drop(1006); // on its way when the connection broke
        return;
      }
      const message = JSON.parse(data);
      if (message.type === "session.end")
        socket.tell(ended(++results, Math.floor(stored.length / BYTES_PER_MS)));
      if (message.type !== "session.configure") return;
      const oldest = message.resume_from_bytes ?? 0;
      if (oldest > stored.length) gaps.push([stored.length, oldest]);
      while (stored.length < oldest) stored.push(-1);
      const after = socket.url.searchParams.get("after");
      queueMicrotask(() => {
        socket.tell(started(stored.length));
        if (after) socket.tell(snapshot(Number(after.split(":")[1])));
        // What was told since, and some of what was told before.
        const from = Math.max(1, Number(after?.split(":")[1] ?? 0) - below(2));
        for (let offset = from; offset <= results; offset += 1) socket.tell(final(offset));
      });
    };
  };
  await speak({ keepMs: 4_000, clock: { ...network.options().clock, random } });
  let given = 0;
  for (let step = 0; step < 150; step += 1) {
    const length = 2 * below(1_000);
    speaker.send(audio(given, length));
    given += length;
    const socket = network.last;
    const chance = random();
    if (speaker.state.name === "open") {
      if (chance < 0.3) socket.tell(ack(stored.length));
      else if (chance < 0.5) socket.tell(final(++results));
      else if (chance < 0.55) socket.drop([1006, 1012, 4000, 4001, 4100][below(5)] ?? 1006);
      else if (chance < 0.58)
        socket.onSent = () => {}; // half open: it takes all and says nothing
      else if (chance < 0.6) {
        stored.length = Math.max(0, stored.length - 2 * below(8_000)); // Redis was killed
        for (const gap of gaps) gap[1] = Math.min(gap[1], stored.length);
        socket.drop(4000);
      }
    }
    await pass(below(2_000));
  }
  const end = speaker.end();
  for (let wait = 0; wait < 200 && speaker.state.name !== "ended"; wait += 1) await pass(1_000);
  await end;
  expect(stored.length).toBe(given);
  const drops = events.flatMap((event): [number, number][] =>
    event.type === "tail-dropped" ? [[event.fromBytes, event.toBytes]] : [],
  );
  const isIn = (ranges: [number, number][], at: number) => ranges.some(([from, to]) => at >= from && at < to);
  stored.forEach((value, at) => {
    const isRight = value === -1 ? isIn(gaps, at) && isIn(drops, at) : value === valueAt(at);
    if (!isRight) throw new Error(`byte ${at} is ${value}`);
  });
  const offsets = events.flatMap((event) =>
    event.type === "transcript.final" ? [event.position?.offset] : [],
  );
  expect(offsets).toEqual(Array.from({ length: results - 1 }, (_, index) => index + 1));
}

it("brings every byte and every event across once, whatever happens to connections", async () => {
  for (let seed = 1; seed <= 25; seed += 1) {
    network = new FakeNetwork();
    await live(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
    });
  }
}, 60_000);
