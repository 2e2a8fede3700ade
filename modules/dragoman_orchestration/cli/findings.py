"""What an examination of the machine finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check came out. Only ``MISSING`` keeps Dragoman from working."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome; ``remedy`` says how to get what is not there."""

    part: str
    verdict: Verdict
    found: str
    remedy: str = ""
