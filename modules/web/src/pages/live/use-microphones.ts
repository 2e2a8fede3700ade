import { useEffect, useState } from "react";
import { microphones, onDevicesChanged } from "~/capture/microphone";

/** The microphones there are, also after one was plugged in or out; `known` changes when names may have come. */
export function useMicrophones(known: unknown): readonly MediaDeviceInfo[] {
  const [found, setFound] = useState<readonly MediaDeviceInfo[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: with a permission, the same devices have names
  useEffect(() => {
    let isCurrent = true;
    const look = () =>
      void microphones().then((all) => {
        if (isCurrent) setFound(all);
      });
    look();
    const leave = onDevicesChanged(look);
    return () => {
      isCurrent = false;
      leave();
    };
  }, [known]);
  return found;
}
