"""What a viewer costs the API, and how far apart in time viewers see the same caption.

The mock engines hear and translate a session that is spoken in real time, into three languages, without
drafts; all viewers read one of them. The API's CPU time is taken while the session speaks, less that of the
same session without viewers. At one viewer a clock of 10 ms tells nothing: there is no figure of its cost.
Translation is not to depend on the number of viewers: ``texts_per_final_and_language`` is 1 before any.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx

from bench.crowd import Crowd, CrowdFailed, Report, raise_file_limit
from bench.harness import (
    Figures,
    Live,
    api_client,
    child_process,
    cpu_s,
    create_session,
    metric,
    percentile,
    say,
    speak_live,
    stack,
)
from bench.overhead import program
from dragoman_orchestration.cli.stack import RunningStack

TARGETS = ("es", "de", "fr")
WATCHED = "es"
WARM_UP_S = 4.0
"""Until sockets have joined, presence is told and code is warm."""
SETTLE_S = 1.0
"""For the last bytes to arrive after the end."""
COSTED_FROM = 100

_SEGMENT = re.compile(rb'"segment_id":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Showing:
    """One session before a number of viewers."""

    viewers: int
    cpu_s: float
    """Of the API, between ``begin`` and ``end`` (monotonic seconds)."""
    begin: float
    end: float
    requests: float
    """That the translation service answered."""
    texts: float
    """That it translated."""
    finals: int
    report: Report

    def figures(self, without_viewers: Showing) -> Figures:
        """What is told of it.

        Raises:
            CrowdFailed: a viewer lost an event or got one twice: no other figure counts then.

        """
        report = self.report
        if report.lost or report.doubled or report.ended != report.viewers or not report.events:
            raise CrowdFailed(
                f"of {self.viewers} viewers {report.ended} saw the end; {report.lost} events were lost and "
                f"{report.doubled} came twice or in the wrong order, of {len(report.events)}"
            )
        skews_ms = [event.skew_ms for event in report.events.values()]
        spent_s = self.cpu_s - without_viewers.cpu_s
        within = [e.seen for e in report.events.values() if self.begin <= e.first and e.last <= self.end]
        found: Figures = {
            "skew_ms_p50": percentile(skews_ms, 50),
            "skew_ms_p99": percentile(skews_ms, 99),
            "requests_per_final": round(self.requests / self.finals, 3),
            "texts_per_final_and_language": round(self.texts / self.finals / len(TARGETS), 3),
            "events": len(report.events),
            "translations": sum(event.type == "translation.final" for event in report.events.values()),
            "partials_left_out": report.left_out,
            "bytes_per_message": report.bytes_received // sum(e.seen for e in report.events.values()),
            "api_cpu_percent": round(100 * self.cpu_s / (self.end - self.begin), 1),
        }
        if self.viewers >= COSTED_FROM:
            found = {"us_per_message": round(spent_s * 1e6 / sum(within), 1), **found}
        return found


async def show(running: RunningStack, http: httpx.AsyncClient, viewers: int, frames: list[bytes]) -> Showing:
    """Speak a session before so many viewers, all of whom are there from the start."""
    session_id = await create_session(
        http, language="en", translation={"targets": list(TARGETS), "drafts": False}
    )
    url = running.url.replace("http", "ws", 1) + f"/v1/sessions/{session_id}/events?languages={WATCHED}"
    api = child_process(running, "api")
    before = await translation_counts(http, running)
    async with AsyncExitStack() as cleanup:
        crowd = await cleanup.enter_async_context(Crowd(url, running.key, viewers)) if viewers else None
        speaking = asyncio.create_task(speak_live(running, session_id, frames, keep=is_final))
        cleanup.callback(speaking.cancel)
        await asyncio.sleep(WARM_UP_S)
        begin, before_s = time.monotonic(), cpu_s(api)
        await asyncio.sleep(len(frames) / 10 - WARM_UP_S - 1)
        end, spent_s = time.monotonic(), cpu_s(api) - before_s
        live = await speaking
        await asyncio.sleep(SETTLE_S)
        report = await crowd.report() if crowd else Report()
    requests, texts = (
        now - then for now, then in zip(await translation_counts(http, running), before, strict=True)
    )
    return Showing(
        viewers=viewers,
        cpu_s=spent_s,
        begin=begin,
        end=end,
        requests=requests,
        texts=texts,
        finals=finals_of(live),
        report=report,
    )


def is_final(message: bytes) -> bool:
    """Whether a message is a final of the transcript."""
    return b'"transcript.final"' in message


def finals_of(live: Live) -> int:
    """How many segments became final.

    Raises:
        CrowdFailed: none: there was nothing to see.

    """
    segments = {match[1] for _, message in live.messages if (match := _SEGMENT.search(message))}
    if not segments:
        raise CrowdFailed("the session had no final")
    return len(segments)


async def translation_counts(http: httpx.AsyncClient, running: RunningStack) -> list[float]:
    """Requests that the translation service has answered, and texts that it has translated."""
    names = ("dragoman_translation_requests_total", "dragoman_translation_texts_total")
    return [await metric(http, running.translation_url, name) for name in names]


async def measure_viewers(crowds: Sequence[int], seconds: int) -> Figures:
    """One session after the other, before each number of viewers."""
    most = max(crowds)
    raise_file_limit(most)
    frames = program(seconds, 1)
    figures: Figures = {}
    limit = {"DRAGOMAN_API_MAX_VIEWERS_PER_SESSION": str(most)}
    async with stack("mock", **limit) as running, api_client(running) as http:
        alone = await show(running, http, 0, frames)
        for viewers in crowds:
            showing = await show(running, http, viewers, frames)
            found = figures[f"viewers_{viewers}"] = showing.figures(alone)
            say(f"{viewers} viewers: {found}")
    last = figures[f"viewers_{most}"]
    return {
        "viewer_us_per_message": last["us_per_message"],
        "viewer_skew_ms_p99": last["skew_ms_p99"],
        **figures,
    }
