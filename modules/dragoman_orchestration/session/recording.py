"""How the recording of a session is, as the session's record tells it: plain data, no Redis."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RecordingState(StrEnum):
    """The lifetime of a recording."""

    RECORDING = "recording"
    COMPLETE = "complete"
    FAILED = "failed"


class RecordingFailure(StrEnum):
    """Why a recording does not go on; its session does."""

    DISK_FULL = "disk_full"
    NOT_PERMITTED = "not_permitted"
    FOLDER_GONE = "folder_gone"
    """The folder or the file is not there any more."""
    TOO_SLOW = "too_slow"
    """The disk does not keep up, or does not answer."""
    IO_ERROR = "io_error"
    NOT_KEPT_HERE = "not_kept_here"
    """The audio worker has no folder for recordings."""
    SESSION_FAILED = "session_failed"
    """The session itself was given up."""


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    """The state of a recording, and of a failed one the reason."""

    state: RecordingState
    reason: RecordingFailure | None = None

    def encode(self) -> bytes:
        """As the record has it: ``<state>`` or ``failed:<reason>``."""
        return f"{self.state}:{self.reason}".encode() if self.reason else self.state.encode()

    @classmethod
    def decode(cls, field_value: bytes | None) -> RecordingStatus | None:
        """From the record's field; None where nothing is recorded, or nothing any more."""
        if not field_value:
            return None
        state, _, reason = field_value.decode().partition(":")
        return cls(RecordingState(state), RecordingFailure(reason) if reason else None)

    @property
    def is_open(self) -> bool:
        """Whether audio is still to be written."""
        return self.state is RecordingState.RECORDING


RECORDING = RecordingStatus(RecordingState.RECORDING)
COMPLETE = RecordingStatus(RecordingState.COMPLETE)


def failed(reason: RecordingFailure) -> RecordingStatus:
    """A recording that does not go on."""
    return RecordingStatus(RecordingState.FAILED, reason)
