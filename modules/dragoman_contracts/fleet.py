"""What processes tell about themselves: the basis of admission, drift detection and monitoring."""

from __future__ import annotations

import msgspec

REPORT_INTERVAL_S = 1.0
"""How often a process reports."""
REPORT_VALID_S = 5.0
"""A report older than this is of a process that is gone."""


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


class ProcessReport(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the installation, as it was at ``seen_ms`` (unix ms by its own clock).

    ``kind`` is ``api``, ``audio``, ``config``, ``bots`` or ``monitoring``. ``parts`` gives for each part "ok"
    or the reason why it is not (as ``GET /ready``), ``breakers`` the state of each circuit breaker (closed,
    opened, half-opened). ``config_version`` and ``config_checksum`` are of the runtime configuration that is
    applied (0 and empty: none), ``config_error`` why a newer one is not. ``defaults`` are the values of the
    runtime configuration that the process was started with, as ``ConfigValues``. ``measures`` are numbers of
    the kind's own, such as sessions and room of an audio worker.
    """

    name: str
    kind: str
    version: str
    started_ms: int
    seen_ms: int
    profile: str = ""
    ready: bool = True
    parts: dict[str, str] = {}
    breakers: dict[str, str] = {}
    config_version: int = 0
    config_checksum: str = ""
    config_error: str = ""
    defaults: dict[str, object] = {}
    measures: dict[str, float] = {}
