"""What the REST API tells of a session's recording."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from dragoman_orchestration.recordings.folder import RecordingFile
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.model import SessionRecord
from dragoman_orchestration.session.recording import RecordingFailure, RecordingStatus, failed


class Recording(BaseModel):
    """The recording of a session; a failed one has what was written until then."""

    state: Literal["recording", "complete", "failed"] = Field(examples=["recording"])
    duration_ms: int = Field(description="How much of the session can be heard by now.", examples=[61_250])
    reason: str | None = Field(
        description=f"Why it failed: {', '.join(f'`{reason}`' for reason in RecordingFailure)}.",
        examples=[None],
    )

    @classmethod
    def of(cls, record: SessionRecord, file: RecordingFile | None) -> Recording | None:
        """From the store's record and what is on the disk; None where there is no recording."""
        if record.recording is None:
            return None
        status = _status(record, record.recording)
        return cls(
            state=status.state.value,
            duration_ms=file.duration_ms if file else 0,
            reason=status.reason.value if status.reason else None,
        )


def _status(record: SessionRecord, status: RecordingStatus) -> RecordingStatus:
    """A worker that ends a session completes its recording before; one that gives it up does not."""
    if status.is_open and record.status is Status.ENDED:
        return failed(RecordingFailure.SESSION_FAILED)
    return status
