"""Which part of a file a request asks for (RFC 9110, section 14). Pure.

One range is served. For several, for another unit, or for what cannot be read, the whole file is sent, as the
RFC allows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,100})-([0-9]{0,100})[ \t]*", re.IGNORECASE | re.ASCII)


class NotSatisfiable(Exception):
    """The range begins behind the end of the file."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From byte ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1


def requested_range(header: str | None, total: int) -> ByteRange | None:
    """The part of a file of ``total`` bytes (at least one) that a ``Range`` header names; None: all of it.

    Raises:
        NotSatisfiable: nothing of it is there.

    """
    found = _RANGE.fullmatch(header) if header else None
    if found is None or not (found[1] or found[2]):
        return None
    first, last = found[1], found[2]
    if not first:
        if int(last) == 0:
            raise NotSatisfiable
        return ByteRange(max(0, total - int(last)), total - 1)
    if last and int(last) < int(first):
        return None
    if int(first) >= total:
        raise NotSatisfiable
    return ByteRange(int(first), min(int(last), total - 1) if last else total - 1)
