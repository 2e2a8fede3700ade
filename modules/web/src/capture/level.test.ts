import { expect, it } from "vitest";
import { isClipping, LevelWindow, Meter, meterPosition, SILENCE } from "./level";

it("a window tells rms and peak once it is full, and begins anew", () => {
  const window = new LevelWindow(4);
  expect(window.push(Float32Array.of(0.5, -0.5))).toBeNull();
  expect(window.push(Float32Array.of(0.5, -0.5))).toEqual({ rms: 0.5, peak: 0.5 });
  expect(window.push(new Float32Array(4))).toEqual(SILENCE);
});

it("a meter shows decibels: full scale at its end, -60 dB and less at its beginning", () => {
  expect(meterPosition(1)).toBe(1);
  expect(meterPosition(0.001)).toBeCloseTo(0, 5);
  expect(meterPosition(0.0316)).toBeCloseTo(0.5, 2);
  expect(meterPosition(0)).toBe(0);
  expect(meterPosition(Number.NaN)).toBe(0);
});

it("clipping is told from loud", () => {
  expect(isClipping({ rms: 0.4, peak: 0.9 })).toBe(false);
  expect(isClipping({ rms: 0.4, peak: 1 })).toBe(true);
});

it("a meter tells its listeners until they leave", () => {
  const meter = new Meter();
  const heard: number[] = [];
  const leave = meter.subscribe((level) => heard.push(level.peak));
  meter.set({ rms: 0, peak: 0.1 });
  leave();
  meter.set({ rms: 0, peak: 0.2 });
  expect(heard).toEqual([0.1]);
  expect(meter.level.peak).toBe(0.2);
});
