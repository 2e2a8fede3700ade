"""All speakers of this process: who speaks for which session, how far each is, and the end of all.

One pipelined read of all sessions' progress twice a second serves acknowledgements, backpressure, fencing by
another process and the idle limit.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Protocol

from loguru import logger
from prometheus_client import Counter, Gauge, Histogram

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_orchestration.session.model import Progress
from dragoman_orchestration.session.store import SessionStore

TICK_S = 0.1
SLICES = 5
"""Each tick looks after one slice of the sockets, so each socket twice a second: all at once would keep live
frames waiting for as long as it takes to write hundreds of acknowledgements."""
TOUCH_S = 30.0
"""How often the record notes that its speaker is still connected."""
ABANDONED = "abandoned"
PACED_FROM = 32
"""Speakers from which on storing is paced."""
PACE_S = 0.004
"""Frames of so long, in seconds, travel to Redis together when many speak: with 200 speakers about 8 frames a
round trip instead of one, at a third of the CPU time a frame."""

SPEAKERS = Gauge("dragoman_api_speakers", "Audio sockets open in this process.")
FRAMES = Counter("dragoman_api_audio_frames_total", "Audio frames taken from speakers.")
AUDIO_BYTES = Counter("dragoman_api_audio_bytes_total", "Bytes of audio taken from speakers.")
STORE_SECONDS = Histogram(
    "dragoman_api_audio_store_seconds",
    "Seconds from when an entry of audio was due for Redis until it was stored.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


class Speaker(Protocol):
    """What the gateway asks of a speaker's socket."""

    session_id: str

    @property
    def epoch(self) -> int:
        """The connection epoch, 0 before the session is open."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether its session is open, so that there is progress to read."""
        ...

    def on_progress(self, progress: Progress) -> None:
        """Fresh facts from the store."""
        ...

    def on_tick(self) -> None:
        """About half a second has passed."""
        ...

    def supersede(self) -> None:
        """A newer connection speaks for the session."""
        ...

    async def drain(self) -> None:
        """The process ends: store what was accepted, then close."""
        ...


class IngestGateway:
    """The speakers of this process.

    Args:
        store: Where sessions live.
        abandoned_after_s: A live session without a speaker is ended after this many seconds.

    """

    def __init__(self, store: SessionStore, *, abandoned_after_s: float) -> None:
        self._store = store
        self._abandoned_after_s = abandoned_after_s
        self._sockets: set[Speaker] = set()
        self._slices: list[set[Speaker]] = [set() for _ in range(SLICES)]
        self._by_session: dict[str, Speaker] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self.draining = False

    def __len__(self) -> int:
        return len(self._sockets)

    def join(self, speaker: Speaker) -> None:
        """A socket was accepted."""
        self._sockets.add(speaker)
        min(self._slices, key=len).add(speaker)
        SPEAKERS.set(len(self._sockets))

    def opened(self, speaker: Speaker) -> None:
        """The socket speaks for its session now; an older one of this process is closed."""
        before = self._by_session.get(speaker.session_id)
        if before is not None and before is not speaker:
            if before.epoch > speaker.epoch:
                speaker.supersede()
                return
            before.supersede()
        self._by_session[speaker.session_id] = speaker

    def leave(self, speaker: Speaker) -> None:
        """The socket is closed."""
        self._sockets.discard(speaker)
        for part in self._slices:
            part.discard(speaker)
        if self._by_session.get(speaker.session_id) is speaker:
            del self._by_session[speaker.session_id]
        SPEAKERS.set(len(self._sockets))

    async def pace(self) -> None:
        """Wait for the others, if there are many: what is stored in one tick shares a round trip."""
        if len(self._sockets) < PACED_FROM:
            return
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_later(PACE_S, self._end_beat)
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _end_beat(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():  # else its socket went away
                turn.set_result(None)

    async def refresh(self, session_id: str) -> None:
        """Ask at once how a session is: it was ended by a request to this process."""
        speaker = self._by_session.get(session_id)
        if speaker is not None:
            speaker.on_progress((await self._store.progress([session_id]))[0])

    async def run(self) -> None:
        """Tick until cancelled; an error of the bus never ends it."""
        since_touch = 0.0
        for part in itertools.cycle(self._slices):
            await asyncio.sleep(TICK_S)
            since_touch += TICK_S
            try:
                await self._tick(list(part))
                if since_touch >= TOUCH_S:
                    since_touch = 0.0
                    await self._touch()
            except BusUnavailable:
                continue  # speakers are told by their own failing writes
            except DragomanError as error:
                logger.error("the progress of sessions cannot be read: {}", error.message)

    async def drain(self) -> None:
        """Store what was accepted and close all sockets; the process ends."""
        self.draining = True
        await asyncio.gather(*(speaker.drain() for speaker in list(self._sockets)))

    async def _tick(self, part: list[Speaker]) -> None:
        for speaker in part:
            speaker.on_tick()
        speakers = [speaker for speaker in part if speaker.is_open]
        if speakers:
            found = await self._store.known_progress([speaker.session_id for speaker in speakers])
            for speaker in speakers:
                if speaker.session_id in found:
                    speaker.on_progress(found[speaker.session_id])

    async def _touch(self) -> None:
        await self._store.touch(list(self._by_session))
        limit_ms = int(self._abandoned_after_s * 1000)
        for session_id in await self._store.silent_since(limit_ms):
            await self._store.end(session_id, ABANDONED)
            logger.bind(session_id=session_id).info("session ended: its speaker never came back")
