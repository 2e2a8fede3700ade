"""What follows from a final stays in the outbox until every part of its delivery is done."""

from __future__ import annotations

from typing import Any

import msgspec
from redis.asyncio import Redis

from dragoman_contracts.events import AudioSessionOpened
from dragoman_contracts.streams import AUDIO_RESULTS, SessionKeys
from dragoman_contracts.websocket import TranscriptFinal
from dragoman_orchestration.workers.outbox import Outbox
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.session_lease import SessionLease


async def test_what_could_not_be_cleared_stays(redis_client: Redis, broker: RedisBroker) -> None:
    redis: Any = redis_client
    final = TranscriptFinal(
        segment_id="seg-0",
        revision=1,
        text="hello",
        start_ms=0,
        end_ms=500,
        language="en",
        confidence=1.0,
        words=[],
    )
    lease = SessionLease(
        opened=AudioSessionOpened(session_id="s", profile="mock", options={}),
        keys=SessionKeys("s"),
        entry_id="1-1",
        times_delivered=1,
        outbox={7: msgspec.json.encode(final)},
    )
    outbox = Outbox(broker)
    # Its copy goes out, and then Redis refuses to clear it.
    await redis.set(lease.keys.outbox, "no hash")
    await outbox.deliver(lease, set())
    assert list(lease.outbox) == [7]
    await redis.delete(lease.keys.outbox)
    await outbox.deliver(lease, set())
    assert lease.outbox == {}
    assert await broker.length(AUDIO_RESULTS) == 2
