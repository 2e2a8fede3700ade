"""The lease keeps one worker on a session; the fence keeps all others from publishing."""

from __future__ import annotations

import msgspec
import pytest

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import Fenced
from dragoman_contracts.events import AudioSessionOpened, to_envelope
from dragoman_contracts.streams import GROUP_AUDIO_PIPELINE, SessionKeys, StateField, dead_letter_stream
from dragoman_runtime.session_lease import ResultBatch, ResultEvent, SessionLeases

LEASE_MS = 300
KEYS = SessionKeys("s1", 1)
SESSIONS = KEYS.shard.sessions("mock")


@pytest.fixture
def leases_of(broker):
    def make(worker: str, **changes) -> SessionLeases:
        values = {"worker": worker, "profile": "mock", "shards": 1, "lease_ms": LEASE_MS} | changes
        return SessionLeases(broker, **values)

    return make


async def open_session(redis_client, session_id: str = "s1") -> None:
    event = AudioSessionOpened(session_id=session_id, profile="mock")
    await redis_client.xadd(SESSIONS, to_envelope(event, source="/test", subject=session_id).to_fields())
    await redis_client.hset(SessionKeys(session_id, 1).record, mapping={"status": "live"})


async def claim_one(leases: SessionLeases, eventually):
    (lease,) = await eventually_claimed(leases, eventually)
    await leases.activate(lease)
    return lease


async def eventually_claimed(leases: SessionLeases, eventually):
    async def claimed():
        return await leases.claim(1)

    return await eventually(claimed)


def event(text: str = "hi", *, to_outbox: bool = False) -> ResultEvent:
    return ResultEvent("transcript.final", msgspec.json.encode({"text": text}), to_outbox)


async def test_a_session_goes_to_one_worker(leases_of, redis_client, eventually):
    await open_session(redis_client)
    first = await claim_one(leases_of("a"), eventually)
    assert first.session_id == "s1"
    assert first.generation == 1
    assert await leases_of("b").claim(5) == []


async def test_claim_takes_no_more_than_there_is_room(leases_of, redis_client, eventually):
    for index in range(5):
        await open_session(redis_client, f"s{index}")
    leases = leases_of("a")

    async def two():
        return await leases.claim(2)

    assert len(await eventually(two)) == 2
    assert len(await leases.claim(10)) == 3


async def test_what_a_silent_worker_left_is_taken_over_with_its_state(leases_of, redis_client, eventually):
    await open_session(redis_client)
    dead = leases_of("dead")
    lease = await claim_one(dead, eventually)
    await dead.publish(lease, ResultBatch(events=[event(to_outbox=True)], state={StateField.STATE: b"mine"}))

    heir = await claim_one(leases_of("heir"), eventually)
    assert heir.generation == 2
    assert heir.state == b"mine"
    assert heir.offset == 1
    assert heir.outbox == {1: b'{"text":"hi"}'}
    assert heir.times_delivered == 2


async def test_a_zombie_publishes_nothing_and_cannot_end_the_session(leases_of, redis_client, eventually):
    await open_session(redis_client)
    zombie = leases_of("zombie")
    stale = await claim_one(zombie, eventually)
    heir = leases_of("heir")
    lease = await claim_one(heir, eventually)

    with pytest.raises(Fenced):
        await zombie.publish(stale, ResultBatch(events=[event("ghost")]))
    with pytest.raises(Fenced):
        await zombie.end(stale, retention_s=60)
    assert await redis_client.xlen(KEYS.results) == 0
    assert await zombie.renew([stale]) == [stale]
    assert await zombie.hand_over(stale) is False
    assert await heir.renew([lease]) == []


async def test_renewing_keeps_a_lease_alive(leases_of, redis_client, eventually):
    await open_session(redis_client)
    mine, other = leases_of("a"), leases_of("b")
    lease = await claim_one(mine, eventually)

    async def idle_ms() -> int:
        (row,) = await redis_client.xpending_range(SESSIONS, GROUP_AUDIO_PIPELINE, "-", "+", 1)
        return row["time_since_delivered"]

    async def nearly_out():
        return await idle_ms() > LEASE_MS // 2

    await eventually(nearly_out)
    assert await mine.renew([lease]) == []
    assert await idle_ms() < LEASE_MS // 2
    assert await other.claim(1) == []


async def test_a_handed_over_lease_is_free_at_once_and_counts_as_no_failure(
    leases_of, redis_client, eventually
):
    await open_session(redis_client)
    first = leases_of("a", lease_ms=60_000)
    lease = await claim_one(first, eventually)
    assert await first.hand_over(lease)
    (taken,) = await leases_of("b", lease_ms=60_000).claim(1)
    assert taken.times_delivered == 1


async def test_a_step_whose_reply_was_lost_is_repeated_without_effect(leases_of, redis_client, eventually):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    batch = ResultBatch(events=[event("one"), event("two")])
    before = (lease.checkpoint, lease.steps)
    assert await leases.publish(lease, batch) == 2
    lease.checkpoint, lease.steps = before
    assert await leases.publish(lease, batch) == 2
    assert await redis_client.xlen(KEYS.results) == 2


