"""The order in which windows are decoded: finals before drafts before files, and none of them starves."""

from __future__ import annotations

from enum import IntEnum
from typing import Generic, TypeVar

from dragoman_runtime import fair_queue

T = TypeVar("T")


class Lane(IntEnum):
    """Why a window is decoded; the value breaks ties."""

    FINAL = 0
    DRAFT = 1
    FILE = 2


_STRIDES = {Lane.FINAL: 1.0, Lane.DRAFT: 4.0, Lane.FILE: 8.0}
"""One over the lane's share of windows where all lanes wait: 8 finals to 2 drafts to 1 of a file."""


class FairQueue(fair_queue.FairQueue[Lane, T], Generic[T]):
    """The queue of the engine: by lane, and within a lane by turns of the sessions."""

    def __init__(self) -> None:
        super().__init__(_STRIDES)
