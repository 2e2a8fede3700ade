"""What the living processes were started with: the first scope, and what a document must go together with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dragoman_contracts.fleet import REPORT_VALID_S, ProcessReport
from dragoman_orchestration.config.store import now_ms
from dragoman_orchestration.fleet.reporter import read_processes
from dragoman_runtime.broker.redis import RedisBroker

AUDIO = "audio"


def newest_audio(reports: Iterable[ProcessReport]) -> dict[str, ProcessReport]:
    """For each profile the audio worker that was started last, of those that live."""
    oldest_ms = now_ms() - REPORT_VALID_S * 1000
    living = [one for one in reports if one.kind == AUDIO and one.defaults and one.seen_ms >= oldest_ms]
    return {report.profile: report for report in sorted(living, key=lambda one: one.started_ms)}


async def audio_defaults(broker: RedisBroker) -> list[dict[str, Any]]:
    """By section, what the audio workers of each profile were started with.

    Raises:
        BusUnavailable: Redis is away.

    """
    newest = newest_audio(await read_processes(broker))
    return [sections for report in newest.values() if (sections := sections_of(report))]


def sections_of(report: ProcessReport) -> dict[str, Any]:
    """The defaults of a report by section; what is no section is left out."""
    return {name: fields for name, fields in report.defaults.items() if isinstance(fields, dict)}
