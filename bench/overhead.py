"""bench-overhead: what the system adds between a frame and its result, with an engine that takes no time.

Mock engine, 10 frames a second and session. A partial tells by ``end_ms`` which frame completed its window;
the overhead is its arrival less the moment when that frame left the client, less the engine's time (none).
"""

from __future__ import annotations

import asyncio
import re

import numpy as np

from bench.harness import (
    FRAME_MS,
    Figures,
    Live,
    api_client,
    create_session,
    parser,
    percentile,
    run,
    say,
    speak_live,
    stack,
    to_frames,
)
from dragoman_whisper.engines.mock_speech import speak

_PARTIAL = re.compile(rb'"type":"transcript\.partial".*?"end_ms":(\d+)', re.DOTALL)
WARM_UP_S = 3.0


def program(seconds: int, seed: int) -> list[bytes]:
    """Mock speech: utterances of 3 to 6 s with pauses of 1 s, different for each seed."""
    rng = np.random.default_rng(seed)
    parts: list[np.ndarray] = []
    length = 0
    while length < seconds * 16_000:
        words = rng.integers(0, 65_536, size=int(rng.integers(10, 20)))
        parts += [speak([int(word) for word in words]), np.zeros(16_000, dtype=np.float32)]
        length = sum(len(part) for part in parts)
    return to_frames(np.concatenate(parts)[: seconds * 16_000])


def is_partial(message: bytes) -> bool:
    """Whether a message is one of those that this benchmark looks at."""
    return b'"transcript.partial"' in message


def overheads_ms(live: Live) -> list[float]:
    """For each partial: from the frame that completed its window to its arrival."""
    found = []
    for arrival, message in live.messages:
        match = _PARTIAL.search(message)
        if match is None or arrival - live.started < WARM_UP_S:
            continue
        frame = -(-int(match[1]) // FRAME_MS) - 1
        found.append((arrival - live.sent[frame]) * 1000)
    return found


async def measure(sessions: int, seconds: int) -> Figures:
    """Run all sessions at once, their starts spread over a second."""
    programs = [program(seconds, seed) for seed in range(min(sessions, 10))]
    async with stack("mock") as running, api_client(running) as http:
        ids = [await create_session(http) for _ in range(sessions)]
        say(f"{sessions} sessions for {seconds} s")
        lives = await asyncio.gather(
            *(
                speak_live(
                    running, session_id, programs[i % len(programs)], delay_s=i / sessions, keep=is_partial
                )
                for i, session_id in enumerate(ids)
            )
        )
    values = [value for live in lives for value in overheads_ms(live)]
    return {
        "overhead_ms_p50": percentile(values, 50),
        "overhead_ms_p99": percentile(values, 99),
        "sessions": sessions,
        "results": len(values),
    }


if __name__ == "__main__":
    arguments = parser("Time that the system adds to the engine's.")
    arguments.add_argument("--sessions", type=int, default=50)
    arguments.add_argument("--seconds", type=int, default=30)
    given = arguments.parse_args()
    run("overhead", lambda: measure(given.sessions, given.seconds), as_json=given.json)