async def test_a_step_on_another_checkpoint_is_refused(leases_of, redis_client, eventually):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    await leases.publish(lease, ResultBatch(events=[event()]))
    lease.checkpoint = b"1.99"
    lease.steps = 200
    with pytest.raises(Fenced, match="stale"):
        await leases.publish(lease, ResultBatch(events=[event()]))


async def test_a_step_writes_all_or_nothing(leases_of, redis_client, eventually):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    for seq in range(1, 6):
        await redis_client.xadd(KEYS.audio, {"k": "a", "d": "x"}, id=f"1-{seq}")
    await leases.publish(lease, ResultBatch(events=[event("p1"), event("p2")]))
    last = await leases.publish(
        lease,
        ResultBatch(
            events=[event("final", to_outbox=True)],
            state={StateField.COMMITTED_MS: 400},
            trim_before="1-4",
            superseded=(1, 2),
        ),
    )
    assert last == 3
    assert [entry_id for entry_id, _ in await redis_client.xrange(KEYS.results)] == [b"3-0"]
    assert [entry_id for entry_id, _ in await redis_client.xrange(KEYS.audio)] == [b"1-4", b"1-5"]
    assert await redis_client.hget(KEYS.state, "committed_ms") == b"400"
    assert await redis_client.hkeys(KEYS.outbox) == [b"3"]


async def test_scripts_that_redis_forgot_are_sent_again(leases_of, redis_client, eventually):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    await leases.publish(lease, ResultBatch(events=[event()]))
    await redis_client.script_flush()
    assert await leases.publish(lease, ResultBatch(events=[event()])) == 2


async def test_the_end_leaves_what_people_may_still_read(leases_of, redis_client, eventually):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    await redis_client.xadd(KEYS.audio, {"k": "a", "d": "x"}, id="1-1")
    await leases.publish(lease, ResultBatch(events=[event()]))
    await leases.end(lease, retention_s=60)
    assert await redis_client.exists(KEYS.audio, KEYS.owner, KEYS.outbox) == 0
    assert await redis_client.hget(KEYS.record, "status") == b"ended"
    assert await redis_client.xlen(SESSIONS) == 0
    for key in (KEYS.results, KEYS.state, KEYS.record):
        assert 0 < await redis_client.ttl(key) <= 60
    assert await leases_of("b").claim(1) == []


async def test_progress_resets_the_count_of_takeovers(leases_of, redis_client, eventually):
    await open_session(redis_client)
    for generation in range(1, 7):
        leases = leases_of(f"worker-{generation}")
        lease = await claim_one(leases, eventually)
        assert lease.generation == generation
        assert not leases.is_poison(lease)
        await leases.publish(lease, ResultBatch(events=[event()], progressed=True))
        assert await leases.renew([lease]) == []


async def test_a_session_that_only_fails_becomes_poison(leases_of, redis_client, eventually):
    await open_session(redis_client)
    seen = []
    for index in range(4):
        leases = leases_of(f"worker-{index}")
        lease = await claim_one(leases, eventually)
        seen.append(leases.is_poison(lease))
    assert seen == [False, False, False, True]


async def bury(leases: SessionLeases, lease, **changes) -> bool:
    values = {
        "events": [ResultEvent("error", b"{}"), ResultEvent("session.ended", b"{}")],
        "ledger": b"{}",
        "last_audio": "1-1",
        "retention_s": 60,
    }
    return await leases.bury(lease, "it failed", **values | changes)


async def test_what_is_given_up_is_kept_and_told_in_one_step(leases_of, redis_client, eventually):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    await redis_client.xadd(KEYS.audio, {"k": "a", "d": "x", "n": 1}, id="1-1")
    await leases.publish(
        lease, ResultBatch(events=[event(to_outbox=True)], state={StateField.STATE: b"at 3"})
    )
    checkpoint = await redis_client.hget(KEYS.state, "checkpoint")
    assert await bury(leases, lease)

    ((_, fields),) = await redis_client.xrange(dead_letter_stream(SESSIONS))
    assert fields[b"dl_reason"] == b"it failed"
    assert fields[b"dl_group"] == GROUP_AUDIO_PIPELINE.encode()
    assert (fields[b"dl_consumer"], fields[b"dl_deliveries"]) == (b"a", b"1")
    assert Envelope.from_fields(fields).subject == "s1"
    assert [fields[b"t"] for _, fields in await redis_client.xrange(KEYS.results)][1:] == [
        b"error", b"session.ended",
    ]  # fmt: skip
    assert await redis_client.hget(KEYS.record, "status") == b"ended"
    assert await redis_client.hmget(KEYS.state, "state", "checkpoint") == [b"at 3", checkpoint]
    assert await redis_client.xlen(SESSIONS) == 0
    assert await redis_client.exists(KEYS.owner) == 0
    for key in (KEYS.audio, KEYS.state, KEYS.results, KEYS.outbox, KEYS.record):
        assert 0 < await redis_client.ttl(key) <= 60
    with pytest.raises(Fenced):
        await bury(leases, lease)
    assert await redis_client.xlen(dead_letter_stream(SESSIONS)) == 1


