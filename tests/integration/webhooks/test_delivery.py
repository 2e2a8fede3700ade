from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.utils import formatdate

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from standardwebhooks import WebhookVerificationError

from dragoman_contracts.errors import NotFound
from dragoman_contracts.streams import WebhookKeys
from dragoman_orchestration.webhooks import courier
from dragoman_orchestration.webhooks.model import (
    Attempt,
    DeliveryUnknown,
    Endpoint,
    State,
    WebhookLimit,
    WebhookStateForbids,
)
from dragoman_orchestration.webhooks.signing import BOTH_VALID_MS, new_secret
from dragoman_orchestration.webhooks.store import LEASE_MARGIN_MS, delivery_id
from dragoman_orchestration.webhooks.transport import Outcome
from dragoman_runtime.process import Drain
from tests.conftest import Eventually
from tests.integration.webhooks.conftest import Clock, Desk, Played, bot_event
from tests.integration.webhooks.receiver import Request, receiving, status

SCHEDULE_S = (5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 22_000)


def ended(desk: Desk, envelope: object, endpoint: Endpoint, *states: State) -> Callable[[], object]:
    async def look() -> bool:
        return await desk.state(envelope, endpoint) in states  # type: ignore[arg-type]

    return look


async def test_an_event_arrives_signed_as_a_cloudevent(desk: Desk, eventually: Eventually) -> None:
    async with receiving() as receiver, desk.delivering():
        endpoint = await desk.endpoint(receiver.url, "bot.*")
        envelope = await desk.offer(seq=7)
        await eventually(ended(desk, envelope, endpoint, State.DELIVERED))
    (request,) = receiver.requests
    event = request.verify(endpoint.secret)
    assert event["data"]["seq"] == 7
    assert event["data"]["state"] == "active"
    assert {name: event[name] for name in ("specversion", "id", "type", "source", "subject", "time")} == {
        "specversion": "1.0",
        "id": envelope.id,
        "type": "bot.state_changed",
        "source": "/dragoman/bots",
        "subject": "b1",
        "time": envelope.time,
    }
    assert event["dataschema"] == "dragoman:BotStateChanged:1"
    assert event["datacontenttype"] == "application/json"
    assert request.headers["webhook-id"] == envelope.id
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    record = await desk.delivery(envelope, endpoint)
    assert [(one.status, one.error) for one in record.attempts] == [(200, "")]


async def test_a_body_that_was_changed_and_a_secret_of_another_endpoint_do_not_verify(
    desk: Desk, eventually: Eventually
) -> None:
    async with receiving() as receiver, desk.delivering():
        endpoint = await desk.endpoint(receiver.url)
        await desk.offer()
        await eventually(lambda: receiver.requests)
    (request,) = receiver.requests
    changed = Request(request.line, request.headers, request.body.replace(b"active", b"failed"), "")
    with pytest.raises(WebhookVerificationError):
        changed.verify(endpoint.secret)
    with pytest.raises(WebhookVerificationError):
        request.verify(new_secret())


async def test_only_endpoints_of_the_owner_that_want_the_type_get_it(
    desk: Desk, eventually: Eventually
) -> None:
    played = Played(a=[200], b=[200], c=[200], d=[200])
    async with desk.delivering(sender=played):
        await desk.endpoint("http://a.example/", "bot.state_changed")
        await desk.endpoint("http://b.example/", "bot.degraded", "session.*")
        await desk.endpoint("http://c.example/", "*", owner="another")
        await desk.endpoint("http://d.example/", "bot.*")
        await desk.offer()
        await eventually(lambda: len(played.sent) == 2)
        await desk.offer(None)
        await eventually(lambda: len(played.sent) == 5)
    hosts = [url.split("/")[2][0] for url, _, _ in played.sent]
    assert sorted(hosts[:2]) == ["a", "d"]
    assert sorted(hosts[2:]) == ["a", "c", "d"]


