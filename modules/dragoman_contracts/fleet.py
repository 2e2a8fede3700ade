"""What workers tell about themselves: the basis of admission."""

from __future__ import annotations

import msgspec

REPORT_INTERVAL_S = 1.0
"""How often a worker reports."""
REPORT_VALID_S = 5.0
"""A report older than this is of a worker that is gone."""


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True):
    """One audio worker, as it was at ``seen_ms`` (unix ms).

    ``sessions`` it holds now, ``room`` for more (0 while it drains), ``level`` of degradation (0: full
    service), ``refuses`` new sessions at that level, ``lag_ms`` of its sessions at the 90th percentile.
    """

    worker: str
    sessions: int
    room: int
    level: int = 0
    refuses: bool = False
    lag_ms: int = 0
    seen_ms: int = 0
