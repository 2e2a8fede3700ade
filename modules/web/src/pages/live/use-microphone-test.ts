import { useEffect, useRef, useState } from "react";
import { openMicrophone } from "~/capture/microphone";
import { StreamSource } from "~/capture/stream-source";
import type { Choices } from "./choices";
import { possibleQuality } from "./open-source";

export interface MicrophoneTest {
  /** The open microphone; null while none is tested. */
  readonly source: StreamSource | null;
  readonly problem: unknown;
  run(): Promise<void>;
  end(): void;
  clearProblem(): void;
  /** The open microphone, if it is what the choices say now; whoever takes it closes it. */
  take(): StreamSource | null;
}

/** Opens the microphone before the start, when the user asks for it. */
export function useMicrophoneTest(choices: Choices): MicrophoneTest {
  const [source, setSource] = useState<StreamSource | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const open = useRef<StreamSource | null>(null);
  // Another device, or other settings of it: the test is about something else.
  const key = JSON.stringify([choices.source, choices.microphone, choices.quality]);

  const put = (next: StreamSource | null) => {
    open.current = next;
    setSource(next);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is tested ends when the key changes, and with the page
  useEffect(
    () => () => {
      void open.current?.stop();
      open.current = null;
      setSource(null);
    },
    [key],
  );
  return {
    source,
    problem,
    run: async () => {
      setProblem(null);
      try {
        const stream = await openMicrophone(choices.microphone);
        const opened = await StreamSource.open("microphone", stream, possibleQuality(choices.quality));
        await open.current?.stop();
        opened.onEnded = () => put(null);
        put(opened);
      } catch (error) {
        setProblem(error);
      }
    },
    end: () => {
      void open.current?.stop();
      put(null);
    },
    clearProblem: () => setProblem(null),
    take: () => {
      const taken = open.current;
      put(null);
      return taken;
    },
  };
}
