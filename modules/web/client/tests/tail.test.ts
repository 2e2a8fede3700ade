// @vitest-environment node

import { describe, expect, it } from "vitest";
import { AudioTail, type Mark } from "../src/tail.ts";
import { seeded } from "./support.ts";

const FLUSH: Mark = { type: "audio.flush" };
const END: Mark = { type: "session.end" };

function tail(limits: Partial<ConstructorParameters<typeof AudioTail>[0]> = {}): AudioTail {
  return new AudioTail({ alignBytes: 2, keepBytes: 1_024, marginBytes: 0, isContainer: false, ...limits });
}

/** Bytes that tell where they belong. */
function audio(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => valueAt(from + index));
}

const valueAt = (at: number) => (at * 31 + (at >> 8) * 7) & 0xff;

function drain(from: AudioTail, maxBytes = 64): (number[] | Mark)[] {
  const items: (number[] | Mark)[] = [];
  for (let item = from.next(maxBytes); item; item = from.next(maxBytes)) {
    items.push(item instanceof Uint8Array ? [...item] : item);
  }
  return items;
}

describe("what is sent next", () => {
  it("is all that was given, in order, in pieces of whole samples", () => {
    const given = tail();
    given.append(audio(0, 101));
    const pieces = drain(given, 33) as number[][];
    expect(pieces.every((piece) => piece.length <= 32 && piece.length % 2 === 0)).toBe(true);
    expect(pieces.flat()).toEqual([...audio(0, 100)]);
    given.append(audio(101, 1));
    expect(drain(given)).toEqual([[...audio(100, 2)]]);
  });

  it("keeps messages between the bytes that they belong between", () => {
    const given = tail();
    given.append(audio(0, 10));
    given.mark(FLUSH);
    given.append(audio(10, 10));
    given.mark(END);
    expect(drain(given)).toEqual([[...audio(0, 10)], FLUSH, [...audio(10, 10)], END]);
    given.resumeAt(10);
    expect(drain(given)).toEqual([FLUSH, [...audio(10, 10)], END]);
  });

  it("does not change when the caller writes into its buffer again", () => {
    const given = tail();
    const buffer = audio(0, 8);
    given.append(buffer);
    buffer.fill(0xff);
    expect(drain(given)).toEqual([[...audio(0, 8)]]);
  });
});

describe("what is kept", () => {
  it("is what is not stored, and the margin before it", () => {
    const given = tail({ keepBytes: 1_024, marginBytes: 128 });
    given.append(audio(0, 1_000));
    drain(given);
    given.acknowledge(600);
    expect(given.start).toBe(448); // whole blocks of 64 up to 600 - 128
    given.resumeAt(480);
    expect(drain(given, 2_000).flat()).toEqual([...audio(480, 520)]);
  });

  it("is dropped from its oldest end, in whole samples, when it is too much, and told", () => {
    const given = tail({ alignBytes: 6, keepBytes: 600 });
    let dropped = 0;
    for (let at = 0; at < 6_000; at += 60) {
      const range = given.append(audio(at, 60));
      if (!range) continue;
      expect(range).toEqual({ fromBytes: dropped, toBytes: given.start });
      dropped = range.toBytes;
    }
    expect(dropped).toBe(given.start);
    expect(given.start % 6).toBe(0);
    expect(given.end - given.start).toBeLessThanOrEqual(600);
    expect(given.end - given.start).toBeGreaterThan(500);
  });

  it("loses what is stored before anything that is not", () => {
    const given = tail({ keepBytes: 512, marginBytes: 512 });
    given.append(audio(0, 512));
    drain(given);
    given.acknowledge(512);
    expect(given.append(audio(512, 256))).toBeNull();
    expect(given.end - given.start).toBeLessThanOrEqual(512);
  });

  it("tells a hole where the connection still needed what is dropped", () => {
    const given = tail({ keepBytes: 256 });
    given.append(audio(0, 200));
    expect(given.hasHole).toBe(false);
    given.append(audio(200, 200));
    expect(given.hasHole).toBe(true);
    given.resumeAt(given.start);
    expect(given.hasHole).toBe(false);
    expect(drain(given).flat()).toEqual([...audio(given.start, 400 - given.start)]);
  });

  it("is all kept while the server is being told what is there", () => {
    const given = tail({ keepBytes: 256 });
    given.pin(true);
    expect(given.append(audio(0, 1_000))).toBeNull();
    given.resumeAt(0);
    expect(given.append(audio(1_000, 2))).toEqual({ fromBytes: 0, toBytes: given.start });
  });

  it("is never a container without its beginning", () => {
    const unsent = tail({ alignBytes: 1, keepBytes: 256, isContainer: true });
    unsent.append(audio(0, 256));
    expect(() => unsent.append(audio(256, 1))).toThrow(expect.objectContaining({ code: "audio_overflow" }));
    const begun = tail({ alignBytes: 1, keepBytes: 256, isContainer: true });
    begun.append(audio(0, 100));
    drain(begun);
    begun.acknowledge(100);
    expect(begun.append(audio(100, 400))).toMatchObject({ fromBytes: 100 });
  });
});

