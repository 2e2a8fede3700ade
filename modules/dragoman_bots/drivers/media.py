"""The media driver: any URL or file that FFmpeg reads, at the pace at which it would be heard."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

from loguru import logger

from dragoman_bots.drivers.base import (
    AUDIO,
    Active,
    DriverFailed,
    JoinFailed,
    Joining,
    Reconnected,
    RequestRefused,
    RunningFailed,
    Sink,
    Tell,
)
from dragoman_bots.drivers.decoding import Decoding, End
from dragoman_bots.drivers.pacing import Pace
from dragoman_bots.drivers.source import Source, check_source
from dragoman_bots.egress import Egress
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.bots import CompletionReason, RunnerTask
from dragoman_runtime.resilience import Backoff

STABLE_MS = 5_000
"""A source that gave so much had come back; one that gave less is asked again less and less often."""


class MediaDriver:
    """Reads one source to its end, and comes back to it when it drops."""

    def __init__(self, settings: BotRunnerSettings) -> None:
        self._settings = settings
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """Stop reading."""
        self._leaving.set()

    async def screenshot(self) -> bytes:
        """There is nothing to see."""
        return b""

    async def run(self, task: RunnerTask, sink: Sink, tell: Tell) -> CompletionReason:
        """Read the source until it is over; ``stopped`` when asked to leave.

        Raises:
            DriverFailed: it cannot be read, or was lost and did not come back.

        """
        tell(Joining())
        reading = asyncio.create_task(self._read_to_the_end(task, sink, tell))
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait([reading, leaving], return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else CompletionReason.STOPPED
        finally:
            reading.cancel()
            leaving.cancel()
            await asyncio.gather(reading, leaving, return_exceptions=True)

    async def _read_to_the_end(self, task: RunnerTask, sink: Sink, tell: Tell) -> CompletionReason:
        async with Egress(self._settings) as egress:
            source = await check_source(task.request.url, self._settings, egress)
            end = await _Reading(source, self._settings, sink, tell, egress, begin_ms=task.heard_ms).run()
        if end.is_final or end.was_clean:
            return CompletionReason.MEDIA_ENDED
        raise RunningFailed("source_lost", "the source dropped and did not come back", transient=True)


class _Reading:
    """A source over all its connections; a recording from ``begin_ms`` on."""

    def __init__(
        self,
        source: Source,
        settings: BotRunnerSettings,
        sink: Sink,
        tell: Tell,
        egress: Egress,
        *,
        begin_ms: int = 0,
    ) -> None:
        self._source = source
        self._settings = settings
        self._sink = sink
        self._tell = tell
        self._egress = egress
        self._clock = asyncio.get_running_loop().time
        self._backoff = Backoff(base_s=0.25, cap_s=5.0)
        self._lost_at: float | None = None
        self._begin_ms = begin_ms
        self._heard_bytes = 0

    async def run(self) -> End:
        """Read until it is over, or does not come back; how it ended the last time.

        Raises:
            DriverFailed: it could not be read at all.

        """
        end = await self._read(skip_ms=self._begin_ms)
        while not end.is_final:
            self._lost_at = self._clock() if self._lost_at is None else self._lost_at
            pause_s = self._backoff.next_s()
            if self._clock() + pause_s - self._lost_at > self._settings.reconnect_s:
                break
            await asyncio.sleep(pause_s)
            heard_ms = self._begin_ms + AUDIO.duration_ms(self._heard_bytes)
            skip_ms = heard_ms if end.is_recording else 0
            try:
                end = await self._read(skip_ms=skip_ms, is_recording=end.is_recording)
            except DriverFailed as failure:
                logger.info("the source is still away: {}", failure.cause.code)
        return end

    async def _read(self, skip_ms: int, *, is_recording: bool = False) -> End:
        """Read once, to the end or until it drops."""
        decoding = Decoding(
            self._source,
            open_timeout_s=self._settings.open_timeout_s,
            read_timeout_s=self._settings.read_timeout_s,
            skip_ms=skip_ms,
            is_recording=is_recording,
        )
        refused_before, unreachable_before = self._egress.refused, self._egress.unreachable
        heard_before, broken_before = self._heard_bytes, self._egress.broken
        pace: Pace | None = None
        try:
            async with aclosing(decoding.chunks()) as chunks:
                async for chunk in chunks:
                    if pace is None:
                        pace = Pace(self._clock, live=decoding.duration_ms is None)
                        self._began()
                    if (wait_s := pace.wait_s(len(chunk))) > 0:
                        await asyncio.sleep(wait_s)
                    self._sink.feed(chunk)
                    self._heard_bytes += len(chunk)
        except DriverFailed:
            if self._egress.refused > refused_before:
                raise RequestRefused(
                    "address_forbidden", "the source leads to an address that is not public"
                ) from None
            if self._egress.unreachable > unreachable_before:
                raise JoinFailed("unreachable", "the source cannot be reached", transient=True) from None
            raise
        if AUDIO.duration_ms(self._heard_bytes - heard_before) >= STABLE_MS:
            self._backoff.reset()
        if decoding.duration_ms is None and self._egress.broken > broken_before:
            # FFmpeg takes a connection that was reset for the end of a stream without a length.
            return replace(decoding.end, is_final=False, was_clean=False)
        return decoding.end

    def _began(self) -> None:
        """The first samples of a connection are there."""
        if self._lost_at is None:
            self._tell(Active())
        else:
            logger.info("the source is back after {:.1f} s", self._clock() - self._lost_at)
            self._lost_at = None
            self._tell(Reconnected())