async def test_an_event_that_comes_again_makes_no_second_delivery(desk: Desk, eventually: Eventually) -> None:
    async with receiving() as receiver, desk.delivering():
        endpoint = await desk.endpoint(receiver.url)
        envelope = bot_event()
        assert await desk.fanout.offer(envelope, "suite") == 1
        assert await desk.fanout.offer(envelope, "suite") == 0
        await eventually(ended(desk, envelope, endpoint, State.DELIVERED))
        assert await desk.fanout.offer(envelope, "suite") == 0
        last = await desk.offer()
        await eventually(ended(desk, last, endpoint, State.DELIVERED))
    assert receiver.ids() == [envelope.id, last.id]


async def test_an_endpoint_gets_no_event_of_before_it_was_made(desk: Desk) -> None:
    endpoint = await desk.endpoint("http://a.example/")
    late = Endpoint(
        id="f" * 32,
        owner_key="suite",
        url="http://late.example/",
        events=("*",),
        secret=new_secret(),
        created_ms=desk.clock() + 60_000,
    )
    await desk.store.create(late)
    envelope = await desk.offer()
    assert (await desk.delivery(envelope, endpoint)).state is State.PENDING
    with pytest.raises(DeliveryUnknown):
        await desk.delivery(envelope, late)


async def test_a_new_endpoint_gets_the_very_next_event(desk: Desk) -> None:
    await desk.offer()  # the fanout knows by now that there is no endpoint
    endpoint = await desk.endpoint("http://a.example/")
    envelope = await desk.offer()
    assert (await desk.delivery(envelope, endpoint)).state is State.PENDING


async def test_a_failure_is_tried_again_by_the_schedule_with_the_same_id_until_it_arrives(
    desk: Desk, clock: Clock, eventually: Eventually
) -> None:
    played = Played(a=[500, 500, 500, 200])
    async with desk.delivering(sender=played):
        endpoint = await desk.endpoint("http://a.example/")
        envelope = await desk.offer()
        for number, pause_s in enumerate(SCHEDULE_S[:3], start=1):
            await eventually(ended(desk, envelope, endpoint, State.PENDING))
            await eventually(lambda wanted=number: len(played.sent) == wanted)
            record = await eventually(lambda wanted=number: _with_attempts(desk, envelope, endpoint, wanted))
            wait_s = (record.next_ms - clock()) / 1000
            assert 0.8 * pause_s <= wait_s <= pause_s
            clock.advance(wait_s - 0.001)
            assert (await desk.store.take(1, clock()))[1] == []  # not a moment too early
            clock.advance(0.001)
        await eventually(ended(desk, envelope, endpoint, State.DELIVERED))
    assert {headers["webhook-id"] for _, _, headers in played.sent} == {envelope.id}
    assert len({body for _, body, _ in played.sent}) == 1
    stamps = [int(headers["webhook-timestamp"]) for _, _, headers in played.sent]
    assert stamps == sorted(set(stamps))  # each attempt is signed anew, so that it is no replay


async def test_after_a_day_of_failures_it_is_given_up_with_the_reason(
    desk: Desk, clock: Clock, eventually: Eventually
) -> None:
    played = Played(a=[500])
    began_ms = clock()
    async with desk.delivering(sender=played):
        endpoint = await desk.endpoint("http://a.example/")
        envelope = await desk.offer()
        for number in range(1, len(SCHEDULE_S) + 1):
            record = await eventually(lambda wanted=number: _with_attempts(desk, envelope, endpoint, wanted))
            clock.advance((record.next_ms - clock()) / 1000)
        await eventually(ended(desk, envelope, endpoint, State.FAILED))
    record = await desk.delivery(envelope, endpoint)
    assert record.reason == "attempts_exhausted"
    assert len(record.attempts) == len(played.sent) == len(SCHEDULE_S) + 1
    assert 0.8 * 86_400 < (clock() - began_ms) / 1000 <= 86_400
    assert (await desk.again(endpoint)).enabled


