"""What one monitor sees, tells, keeps and exports, on a real Redis."""

from __future__ import annotations

import time

import httpx
import msgspec
import pytest

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.config import AnomalyRule
from dragoman_contracts.events import (
    AnomalyDetected,
    AnomalyResolved,
    AudioSessionEnded,
    BotRestartRequested,
    ConfigDriftDetected,
    ConfigSnapshot,
    UsageMetrics,
    to_envelope,
)
from dragoman_contracts.fleet import WorkerReport
from dragoman_contracts.streams import (
    AUDIO_RESULTS,
    BOT_CONTROL,
    CONFIG_SYNC,
    CONTROL_STREAMS,
    GROUP_AUDIO_PIPELINE,
    GROUP_MONITORING,
    MONITORING,
    BotKeys,
    MonitoringKeys,
    RecordField,
    SessionKeys,
    ShardKeys,
    dead_letter_stream,
    fleet_key,
)
from dragoman_contracts.websocket import Ledger
from dragoman_orchestration.monitoring.measures import MEASURES, split_key

from .conftest import configure, events, overview_of, quick_rules, report, told_once


async def put(bus, key: str, **fields) -> None:
    await bus.ask([("HSET", key, *(part for pair in fields.items() for part in pair))])


async def live_session(
    bus, session_id: str, *, seconds: float, committed_ms: int = 0, profile: str = "cpu"
) -> None:
    """A session whose speaker has sent so much."""
    keys = SessionKeys(session_id)
    now_ms = time.time_ns() // 1_000_000
    await put(
        bus, keys.record, status="live", profile=profile, created_ms=now_ms, owner_key="app",
        format=msgspec.json.encode(AudioFormat()),
    )  # fmt: skip
    await put(bus, keys.state, committed_ms=committed_ms, heard_ms=committed_ms, generation=1)
    await bus.publish(keys.audio, {b"k": b"a", b"d": b"", b"n": str(int(32_000 * seconds)).encode()})
    await bus.ask([("ZADD", keys.shard.active, now_ms, session_id)])


