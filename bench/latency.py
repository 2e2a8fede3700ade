"""What translation adds to a caption: from a final's arrival at a viewer to that of its translation.

By engine and load. The mock engine translates the mock recogniser's words; ctranslate2 and apertium translate
what the small real recogniser hears of real sentences, of which the sessions of the larger load speak one
every 12 s: so the recogniser, which shares the machine, is not what is measured. The real engines have one
language to go to: their targets are its regional variants, each of which is asked for and translated by
itself. Drafts are on, as they are by default: a final may have to wait for one that is under way.

``cores_used`` are those of the system and its load, ``cores_busy`` of all that ran on the machine: figures of
a machine that was busy with something else tell nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import numpy as np
import psutil
from faster_whisper.audio import decode_audio
from websockets.asyncio.client import connect

from bench.harness import (
    AUDIO,
    RATE_HZ,
    Figures,
    ProcessCosts,
    api_client,
    create_session,
    metric,
    percentile,
    say,
    speak_live,
    stack,
    to_frames,
)
from bench.overhead import program
from dragoman_contracts.websocket import (
    TranscriptFinal,
    TranslationFailedMessage,
    TranslationFinal,
    TranslationPartial,
    parse_server_message,
)
from dragoman_orchestration.cli.stack import RunningStack
from dragoman_runtime.ports import held_port

MOCK_TARGETS = ("es", "de", "fr", "it", "pt", "nl", "pl", "cs", "sv", "da")
SPANISH = ("es", "es-MX", "es-AR", "es-CO", "es-CL", "es-PE", "es-US", "es-CR", "es-UY", "es-EC")
PAIRS = "/usr/share/apertium"
APY_START_S = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """So many sessions into so many languages; ``period_s`` is the time between two sentences of one."""

    sessions: int
    targets: int
    period_s: float
    seconds: int

    @property
    def name(self) -> str:
        """As in the figures."""
        return f"{self.sessions}x{self.targets}"


def loads(*, quick: bool) -> list[Load]:
    """One session into many languages, many sessions into a few."""
    return [Load(1, 10, 5, 10 if quick else 30), Load(50, 3, 12, 12 if quick else 36)]


@dataclass(slots=True)
class Reader:
    """What one viewer has read: when each final came, and when its translations did (monotonic seconds)."""

    finals: dict[tuple[str, int], float] = field(default_factory=dict)
    added_ms: list[float] = field(default_factory=list)
    drafts: int = 0
    failed: int = 0
    ended: bool = False

    def take(self, arrival: float, data: str | bytes) -> None:
        """Note a message."""
        message = parse_server_message(data)
        match message:
            case TranscriptFinal():
                self.finals[message.segment_id, message.revision] = arrival
            case TranslationFinal():
                heard = self.finals[message.segment_id, message.revision]
                self.added_ms.append((arrival - heard) * 1000)
            case TranslationPartial():
                self.drafts += 1
            case TranslationFailedMessage():
                self.failed += 1


async def read(running: RunningStack, session_id: str, targets: Sequence[str], reader: Reader) -> None:
    """Watch a session to its end."""
    url = running.url.replace("http", "ws", 1) + f"/v1/sessions/{session_id}/events"
    headers = {"authorization": f"Bearer {running.key}"}
    query = f"?languages={','.join(targets)}"
    async with connect(url + query, additional_headers=headers, compression=None, max_queue=None) as socket:
        async for message in socket:
            reader.take(time.monotonic(), message)
    reader.ended = True


def sentences(load: Load) -> list[list[bytes]]:
    """For each session real sentences of several voices, one a period."""
    files = [*sorted(AUDIO.glob("en_seen_*.wav")), *sorted(AUDIO.glob("en_heldout_*.wav"))]
    period = int(load.period_s * RATE_HZ)
    parts = []
    for file in files:
        samples = decode_audio(str(file))[:period]
        parts.append(np.concatenate([samples, np.zeros(period - len(samples), dtype=np.float32)]))
    rounds = int(load.seconds // load.period_s)
    programs = []
    for session in range(load.sessions):
        chosen = [parts[(session + turn) % len(parts)] for turn in range(rounds)]
        programs.append(to_frames(np.concatenate(chosen)))
    return programs


def words(load: Load) -> list[list[bytes]]:
    """For each session mock speech without a break."""
    programs = [program(load.seconds, seed) for seed in range(min(load.sessions, 10))]
    return [programs[session % len(programs)] for session in range(load.sessions)]


async def translate_live(
    running: RunningStack,
    http: httpx.AsyncClient,
    load: Load,
    programs: list[list[bytes]],
    targets: Sequence[str],
) -> Figures:
    """Speak all sessions and read all of their translations."""
    readers = [Reader() for _ in programs]
    before = await service_counts(http, running)
    costs = ProcessCosts(running)
    psutil.cpu_percent()
    ids = [
        await create_session(http, language="en", translation={"targets": list(targets)}) for _ in programs
    ]
    async with asyncio.timeout(load.seconds + load.period_s + 60):
        await asyncio.gather(
            *(read(running, one, targets, reader) for one, reader in zip(ids, readers, strict=True)),
            *(
                speak_live(
                    running,
                    one,
                    frames,
                    delay_s=1 + load.period_s * number / load.sessions,
                    keep=lambda _: False,
                )
                for number, (one, frames) in enumerate(zip(ids, programs, strict=True))
            ),
        )
    after = await service_counts(http, running)
    return {
        **figures_of(readers, {name: after[name] - before[name] for name in before}, len(targets)),
        "cores_used": round(sum(costs.cpu_ms_per_session_second(1).values()) / 1000, 2),
        "cores_busy": round(psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1), 2),
    }


def figures_of(readers: Sequence[Reader], counts: dict[str, float], targets: int) -> Figures:
    """What was read, and what the service did for it."""
    added_ms = [value for reader in readers for value in reader.added_ms]
    finals = sum(len(reader.finals) for reader in readers)
    return {
        "added_ms_p50": percentile(added_ms, 50),
        "added_ms_p95": percentile(added_ms, 95),
        "finals": finals,
        "translations": len(added_ms),
        "missing": finals * targets - len(added_ms),
        "failed": sum(reader.failed for reader in readers),
        "drafts": sum(reader.drafts for reader in readers),
        "requests": int(counts["requests"]),
        "batch_size_mean": round(counts["texts"] / counts["batches"], 2) if counts["batches"] else 0.0,
    }


async def service_counts(http: httpx.AsyncClient, running: RunningStack) -> dict[str, float]:
    """Counters of the translation service."""
    prefix = "dragoman_translation_"
    names = {"requests": "requests_total", "texts": "batch_size_sum", "batches": "batch_size_count"}
    return {
        short: await metric(http, running.translation_url, prefix + name) for short, name in names.items()
    }


@asynccontextmanager
async def apertium() -> AsyncIterator[dict[str, str] | None]:
    """A running apertium-apy, as settings of the translation service; None where it is not installed."""
    if shutil.which("apertium-apy") is None:
        yield None
        return
    with held_port() as port:
        process = await asyncio.create_subprocess_exec(
            "apertium-apy",
            *("-p", str(port), PAIRS),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            await until_it_answers(f"{url}/listPairs")
            yield {"DRAGOMAN_TRANSLATION_ENGINES": "apertium", "DRAGOMAN_TRANSLATION_APERTIUM_URL": url}
        finally:
            # At once, with its pipelines: asked to end, it may wait for them for ever.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def until_it_answers(url: str) -> None:
    """Wait for a server to start."""
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(APY_START_S):
        while True:
            try:
                (await http.get(url)).raise_for_status()
                return
            except httpx.TransportError:
                await asyncio.sleep(0.2)


async def measure_engine(name: str, profile: str, *, quick: bool, **environment: str) -> Figures:
    """All loads with one engine."""
    figures: Figures = {}
    real = profile == "cpu"
    most = str(max(load.sessions for load in loads(quick=quick)))
    async with AsyncExitStack() as cleanup:
        limits = {"DRAGOMAN_AUDIO_MAX_SESSIONS": most}
        running = await cleanup.enter_async_context(stack(profile, **limits, **environment))
        http = await cleanup.enter_async_context(api_client(running))
        for load in loads(quick=quick):
            programs = sentences(load) if real else words(load)
            targets = (SPANISH if real else MOCK_TARGETS)[: load.targets]
            found = await translate_live(running, http, load, programs, targets)
            figures[f"{name}_{load.name}"] = found
            say(f"{name}, {load.sessions} sessions x {load.targets} languages: {found}")
    return figures
