import { describe, expect, it } from "vitest";
import { Framer, toInt16, toMono } from "./pcm";

const ramp = (length: number, from = 0) => Float32Array.from({ length }, (_, i) => (from + i) / 0x7fff);

describe("samples", () => {
  it("keep their ends and their silence", () => {
    expect([...toInt16(Float32Array.of(-1, 0, 1, 0.5, -0.5))]).toEqual([-32768, 0, 32767, 16384, -16384]);
  });

  it("are cut off where they are too loud, and silent where they are no numbers", () => {
    expect([...toInt16(Float32Array.of(1.7, -3, Number.NaN))]).toEqual([32767, -32768, 0]);
  });

  it("of several channels are mixed by their mean", () => {
    expect([...toMono([Float32Array.of(1, 0), Float32Array.of(0, -1)])]).toEqual([0.5, -0.5]);
    expect(toMono([])).toHaveLength(0);
  });
});

describe("a framer", () => {
  it("gives every sample once and in order, whatever the blocks are", () => {
    const framer = new Framer(1_600);
    const frames: Int16Array[] = [];
    for (let at = 0; at < 4_096; at += 128) framer.push(ramp(128, at), (frame) => frames.push(frame));
    expect(frames.map((frame) => frame.length)).toEqual([1_600, 1_600]);
    const rest = framer.flush();
    const all = [...frames, rest ?? new Int16Array(0)].flatMap((frame) => [...frame]);
    expect(all).toEqual(Array.from({ length: 4_096 }, (_, i) => i));
    expect(framer.flush()).toBeNull();
  });

  it("cuts a block that is longer than a frame", () => {
    const framer = new Framer(100);
    const frames: Int16Array[] = [];
    framer.push(ramp(350), (frame) => frames.push(frame));
    expect(frames).toHaveLength(3);
    expect(framer.flush()).toHaveLength(50);
  });
});
