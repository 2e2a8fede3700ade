"""``@dragoman/client`` in Node against the real system: a speaker, a viewer, an API that is killed twice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_client import API, EXPECTED, NUMBERS

from dragoman_client import Dragoman
from dragoman_whisper.engines.mock_speech import speak

WEB = Path(__file__).parents[2] / "modules" / "web"
TSC = WEB / "node_modules" / "typescript" / "bin" / "tsc"
WS = WEB / "node_modules" / "ws" / "wrapper.mjs"
BUILD_LIMIT_S, RUN_LIMIT_S = 60.0, 60.0

SCRIPT = """
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
const { AUDIO, CLIENT, KEY, SESSION, URL, WS } = process.env;
const { SpeakerConnection, ViewerConnection } = await import(CLIENT);
const { WebSocket } = await import(WS);

const options = { url: URL, credential: KEY, webSocket: WebSocket, sessionId: SESSION };
const speaker = new SpeakerConnection({
  ...options, audio: { encoding: "pcm_s16le", sampleRateHz: 16000, channels: 1 },
});
const viewer = new ViewerConnection(options);
const told = (who, connection) =>
  connection.onAny((event) => console.log(JSON.stringify({ who, ...event })));
told("speaker", speaker);
told("viewer", viewer);

const audio = readFileSync(AUDIO);
for (let at = 0; at < audio.length; at += 1280) {
  speaker.send(audio.subarray(at, at + 1280));
  await pause(40);
}
await speaker.end();
for await (const _ of viewer);
"""

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not TSC.exists() or not WS.exists(),
    reason="node, or what 'npm ci' in modules/web installs, is missing",
)


async def run(*command: str | Path, limit_s: float, **environment: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), limit_s)
    assert process.returncode == 0, output.decode()


@pytest.fixture
async def client(tmp_path: Path) -> Path:
    """The package as it is published: plain ES modules."""
    config = WEB / "client" / "tsconfig.build.json"
    await run("node", TSC, "-p", config, "--outDir", tmp_path / "client", limit_s=BUILD_LIMIT_S)
    (tmp_path / "client" / "package.json").write_text('{"type": "module"}')
    return tmp_path / "client" / "index.js"


def recording(path: Path) -> Path:
    """Two utterances with a pause after each, as raw samples."""
    pause = bytes(32_000)
    words = [(speak(part) * 32_767).astype("<i2").tobytes() for part in (NUMBERS[:4], NUMBERS[4:])]
    path.write_bytes(words[0] + pause + words[1] + pause)
    return path


def words_of(events: list[dict[str, Any]]) -> list[str]:
    """The words of all finals, in snapshots and after them."""
    finals = [final for event in events for final in event.get("snapshot", event).get("finals", [])]
    finals += [event for event in events if event["type"] == "transcript.final"]
    return [word["text"].strip() for final in finals for word in final["words"]]


async def test_speaker_and_viewer_in_node_outlast_an_api_that_is_killed_twice(
    dragoman_up: Any, client: Path, tmp_path: Path
) -> None:
    up = dragoman_up("--profile", "mock")
    heard: dict[str, list[dict[str, Any]]] = {"speaker": [], "viewer": []}
    (tmp_path / "speak.mjs").write_text(SCRIPT)
    # On a busy machine, the ledger may be asked for while the API is just away.
    async with Dragoman(up.url, key=up.key, wait_s=30) as dragoman:
        session = await dragoman.create_session()
        node = await asyncio.create_subprocess_exec(
            "node",
            str(tmp_path / "speak.mjs"),
            env={
                "PATH": os.environ["PATH"],
                "AUDIO": str(recording(tmp_path / "audio.raw")),
                "CLIENT": client.as_uri(),
                "KEY": up.key,
                "SESSION": session.id,
                "URL": up.url,
                "WS": WS.as_uri(),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=16 * 1024 * 1024,
        )
        assert node.stdout is not None
        assert node.stderr is not None
        kills = resumed = 0
        try:
            async with asyncio.timeout(RUN_LIMIT_S):
                async for line in node.stdout:
                    event = json.loads(line)
                    heard[event.pop("who")].append(event)
                    resumed += event["type"] == "session.resumed"
                    # At the first partial, and at the first final that comes over the new connection.
                    awaited = "transcript.final" if resumed else "transcript.partial"
                    if kills == resumed < 2 and event["type"] == awaited:
                        up.child(*API).kill()
                        kills += 1
                await node.wait()
        finally:
            if node.returncode is None:
                node.kill()
        errors = (await node.stderr.read()).decode()
        ledger = await dragoman.ledger(session.id)

    assert node.returncode == 0, errors
    assert up.key not in errors
    assert kills == 2
    # After the second kill the session may have its end already; then the speaker hears the rest as a viewer.
    assert resumed in {1, 2}
    assert words_of(heard["speaker"]) == EXPECTED
    assert words_of(heard["viewer"]) == EXPECTED
    for events in heard.values():
        assert events[-2]["type"] == "session.ended"
        assert events[-1]["state"] == {"name": "ended", "reason": "end"}
        assert not [event for event in events if event["type"] in {"reset", "tail-dropped", "audio.gap"}]
    assert ledger.is_complete
    assert ledger.gap_ms == 0
