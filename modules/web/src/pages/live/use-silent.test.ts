import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Meter } from "~/capture/level";
import { useSilent } from "./use-silent";

beforeEach(() => vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => vi.useRealTimers());

function hear(meter: Meter, peak: number, forMs: number) {
  act(() => {
    for (let at = 0; at < forMs; at += 50) {
      vi.advanceTimersByTime(50);
      meter.set({ rms: peak / 2, peak });
    }
  });
}

it("a microphone that gives nothing at all is noticed, and that it gives something again", () => {
  const meter = new Meter();
  const { result } = renderHook(() => useSilent(meter, false));
  hear(meter, 0.002, 30_000);
  expect(result.current).toBe(false);
  hear(meter, 0, 9_000);
  expect(result.current).toBe(false);
  hear(meter, 0, 2_000);
  expect(result.current).toBe(true);
  hear(meter, 0.002, 50);
  expect(result.current).toBe(false);
});

it("silence that was asked for is none", () => {
  const meter = new Meter();
  const { result, rerender } = renderHook(({ muted }) => useSilent(meter, muted), {
    initialProps: { muted: false },
  });
  hear(meter, 0, 11_000);
  expect(result.current).toBe(true);
  rerender({ muted: true });
  hear(meter, 0, 11_000);
  expect(result.current).toBe(false);
});
