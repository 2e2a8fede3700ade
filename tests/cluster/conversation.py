"""The system in this process on a cluster, and people who speak and watch with the shipped client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from dragoman_client import (
    AudioAck,
    Dragoman,
    DragomanError,
    ErrorMessage,
    ServerMessages,
    SessionSnapshot,
    TranscriptFinal,
)
from dragoman_orchestration.api.app import serve_api
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.workers.audio_pipeline import run_audio_worker
from dragoman_orchestration.workers.settings import AudioWorkerSettings
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings
from dragoman_whisper.app import create_app
from dragoman_whisper.settings import WhisperSettings
from tests.chaos.checker import CaptionBook, Verdict
from tests.chaos.speech import FRAME_MS, Speech, speech
from tests.integration.worker.conftest import whisper_server

KEY = "key-of-the-cluster-suite"
END_LIMIT_S = 100.0
SPEECH_S = 48
"""Longer than any test's faults take on a slow machine: the rest is sent faster when they are over."""
HURRY = 8
"""How much faster than real time the rest is sent."""


@asynccontextmanager
async def running_system(runtime: RuntimeSettings) -> AsyncIterator[Dragoman]:
    """API, audio worker and whisper service (mock engine); a client of the API."""
    drain = Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with AsyncExitStack() as stack:
        whisper_url = await stack.enter_async_context(
            whisper_server(create_app(WhisperSettings(profile="mock")))
        )
        tasks = [
            asyncio.create_task(
                serve_api(
                    ApiSettings(port=0, keys=f"suite:{KEY}", default_profile="mock"),
                    runtime,
                    drain,
                    on_bound=bound.set_result,
                )
            ),
            asyncio.create_task(
                run_audio_worker(
                    AudioWorkerSettings(profile="mock", whisper_url=whisper_url, lease_ms=1_000),
                    runtime,
                    drain,
                )
            ),
        ]
        try:
            url = await asyncio.wait_for(bound, END_LIMIT_S)
            yield await stack.enter_async_context(Dragoman(url, key=KEY))
        finally:
            drain.start("the test is over")
            await asyncio.wait_for(asyncio.gather(*tasks), END_LIMIT_S)


@dataclass(eq=False)
class Conversation:
    """One session: what is said in it, and what its speaker and a viewer are told."""

    session_id: str
    said: Speech
    heard: list[ServerMessages] = field(default_factory=list)
    seen: list[ServerMessages] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    hurries: bool = False

    async def run(self, dragoman: Dragoman) -> None:
        """Speak in real time until it shall hurry, end the session, and read to its end."""
        watching = asyncio.create_task(self._watch(dragoman))
        try:
            async with asyncio.timeout(END_LIMIT_S), dragoman.speak(self.session_id) as speaker:
                listening = asyncio.create_task(self._listen(speaker.events()))
                due = time.monotonic()
                for frame in self.said.frames:
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    await speaker.send(frame)
                    due += FRAME_MS / 1000 / (HURRY if self.hurries else 1)
                await speaker.end()
                await listening
                await watching
        except (DragomanError, TimeoutError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            watching.cancel()

    async def _listen(self, events: AsyncIterator[ServerMessages]) -> None:
        async for event in events:
            self.heard.append(event)

    async def _watch(self, dragoman: Dragoman) -> None:
        async for event in dragoman.watch(self.session_id):
            self.seen.append(event)

    async def finish(self, running: asyncio.Task[None]) -> None:
        """Nothing more will happen to it: say the rest faster, and check all that was told."""
        self.hurries = True
        await running
        self.check()

    @property
    def stored_bytes(self) -> int:
        """Bytes of audio that were acknowledged so far."""
        return max((event.received_bytes for event in self.heard if isinstance(event, AudioAck)), default=0)

    @property
    def finals(self) -> int:
        """Finals that the viewer has seen so far."""
        return sum(isinstance(event, TranscriptFinal) for event in self.seen)

    @property
    def was_told_of_trouble(self) -> bool:
        """Whether the viewer heard of an outage or of lost history."""
        return any(
            isinstance(event, ErrorMessage) or (isinstance(event, SessionSnapshot) and not event.recovered)
            for event in self.seen
        )

    def check(self) -> None:
        """Every word once, in order, all audio accounted for: by the speaker's and the viewer's account."""
        assert self.failures == []
        for book, messages in (
            (CaptionBook("speaker", merges=True), self.heard),
            (CaptionBook("viewer"), self.seen),
        ):
            for message in messages:
                book.take(message)
            assert book.verdict(self.said) == Verdict(), book.name


async def begin(dragoman: Dragoman, count: int) -> list[Conversation]:
    """Make sessions; each will have something else said in it."""
    return [
        Conversation((await dragoman.create_session()).id, speech(SPEECH_S, seed)) for seed in range(count)
    ]
