"""bench-translation: what live translation costs, viewer by viewer and text by text.

Viewers (``bench.viewers``): ``viewer_us_per_message`` and ``viewer_skew_ms_p99`` with 1,000 of one session.
"""

from __future__ import annotations

from bench.harness import parser, run
from bench.viewers import measure_viewers

if __name__ == "__main__":
    arguments = parser("What live translation adds, and what a viewer costs.")
    arguments.add_argument("--quick", action="store_true", help="shorter runs")
    given = arguments.parse_args()
    run(
        "translation",
        lambda: measure_viewers((1, 100, 1000), 10 if given.quick else 30),
        as_json=given.json,
    )