async def test_410_gone_disables_the_endpoint_fails_what_waits_and_tells_the_owner(
    desk: Desk, eventually: Eventually, log_lines: list[str]
) -> None:
    async with receiving(status(410)) as gone, receiving() as other, desk.delivering():
        endpoint = await desk.endpoint(gone.url, "bot.*")
        told = await desk.endpoint(other.url, "webhook.*")
        stranger = await desk.endpoint(other.url, "webhook.*", owner="another")
        first = await desk.offer()
        await eventually(ended(desk, first, endpoint, State.FAILED))
        await eventually(lambda: other.requests)
    event = other.requests[0].verify(told.secret)
    assert event["type"] == "webhook.disabled"
    assert event["data"] == {"webhook_id": endpoint.id, "reason": "gone"}
    assert (await desk.delivery(first, endpoint)).reason == "gone"
    kept = await desk.again(endpoint)
    assert (kept.enabled, kept.disabled_reason) == (False, "gone")
    assert await desk.fanout.offer(bot_event(), "suite") == 0
    assert len(gone.requests) == 1
    assert (await desk.store.deliveries(stranger.id, limit=5))[0] == []
    assert any("disabled" in line and endpoint.id in line for line in log_lines)
    assert not any("of-the-receiver" in line for line in log_lines)  # URLs may be secrets


async def test_what_waits_for_an_endpoint_that_is_disabled_fails_with_that_reason(
    desk: Desk, clock: Clock
) -> None:
    endpoint = await desk.endpoint("http://a.example/")
    envelope = await desk.offer()
    await desk.store.update(endpoint.id, "suite", {"enabled": 0}, clock())
    record = await desk.delivery(envelope, endpoint)
    assert (record.state, record.reason) == (State.FAILED, "endpoint_disabled")
    assert (await desk.store.take(10, clock()))[1] == []


async def test_an_endpoint_that_fails_for_days_is_disabled(
    make_desk: Callable[..., Desk], clock: Clock, eventually: Eventually
) -> None:
    desk = make_desk(disable_after_s=3600, retry_after_s="1800,1800,1800")
    async with desk.delivering(sender=Played(a=[500])):
        endpoint = await desk.endpoint("http://a.example/")
        envelope = await desk.offer()
        for number in (1, 2, 3):
            assert (await desk.again(endpoint)).enabled
            await eventually(lambda wanted=number: _with_attempts(desk, envelope, endpoint, wanted))
            clock.advance(1800)
        await eventually(ended(desk, envelope, endpoint, State.FAILED))
    kept = await desk.again(endpoint)
    assert (kept.enabled, kept.disabled_reason) == (False, "failing")


async def test_a_success_in_between_begins_the_count_of_failing_anew(
    make_desk: Callable[..., Desk], clock: Clock, eventually: Eventually
) -> None:
    desk = make_desk(disable_after_s=3600, retry_after_s="1800,1800,1800")
    async with desk.delivering(sender=Played(a=[500, 500, 200, 500])):
        endpoint = await desk.endpoint("http://a.example/")
        envelope = await desk.offer()
        for number in (1, 2):
            await eventually(lambda wanted=number: _with_attempts(desk, envelope, endpoint, wanted))
            clock.advance(1800)
        await eventually(ended(desk, envelope, endpoint, State.DELIVERED))
        clock.advance(1800)
        second = await desk.offer()
        await eventually(lambda: _with_attempts(desk, second, endpoint, 1))
    kept = await desk.again(endpoint)
    assert kept.enabled
    assert kept.failing_since_ms == clock()


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_honoured_also_for_the_endpoints_other_deliveries(
    desk: Desk, clock: Clock, eventually: Eventually, code: int, form: str
) -> None:
    value = "900" if form == "seconds" else formatdate(clock() / 1000 + 900, usegmt=True)
    async with receiving(status(code, f"retry-after: {value}")) as receiver, desk.delivering():
        endpoint = await desk.endpoint(receiver.url)
        first = await desk.offer()
        record = await eventually(lambda: _with_attempts(desk, first, endpoint, 1))
        assert record.next_ms - clock() == pytest.approx(900_000, abs=1000)
        second = await desk.offer()
        receiver.answer = status(200)
        clock.advance(898)
        assert (await desk.store.take(10, clock()))[1] == []
        clock.advance(2)
        await eventually(ended(desk, first, endpoint, State.DELIVERED))
        await eventually(ended(desk, second, endpoint, State.DELIVERED))
    assert receiver.ids()[0] == first.id


