import type { SpeakerConnection, SpeakerEvent, SpeakerProgress } from "@dragoman/client";
import { DragomanError } from "@dragoman/client";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Meter } from "~/capture/level";
import type { AudioSource } from "~/capture/source";
import { interruptedSession } from "./interrupted";
import { Speaking, type Target } from "./speaking";

const TARGET: Target = { sessionId: "0f3c", title: "Board", language: "en", goesOn: false };
const LEDGER = {
  received_ms: 4_000,
  transcribed_ms: 4_000,
  silence_ms: 0,
  pending_ms: 0,
  gap_ms: 0,
  gaps: [],
};

class FakeSource implements AudioSource {
  readonly kind = "microphone";
  readonly label = "Test";
  readonly format = { encoding: "pcm_s16le", sampleRateHz: 16_000, channels: 1 } as const;
  readonly meter = new Meter();
  readonly calls: string[] = [];
  onChunk: AudioSource["onChunk"] = () => {};
  onEnded: AudioSource["onEnded"] = () => {};
  start() {
    this.calls.push("start");
  }
  setMuted(muted: boolean) {
    this.calls.push(muted ? "mute" : "unmute");
  }
  async setPaused(paused: boolean) {
    if (paused) this.onChunk(Uint8Array.of(9));
    this.calls.push(paused ? "pause" : "go on");
  }
  async stop() {
    this.calls.push("stop");
  }
}

class FakeConnection {
  state = { name: "open" };
  progress = { unstoredMs: 0, givenBytes: 0, storedBytes: 0 } as SpeakerProgress;
  readonly did: unknown[] = [];
  readonly #handlers: [string, (event: never) => void][] = [];
  on(type: string, handler: (event: never) => void) {
    this.#handlers.push([type, handler]);
    return () => {};
  }
  onAny(handler: (event: never) => void) {
    return this.on("*", handler);
  }
  send(bytes: Uint8Array) {
    this.did.push(...bytes);
    return true;
  }
  flush() {
    this.did.push("flush");
  }
  end() {
    this.did.push("end");
    return Promise.resolve();
  }
  close() {
    this.did.push("close");
  }
  tell(event: SpeakerEvent) {
    for (const [type, handler] of this.#handlers) {
      if (type === event.type || type === "*") handler(event as never);
    }
  }
}

let source: FakeSource;
let connection: FakeConnection;
let speaking: Speaking;

beforeEach(() => {
  source = new FakeSource();
  connection = new FakeConnection();
  speaking = new Speaking(TARGET, source, () => connection as unknown as SpeakerConnection);
});

afterEach(() => {
  connection.tell({ type: "session.ended", reason: "client", ledger: LEDGER });
});

/** Whether the browser would ask before the page is left. */
function asksBeforeLeaving(): boolean {
  return !window.dispatchEvent(new Event("beforeunload", { cancelable: true }));
}

function final(id: string, text: string): SpeakerEvent {
  const times = { start_ms: 0, end_ms: 1, confidence: 1, revision: 1, words: [] };
  return { type: "transcript.final", segment_id: id, text, language: "en", speaker: null, ...times };
}

it("what the source gives is sent, from the start", () => {
  source.onChunk(Uint8Array.of(1, 2));
  expect(source.calls).toEqual(["start"]);
  expect(connection.did).toEqual([1, 2]);
  expect(asksBeforeLeaving()).toBe(true);
});

it("a pause flushes after the last of what was heard", async () => {
  await speaking.setPaused(true);
  expect(connection.did).toEqual([9, "flush"]);
  expect(speaking.state().paused).toBe(true);
  await speaking.setPaused(false);
  expect(source.calls).toEqual(["start", "pause", "go on"]);
  expect(connection.did).toEqual([9, "flush"]);
});

it("stopping ends the session after the source, and the result comes when it is transcribed", async () => {
  await speaking.stop();
  expect(source.calls.at(-1)).toBe("stop");
  expect(connection.did).toEqual(["end"]);
  expect(speaking.state().phase).toBe("finishing");
  expect(asksBeforeLeaving()).toBe(true);
  connection.tell({ type: "session.ended", reason: "client", ledger: LEDGER });
  expect(speaking.state()).toMatchObject({ phase: "ended", result: { reason: "client" } });
  expect(asksBeforeLeaving()).toBe(false);
});

it("a device that is lost pauses the session and keeps it", async () => {
  source.onEnded("lost");
  await expect.poll(() => speaking.state().sourceEnd).toBe("lost");
  expect(speaking.state()).toMatchObject({ phase: "live", paused: true });
  expect(connection.did).not.toContain("end");
});

it("a file that is finished ends its session", async () => {
  source.onEnded("finished");
  await expect.poll(() => connection.did).toContain("end");
});

it("words are counted once, however often a final is told", () => {
  connection.tell(final("s1", "Good morning Anna"));
  connection.tell(final("s2", "Hello"));
  connection.tell(final("s2", "Hello Robert"));
  expect(speaking.state().words).toBe(5);
});

it("a refusal lets the device go and says why", () => {
  const error = new DragomanError("conflict", "another connection took over");
  connection.tell({ type: "state", state: { name: "refused", error } });
  expect(speaking.state()).toMatchObject({ phase: "failed", error });
  expect(source.calls).toContain("stop");
  expect(asksBeforeLeaving()).toBe(false);
});

it("audio that had to be given up is told in all", () => {
  const range = { fromBytes: 0, toBytes: 1, reason: "full" } as const;
  connection.tell({ type: "tail-dropped", startMs: 1_000, endMs: 3_000, ...range });
  connection.tell({ type: "tail-dropped", startMs: 3_000, endMs: 3_500, ...range });
  expect(speaking.state().droppedMs).toBe(2_500);
});

it("a session can be gone on with after a reload, until it has ended", () => {
  expect(interruptedSession()).toMatchObject({ sessionId: "0f3c", title: "Board" });
  connection.tell({ type: "session.ended", reason: "client", ledger: LEDGER });
  expect(interruptedSession()).toBeNull();
});

it("whoever leaves without what was not sent, leaves at once", async () => {
  await speaking.stop();
  speaking.abandon();
  expect(connection.did.at(-1)).toBe("close");
  expect(speaking.state().phase).toBe("ended");
  expect(asksBeforeLeaving()).toBe(false);
});
