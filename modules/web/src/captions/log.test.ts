import { describe, expect, it, vi } from "vitest";
import { CaptionLog, type NextFrame } from "./log";
import type { CaptionEvent } from "./state";

function frames(): { next: NextFrame; paint: () => void } {
  let due: (() => void)[] = [];
  return {
    next: (run) => due.push(run),
    paint: () => {
      const now = due;
      due = [];
      for (const run of now) run();
    },
  };
}

const lag = (ms: number): CaptionEvent => ({ type: "session.lag", lag_ms: ms, reason: "" });

describe("CaptionLog", () => {
  it("tells once a frame, however much happened in it", () => {
    const { next, paint } = frames();
    const log = new CaptionLog(next);
    const tell = vi.fn();
    log.subscribe(tell);
    for (let ms = 1; ms < 50; ms += 1) log.push(lag(ms));
    expect(tell).not.toHaveBeenCalled();
    expect(log.state().lag).toBeNull();
    paint();
    expect(tell).toHaveBeenCalledTimes(1);
    expect(log.state().lag?.ms).toBe(49);
    paint();
    expect(tell).toHaveBeenCalledTimes(1);
  });

  it("tells nobody of what changes nothing", () => {
    const { next, paint } = frames();
    const log = new CaptionLog(next);
    const tell = vi.fn();
    log.subscribe(tell);
    log.push({ type: "audio.ack", received_ms: 1, committed_ms: 1, received_bytes: 1 });
    paint();
    expect(tell).not.toHaveBeenCalled();
  });

  it("goes on telling others when one leaves while it is told", () => {
    const { next, paint } = frames();
    const log = new CaptionLog(next);
    const others = vi.fn();
    const leave = log.subscribe(() => leave());
    log.subscribe(others);
    log.push(lag(1));
    paint();
    log.push(lag(2));
    paint();
    expect(others).toHaveBeenCalledTimes(2);
  });

  it("tells also where no frame is painted, as in a hidden tab", () => {
    vi.useFakeTimers();
    vi.stubGlobal("requestAnimationFrame", () => 0);
    try {
      const log = new CaptionLog();
      const tell = vi.fn();
      log.subscribe(tell);
      log.push(lag(1));
      vi.advanceTimersByTime(1_000);
      expect(tell).toHaveBeenCalledTimes(1);
    } finally {
      vi.unstubAllGlobals();
      vi.useRealTimers();
    }
  });
});