@pytest.mark.parametrize("change", [{"url": "http://b.example/"}, {"enabled": 1}])
async def test_another_url_or_being_enabled_again_begins_anew(
    desk: Desk, clock: Clock, change: dict[str, str | int]
) -> None:
    endpoint = await desk.endpoint("http://a.example/")
    for _ in range(3):
        await desk.offer()
    _, (parcel, *_others) = await desk.store.take(1, clock())
    await desk.store.settle(
        parcel, Attempt(at_ms=1), "retry", now_ms=clock(), next_ms=clock(), hold_until_ms=clock() + 900_000
    )
    assert (await desk.store.take(10, clock()))[1] == []
    await desk.store.update(endpoint.id, "suite", change, clock())
    assert len((await desk.store.take(10, clock()))[1]) == 3
    assert (await desk.again(endpoint)).failing_since_ms == 0


async def test_a_slow_receiver_delays_no_other(
    make_desk: Callable[..., Desk], eventually: Eventually
) -> None:
    desk = make_desk(concurrency=8, endpoint_concurrency=2)
    release = asyncio.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await status(200)(request, writer)

    async with receiving(slow) as sluggish, receiving() as quick, desk.delivering():
        behind = await desk.endpoint(sluggish.url, "bot.*", owner="slow")
        await desk.endpoint(quick.url, "bot.*", owner="quick")
        waiting = [await desk.offer("slow") for _ in range(20)]
        events = [await desk.offer("quick") for _ in range(20)]
        # All of the quick one's arrive, while all of the slow one's wait.
        await eventually(lambda: len(quick.requests) == len(events))
        assert sluggish.most_under_way == 2
        release.set()
        await eventually(lambda: len(sluggish.requests) == 20)
        for envelope in waiting:
            await eventually(ended(desk, envelope, behind, State.DELIVERED))
    assert sluggish.most_under_way == 2


async def test_an_endpoint_that_fails_is_probed_one_at_a_time(desk: Desk, clock: Clock) -> None:
    endpoint = await desk.endpoint("http://a.example/")
    for _ in range(6):
        await desk.offer()
    _, parcels = await desk.store.take(10, clock())
    assert len(parcels) == 4
    probe = desk.courier(sender=Played(a=[500]))
    for parcel in parcels:
        await probe._carry(parcel)
    assert (await desk.again(endpoint)).failing_since_ms == clock()
    assert len((await desk.store.take(10, clock()))[1]) == 1


async def test_endpoints_are_served_in_turn(desk: Desk, clock: Clock) -> None:
    endpoints = [await desk.endpoint(f"http://{name}.example/", owner=name) for name in "abc"]
    for name in "abc":
        for _ in range(5):
            await desk.offer(name)
    turns = []
    for _ in range(4):
        clock.advance(0.001)
        _, parcels = await desk.store.take(2, clock())
        turns += [parcel.endpoint_id for parcel in parcels]
    counts = [turns.count(endpoint.id) for endpoint in endpoints]
    assert sum(counts) == 8
    assert min(counts) >= 2


async def test_a_killed_couriers_deliveries_are_taken_again_after_their_lease(
    desk: Desk, clock: Clock, eventually: Eventually
) -> None:
    async with receiving() as receiver:
        endpoint = await desk.endpoint(receiver.url)
        envelope = await desk.offer()
        reached = asyncio.Event()

        async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
            reached.set()
            await asyncio.sleep(60)

        receiver.answer = hang
        killed = asyncio.create_task(desk.courier().run(Drain()))
        await asyncio.wait_for(reached.wait(), 10)
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
        receiver.answer = status(200)
        async with desk.delivering():
            clock.advance((10_000 + LEASE_MARGIN_MS) / 1000 - 0.001)
            assert (await desk.store.take(10, clock()))[1] == []
            assert await desk.state(envelope, endpoint) is State.SENDING
            clock.advance(0.001)
            await eventually(ended(desk, envelope, endpoint, State.DELIVERED))
    assert receiver.ids() == [envelope.id, envelope.id]
    attempts = (await desk.delivery(envelope, endpoint)).attempts
    assert [one.error for one in attempts] == ["courier_lost", ""]


