"""Transcribes a whole file with the engine that live sessions use, a few seconds of speech at a time.

Each piece goes through the batcher in the lane of files, so a live window waits for one piece at most.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_contracts.errors import Overloaded
from dragoman_contracts.whisper_api import WindowOptions, WindowResult
from dragoman_whisper.engines.base import Pcm, Span, Window, to_samples
from dragoman_whisper.fair_queue import Lane
from dragoman_whisper.media import decode_file
from dragoman_whisper.service import WhisperService
from dragoman_whisper.transcript import Segment, Transcript, segments_of

BLOCK_S = 300
"""Seconds of a file that are searched for speech at a time: bounds memory to about 20 MB a file."""
JOIN_GAP_MS = 600
"""Speech after a shorter pause is decoded together with what came before it."""
SURE_LANGUAGE = 0.5
PIECES_FOR_LANGUAGE = 3


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What to do with a file; the fields are those of OpenAI's request."""

    language: str | None = None
    task: Literal["transcribe", "translate"] = "transcribe"
    prompt: str = ""
    hotwords: str = ""
    temperature: float = 0.0


class FileTranscriber:
    """Takes up to ``files_max`` files at a time."""

    def __init__(self, service: WhisperService) -> None:
        self._service = service
        self._under_way = 0

    async def transcribe(self, file: BinaryIO, options: FileOptions) -> Transcript:
        """The transcript of an audio file.

        Raises:
            UnsupportedAudio: no audio, or empty.
            FileTooLong: longer than the settings allow.
            UnknownLanguage: the model does not know it.
            Overloaded: too many files at the same time.
            ModelLoading: not yet.
            ModelUnavailable: the model cannot be had.

        """
        settings = self._service.settings
        self._service.check_language(options.language)
        if self._under_way >= settings.files_max:
            raise Overloaded(
                f"{self._under_way} files are being transcribed, the limit is {settings.files_max}"
            )
        self._under_way += 1
        try:
            pcm = await asyncio.to_thread(decode_file, file, settings.file_max_minutes)
            return await _Job(self._service, pcm, options).run()
        finally:
            self._under_way -= 1


class _Job:
    """One file on its way."""

    def __init__(self, service: WhisperService, pcm: Pcm, options: FileOptions) -> None:
        self._service = service
        self._pcm = pcm
        self._options = options
        self._session = f"file-{uuid.uuid4().hex}"
        self._language = options.language
        self._votes: dict[str, float] = {}
        self._asked = 0

    async def run(self) -> Transcript:
        segments: list[Segment] = []
        position = 0
        while position < len(self._pcm):
            pieces, position = await asyncio.to_thread(self._find_pieces, position)
            segments += await self._decode(pieces)
        return Transcript(
            language="en" if self._options.task == "translate" else self._language or self._likely() or "en",
            duration_ms=len(self._pcm) * 1000 // MODEL_RATE_HZ,
            task=self._options.task,
            segments=segments,
        )

    def _find_pieces(self, start: int) -> tuple[list[Span], int]:
        """The pieces of the block that begins at ``start``, and where the next block begins."""
        longest_s = self._service.settings.file_chunk_s
        end = min(start + BLOCK_S * MODEL_RATE_HZ, len(self._pcm))
        found = self._service.engine.speech_spans(to_samples(self._pcm[start:end]), longest_s)
        spans = [Span(start + span.start, start + span.end) for span in found]
        if end < len(self._pcm) and len(spans) > 1:
            # What touches the block's end may go on behind it: the next block begins with it.
            end = spans.pop().start
        return list(join(spans, int(longest_s * MODEL_RATE_HZ))), end

    async def _decode(self, pieces: list[Span]) -> list[Segment]:
        """Segments of the pieces, as many pieces under way as the engine takes in one call."""
        segments: list[Segment] = []
        while pieces:
            count = self._service.config.batch_max if self._language else 1
            now, pieces = pieces[:count], pieces[count:]
            for piece, result in zip(now, await self._together(now), strict=True):
                self._vote(result)
                offset_ms = piece.start * 1000 // MODEL_RATE_HZ
                segments += segments_of(result, offset_ms, self._options.temperature)
        return segments

    async def _together(self, pieces: list[Span]) -> list[WindowResult]:
        options = WindowOptions(
            language=self._language,
            task=self._options.task,
            prompt=self._options.prompt,
            hotwords=self._options.hotwords,
            session_id=self._session,
        )
        windows = [
            Window(self._pcm[piece.start : piece.end], options, self._options.temperature) for piece in pieces
        ]
        answers = [self._service.batcher.submit(window, Lane.FILE) for window in windows]
        try:
            return list(await asyncio.gather(*answers))
        finally:
            for answer in answers:
                answer.cancel()

    def _vote(self, result: WindowResult) -> None:
        """Settle on the language of the first piece that is sure, or the likeliest of the first three."""
        if self._language is not None or not result.words:
            return
        self._asked += 1
        known = self._votes.get(result.language, 0.0)
        self._votes[result.language] = known + result.language_probability
        if result.language_probability >= SURE_LANGUAGE or self._asked >= PIECES_FOR_LANGUAGE:
            self._language = self._likely()

    def _likely(self) -> str | None:
        return max(self._votes, key=self._votes.__getitem__, default=None)


def join(spans: list[Span], longest: int) -> Iterator[Span]:
    """Neighbouring spans as one, where the pause between them is short and the whole not too long."""
    current: Span | None = None
    gap = JOIN_GAP_MS * MODEL_RATE_HZ // 1000
    for span in spans:
        if current is not None and span.start - current.end <= gap and span.end - current.start <= longest:
            current = Span(current.start, span.end)
            continue
        if current is not None:
            yield current
        current = span
    if current is not None:
        yield current
