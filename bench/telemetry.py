"""bench-telemetry: what traces, logs and metrics by OTLP cost, in CPU time of what audio goes through.

The same sessions are spoken with nothing exported, with the defaults, and with every frame traced, in turns
and several times over, for a machine's speed drifts. Mock engine and one target language: real engines would
hide the cost, so this is the worst case. The receiver answers at once and is not counted.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.harness import (
    Figures,
    ProcessCosts,
    api_client,
    create_session,
    parser,
    run,
    say,
    speak_live,
    stack,
)
from bench.overhead import program

PATH = ("api", "audio", "whisper", "translation")
WARM_UP_S = 4.0
MODES = {"off": None, "default": "", "all": "1"}
"""Share of frames that are traced: None exports nothing at all, empty is the setting's default."""


class Sink(BaseHTTPRequestHandler):
    """Takes everything."""

    protocol_version = "HTTP/1.1"
    received_bytes = 0

    def do_POST(self) -> None:
        """Read and forget."""
        Sink.received_bytes += len(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
        del format, args


@contextmanager
def sink() -> Iterator[str]:
    """An OTLP receiver's URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def environment(mode: str, url: str) -> dict[str, str]:
    """The settings of a mode; logs as in operation."""
    ratio = MODES[mode]
    if ratio is None:
        return {"DRAGOMAN_LOG_LEVEL": "INFO"}
    chosen = {"DRAGOMAN_TRACE_RATIO": ratio} if ratio else {}
    return {"DRAGOMAN_LOG_LEVEL": "INFO", "DRAGOMAN_OTLP_ENDPOINT": url, **chosen}


async def cost(mode: str, url: str, sessions: int, seconds: int) -> tuple[float, float]:
    """CPU ms a session's second of the audio path, and bytes exported a session's second."""
    async with stack("mock", **environment(mode, url)) as running:
        async with api_client(running) as http:
            options = {"translation": {"targets": ["es"], "drafts": False}}
            ids = [await create_session(http, **options) for _ in range(sessions)]
        programs = [program(seconds, seed) for seed in range(10)]
        speakers = [
            asyncio.create_task(
                speak_live(running, one, programs[i % 10], delay_s=i / sessions, keep=lambda _: False)
            )
            for i, one in enumerate(ids)
        ]
        costs = ProcessCosts(running)
        await asyncio.sleep(WARM_UP_S)
        before = Sink.received_bytes
        costs.restart()
        await asyncio.sleep(seconds - WARM_UP_S - 1)
        spent = costs.cpu_ms_per_session_second(sessions)
        sent = (Sink.received_bytes - before) / sessions / (seconds - WARM_UP_S - 1)
        await asyncio.gather(*speakers)
    say(f"{mode}: {spent}")
    return sum(spent[name] for name in PATH), sent


async def measure(sessions: int, seconds: int, rounds: int) -> Figures:
    """All modes in turns; medians of the rounds."""
    spent: dict[str, list[float]] = {mode: [] for mode in MODES}
    sent: dict[str, list[float]] = {mode: [] for mode in MODES}
    with sink() as url:
        for number in range(rounds):
            # Forth and back: none is always first on a machine that slows down.
            for mode in list(MODES)[:: 1 if number % 2 == 0 else -1]:
                cpu_ms, count = await cost(mode, url, sessions, seconds)
                spent[mode].append(cpu_ms)
                sent[mode].append(count)
    middle = {mode: statistics.median(values) for mode, values in spent.items()}
    return {
        "cpu_ms_per_session_second": {mode: round(value, 2) for mode, value in middle.items()},
        "spread_percent": {
            mode: round((max(values) - min(values)) / middle[mode] * 100, 1) for mode, values in spent.items()
        },
        "overhead_percent": {
            mode: round((value / middle["off"] - 1) * 100, 1) for mode, value in middle.items()
        },
        "kb_per_session_second": {
            mode: round(statistics.median(values) / 1000, 2) for mode, values in sent.items()
        },
        "sessions": sessions,
        "rounds": rounds,
    }


if __name__ == "__main__":
    arguments = parser("What telemetry costs.")
    arguments.add_argument("--sessions", type=int, default=25)
    arguments.add_argument("--seconds", type=int, default=24)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    run("telemetry", lambda: measure(given.sessions, given.seconds, given.rounds), as_json=given.json)