async def test_a_delivery_that_kills_its_couriers_is_given_up_after_all_its_attempts(
    make_desk: Callable[..., Desk], clock: Clock
) -> None:
    desk = make_desk(retry_after_s="5,5")
    endpoint = await desk.endpoint("http://a.example/")
    envelope = await desk.offer()
    for _ in range(3):
        _, parcels = await desk.store.take(10, clock())
        assert len(parcels) == 1
        clock.advance(60)
    assert (await desk.store.take(10, clock()))[1] == []
    record = await desk.delivery(envelope, endpoint)
    assert (record.state, record.reason, len(record.attempts)) == (State.FAILED, "attempts_exhausted", 3)


async def test_a_courier_that_wakes_after_its_lease_tells_nothing(
    desk: Desk, clock: Clock, eventually: Eventually, log_lines: list[str]
) -> None:
    endpoint = await desk.endpoint("http://a.example/")
    envelope = await desk.offer()
    _, (frozen,) = await desk.store.take(10, clock())
    clock.advance(60)
    _, (other,) = await desk.store.take(10, clock())
    assert other.delivery_id == frozen.delivery_id
    await desk.courier(sender=Played(a=[500]))._carry(frozen)
    assert await desk.state(envelope, endpoint) is State.SENDING
    assert any("longer than its lease" in line for line in log_lines)
    await desk.courier(sender=Played(a=[200]))._carry(other)
    assert await desk.state(envelope, endpoint) is State.DELIVERED


async def test_many_couriers_send_each_delivery_once(
    make_desk: Callable[..., Desk], eventually: Eventually
) -> None:
    desk = make_desk(concurrency=5)
    async with receiving() as receiver:
        for owner in "abcde":
            await desk.endpoint(receiver.url, owner=owner)
        events = [await desk.offer(owner) for owner in "abcde" for _ in range(20)]
        async with desk.delivering(), desk.delivering(), desk.delivering():
            await eventually(lambda: len(receiver.requests) >= len(events))
            await eventually(lambda: _idle(desk))
    assert sorted(receiver.ids()) == sorted(envelope.id for envelope in events)


async def test_redelivery_keeps_the_id_and_works_for_what_arrived_and_what_failed(
    make_desk: Callable[..., Desk], eventually: Eventually
) -> None:
    desk = make_desk(retry_after_s="")
    async with receiving() as receiver, desk.delivering():
        endpoint = await desk.endpoint(receiver.url)
        envelope = await desk.offer()
        one = delivery_id(envelope.id, endpoint.id)
        await eventually(ended(desk, envelope, endpoint, State.DELIVERED))
        receiver.answer = status(500)
        await desk.store.redeliver(endpoint.id, one, desk.clock())
        await eventually(ended(desk, envelope, endpoint, State.FAILED))
        receiver.answer = status(200)
        await desk.store.redeliver(endpoint.id, one, desk.clock())
        await eventually(ended(desk, envelope, endpoint, State.DELIVERED))
    assert receiver.ids() == [envelope.id] * 3
    for request in receiver.requests:
        request.verify(endpoint.secret)
    record = await desk.delivery(envelope, endpoint)
    assert [one.status for one in record.attempts] == [200, 500, 200]
    assert record.reason == ""


async def test_redelivery_has_all_attempts_anew(
    make_desk: Callable[..., Desk], clock: Clock, eventually: Eventually
) -> None:
    desk = make_desk(retry_after_s="5,5")
    played = Played(a=[500])
    async with desk.delivering(sender=played):
        endpoint = await desk.endpoint("http://a.example/")
        envelope = await desk.offer()
        for number in range(1, 7):
            record = await eventually(lambda wanted=number: _with_attempts(desk, envelope, endpoint, wanted))
            if number == 3:
                assert record.state is State.FAILED
                await desk.store.redeliver(endpoint.id, record.id, clock())
            clock.advance(5)
        await eventually(ended(desk, envelope, endpoint, State.FAILED))
    assert len(played.sent) == 6


