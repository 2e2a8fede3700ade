import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FileSource } from "./file-source";

const RATE_HZ = 16_000;
let decoded: Float32Array[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal(
    "OfflineAudioContext",
    class {
      async decodeAudioData() {
        return { numberOfChannels: decoded.length, getChannelData: (index: number) => decoded[index] };
      }
    },
  );
  vi.stubGlobal(
    "Audio",
    class {
      duration = 1;
      onloadedmetadata = () => {};
      removeAttribute() {}
      set src(_: string) {
        queueMicrotask(() => this.onloadedmetadata());
      }
    },
  );
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function open(pace: "fast" | "spoken", seconds: number) {
  decoded = [new Float32Array(RATE_HZ * seconds).fill(0.5), new Float32Array(RATE_HZ * seconds)];
  const source = await FileSource.open(new File(["x"], "talk.wav"), pace);
  const given = { bytes: 0, ended: "" };
  source.onChunk = (bytes) => {
    given.bytes += bytes.length;
  };
  source.onEnded = (why) => {
    given.ended = why;
  };
  return { source, given };
}

it("a fast file is given at once, all of it, and then it is finished", async () => {
  const { source, given } = await open("fast", 2.55);
  expect(source.durationMs).toBe(2_550);
  source.start();
  await vi.advanceTimersByTimeAsync(60);
  expect(given).toEqual({ bytes: 2.55 * RATE_HZ * 2, ended: "finished" });
});

it("a fast file waits while the server has no room", async () => {
  const { source, given } = await open("fast", 10);
  source.hasRoom = () => given.bytes < RATE_HZ * 2 * 3;
  source.start();
  await vi.advanceTimersByTimeAsync(500);
  expect(source.givenMs).toBe(3_000);
  expect(given.ended).toBe("");
});

it("a file at speaking speed keeps to the clock, also where timers are called seldom", async () => {
  const { source } = await open("spoken", 10);
  source.start();
  await vi.advanceTimersByTimeAsync(1_050);
  expect(source.givenMs).toBeGreaterThan(900);
  expect(source.givenMs).toBeLessThanOrEqual(1_150);
});

it("a pause stops the clock of a file", async () => {
  const { source } = await open("spoken", 10);
  source.start();
  await vi.advanceTimersByTimeAsync(1_000);
  const beforeMs = source.givenMs;
  await source.setPaused(true);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(source.givenMs).toBe(beforeMs);
  await source.setPaused(false);
  await vi.advanceTimersByTimeAsync(500);
  expect(source.givenMs - beforeMs).toBeLessThanOrEqual(600);
  expect(source.givenMs).toBeGreaterThan(beforeMs);
});

it("an empty file and one that is too large are refused", async () => {
  await expect(FileSource.open(new File([], "no.wav"), "fast")).rejects.toMatchObject({ code: "empty" });
  const huge = new File(["x"], "huge.wav");
  Object.defineProperty(huge, "size", { value: 2e9 });
  await expect(FileSource.open(huge, "fast")).rejects.toMatchObject({ code: "too-large" });
});
