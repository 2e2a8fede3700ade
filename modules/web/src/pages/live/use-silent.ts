import { useEffect, useState } from "react";
import type { Meter } from "~/capture/level";

/** Less than the noise of any microphone that is on, -66 dB. */
const DEAD_PEAK = 0.0005;
const SILENT_MS = 10_000;

/** Whether nothing at all has come for a while: a switch on the device, or the system, holds it back. */
export function useSilent(meter: Meter, isExpected: boolean): boolean {
  const [isSilent, setSilent] = useState(false);
  useEffect(() => {
    if (isExpected) return;
    let heardMs = performance.now();
    const leave = meter.subscribe(({ peak }) => {
      const nowMs = performance.now();
      if (peak > DEAD_PEAK) heardMs = nowMs;
      setSilent(nowMs - heardMs > SILENT_MS);
    });
    return () => {
      leave();
      setSilent(false);
    };
  }, [meter, isExpected]);
  return isSilent;
}