async def test_audio_that_comes_while_a_session_is_given_up_is_counted_first(
    leases_of, redis_client, eventually
):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    await redis_client.xadd(KEYS.audio, {"k": "a", "d": "x", "n": 1}, id="1-2")
    before = await redis_client.hgetall(KEYS.state)
    assert not await bury(leases, lease)
    assert await redis_client.hgetall(KEYS.state) == before
    assert await redis_client.exists(dead_letter_stream(SESSIONS), KEYS.results) == 0
    assert await bury(leases, lease, last_audio="1-2")


async def test_a_sleeper_cannot_take_back_what_it_had_only_claimed(leases_of, redis_client, eventually):
    await open_session(redis_client)
    first, second = leases_of("a"), leases_of("b")
    (slept,) = await eventually_claimed(first, eventually)
    lease = await claim_one(second, eventually)
    with pytest.raises(Fenced):
        await first.activate(slept)
    assert slept.token == ""
    await second.publish(lease, ResultBatch(events=[event()]))
    await redis_client.flushall()
    with pytest.raises(Fenced):
        await second.activate(lease)


async def test_a_worker_without_room_for_new_ones_takes_over_only(leases_of, redis_client, eventually):
    await open_session(redis_client)
    lease = await claim_one(leases_of("a"), eventually)
    await open_session(redis_client, "s2")
    other = leases_of("b")

    async def taken():
        return await other.claim(5, new=False)

    assert [one.session_id for one in await eventually(taken)] == [lease.session_id]
    assert await leases_of("c", lease_ms=1).claim(5, stale=False, new=False) == []
    assert [one.session_id for one in await leases_of("c", lease_ms=1).claim(5, stale=False)] == ["s2"]


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (["DEL", KEYS.owner], "fenced"),
        (["HSET", KEYS.state, "checkpoint", "1.0"], "stale"),
        (["XDEL", KEYS.audio, "1-2"], "stale"),
        (["DEL", KEYS.audio], "stale"),
    ],
)
async def test_a_redis_that_has_less_is_found_out(leases_of, redis_client, eventually, loss, told):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    for seq in (1, 2):
        await redis_client.xadd(KEYS.audio, {"k": "a", "d": "x", "n": seq * 10}, id=f"1-{seq}")
    await leases.publish(lease, ResultBatch(events=[event()]))
    await leases.verify(lease, "1-2", "20")
    await leases.verify(lease, "", "")
    await redis_client.execute_command(*loss)
    with pytest.raises(Fenced, match=told):
        await leases.verify(lease, "1-2", "20")


async def test_an_entry_that_came_again_with_other_audio_is_found_out(leases_of, redis_client, eventually):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    await redis_client.xadd(KEYS.audio, {"k": "a", "d": "x", "n": 30}, id="1-2")
    with pytest.raises(Fenced, match="stale"):
        await leases.verify(lease, "1-2", "20")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"hello": "world"}, b"ce_id"),
        (Envelope(type="Nonsense", source="/t").to_fields(), b"Nonsense"),
        (Envelope(type="AudioSessionEnded", source="/t", data=b"{}").to_fields(), b"AudioSessionEnded"),
    ],
)
async def test_an_entry_that_opens_no_session_is_dead_lettered(
    leases_of, redis_client, eventually, fields, reason
):
    await redis_client.xadd(SESSIONS, fields)
    leases = leases_of("a")

    async def buried():
        assert await leases.claim(1) == []
        return await redis_client.xlen(dead_letter_stream(SESSIONS))

    await eventually(buried)
    ((_, dead),) = await redis_client.xrange(dead_letter_stream(SESSIONS))
    assert reason in dead[b"dl_reason"]
    assert await redis_client.xlen(SESSIONS) == 0


async def test_a_wiped_redis_fences_and_is_used_again(leases_of, redis_client, eventually):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    await redis_client.flushall()
    with pytest.raises(Fenced):
        await leases.publish(lease, ResultBatch(events=[event()]))
    await open_session(redis_client, "s2")
    assert (await claim_one(leases, eventually)).session_id == "s2"


async def test_renewing_in_a_wiped_redis_tells_that_the_leases_are_lost(leases_of, redis_client, eventually):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    await redis_client.flushall()
    assert await leases.renew([lease]) == [lease]


async def test_handing_over_in_a_wiped_redis_hands_over_nothing(leases_of, redis_client, eventually):
    await open_session(redis_client)
    leases = leases_of("a")
    lease = await claim_one(leases, eventually)
    await redis_client.flushall()
    assert await leases.hand_over(lease) is False
