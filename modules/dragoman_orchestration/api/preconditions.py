"""Conditional requests (RFC 9110, 13.1) and preferences (RFC 7240), as far as the configuration has them."""

from __future__ import annotations

import re

from dragoman_contracts.errors import DragomanError
from dragoman_orchestration.config.state import ConfigState

MAX_WAIT_S = 10

_TAG = re.compile(r'(W/)?"([^"]*)"')
_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?', re.IGNORECASE)


class PreconditionFailed(DragomanError):
    """The thing is no longer as the caller believes: somebody else changed it."""

    code = "precondition_failed"
    http_status = 412
    default_remedy = "Read it again, decide whether the change still fits, and send its new ETag in If-Match."


def etag(version: int, checksum: str) -> str:
    """The entity tag of a version."""
    return f'"{version}-{checksum[:8]}"'


def tag_of(state: ConfigState) -> str:
    """The entity tag of the version in force: of the whole configuration, and so of each part of it."""
    return etag(state.version, state.checksum)


def check_if_match(header: str | None, current: str, *, exists: bool = True) -> bool:
    """Whether the caller binds the change to ``current``.

    Raises:
        PreconditionFailed: the caller means another version, or a thing that does not exist.

    """
    if header is None:
        return False
    if header.strip() == "*":
        if not exists:
            raise PreconditionFailed("If-Match: * asks for something that exists, and this does not")
        return False
    # The strong comparison: a weak tag matches nothing.
    if current not in [f'"{tag}"' for weak, tag in _TAG.findall(header) if not weak]:
        raise PreconditionFailed("If-Match names another version than the one in force")
    return True


def check_if_none_match(header: str | None, *, exists: bool) -> None:
    """Whether the thing may be made: ``If-None-Match: *`` makes it only where there is none.

    Raises:
        PreconditionFailed: there is one.

    """
    if header is not None and header.strip() == "*" and exists:
        raise PreconditionFailed("If-None-Match: * asks for something new, and this exists")


def is_known(header: str | None, current: str) -> bool:
    """Whether the caller has ``current`` already (``If-None-Match`` of a GET, the weak comparison)."""
    if header is None:
        return False
    return header.strip() == "*" or current in [f'"{tag}"' for _, tag in _TAG.findall(header)]


def preferred_wait_s(header: str | None) -> int:
    """Seconds that the caller would wait for an outcome, at most 10; 0: none."""
    found = _WAIT.search(header or "")
    return min(MAX_WAIT_S, int(found[1])) if found else 0