async def test_redelivery_of_what_is_under_way_disabled_or_of_another_is_refused(
    desk: Desk, clock: Clock
) -> None:
    endpoint = await desk.endpoint("http://a.example/")
    another = await desk.endpoint("http://b.example/", "session.*")
    envelope = await desk.offer()
    one = delivery_id(envelope.id, endpoint.id)
    with pytest.raises(WebhookStateForbids, match="pending"):
        await desk.store.redeliver(endpoint.id, one, clock())
    await desk.store.take(1, clock())
    with pytest.raises(WebhookStateForbids, match="sending"):
        await desk.store.redeliver(endpoint.id, one, clock())
    with pytest.raises(NotFound):
        await desk.store.redeliver(another.id, one, clock())
    await desk.store.update(endpoint.id, "suite", {"enabled": 0}, clock())
    clock.advance(60)
    await desk.store.take(1, clock())
    with pytest.raises(WebhookStateForbids, match="disabled"):
        await desk.store.redeliver(endpoint.id, one, clock())


async def test_after_a_rotation_both_secrets_verify_for_a_day_and_then_the_new_one_alone(
    desk: Desk, clock: Clock, eventually: Eventually
) -> None:
    async with receiving() as receiver, desk.delivering():
        endpoint = await desk.endpoint(receiver.url)
        fresh = new_secret()
        await desk.store.rotate(endpoint.id, "suite", fresh, clock())
        await desk.offer()
        await eventually(lambda: len(receiver.requests) == 1)
        assert len(receiver.requests[0].headers["webhook-signature"].split(" ")) == 2
        receiver.requests[0].verify(endpoint.secret)
        receiver.requests[0].verify(fresh)
        # The verifier looks at the time too, and so the time of the rotation goes back, not the clock on.
        await desk.broker.ask(
            [("HINCRBY", WebhookKeys.endpoint(endpoint.id), "previous_until_ms", -BOTH_VALID_MS)]
        )
        await desk.offer()
        await eventually(lambda: len(receiver.requests) == 2)
    receiver.requests[1].verify(fresh)
    with pytest.raises(WebhookVerificationError):
        receiver.requests[1].verify(endpoint.secret)


async def test_an_endpoint_that_is_deleted_while_it_is_sent_to_leaves_nothing(
    desk: Desk, clock: Clock, redis_client: Redis
) -> None:
    endpoint = await desk.endpoint("http://a.example/")
    await desk.offer()
    await desk.offer()
    _, (parcel, _other) = await desk.store.take(2, clock())
    await desk.store.delete(endpoint.id, "suite", clock())
    assert await redis_client.keys("*") == [WebhookKeys.VERSION.encode()]
    await desk.courier(sender=Played(a=[500]))._carry(parcel)
    clock.advance(60)
    assert (await desk.store.take(10, clock()))[1] == []
    assert await redis_client.keys("*") == [WebhookKeys.VERSION.encode()]


async def test_too_many_waiting_deliveries_are_dropped_and_told(
    make_desk: Callable[..., Desk], log_lines: list[str]
) -> None:
    desk = make_desk(max_waiting=3)
    endpoint = await desk.endpoint("http://a.example/")
    for _ in range(5):
        await desk.offer()
    records, _ = await desk.store.deliveries(endpoint.id, limit=10)
    assert len(records) == 3
    assert sum("too many deliveries wait" in line for line in log_lines) == 2


async def test_ended_deliveries_are_kept_for_an_hour_at_least_and_then_only_so_many(
    make_desk: Callable[..., Desk], clock: Clock
) -> None:
    desk = make_desk(max_logged=10)
    endpoint = await desk.endpoint("http://a.example/")
    carrier = desk.courier(sender=Played(a=[200]))

    async def deliver(number: int) -> None:
        for _ in range(number):
            await desk.offer()
            clock.advance(0.001)
            _, (parcel,) = await desk.store.take(1, clock())
            await carrier._carry(parcel)

    await deliver(30)
    assert len((await desk.store.deliveries(endpoint.id, limit=100))[0]) == 30
    clock.advance(3601)
    await deliver(8)
    assert len((await desk.store.deliveries(endpoint.id, limit=100))[0]) == 10


