"""What is kept about changes of the configuration and about its versions."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman_contracts.config import ChangeState

FINAL = frozenset({ChangeState.APPLIED, ChangeState.REJECTED, ChangeState.CONFLICT})


class WrongField(msgspec.Struct, frozen=True):
    """A field that cannot be as it was wanted."""

    location: str
    message: str


class ChangeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a requested change.

    ``version`` is the one that it made, 0 if it made none yet. ``code`` and ``message`` tell why it was not
    made. ``services`` gives for each service what it did; those that were away get the configuration when
    they return. Times are unix ms.
    """

    change_id: str
    state: ChangeState
    requested_by: str = ""
    requested_ms: int = 0
    decided_ms: int = 0
    version: int = 0
    code: str = ""
    message: str = ""
    errors: list[WrongField] = []
    services: dict[str, str] = {}

    @property
    def is_final(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.state in FINAL


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A version as the history keeps it."""

    version: int
    checksum: str
    changed_ms: int
    changed_by: str
    change_id: str
    document: dict[str, Any]
