"""``dragoman transcribe``: a file or a live stream into a session, its captions and translations out."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from dragoman_client import (
    Dragoman,
    ErrorMessage,
    SessionEndedMessage,
    SessionOptions,
    SessionResumed,
    SessionStarted,
    TranslationOptions,
)
from dragoman_contracts.errors import DragomanError, InvalidInput
from dragoman_orchestration.cli.captions import CaptionView, LiveCaptions, PlainCaptions, clock
from dragoman_orchestration.cli.columns import ColumnCaptions
from dragoman_orchestration.cli.lifecycle import run_command
from dragoman_orchestration.cli.media import Media, Pace
from dragoman_orchestration.cli.settings import ClientSettings
from dragoman_orchestration.cli.stack import running_stack
from dragoman_orchestration.cli.terminal import StackView, err_console, out_is_terminal
from dragoman_orchestration.cli.translations import TranslationRecord
from dragoman_orchestration.cli.up import stack_config

MAX_AHEAD_MS = 20_000
"""How far a file is sent ahead of what is final; below the server's default backlog limit of 30 s."""
START_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscribeRequest:
    """The command's options."""

    file: str
    server: str | None = None
    key: str | None = None
    realtime: bool = False
    language: str | None = None
    targets: Sequence[str] = ()
    json: bool = False
    srt: Path | None = None
    vtt: Path | None = None
    profile: str | None = None
    model: str | None = None
    translate_model: str | None = None


def run_transcribe(request: TranscribeRequest) -> int:
    """Transcribe; the exit code: 0 if all of the audio was heard and translated, 1 if some was not."""
    for path in (request.srt, request.vtt):
        if path is not None and not path.absolute().parent.is_dir():
            raise InvalidInput(f"there is no folder {path.absolute().parent}", remedy="Make it first.")
    media = Media(request.file)
    media.probe()
    # Ctrl-C is how a live stream ends: what was said is still transcribed.
    return run_command(
        lambda: _transcribe(request, media), on_interrupt=media.stop if media.is_live else None
    )


async def _transcribe(request: TranscribeRequest, media: Media) -> int:
    notes = err_console()
    async with AsyncExitStack() as cleanup:
        url, key = await cleanup.enter_async_context(_server(request, notes))
        view = cleanup.enter_context(_view(request, media, notes))
        dragoman = await cleanup.enter_async_context(Dragoman(url, key=key, notify=view.tell))
        job = _Job(request, media, dragoman, view)
        await job.run()
        await job.write_subtitles()
    return job.tell_outcome(notes)


@asynccontextmanager
async def _server(request: TranscribeRequest, notes: Console) -> AsyncIterator[tuple[str, str]]:
    """Address and key of the server: the one that was named, else one started for this call."""
    settings = ClientSettings()
    url = request.server or settings.server
    if url:
        yield url, request.key or settings.key.get_secret_value()
        return
    config = stack_config(
        profile=request.profile,
        model=request.model,
        translate_model=request.translate_model,
        port=0,
        patience_s=START_PATIENCE_S,
    )
    with StackView(
        notes, quiet=True, title="starting Dragoman for this call (--server uses a running one)"
    ) as start:
        async with running_stack(config, start.on_line, start.on_notice) as stack:
            start.settled()
            yield stack.url, stack.key


def _view(request: TranscribeRequest, media: Media, notes: Console) -> CaptionView:
    if request.json:
        return _JsonLines(notes)
    if out_is_terminal():
        return live_view(Console(highlight=False), media, request.targets)
    return PlainCaptions(Console(highlight=False, soft_wrap=True), notes, targets=request.targets)


def live_view(console: Console, media: Media, targets: Sequence[str]) -> CaptionView:
    """What a terminal shows: lines, or a column a language."""
    if targets:
        return ColumnCaptions(console, media.duration_ms, targets)
    return LiveCaptions(console, media.duration_ms)


class _Job:
    """One transcription under way."""

    def __init__(
        self, request: TranscribeRequest, media: Media, dragoman: Dragoman, view: CaptionView
    ) -> None:
        self._request = request
        self._media = media
        self._dragoman = dragoman
        self._view = view
        self._session_id = ""
        self._ended: SessionEndedMessage | None = None
        self._error: ErrorMessage | None = None
        self._record = TranslationRecord(request.targets)

    async def run(self) -> None:
        """Stream everything and show what comes back."""
        live = self._request.realtime or self._media.is_live
        chunks = self._media.chunks()
        source = Pace().apply(chunks) if self._request.realtime else chunks
        events = self._dragoman.transcribe(
            source,
            options=SessionOptions(
                language=self._request.language, translation=translation_options(self._request.targets)
            ),
            max_ahead_ms=None if live else MAX_AHEAD_MS,
        )
        async for event in events:
            if isinstance(event, SessionStarted | SessionResumed):
                self._session_id = event.session_id
            elif isinstance(event, SessionEndedMessage):
                self._ended = event
            elif isinstance(event, ErrorMessage) and event.permanent:
                self._error = event
            self._record.take(event, time.monotonic())
            self._view.show(event)

    async def write_subtitles(self) -> None:
        """Fetch the transcript in the formats that were asked for, and in each language."""
        for path, format in ((self._request.srt, "srt"), (self._request.vtt, "vtt")):
            if path is None:
                continue
            path.write_text(await self._dragoman.transcript(self._session_id, format), encoding="utf-8")
            for target in self._request.targets:
                text = await self._dragoman.transcript(self._session_id, format, language=target)
                subtitle_path(path, target).write_text(text, encoding="utf-8")

    def tell_outcome(self, notes: Console) -> int:
        """Say what was not transcribed, if anything; the exit code."""
        if self._media.broken_after_ms is not None:
            notes.print(
                f"{self._media.name} cannot be decoded after {clock(self._media.broken_after_ms)}; "
                "what came before is transcribed."
            )
        if self._ended is None:
            raise _outcome_error(self._error)
        gaps = self._ended.ledger.gap_ms
        if gaps:
            notes.print(f"{gaps / 1000:.1f} s of the audio could not be transcribed; the events say why.")
        untranslated = self._record.shortfalls()
        for sentence in untranslated:
            notes.print(sentence, markup=False)
        broken = self._media.broken_after_ms is not None
        return 1 if self._error or gaps or broken or untranslated else 0


def translation_options(targets: Sequence[str]) -> TranslationOptions | None:
    """What a session is asked for; None without targets."""
    return TranslationOptions(targets=list(targets)) if targets else None


def subtitle_path(path: Path, language: str) -> Path:
    """``talk.es.srt`` of ``talk.srt``."""
    return path.with_suffix(f".{language}{path.suffix}")


def _outcome_error(error: ErrorMessage | None) -> DragomanError:
    if error is None:
        return DragomanError("the server closed the session before it ended")
    return DragomanError(error.message, remedy=error.remedy)


class _JsonLines(PlainCaptions):
    """The protocol's events as they came, one a line."""

    def __init__(self, notes: Console) -> None:
        super().__init__(Console(), notes)

    def show(self, event: object) -> None:
        """Write one line at once: whoever reads it acts on it."""
        sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")
        sys.stdout.buffer.flush()