async def test_all_keys_of_deliveries_expire(desk: Desk, redis_client: Redis) -> None:
    endpoint = await desk.endpoint("http://a.example/")
    envelope = await desk.offer()
    key = WebhookKeys.delivery(delivery_id(envelope.id, endpoint.id))
    assert await redis_client.ttl(key) > desk.settings.retention_s
    await redis_client.delete(key)
    assert (await desk.store.take(10, desk.clock()))[1] == []  # and a queue knows to forget them
    assert await redis_client.zcard(WebhookKeys.queue(endpoint.id)) == 0
    assert await redis_client.zcard(WebhookKeys.DUE) == 0


async def test_deliveries_are_listed_newest_first_in_pages_without_a_gap(desk: Desk, clock: Clock) -> None:
    endpoint = await desk.endpoint("http://a.example/")
    made = []
    for number in range(25):
        made.append((await desk.offer()).id)
        clock.advance(0.001 if number % 5 == 0 else 0)  # several in one millisecond
    seen, place = [], None
    for _ in range(4):
        records, place = await desk.store.deliveries(endpoint.id, limit=7, before=place)
        seen += records
    assert place is None
    assert sorted(record.event_id for record in seen) == sorted(made)
    assert [record.created_ms for record in seen] == sorted(
        (record.created_ms for record in seen), reverse=True
    )