describe("resuming", () => {
  it("is refused where the server has more than was given, or less than is kept", () => {
    const given = tail({ marginBytes: 0 });
    given.append(audio(0, 256));
    drain(given);
    given.acknowledge(256);
    expect(() => given.resumeAt(258)).toThrow(expect.objectContaining({ code: "resume_impossible" }));
    expect(() => given.resumeAt(0)).toThrow(expect.objectContaining({ code: "resume_impossible" }));
  });

  it("goes on after another speaker where that is asked for", () => {
    const given = tail();
    given.append(audio(0, 20));
    given.mark(FLUSH);
    given.beginAt(500);
    given.resumeAt(500);
    expect([given.start, given.end]).toEqual([500, 520]);
    expect(drain(given)).toEqual([[...audio(0, 20)], FLUSH]);
  });
});

/** A server that stores what arrives, acknowledges some, and sometimes forgets its last moments. */
class Store {
  bytes: number[] = [];
  gaps: [number, number][] = [];
  forgotten: [number, number][] = [];

  take(piece: Uint8Array): void {
    this.bytes.push(...piece);
  }

  forget(length: number): void {
    const kept = Math.max(0, this.bytes.length - length);
    this.forgotten.push([kept, this.bytes.length]);
    this.bytes.length = kept;
    this.gaps = this.gaps.filter(([from]) => from < kept).map(([from, to]) => [from, Math.min(to, kept)]);
  }

  /** What `resume_from_bytes` does (docs/protocol.md). */
  resume(oldest: number): number {
    if (oldest > this.bytes.length) {
      this.gaps.push([this.bytes.length, oldest]);
      while (this.bytes.length < oldest) this.bytes.push(-1);
    }
    return this.bytes.length;
  }
}

/** One life of a session: audio is given, sent, stored, acknowledged, lost and sent again, by chance. */
function live(seed: number): void {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const alignBytes = [1, 2, 4, 6][below(4)] ?? 1;
  const marginBytes = below(400);
  const keepBytes = marginBytes * 2 + 200 + below(3_000);
  const given = tail({ alignBytes, keepBytes, marginBytes });
  const store = new Store();
  const dropped: [number, number][] = [];
  let wire: Uint8Array[] = [];
  let isConnected = false;

  const connect = () => {
    wire = [];
    given.resumeAt(store.resume(given.start));
    isConnected = true;
  };
  const send = () => {
    const piece = given.next(1 + below(200));
    if (piece instanceof Uint8Array) wire.push(piece.slice());
    if (given.hasHole) throw new Error("sent after a hole");
  };
  const steps = [
    () => {
      const range = given.append(audio(given.end, below(300)));
      if (range) dropped.push([range.fromBytes, range.toBytes]);
      if (given.hasHole) isConnected = false;
    },
    () => isConnected && send(),
    () => isConnected && send(),
    () => {
      const piece = isConnected ? wire.shift() : undefined;
      if (piece) store.take(piece);
    },
    () => {
      if (!isConnected) return;
      given.acknowledge(Math.max(0, store.bytes.length - below(50)));
    },
    () => {
      // The connection is lost: of what was on its way, some arrives and some does not.
      const arrived = below(wire.length + 1);
      for (const piece of wire.slice(0, arrived)) store.take(piece);
      wire = [];
      if (random() < 0.3) store.forget(below(marginBytes * 2));
      isConnected = false;
    },
    () => isConnected || connect(),
  ];
  for (let step = 0; step < 400; step += 1) steps[below(steps.length)]?.();

  connect();
  for (let piece = given.next(500); piece; piece = given.next(500)) store.take(piece as Uint8Array);
  const whole = Math.floor(given.end / alignBytes) * alignBytes;
  expect(store.bytes.length).toBe(whole);
  const isIn = (ranges: [number, number][]) => (at: number) =>
    ranges.some(([from, to]) => at >= from && at < to);
  const isGap = isIn(store.gaps);
  const wasTold = isIn([...dropped, ...store.forgotten]);
  store.bytes.forEach((value, at) => {
    if (value !== (isGap(at) ? -1 : valueAt(at))) throw new Error(`byte ${at} is ${value}`);
    if (isGap(at) && !wasTold(at)) throw new Error(`byte ${at} vanished`);
  });
}

it("brings each byte to the server once, at its place, or tells the gap, whatever happens", () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    try {
      live(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
    }
  }
}, 60_000);
