"""The encoder's side of a window: how long it is, and which windows are encoded together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman_whisper.engines.mel import FRAMES_PER_S, HOP, MAX_FRAMES
from dragoman_whisper.engines.whisper_job import Job
from dragoman_whisper.settings import WhisperSettings


def encoder_frames(samples: int, settings: WhisperSettings) -> int:
    """Frames of 10 ms that a window of ``samples`` is padded to."""
    if settings.encoder == "full":
        return MAX_FRAMES
    needed = -(-samples // HOP) + settings.encoder_pad_ms * FRAMES_PER_S // 1000
    step = settings.encoder_step_frames
    return min(MAX_FRAMES, max(settings.encoder_min_frames, -(-needed // step) * step))


@dataclass(frozen=True, slots=True)
class Encoded:
    """Encoded windows: all of them in one array, and each by itself where that costs nothing."""

    whole: Any
    rows: list[Any] | None


class Encoder:
    """Encodes on a GPU together, on a CPU one by one: there 8 windows cost 8 times one."""

    def __init__(self, whisper: Any) -> None:
        self.together = whisper.model.device != "cpu"
        self._whisper = whisper

    def encode(self, jobs: Sequence[Job]) -> Encoded:
        """Encode windows of one length."""
        if self.together and len(jobs) > 1:
            return Encoded(self._whisper.encode(np.stack([job.mel for job in jobs])), None)
        rows = [self._whisper.encode(job.mel) for job in jobs]
        return Encoded(rows[0] if len(rows) == 1 else _stacked(rows), rows)

    def row(self, encoded: Encoded, index: int, job: Job) -> Any:
        """One window by itself; a GPU encodes it again, for its memory cannot be cut from here."""
        return self._whisper.encode(job.mel) if encoded.rows is None else encoded.rows[index]


def _stacked(rows: Sequence[Any]) -> Any:
    from ctranslate2 import StorageView  # noqa: PLC0415  # the mock needs none of it

    arrays: list[NDArray[np.float32]] = [np.asarray(row) for row in rows]
    return StorageView.from_array(np.concatenate(arrays))
