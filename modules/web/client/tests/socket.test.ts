// @vitest-environment node

/** The connections over real sockets, against a small server that speaks the protocol. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import { type DragomanOptions, SpeakerConnection, ViewerConnection } from "../src/index.ts";
import { ended, final, KEY, SESSION, snapshot } from "./support.ts";

const PCM = { encoding: "pcm_s16le", sampleRateHz: 16_000, channels: 1 } as const;

let server: WebSocketServer;
let options: DragomanOptions;
/** What the server's one session has. */
let stored: Buffer;
let connections: { path: string; protocols: string[] }[];
/** What happens on each connection after its first, in order: how it ends after so many bytes. */
let breaks: { afterBytes: number; by: (socket: WebSocket) => void }[];

beforeEach(async () => {
  stored = Buffer.alloc(0);
  connections = [];
  breaks = [];
  await listen({ port: 0 });
  const { port } = server.address() as AddressInfo;
  options = { url: `http://127.0.0.1:${port}`, credential: KEY, webSocket: WebSocket };
});

afterEach(async () => {
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

async function listen(where: ServerOptions): Promise<void> {
  server = new WebSocketServer({ ...where, host: "127.0.0.1", handleProtocols: () => "dragoman.v1" });
  server.on("connection", (socket, request) => {
    const protocols = (request.headers["sec-websocket-protocol"] ?? "").split(/, */);
    const path = request.url ?? "";
    connections.push({ path, protocols });
    const tell = (...messages: object[]) => {
      for (const message of messages) socket.send(JSON.stringify(message));
    };
    if (!protocols.includes(`dragoman.bearer.${KEY}`)) {
      tell({
        type: "error",
        code: "unauthenticated",
        message: "who are you?",
        remedy: "say it",
        permanent: true,
      });
      socket.close(4401);
    } else if (path.includes("/events")) watch(socket, tell, path);
    else listenTo(socket, tell);
  });
  await once(server, "listening");
}

type Tell = (...messages: object[]) => void;

function listenTo(socket: WebSocket, tell: Tell): void {
  const next = breaks.shift();
  socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary) {
      stored = Buffer.concat([stored, data]);
      tell({ type: "audio.ack", received_ms: 0, committed_ms: 0, received_bytes: stored.length });
      if (next && stored.length >= next.afterBytes) {
        socket.removeAllListeners("message");
        next.by(socket);
      }
      return;
    }
    const { type } = JSON.parse(data.toString());
    const epoch = connections.length;
    if (type === "session.configure") {
      tell({
        type: "session.resumed",
        session_id: SESSION,
        epoch,
        received_ms: 0,
        received_bytes: stored.length,
      });
    } else if (type === "session.end") {
      tell(final(1), ended(2, stored.length / 32));
      socket.close(1000);
    }
  });
}

function watch(socket: WebSocket, tell: Tell, path: string): void {
  const after = Number(new URL(path, "ws://x").searchParams.get("after")?.split(":")[1] ?? 0);
  tell(snapshot(after));
  if (after < 2) tell(final(1), final(2));
  if (after < 2) socket.terminate();
  else {
    tell(final(3), ended(4));
    socket.close(1000);
  }
}

it("a speaker brings all audio across connections that break in every way", async () => {
  breaks = [
    { afterBytes: 50_000, by: (socket) => socket.terminate() },
    { afterBytes: 150_000, by: (socket) => socket.close(4000) },
    { afterBytes: 300_000, by: (socket) => socket.close(1012) },
  ];
  const audio = Buffer.from(
    Uint8Array.from({ length: 600_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff),
  );
  const speaker = new SpeakerConnection({ ...options, sessionId: SESSION, audio: PCM });
  for (let at = 0; at < audio.length; at += 6_400) speaker.send(audio.subarray(at, at + 6_400));
  const { ledger } = await speaker.end();
  expect(ledger.received_ms).toBe(18_750);
  expect(connections).toHaveLength(4);
  expect(Buffer.compare(stored, audio)).toBe(0);
});

it("a viewer reads each event once over a connection that was torn", async () => {
  const viewer = new ViewerConnection({ ...options, sessionId: SESSION, languages: [] });
  const texts: string[] = [];
  for await (const event of viewer) if (event.type === "transcript.final") texts.push(event.text);
  expect(texts).toEqual(["text 1", "text 2", "text 3"]);
  expect(connections.map(({ path }) => path)).toEqual([
    `/v1/sessions/${SESSION}/events?languages=`,
    `/v1/sessions/${SESSION}/events?languages=&after=e1%3A2`,
  ]);
  expect(connections[0]?.protocols).toEqual(["dragoman.v1", `dragoman.bearer.${KEY}`]);
});

it("a refusal ends the iterator with the server's own reason, and shows no credential", async () => {
  const viewer = new ViewerConnection({ ...options, credential: "wrong-key", sessionId: SESSION });
  const read = (async () => {
    for await (const _ of viewer);
  })();
  await expect(read).rejects.toMatchObject({ closeCode: 4401, code: "unauthenticated", remedy: "say it" });
  await read.catch((error: Error) =>
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain("wrong-key"),
  );
});

it("a speaker that began before its server loses nothing", async () => {
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const speaker = new SpeakerConnection({ ...options, sessionId: SESSION, audio: PCM });
  speaker.send(Buffer.alloc(3_200, 7));
  await new Promise((resolve) =>
    speaker.on("state", ({ state }) => state.name === "waiting" && resolve(state.reason)),
  );
  await listen({ port });
  await speaker.end();
  expect(Buffer.compare(stored, Buffer.alloc(3_200, 7))).toBe(0);
});