async def test_the_number_of_endpoints_is_bounded_by_key_and_in_all(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(max_endpoints_per_key=2, max_endpoints=3)
    first = await desk.endpoint("http://a.example/")
    await desk.endpoint("http://b.example/")
    with pytest.raises(WebhookLimit, match="of this key"):
        await desk.endpoint("http://c.example/")
    await desk.endpoint("http://c.example/", owner="another")
    with pytest.raises(WebhookLimit, match="of this server"):
        await desk.endpoint("http://d.example/", owner="a-third")
    await desk.store.delete(first.id, "suite", desk.clock())
    await desk.endpoint("http://e.example/")


async def test_deliveries_outlast_a_restart_of_the_courier_and_a_wiped_script_cache(
    desk: Desk, eventually: Eventually, redis_client: Redis
) -> None:
    async with receiving() as receiver:
        endpoint = await desk.endpoint(receiver.url)
        async with desk.delivering():
            pass
        envelope = await desk.offer()
        await redis_client.script_flush()
        async with desk.delivering():
            await eventually(ended(desk, envelope, endpoint, State.DELIVERED))


async def test_a_wiped_redis_ends_no_courier_and_new_endpoints_work(
    desk: Desk, eventually: Eventually, redis_client: Redis
) -> None:
    async with receiving() as receiver, desk.delivering():
        await desk.endpoint(receiver.url)
        await desk.offer()
        await eventually(lambda: len(receiver.requests) == 1)
        await redis_client.flushall()
        assert await desk.fanout.offer(bot_event(), "suite") == 0
        endpoint = await desk.endpoint(receiver.url)
        envelope = await desk.offer()
        await eventually(ended(desk, envelope, endpoint, State.DELIVERED))


async def _with_attempts(desk: Desk, envelope: object, endpoint: Endpoint, number: int) -> object:
    record = await desk.delivery(envelope, endpoint)  # type: ignore[arg-type]
    return record if len(record.attempts) == number else None


async def _idle(desk: Desk) -> bool:
    (waiting,) = await desk.broker.ask([("ZCARD", WebhookKeys.DUE)])
    return int(waiting) == 0


async def test_the_address_is_checked_at_every_attempt_not_only_when_the_endpoint_was_made(
    make_desk: Callable[..., Desk], eventually: Eventually
) -> None:
    desk = make_desk(allowed_networks="", retry_after_s="")
    async with receiving() as inside, desk.delivering():
        endpoint = await desk.endpoint(inside.url)
        envelope = await desk.offer()
        await eventually(ended(desk, envelope, endpoint, State.FAILED))
    assert inside.requests == []
    attempts = (await desk.delivery(envelope, endpoint)).attempts
    assert [(one.status, one.error) for one in attempts] == [(0, "address_forbidden")]


async def test_a_drain_lets_attempts_under_way_end_and_begins_no_new_one(
    desk: Desk, eventually: Eventually
) -> None:
    release = asyncio.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await status(200)(request, writer)

    drain = Drain()
    async with receiving(slow) as receiver:
        endpoint = await desk.endpoint(receiver.url)
        first = await desk.offer()
        running = asyncio.create_task(desk.courier().run(drain))
        await eventually(lambda: receiver.requests)
        drain.start()
        second = await desk.offer()
        await asyncio.sleep(0.05)
        assert not running.done()
        release.set()
        await asyncio.wait_for(running, 10)
    assert await desk.state(first, endpoint) is State.DELIVERED
    assert await desk.state(second, endpoint) is State.PENDING
    assert receiver.ids() == [first.id]


async def test_a_drain_does_not_wait_for_ever_and_another_courier_sends_what_was_cut_off(
    desk: Desk, clock: Clock, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "DRAIN_GRACE_S", 0.05)

    async def never(_: Request, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    drain = Drain()
    async with receiving(never) as receiver:
        endpoint = await desk.endpoint(receiver.url)
        envelope = await desk.offer()
        running = asyncio.create_task(desk.courier().run(drain))
        await eventually(lambda: receiver.requests)
        drain.start()
        await asyncio.wait_for(running, 10)
        assert await desk.state(envelope, endpoint) is State.SENDING
        receiver.answer = status(200)
        clock.advance(60)
        async with desk.delivering():
            await eventually(ended(desk, envelope, endpoint, State.DELIVERED))


async def test_a_mistake_of_the_sender_is_an_attempt_that_failed_and_ends_no_courier(
    desk: Desk, clock: Clock, eventually: Eventually
) -> None:
    class Broken:
        async def post(self, *_: object) -> Outcome:
            raise RuntimeError("https://x.example/secret-of-the-url")

    async with desk.delivering(sender=Broken()):
        endpoint = await desk.endpoint("http://a.example/")
        envelope = await desk.offer()
        record = await eventually(lambda: _with_attempts(desk, envelope, endpoint, 1))
    assert record.attempts[0].error == "internal"
    assert record.state is State.PENDING


async def test_attempts_deliveries_and_disabled_endpoints_are_counted(
    desk: Desk, eventually: Eventually
) -> None:
    def count(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    names = {
        "made": ("dragoman_webhook_deliveries_total", {"type": "bot.state_changed", "outcome": "made"}),
        "known": ("dragoman_webhook_deliveries_total", {"type": "bot.state_changed", "outcome": "known"}),
        "delivered": ("dragoman_webhook_attempts_total", {"outcome": "delivered"}),
        "refused": ("dragoman_webhook_attempts_total", {"outcome": "client_error"}),
        "failed": ("dragoman_webhook_failed_total", {"reason": "gone"}),
        "disabled": ("dragoman_webhook_disabled_total", {"reason": "gone"}),
        "seconds": ("dragoman_webhook_delivered_seconds_count", {}),
    }
    before = {key: count(name, **labels) for key, (name, labels) in names.items()}
    async with receiving() as receiver, desk.delivering():
        endpoint = await desk.endpoint(receiver.url)
        first = await desk.offer()
        await desk.fanout.offer(first, "suite")
        await eventually(ended(desk, first, endpoint, State.DELIVERED))
        receiver.answer = status(410)
        second = await desk.offer()
        await eventually(ended(desk, second, endpoint, State.FAILED))
        await eventually(lambda: count(*names["disabled"][:1], **names["disabled"][1]) > before["disabled"])
    grown = {key: count(name, **labels) - before[key] for key, (name, labels) in names.items()}
    assert grown == dict.fromkeys(names, 1.0) | {"made": 2.0}
