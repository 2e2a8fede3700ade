"""What a real system sends fits the schema that clients are generated from."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import numpy as np
import websockets

from dragoman_contracts.websocket import SUBPROTOCOL
from dragoman_orchestration.cli.schema import websocket_document
from dragoman_whisper.engines.mock_speech import speak

DOCUMENT = websocket_document()
DEFS = DOCUMENT["$defs"]
LIMIT_S = 60
TYPES = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "null": type(None),
}  # fmt: skip


def wrong(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """Where a value does not fit; of JSON Schema what our document uses, and no field that it lacks."""
    if "$ref" in schema:
        return wrong(value, DEFS[schema["$ref"].rpartition("/")[2]], where)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            found = [wrong(value, option, where) for option in schema[word]]
            return [] if [] in found else min(found, key=len)
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r}"]
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return [f"{where}: no {schema['type']}"]
    found = []
    if isinstance(value, dict) and "properties" in schema:
        found += [f"{where}.{name}: missing" for name in schema.get("required", ()) if name not in value]
        for name, part in value.items():
            known = schema["properties"].get(name)
            found += [f"{where}.{name}: unknown"] if known is None else wrong(part, known, f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for part in value:
            found += wrong(part, schema["items"], f"{where}[]")
    return found


def test_what_does_not_fit_is_found() -> None:
    good = {"type": "session.presence", "speakers": 1, "viewers": 2}
    assert wrong(good, DEFS["ServerMessage"]) == []
    for bad in (
        {**good, "viewers": "2"},
        {**good, "more": 1},
        {"type": "session.presence"},
        {"type": "none"},
    ):
        assert wrong(bad, DEFS["ServerMessage"])


async def test_each_message_of_a_session_fits(mock_system: Any) -> None:
    headers = {"Authorization": f"Bearer {mock_system.key}"}
    async with httpx.AsyncClient(base_url=mock_system.url, headers=headers, trust_env=False) as http:
        wanted = {"language": "en", "translation": {"targets": ["es"]}}
        session = (await http.post("/v1/sessions", json=wanted)).json()
    early = asyncio.create_task(_viewed(session["events_url"], headers))
    spoken = await asyncio.wait_for(_speak(session["audio_url"], headers), LIMIT_S)
    viewed = await asyncio.wait_for(early, LIMIT_S)
    late = await asyncio.wait_for(_viewed(session["events_url"], headers), LIMIT_S)
    first = viewed[0]["position"]
    again = f"{session['events_url']}?after={first['epoch']}:{first['offset']}"
    resumed = await asyncio.wait_for(_viewed(again, headers), LIMIT_S)

    for messages, union in (
        (spoken, "ServerMessage"),
        (viewed, "ViewerMessage"),
        (late, "ViewerMessage"),
        (resumed, "ViewerMessage"),
    ):
        assert [fault for message in messages for fault in wrong(message, DEFS[union], message["type"])] == []
    seen = {message["type"] for message in (*spoken, *viewed)}
    assert {
        "session.started", "audio.ack", "session.snapshot", "transcript.partial", "transcript.final",
        "translation.final", "session.ended",
    } <= seen  # fmt: skip
    assert late[0]["finals"]
    assert late[0]["translations"]


async def _speak(url: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    quiet = np.zeros(16_000, np.float32)
    samples = np.concatenate([quiet, speak(range(100, 108)), quiet, speak(range(200, 206)), quiet])
    audio = (samples * 32_767).astype("<i2").tobytes()
    async with websockets.connect(url, additional_headers=headers, subprotocols=[SUBPROTOCOL]) as socket:
        audio_format = {"encoding": "pcm_s16le", "sample_rate_hz": 16_000, "channels": 1}
        await socket.send(json.dumps({"type": "session.configure", "audio": audio_format}))
        for begin in range(0, len(audio), 6400):
            await socket.send(audio[begin : begin + 6400])
            await asyncio.sleep(0.05)  # drafts are made of audio that comes, not of a whole utterance at once
        await socket.send(json.dumps({"type": "session.end"}))
        return [json.loads(message) async for message in socket]


async def _viewed(url: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    async with websockets.connect(url, additional_headers=headers, subprotocols=[SUBPROTOCOL]) as socket:
        return [json.loads(message) async for message in socket]
