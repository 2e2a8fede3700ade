"""bench-translation: what live translation costs, text by text and viewer by viewer.

- ``bench.viewers``: one session before 1, 100 and 1,000 viewers; ``viewer_us_per_message`` (CPU of the API),
  ``viewer_skew_ms_p99`` (between the first and the last viewer's receipt of an event), both at 1,000.
- ``bench.latency``: ``added_ms_p50|p95`` of a translation over its transcript, by engine, at one session into
  ten languages and 50 sessions into three.
- ``bench.throughput``: ``batching_gain`` of the ctranslate2 engine with 50 sessions.
"""

from __future__ import annotations

import asyncio
import sys

from bench.crowd import CrowdFailed
from bench.harness import Figures, parser, run, say
from bench.latency import apertium, measure_engine
from bench.throughput import measure_throughput
from bench.viewers import measure_viewers

CROWDS = (1, 100, 1000)
PAUSE_S = 2.0
"""Between two stacks, for the machine to come to rest."""


async def measure(*, quick: bool) -> Figures:
    """All three, one stack after the other."""
    say("viewers")
    figures = await measure_viewers(CROWDS, 10 if quick else 24)
    await asyncio.sleep(PAUSE_S)
    say("added latency")
    figures |= await measure_engine("mock", "mock", quick=quick)
    figures |= await measure_engine(
        "ctranslate2", "cpu", quick=quick, DRAGOMAN_TRANSLATION_ENGINES="ctranslate2"
    )
    async with apertium() as settings:
        if settings is None:
            say("apertium-apy is not installed: no figures of it")
        else:
            figures |= await measure_engine("apertium", "cpu", quick=quick, **settings)
    await asyncio.sleep(PAUSE_S)
    say("throughput")
    return figures | await measure_throughput(quick=quick)


if __name__ == "__main__":
    arguments = parser("What live translation adds and costs, and what a viewer costs.")
    arguments.add_argument("--quick", action="store_true", help="shorter runs: half of the time")
    given = arguments.parse_args()
    try:
        run("translation", lambda: measure(quick=given.quick), as_json=given.json)
    except CrowdFailed as error:
        sys.exit(f"bench-translation: {error}")