async def fleet(bus, profile: str = "cpu", **facts) -> None:
    told = {"worker": "w1", "sessions": 1, "room": 4, "lag_ms": 40} | facts
    one = WorkerReport(**told, seen_ms=time.time_ns() // 1_000_000)
    await bus.ask([("HSET", fleet_key(profile), one.worker, msgspec.json.encode(one))])


def seen_with(bus, condition):
    """The newest overview if it is as the test wants it."""

    async def look():
        seen = await overview_of(bus)
        return seen if seen is not None and condition(seen) else None

    return look


def is_open(seen, rule: str):
    """The first anomaly of a rule."""
    return next((one for one in seen.anomalies if one.rule == rule), None)


async def test_a_worker_without_reports_is_told_and_its_successor_ends_it(bus, start_monitor, eventually):
    monitor = start_monitor()
    await report(bus, "w1")
    await eventually(seen_with(bus, lambda seen: any(one.name == "w1" for one in seen.processes)))
    await eventually(lambda: ("opened", "worker_gone", "w1") in monitor.sink.told)
    seen = await eventually(seen_with(bus, lambda seen: is_open(seen, "worker_gone")))
    assert is_open(seen, "worker_gone").message == "audio cpu process w1 went without a word"

    async def successor_reports() -> bool:
        await report(bus, "w2")
        return ("resolved", "worker_gone", "w1") in monitor.sink.told

    await eventually(successor_reports)
    assert monitor.sink.told.count(("opened", "worker_gone", "w1")) == 1


async def test_a_gone_worker_is_missed_by_the_next_monitor_too(bus, start_monitor, eventually):
    first = start_monitor()
    await report(bus, "w1")
    await eventually(lambda: ("opened", "worker_gone", "w1") in first.sink.told)
    await eventually(lambda: _is_kept(bus))
    await first.stop()
    await bus.ask([("HDEL", "processes", "w1")])  # swept by whoever still reports
    second = start_monitor()
    monitored = await eventually(seen_with(bus, lambda seen: "w1" in [one.name for one in seen.processes]))
    assert [one.state for one in monitored.processes if one.name == "w1"] == ["gone without a word"]
    assert ("opened", "worker_gone", "w1") not in second.sink.told


async def _is_kept(bus) -> bool:
    [gone, kept] = await bus.ask([("HGETALL", MonitoringKeys.GONE), ("HVALS", MonitoringKeys.ANOMALIES)])
    return bool(gone) and any(b'"told":true' in one and b"worker_gone" in one for one in kept)


async def test_sessions_are_seen_with_backlog_pace_worker_and_profile(bus, start_monitor, eventually):
    await configure(
        bus, quick_rules(backlog_seconds=AnomalyRule(measure="backlog_seconds", above=20, for_s=0))
    )
    await fleet(bus, "gpu")
    await live_session(bus, "a" * 32, seconds=60, committed_ms=2_000)
    await live_session(bus, "b" * 32, seconds=5, committed_ms=4_000, profile="gpu")
    await put(bus, SessionKeys("c" * 32).record, status="ended")
    await bus.ask([("ZADD", ShardKeys(0).active, 1, "c" * 32)])
    stream = ShardKeys(0).sessions("cpu")
    await bus.ensure_group(stream, GROUP_AUDIO_PIPELINE)
    entry = await bus.publish(stream, {b"x": b"y"})
    await bus.read_group(stream, GROUP_AUDIO_PIPELINE, "worker-7", 1)
    await put(bus, SessionKeys("a" * 32).record, **{RecordField.OPENED.decode(): entry})
    monitor = start_monitor()
    seen = await eventually(seen_with(bus, lambda seen: len(seen.sessions) == 2))
    behind, other = seen.sessions
    assert (behind.id, behind.backlog_s, behind.received_s) == ("a" * 32, 58.0, 60.0)
    assert (behind.worker, behind.owner_key, behind.generation) == ("worker-7", "app", 1)
    assert (other.id, other.backlog_s, other.worker) == ("b" * 32, 1.0, "")
    assert seen.sessions_total == 2
    assert seen.fleets["gpu"]["room"] == 4
    # After some seconds it is known that nobody works it off.
    await eventually(lambda: ("opened", "backlog_seconds", "a" * 32) in monitor.sink.told)
    await eventually(lambda: ("opened", "real_time_factor", "a" * 32) in monitor.sink.told)
    assert ("opened", "no_worker", "cpu") in monitor.sink.told
    seen = await eventually(seen_with(bus, lambda seen: seen.sessions[0].real_time_factor == 0))
    assert not any(key.startswith("backlog_seconds") for key in seen.measures)
    assert {split_key(key)[0] for key in seen.measures} <= MEASURES.keys()
    # The session ends: what was open of it is over.
    await put(bus, SessionKeys("a" * 32).record, status="ended")
    await eventually(lambda: ("resolved", "backlog_seconds", "a" * 32) in monitor.sink.told)


async def test_a_record_that_cannot_be_read_hides_no_other(bus, start_monitor, eventually):
    await live_session(bus, "a" * 32, seconds=5)
    await live_session(bus, "b" * 32, seconds=5)
    await put(bus, SessionKeys("b" * 32).record, format="{", created_ms="x")
    await bus.ask([("HSET", fleet_key("cpu"), "w", "{"), ("HSET", "processes", "p", "[")])
    for key in (
        MonitoringKeys.ANOMALIES,
        MonitoringKeys.GONE,
        MonitoringKeys.DRIFT,
        MonitoringKeys.USAGE_TOLD,
    ):
        await bus.ask([("HSET", key, "of-another-version", "{")])
    await bus.ask([("SET", MonitoringKeys.OVERVIEW, "{", "EX", 60)])
    start_monitor()
    seen = await eventually(seen_with(bus, lambda seen: seen.sessions))
    assert [one.id for one in seen.sessions] == ["a" * 32]
    assert seen.unseen == {}


async def test_lag_and_pending_of_groups_are_measured(bus, start_monitor, eventually):
    rules = quick_rules(
        stream_lag=AnomalyRule(measure="stream_lag", above=5, for_s=0, clear_for_s=0),
        pending_oldest_idle=AnomalyRule(measure="pending_idle_seconds", above=1, for_s=0, clear_for_s=0),
    )
    await configure(bus, rules)
    await bus.ensure_group(CONFIG_SYNC, "archive")
    envelope = to_envelope(
        ConfigDriftDetected(part="p", kind="service", expected="a", found="b"), source="/t", subject=""
    )
    ids = [await bus.publish(CONFIG_SYNC, envelope.to_fields()) for _ in range(8)]
    await bus.read_group(CONFIG_SYNC, "archive", "reader", 1)
    await bus.delete(CONFIG_SYNC, ids[3:4])  # from here on Redis cannot tell the lag by itself
    monitor = start_monitor()
    subject = f"{CONFIG_SYNC}/archive"
    await eventually(lambda: ("opened", "stream_lag", subject) in monitor.sink.told)
    await eventually(lambda: ("opened", "pending_oldest_idle", subject) in monitor.sink.told)

    def archive(seen):
        [stream] = [one for one in seen.streams if one.name == CONFIG_SYNC]
        return next(one for one in stream.groups if one.group == "archive")

    seen = await eventually(seen_with(bus, lambda seen: archive(seen).oldest_idle_ms >= 1_000))
    assert (archive(seen).lag, archive(seen).pending, archive(seen).consumers) == (6, 1, 1)
    deliveries = await bus.read_group(CONFIG_SYNC, "archive", "reader", 100)
    await bus.ack(CONFIG_SYNC, "archive", [*ids, *(one.id for one in deliveries)])
    await eventually(lambda: ("resolved", "stream_lag", subject) in monitor.sink.told)
    await eventually(lambda: ("resolved", "pending_oldest_idle", subject) in monitor.sink.told)


async def test_sessions_that_wait_for_a_worker_are_counted(bus, start_monitor, eventually):
    stream = ShardKeys(0).sessions("cpu")
    for _ in range(3):
        await bus.publish(stream, {b"x": b"y"})
    monitor = start_monitor()
    await eventually(lambda: ("opened", "sessions_waiting", "cpu") in monitor.sink.told)
    assert (await overview_of(bus)).measures["sessions_waiting|cpu"] == 3
    await bus.ensure_group(stream, GROUP_AUDIO_PIPELINE)
    await bus.read_group(stream, GROUP_AUDIO_PIPELINE, "w", 10)
    await eventually(lambda: ("resolved", "sessions_waiting", "cpu") in monitor.sink.told)


async def test_bots_are_counted_and_a_degraded_one_is_restarted_once(bus, start_monitor, eventually):
    now_ms = time.time_ns() // 1_000_000
    for number, state in enumerate(["active", "active", "failed", "failed", "failed", "requested"]):
        bot_id = f"b{number}"
        await bus.ask([("ZADD", BotKeys.INDEX, now_ms + number, bot_id)])
        await put(
            bus, BotKeys.record(bot_id), state=state, session_id="s", driver="media", created_ms=now_ms,
            since_ms=now_ms, worker="w", degraded="no_audio" if number == 0 else "",
        )  # fmt: skip
    await bus.ask([("ZADD", BotKeys.QUEUE, 1, "b5"), ("ZADD", BotKeys.QUEUE, now_ms + 3_600_000, "later")])
    await bus.ask([("ZADD", BotKeys.INDEX, 1, "expired")])
    monitor = start_monitor(bot_restart_after_s=10)
    seen = await eventually(seen_with(bus, lambda seen: len(seen.bots) == 3))
    assert seen.bots_by_state == {"active": 2, "failed": 3, "requested": 1}
    assert (seen.measures["bots_waiting"], seen.measures["bots_running"], seen.measures["bots_failed"]) == (
        1,
        2,
        3,
    )
    assert [one.degraded for one in seen.bots if one.id == "b0"] == ["no_audio"]
    await eventually(lambda: ("opened", "bots_failed", "") in monitor.sink.told)
    await eventually(lambda: ("opened", "bot_degraded", "b0") in monitor.sink.told)

    async def is_asked_for() -> list:
        return await events(bus, BotRestartRequested, BOT_CONTROL)

    [(_, event)] = await eventually(is_asked_for)
    assert event.bot_id == "b0"
    assert event.reason.endswith("bot b0 is active and there is no audio")
    looked_at = (await overview_of(bus)).time_ms
    await eventually(seen_with(bus, lambda seen: seen.time_ms > looked_at + 1_000))
    assert len(await is_asked_for()) == 1


async def test_new_dead_letters_are_an_anomaly_until_somebody_decides(bus, start_monitor, eventually):
    monitor = start_monitor()
    await eventually(seen_with(bus, lambda _: True))
    grave = dead_letter_stream(AUDIO_RESULTS)
    letter = await bus.publish(grave, {b"dl_reason": b"x"})
    await bus.ask([("XADD", grave, "*", "dl_reason", "x")])
    await eventually(lambda: ("opened", "dead_letters", AUDIO_RESULTS) in monitor.sink.told)
    await eventually(
        seen_with(
            bus, lambda seen: [one.dead_letters for one in seen.streams if one.name == AUDIO_RESULTS] == [2]
        )
    )
    await bus.delete(grave, [letter])
    assert ("resolved", "dead_letters", AUDIO_RESULTS) not in monitor.sink.told
    await bus.drop([grave])
    await eventually(lambda: ("resolved", "dead_letters", AUDIO_RESULTS) in monitor.sink.told)


async def test_old_dead_letters_are_counted_and_no_news(bus, start_monitor, eventually):
    await bus.publish(dead_letter_stream(AUDIO_RESULTS), {b"dl_reason": b"x"}, "1000-0")
    monitor = start_monitor()
    seen = await eventually(seen_with(bus, lambda _: True))
    assert seen.measures[f"dead_letters|{AUDIO_RESULTS}"] == 1
    assert seen.measures[f"dead_letters_new|{AUDIO_RESULTS}"] == 0
    assert ("opened", "dead_letters", AUDIO_RESULTS) not in monitor.sink.told


async def test_rules_change_while_something_is_open(bus, start_monitor, eventually):
    await fleet(bus, lag_ms=9_000)
    await configure(bus, quick_rules(captions_late=AnomalyRule(measure="lag_seconds", above=3, for_s=0)))
    monitor = start_monitor()
    await eventually(lambda: ("opened", "captions_late", "cpu") in monitor.sink.told)
    off = AnomalyRule(measure="lag_seconds", above=3, enabled=False)
    await configure(bus, quick_rules(captions_late=off), version=2)
    await eventually(lambda: ("resolved", "captions_late", "cpu") in monitor.sink.told)

    async def is_told() -> bool:
        return any(event.message == "the rule is no more" for _, event in await events(bus, AnomalyResolved))

    await eventually(is_told)


async def test_a_wiped_redis_is_told_again_what_is_open_and_nobody_is_alerted_twice(
    bus, start_monitor, eventually
):
    monitor = start_monitor(whisper_urls="http://127.0.0.1:9")

    async def is_kept() -> bool:
        [kept] = await bus.ask([("HGET", MonitoringKeys.ANOMALIES, "service_away|whisper")])
        return kept is not None and b'"told":true' in kept

    await eventually(is_kept)
    await bus.ask([("FLUSHALL",)])
    await configure(bus, quick_rules())
    await eventually(is_kept)
    assert monitor.sink.told.count(("opened", "service_away", "whisper")) == 1


async def test_what_a_dead_leader_found_and_did_not_tell_is_told_once(bus, start_monitor, eventually):
    """It died between noting an anomaly and telling it."""
    since_ms = time.time_ns() // 1_000_000 - 5_000
    anomaly = {
        "rule": "service_away", "subject": "whisper", "severity": "critical", "measure": "service_away",
        "value": 1.0, "since_ms": since_ms, "message": "whisper: no answer",
    }  # fmt: skip
    kept = msgspec.json.encode({"anomaly": anomaly, "told": False})
    await bus.ask([("HSET", MonitoringKeys.ANOMALIES, "service_away|whisper", kept)])
    monitor = start_monitor(whisper_urls="http://127.0.0.1:9")

    async def is_told() -> bool:
        return (await told_once(bus, AnomalyDetected))["service_away whisper"] == 1

    await eventually(is_told)
    [(_, event)] = [one for one in await events(bus, AnomalyDetected) if one[1].rule == "service_away"]
    assert event.since_ms == since_ms
    assert monitor.sink.told.count(("opened", "service_away", "whisper")) == 1


async def test_what_a_dead_leader_told_is_not_told_again(bus, start_monitor, eventually):
    first = start_monitor(whisper_urls="http://127.0.0.1:9")
    await eventually(lambda: ("opened", "service_away", "whisper") in first.sink.told)
    await first.stop()
    second = start_monitor(whisper_urls="http://127.0.0.1:9")
    await eventually(seen_with(bus, lambda seen: seen.anomalies and second.url))
    looked_at = (await overview_of(bus)).time_ms
    await eventually(seen_with(bus, lambda seen: seen.time_ms > looked_at + 1_500))
    assert ("opened", "service_away", "whisper") not in second.sink.told
    assert (await told_once(bus, AnomalyDetected))["service_away whisper"] == 1


async def test_drift_that_was_given_up_is_told_until_another_configuration_is_in_force(
    bus, start_monitor, eventually
):
    monitor = start_monitor()
    event = ConfigDriftDetected(part="w9", kind="process", expected="a", found="b", attempts=5, gave_up=True)
    await bus.publish(CONFIG_SYNC, to_envelope(event, source="/t", subject="").to_fields())

    async def drifts() -> bool:
        await report(bus, "w9", config_version=0, config_checksum="other")
        return ("opened", "config_repair_given_up", "w9") in monitor.sink.told

    await eventually(drifts)
    seen = await eventually(seen_with(bus, lambda seen: is_open(seen, "config_repair_given_up")))
    assert "repair was given up" in is_open(seen, "config_repair_given_up").message
    snapshot = ConfigSnapshot(version=2, checksum="c", document={}, changed_by="t", change_id="c2")
    await bus.publish(CONFIG_SYNC, to_envelope(snapshot, source="/t", subject="").to_fields())

    async def is_over() -> bool:
        await report(bus, "w9", config_version=0, config_checksum="other")
        return ("resolved", "config_repair_given_up", "w9") in monitor.sink.told

    await eventually(is_over)
    assert ("resolved", "config_drift", "w9") not in monitor.sink.told


# --- streams that others spoil --------------------------------------------------------------------------


@pytest.mark.parametrize("stream", CONTROL_STREAMS)
async def test_what_is_no_event_or_of_another_version_is_dead_lettered_and_the_loop_lives_on(
    stream, bus, start_monitor, eventually
):
    good = to_envelope(
        AudioSessionEnded(session_id="s", reason="client", ledger=Ledger(received_ms=7)),
        source="/t",
        subject="s",
    )
    fields = good.to_fields()
    bad = [
        {b"junk": b"x"},
        fields | {b"ce_id": b"2", b"ce_type": b"NoSuchEvent"},
        fields | {b"ce_id": b"3", b"ce_dataschema": b"dragoman:AudioSessionEnded:99"},
        fields | {b"ce_id": b"4", b"data": b"\xff{"},
        fields | {b"ce_id": b"5", b"data": b"{}"},
        fields | {b"ce_id": b"6", b"ce_specversion": b"9"},
    ]
    for one in bad:
        await bus.publish(stream, one)
    last = await bus.publish(stream, fields)
    start_monitor()
    grave = dead_letter_stream(stream)

    async def all_dead() -> bool:
        return await bus.length(grave) == len(bad)

    await eventually(all_dead)

    async def is_read() -> bool:
        [groups] = await bus.ask([("XINFO", "GROUPS", stream)])
        facts = [dict(zip(flat[::2], flat[1::2], strict=True)) for flat in groups]
        [own] = [one for one in facts if one[b"name"] == GROUP_MONITORING.encode()]
        read_to = own[b"last-delivered-id"].decode().split("-")
        return own[b"pending"] == 0 and [int(part) for part in read_to] >= [
            int(part) for part in last.split("-")
        ]

    await eventually(is_read)
    reasons = [entry.fields[b"dl_reason"].decode() for entry in await bus.read_reverse(grave, 10)]
    assert all(reason.startswith("envelope_invalid") for reason in reasons)
    if stream in {AUDIO_RESULTS, BOT_CONTROL}:
        day = good.time[:10]

        async def is_counted() -> bool:
            return await bus.ask([("HGET", MonitoringKeys.usage(day), "unknown|audio_ms")]) == [b"7"]

        await eventually(is_counted)


# --- metrics --------------------------------------------------------------------------------------------


async def test_figures_for_autoscaling_are_exported_by_the_leader(bus, start_monitor, eventually):
    await fleet(bus, sessions=2, room=6, lag_ms=1_500)
    await live_session(bus, "a" * 32, seconds=10, committed_ms=2_500)
    await bus.ask([("ZADD", BotKeys.QUEUE, 1, "b1")])
    await bus.publish(dead_letter_stream(AUDIO_RESULTS), {b"dl_reason": b"x"})
    monitor = start_monitor(whisper_urls="http://127.0.0.1:9")
    await eventually(lambda: ("opened", "service_away", "whisper") in monitor.sink.told)
    async with httpx.AsyncClient(base_url=monitor.url, trust_env=False) as http:

        async def lines() -> set[str]:
            await fleet(bus, sessions=2, room=6, lag_ms=1_500)
            return set((await http.get("/metrics")).text.splitlines())

        async def scraped() -> bool:
            return 'dragoman_fleet_anomalies{severity="critical"} 1.0' in await lines()

        await eventually(scraped)
        found = await lines()
    assert {
        "dragoman_monitoring_leader 1.0",
        'dragoman_fleet_sessions{profile="cpu"} 1.0',
        'dragoman_fleet_workers{profile="cpu"} 1.0',
        'dragoman_fleet_room{profile="cpu"} 6.0',
        'dragoman_fleet_lag_seconds{profile="cpu"} 1.5',
        'dragoman_fleet_backlog_seconds{profile="cpu"} 7.5',
        'dragoman_fleet_bots{state="waiting"} 1.0',
        'dragoman_fleet_part_up{part="redis"} 1.0',
        'dragoman_fleet_part_up{part="whisper"} 0.0',
        f'dragoman_fleet_dead_letters{{stream="{AUDIO_RESULTS}"}} 1.0',
        f'dragoman_fleet_stream_lag{{group="{GROUP_MONITORING}",stream="{MONITORING}"}} 0.0',
    } <= found
    await monitor.stop()
    from prometheus_client import generate_latest

    after = generate_latest().decode()
    assert "dragoman_monitoring_leader 0.0" in after
    assert "dragoman_fleet_sessions{" not in after


async def test_usage_is_published_when_it_changed(bus, start_monitor, eventually):
    async def publish(session_id: str) -> None:
        await put(bus, SessionKeys(session_id).record, owner_key="app", status="ended")
        event = AudioSessionEnded(session_id=session_id, reason="client", ledger=Ledger(received_ms=1_000))
        await bus.publish(AUDIO_RESULTS, to_envelope(event, source="/t", subject=session_id).to_fields())

    start_monitor()
    await publish("s1")

    async def published() -> list[UsageMetrics]:
        return [event for _, event in await events(bus, UsageMetrics)]

    [first] = await eventually(published)
    assert (first.owner_key, first.audio_ms, first.sessions) == ("app", 1_000, 1)
    looked_at = (await overview_of(bus)).time_ms
    await eventually(seen_with(bus, lambda seen: seen.time_ms > looked_at + 2_500))
    assert len(await published()) == 1  # nothing changed
    await publish("s2")

    async def twice() -> bool:
        return len(await published()) == 2

    await eventually(twice)
    assert (await published())[1].audio_ms == 2_000
