"""bench-sessions: how many live sessions one machine holds, with everything on it, load generator included.

Mock engine, 10 frames a second and session. The number of sessions rises until the lag, from the frame that
completed a window to its partial at the client, passes 500 ms at p99. The costs are those of the last step
that held.
"""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import connect

from bench.harness import (
    FRAME_MS,
    Figures,
    Live,
    ProcessCosts,
    api_client,
    create_session,
    parser,
    percentile,
    run,
    say,
    speak_live,
    stack,
)
from bench.overhead import is_partial, overheads_ms, program
from dragoman_orchestration.cli.stack import RunningStack
from dragoman_runtime.broker.redis import connect_redis

LAG_LIMIT_MS = 500.0
BACKLOG_S = 30


async def hold(running: RunningStack, sessions: int, seconds: int) -> tuple[float, Figures]:
    """One step: its p99 lag, and what it cost."""
    programs = [program(seconds, seed) for seed in range(10)]
    async with api_client(running) as http:
        ids = [await create_session(http) for _ in range(sessions)]
    spread_s = sessions / 100
    costs = ProcessCosts(running)

    async def one(index: int) -> Live:
        return await speak_live(
            running,
            ids[index],
            programs[index % 10],
            delay_s=index / sessions * spread_s,
            keep=is_partial,
        )

    tasks = [asyncio.create_task(one(index)) for index in range(sessions)]
    await asyncio.sleep(spread_s + 3)
    costs.restart()
    await asyncio.sleep(max(1.0, seconds - spread_s - 4))
    figures: Figures = {
        "cpu_ms_per_session_second": costs.cpu_ms_per_session_second(sessions),
        "rss_mb": costs.rss_mb(),
    }
    lives = await asyncio.gather(*tasks)
    values = [value for live in lives for value in overheads_ms(live)]
    unfinished = sum(live.ended == 0 for live in lives)
    return float("inf") if unfinished or not values else percentile(values, 99), figures


async def redis_bytes_of_backlog(running: RunningStack) -> int:
    """Redis memory of one session with 30 s of audio that nobody has taken yet."""
    # In real time, for the API joins frames that arrive faster; half of the time, scaled up.
    frames = program(BACKLOG_S // 2, 1)
    redis = connect_redis(running.supervisor.children[0].spec.environment["DRAGOMAN_REDIS_URL"])
    headers = {"authorization": f"Bearer {running.key}"}
    async with api_client(running) as http:
        # No worker of this stack has the profile gpu: the audio stays where it is.
        session_id = await create_session(http, profile="gpu")
        url = running.url.replace("http", "ws", 1) + f"/v1/sessions/{session_id}/audio"
        async with connect(url, additional_headers=headers, compression=None) as socket:
            await socket.send('{"type":"session.configure"}')
            for frame in frames:
                await socket.send(frame)
                await asyncio.sleep(FRAME_MS / 1000)
        used = 0
        for key in [key async for key in redis.scan_iter(f"*{session_id}*")]:
            used += await redis.memory_usage(key, samples=0)
    await redis.aclose()
    return used * 2


async def measure(first: int, step: int, last: int, seconds: int) -> Figures:
    """Raise the number of sessions until the lag passes its limit."""
    held, figures, p99 = 0, {}, float("nan")
    environment = {"DRAGOMAN_AUDIO_MAX_SESSIONS": str(last), "DRAGOMAN_API_MAX_SESSIONS": str(10 * last)}
    environment["DRAGOMAN_API_MAX_SESSIONS_PER_KEY"] = str(10 * last)
    async with stack("mock", **environment) as running:
        backlog_bytes = await redis_bytes_of_backlog(running)
        for sessions in range(first, last + 1, step):
            lag, costs = await hold(running, sessions, seconds)
            say(f"{sessions} sessions: lag p99 {lag} ms; {costs}")
            if lag > LAG_LIMIT_MS:
                break
            held, figures, p99 = sessions, costs, lag
    return {"sessions_held": held, "lag_ms_p99": p99, "redis_bytes_per_session": backlog_bytes, **figures}


if __name__ == "__main__":
    arguments = parser("Live sessions that one machine holds.")
    arguments.add_argument("--first", type=int, default=50)
    arguments.add_argument("--step", type=int, default=50)
    arguments.add_argument("--last", type=int, default=500)
    arguments.add_argument("--seconds", type=int, default=20)
    given = arguments.parse_args()
    run(
        "sessions",
        lambda: measure(given.first, given.step, given.last, given.seconds),
        as_json=given.json,
    )
