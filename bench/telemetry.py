"""bench-telemetry: what traces, logs and metrics by OTLP cost, in CPU time of what audio goes through.

The same sessions are spoken with nothing exported, with the defaults, and with every frame traced: by three
systems side by side, for a machine's speed drifts, and several times over. Mock engine and one target
language: real engines would hide the cost, so this is the worst case. The receiver answers at once and is not
counted.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from dragoman_runtime.settings import RuntimeSettings

PATH = ("api", "audio", "whisper", "translation")
WARM_UP_S = 4.0
DEFAULT = str(RuntimeSettings.model_fields["trace_ratio"].default)
MODES = {"off": ("", DEFAULT), "default": ("{url}", DEFAULT), "all": ("{url}", "1")}
"""Where to send, and the share of frames that are traced."""


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
    endpoint, ratio = MODES[mode]
    return {
        "DRAGOMAN_LOG_LEVEL": "INFO",
        "DRAGOMAN_OTLP_ENDPOINT": endpoint.format(url=url),
        "DRAGOMAN_TRACE_RATIO": ratio,
    }


@dataclass
class Together:
    """What the systems of a round wait for."""

    all_ready: asyncio.Barrier
    ready: asyncio.Event


async def cost(mode: str, url: str, sessions: int, seconds: int, together: Together) -> dict[str, float]:
    """CPU ms a session's second of each process."""
    async with stack("mock", **environment(mode, url)) as running:
        together.ready.set()
        async with api_client(running) as http:
            options = {"translation": {"targets": ["es"], "drafts": False}}
            ids = [await create_session(http, **options) for _ in range(sessions)]
        programs = [program(seconds, seed) for seed in range(10)]
        await together.all_ready.wait()
        speakers = [
            asyncio.create_task(
                speak_live(running, one, programs[i % 10], delay_s=i / sessions, keep=lambda _: False)
            )
            for i, one in enumerate(ids)
        ]
        costs = ProcessCosts(running)
        await asyncio.sleep(WARM_UP_S)
        costs.restart()
        await asyncio.sleep(seconds - WARM_UP_S - 1)
        spent = costs.cpu_ms_per_session_second(sessions)
        await asyncio.gather(*speakers)
        await together.all_ready.wait()
    return spent


async def one_round(url: str, sessions: int, seconds: int) -> dict[str, float]:
    """CPU ms a session's second of the audio path, of all modes at the same time."""
    together = Together(asyncio.Barrier(len(MODES)), asyncio.Event())
    tasks = {}
    for mode in MODES:
        tasks[mode] = asyncio.create_task(cost(mode, url, sessions, seconds, together))
        # A stack's settings go by the environment of this process: one after the other.
        await together.ready.wait()
        together.ready.clear()
    by_process = dict(zip(tasks, await asyncio.gather(*tasks.values()), strict=True))
    spent = {mode: sum(found[name] for name in PATH) for mode, found in by_process.items()}
    say(" ".join(f"{mode} {value:.2f}" for mode, value in spent.items()))
    return spent


async def measure(sessions: int, seconds: int, rounds: int) -> Figures:
    """Medians of the rounds; overheads are those within a round."""
    with sink() as url:
        found = [await one_round(url, sessions, seconds) for _ in range(rounds)]
    overheads = {
        mode: sorted((one[mode] / one["off"] - 1) * 100 for one in found) for mode in MODES if mode != "off"
    }
    return {
        "cpu_ms_per_session_second": {
            mode: round(statistics.median(one[mode] for one in found), 2) for mode in MODES
        },
        "overhead_percent": {mode: round(statistics.median(all_), 1) for mode, all_ in overheads.items()},
        "overhead_percent_least_and_most": {
            mode: f"{all_[0]:.1f} to {all_[-1]:.1f}" for mode, all_ in overheads.items()
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
