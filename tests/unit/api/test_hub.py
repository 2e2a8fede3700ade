from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator

import pytest

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.streams import ResultField, SessionKeys
from dragoman_contracts.websocket import CloseCode, StreamPosition
from dragoman_orchestration.results import hub as hub_module
from dragoman_orchestration.results import replay as replay_module
from dragoman_orchestration.results.hub import ResultsHub
from dragoman_orchestration.results.mailbox import Mailbox
from dragoman_runtime.broker.memory import MemoryBroker

SESSION = "s1"
STREAM = SessionKeys(SESSION).results


class Bus(MemoryBroker):
    """A memory bus that counts its reads and can go away and come back as another run."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.run = "run1"
        self.trimmed = 0
        self.reads = 0
        self.slow_history = asyncio.Event()
        self.slow_history.set()

    async def read(self, after, count):
        self._check()
        self.reads += 1
        return await super().read(after, count)

    async def read_reverse(self, stream, count):
        self._check()
        found = await super().read_reverse(stream, count)
        await self.slow_history.wait()
        return found

    async def server_run(self, shard: int) -> str:
        self._check()
        return self.run

    async def trimmed_offset(self, session_id: str) -> int:
        return self.trimmed

    def _check(self) -> None:
        if self.away:
            raise BusUnavailable("gone")


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
async def hub(bus: Bus, monkeypatch) -> AsyncIterator[ResultsHub]:
    monkeypatch.setattr(hub_module, "RETRY_S", 0.005)
    made = ResultsHub(
        bus, shards=1, server_run=bus.server_run, trimmed_offset=bus.trimmed_offset, interval_s=0.001
    )
    task = asyncio.create_task(made.run())
    yield made
    assert not task.done(), "the hub's loop has ended"
    task.cancel()


async def publish(bus: Bus, offset: int, kind: str = "transcript.final", **fields) -> None:
    data = json.dumps({"type": kind, "segment_id": f"g{offset}"} | fields).encode()
    fields_of_entry = {ResultField.TYPE: kind.encode(), ResultField.DATA: data}
    await MemoryBroker.publish(bus, STREAM, fields_of_entry, f"{offset}-0")


async def join(hub: ResultsHub, after: StreamPosition | None = None, **options):
    mailbox = Mailbox(options.pop("limit", 1000))
    options = {"status": "live"} | options
    subscription = await hub.subscribe(SESSION, "e", mailbox, after=after, **options)
    return mailbox, subscription


async def receive(mailbox: Mailbox, count: int) -> list[dict]:
    found: list[dict] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += [json.loads(text) for text in await mailbox.take()]
    return found


def offsets(messages: list[dict]) -> list[int]:
    return [message["position"]["offset"] for message in messages if message["type"] != "session.snapshot"]


async def test_late_joiner_gets_snapshot_then_tail(hub, bus):
    await publish(bus, 1)
    await publish(bus, 3)
    mailbox, _ = await join(hub)
    (shown,) = await receive(mailbox, 1)
    assert [one["position"]["offset"] for one in shown["finals"]] == [1, 3]
    assert shown["position"] == {"epoch": "e-run1", "offset": 3}
    await publish(bus, 4)
    assert offsets(await receive(mailbox, 1)) == [4]


async def test_what_comes_while_the_snapshot_is_read_is_neither_lost_nor_doubled(hub, bus):
    first, _ = await join(hub)  # makes the feed, so that the hub reads on while the second joins
    await receive(first, 1)
    hub._feeds[SESSION].snapshots.clear()  # the second is to read its own
    await publish(bus, 1)
    await receive(first, 1)
    bus.slow_history.clear()
    joining = asyncio.create_task(join(hub))
    await asyncio.sleep(0)
    await publish(bus, 2)
    await receive(first, 1)  # the hub has delivered 2 while the second one waits for its snapshot
    bus.slow_history.set()
    second, _ = await joining
    shown, *tail = await receive(second, 2)
    assert [one["position"]["offset"] for one in shown["finals"]] == [1]
    assert offsets(tail) == [2]


async def test_replay_gives_exactly_what_was_missed(hub, bus):
    for offset in range(1, 8):
        await publish(bus, offset)
    mailbox, _ = await join(hub, StreamPosition("e-run1", 4))
    await publish(bus, 8)
    shown, *tail = await receive(mailbox, 5)
    assert (shown["type"], shown["recovered"], shown["finals"]) == ("session.snapshot", True, [])
    assert offsets(tail) == [5, 6, 7, 8]


async def test_replay_over_many_pages(hub, bus):
    for offset in range(1, 2 * hub_module.READ_COUNT + 10):
        await publish(bus, offset)
    mailbox, _ = await join(hub, StreamPosition("e-run1", 3), limit=10)
    _, *tail = await receive(mailbox, 2 * hub_module.READ_COUNT + 7)
    assert offsets(tail) == list(range(4, 2 * hub_module.READ_COUNT + 10))


@pytest.mark.parametrize(
    ("after", "trimmed"),
    [
        (StreamPosition("other", 2), 0),
        (StreamPosition("e-run0", 2), 0),
        (StreamPosition("e-run1", 2), 3),
        (StreamPosition("e-run1", 99), 0),
    ],
    ids=["another session's epoch", "before a restart", "trimmed", "from a lost future"],
)
async def test_what_cannot_be_replayed_is_told(hub, bus, after, trimmed):
    for offset in range(1, 5):
        await publish(bus, offset)
    bus.trimmed = trimmed
    mailbox, _ = await join(hub, after)
    (shown,) = await receive(mailbox, 1)
    assert shown["recovered"] is False
    assert len(shown["finals"]) == 4
    await publish(bus, 5)
    assert offsets(await receive(mailbox, 1)) == [5]


async def translate(bus: Bus, offset: int, language: str, kind: str = "final", segment: str = "g1") -> None:
    await publish(bus, offset, f"translation.{kind}", target_language=language, segment_id=segment)


async def test_resuming_gives_the_wanted_languages_only(hub, bus):
    await publish(bus, 1)
    for offset, language in ((2, "es"), (3, "fr"), (4, "pt-BR")):
        await translate(bus, offset, language)
    targets = ["es", "fr", "pt-BR"]
    for languages, expected in ((("pt",), [1, 4]), ((), [1]), (None, [1, 2, 3, 4])):
        mailbox, _ = await join(hub, StreamPosition("e-run1", 0), languages=languages, targets=targets)
        shown, *missed = await receive(mailbox, 1 + len(expected))
        assert (shown["recovered"], shown["targets"]) == (True, targets)
        assert offsets(missed) == expected


async def test_what_is_not_offered_is_told_after_the_snapshot_and_before_the_tail(hub, bus):
    await publish(bus, 1)
    mailbox, _ = await join(hub, languages=("fr",), targets=["es"])
    await publish(bus, 2)
    kinds = [message["type"] for message in await receive(mailbox, 3)]
    assert kinds == ["session.snapshot", "error", "transcript.final"]


async def test_targets_that_change_while_live_change_what_is_heard(hub, bus):
    mailbox, _ = await join(hub, languages=("pt",), targets=["pt-PT"])
    await receive(mailbox, 1)
    await translate(bus, 1, "pt-PT")
    await publish(bus, 2, "session.targets", targets=["pt-PT", "pt-BR"])
    await translate(bus, 3, "pt-PT")
    await translate(bus, 4, "pt-BR")
    assert offsets(await receive(mailbox, 3)) == [1, 2, 4]


async def test_a_language_is_read_once_for_all_sockets(hub, bus, monkeypatch):
    read = []
    target_language = hub_module.target_language
    monkeypatch.setattr(hub_module, "target_language", lambda entry: read.append(1) or target_language(entry))
    mailboxes = [(await join(hub, languages=("es",), targets=["es"]))[0] for _ in range(20)]
    for mailbox in mailboxes:
        await receive(mailbox, 1)
    await translate(bus, 1, "es")
    for mailbox in mailboxes:
        assert offsets(await receive(mailbox, 1)) == [1]
    assert len(read) == 1


async def test_drafts_that_wait_collapse_within_their_language(hub, bus):
    slow, _ = await join(hub, limit=10, targets=["es", "fr"])
    quick, _ = await join(hub, targets=["es", "fr"])
    for mailbox in (slow, quick):
        await receive(mailbox, 1)
    for offset in range(1, 60, 2):
        await translate(bus, offset, "es", "partial")
        await translate(bus, offset + 1, "fr", "partial")
        await receive(quick, 2)
    assert slow.closing is None
    assert offsets(await receive(slow, 1))[-2:] == [59, 60]


async def test_after_a_restart_each_gets_a_snapshot_in_its_own_languages(hub, bus):
    await publish(bus, 1)
    for offset, language in ((2, "es"), (3, "fr")):
        await translate(bus, offset, language)
    joined = {
        languages: (await join(hub, languages=languages, targets=["es", "fr"]))[0]
        for languages in (("es",), (), None)
    }
    for mailbox in joined.values():
        await receive(mailbox, 1)
    bus.away = True
    for mailbox in joined.values():
        await receive(mailbox, 1)
    bus.run, bus.away = "run2", False
    for (languages, mailbox), expected in zip(joined.items(), (["es"], [], ["es", "fr"]), strict=True):
        (shown,) = await receive(mailbox, 1)
        told = [one["target_language"] for one in shown["translations"]]
        assert (shown["recovered"], told) == (False, expected), languages


async def test_a_session_that_is_gone_closes_its_sockets(hub, bus):
    mailbox, _ = await join(hub)
    await receive(mailbox, 1)
    hub.lose(SESSION)
    hub.lose("another")
    (error,) = await receive(mailbox, 1)
    assert (error["code"], error["permanent"]) == ("not_found", True)
    assert mailbox.closing.code == CloseCode.NOT_FOUND


async def test_one_who_missed_too_much_gets_a_snapshot(hub, bus, monkeypatch):
    monkeypatch.setattr(replay_module, "MAX_REPLAY", 10)
    for offset in range(1, 20):
        await publish(bus, offset)
    mailbox, _ = await join(hub, StreamPosition("e-run1", 1))
    (shown,) = await receive(mailbox, 1)
    assert shown["recovered"] is False


async def test_a_speaker_that_begins_gets_all_events_and_no_snapshot(hub, bus):
    other, _ = await join(hub)
    await receive(other, 1)
    await publish(bus, 1)
    await receive(other, 1)  # the hub is past 1 already
    mailbox, _ = await join(hub, from_start=True)
    await publish(bus, 2)
    messages = await receive(mailbox, 2)
    assert (offsets(messages), len(messages)) == ([1, 2], 2)


async def test_many_sockets_share_one_read_and_one_encoding(hub, bus, monkeypatch):
    spliced = []
    splice = hub_module.splice
    monkeypatch.setattr(hub_module, "splice", lambda epoch, entry: spliced.append(1) or splice(epoch, entry))
    mailboxes = [(await join(hub))[0] for _ in range(50)]
    for mailbox in mailboxes:
        await receive(mailbox, 1)
    assert hub.watchers(SESSION) == 50
    await publish(bus, 1)
    for mailbox in mailboxes:
        assert offsets(await receive(mailbox, 1)) == [1]
    assert len(spliced) == 1


async def test_many_who_come_at_once_share_one_snapshot_and_miss_nothing(hub, bus, monkeypatch):
    made = []
    snapshot = replay_module.snapshot
    monkeypatch.setattr(replay_module, "snapshot", lambda *a, **k: made.append(1) or snapshot(*a, **k))
    await publish(bus, 1)
    await translate(bus, 2, "es")
    spanish = await asyncio.gather(*(join(hub, languages=("es",), targets=["es"]) for _ in range(20)))
    none = await asyncio.gather(*(join(hub, languages=(), targets=["es"]) for _ in range(20)))
    assert len(made) == 2  # one for each choice of languages
    await publish(bus, 3)
    await translate(bus, 4, "es")
    late, _ = await join(hub, languages=("es",), targets=["es"])
    late_none, _ = await join(hub, languages=(), targets=["es"])
    assert len(made) == 2
    for mailbox in (late, *(one for one, _ in spanish)):
        shown, *tail = await receive(mailbox, 3)
        assert (len(shown["finals"]), len(shown["translations"]), offsets(tail)) == (1, 1, [3, 4])
    for mailbox in (late_none, *(one for one, _ in none)):
        shown, *tail = await receive(mailbox, 2)
        assert (shown["translations"], offsets(tail)) == ([], [3])


async def test_a_shared_snapshot_is_not_given_out_for_long(hub, bus, monkeypatch, eventually):
    monkeypatch.setattr(replay_module, "SNAPSHOT_REUSE_S", 0.01)
    await publish(bus, 1)
    first, _ = await join(hub)
    await receive(first, 1)
    await publish(bus, 2)
    await eventually(lambda: not hub._feeds[SESSION].snapshots)
    second, _ = await join(hub)
    (shown,) = await receive(second, 1)
    assert shown["position"]["offset"] == 2


async def test_who_comes_right_after_the_end_is_told_of_it_once(hub, bus):
    first, _ = await join(hub)
    await publish(bus, 1, "session.ended")
    await receive(first, 2)
    second, _ = await join(hub)
    assert [one["type"] for one in await receive(second, 2)] == ["session.snapshot", "session.ended"]
    assert len(second) == 0


async def test_a_slow_viewer_is_closed_and_others_do_not_notice(hub, bus):
    slow, _ = await join(hub, limit=10)
    quick, _ = await join(hub)
    await receive(quick, 1)
    for offset in range(1, 40):
        await publish(bus, offset)
        assert offsets(await receive(quick, 1)) == [offset]
    assert slow.closing is not None
    assert slow.closing.code == CloseCode.SLOW_CONSUMER
    assert quick.closing is None


async def test_a_slow_viewer_of_partials_only_skips_some(hub, bus):
    slow, _ = await join(hub, limit=10)
    quick, _ = await join(hub)
    await receive(quick, 1)
    for offset in range(1, 40):
        await publish(bus, offset, "transcript.partial")
        await receive(quick, 1)
    assert slow.closing is None
    assert offsets(await receive(slow, 1))[-1] == 39


async def test_the_last_one_out_ends_the_reading(hub, bus):
    mailbox, subscription = await join(hub)
    _, other = await join(hub)
    hub.unsubscribe(SESSION, subscription)
    assert hub.watchers(SESSION) == 1
    hub.unsubscribe(SESSION, other)
    hub.unsubscribe(SESSION, other)
    assert hub.watchers(SESSION) == 0
    await publish(bus, 1)
    later, _ = await join(hub)
    (shown,) = await receive(later, 1)
    assert len(shown["finals"]) == 1
    assert len(mailbox) == 1  # its own snapshot, and nothing after it left


async def test_the_end_closes_all_sockets(hub, bus):
    mailbox, _ = await join(hub)
    await publish(bus, 1, "session.ended")
    assert [one["type"] for one in await receive(mailbox, 2)] == ["session.snapshot", "session.ended"]
    assert mailbox.closing == (CloseCode.NORMAL, "the session has ended")


@pytest.mark.parametrize("after", [None, StreamPosition("e-run1", 1)])
async def test_one_who_comes_after_the_end_is_told_and_closed(hub, bus, after):
    await publish(bus, 1)
    await publish(bus, 2, "session.ended")
    mailbox, _ = await join(hub, after)
    assert [one["type"] for one in await receive(mailbox, 2)] == ["session.snapshot", "session.ended"]
    assert mailbox.closing is not None


async def test_one_who_has_seen_the_end_and_comes_again_is_not_kept_waiting(hub, bus):
    await publish(bus, 1, "session.ended")
    mailbox, _ = await join(hub)
    (_, ended) = await receive(mailbox, 2)
    again, _ = await join(hub, StreamPosition(**ended["position"]), status="ended")
    (shown,) = await receive(again, 1)
    assert (shown["recovered"], shown["status"]) == (True, "ended")
    assert again.closing.code == CloseCode.NORMAL


async def test_an_outage_is_told_and_survived(hub, bus):
    mailbox, _ = await join(hub)
    await receive(mailbox, 1)
    bus.away = True
    (error,) = await receive(mailbox, 1)
    assert (error["code"], error["permanent"]) == ("bus_unavailable", False)
    await publish(bus, 1)
    bus.away = False
    assert offsets(await receive(mailbox, 1)) == [1]


async def test_a_restart_gives_a_new_snapshot_in_a_new_epoch(hub, bus):
    for offset in (1, 2, 3):
        await publish(bus, offset)
    mailbox, _ = await join(hub)
    await receive(mailbox, 1)
    bus.away = True
    await receive(mailbox, 1)
    # The last two results are lost; other ones take their offsets while the hub is still away.
    await bus.drop([STREAM])
    for offset, text in ((1, "kept"), (2, "other"), (3, "new"), (4, "newer")):
        await publish(bus, offset, text=text)
    bus.run, bus.away = "run2", False
    (shown,) = await receive(mailbox, 1)
    assert shown["recovered"] is False
    assert [one["text"] for one in shown["finals"]] == ["kept", "other", "new", "newer"]
    assert shown["position"] == {"epoch": "e-run2", "offset": 4}
    await publish(bus, 5)
    (event,) = await receive(mailbox, 1)
    assert event["position"] == {"epoch": "e-run2", "offset": 5}


async def test_joining_while_the_bus_is_away_fails_and_leaves_nothing(hub, bus):
    bus.away = True
    with pytest.raises(BusUnavailable):
        await join(hub)
    assert hub.watchers(SESSION) == 0


async def test_entries_that_are_no_results_are_passed_over(hub, bus):
    async def garbage(offset: int) -> None:
        for number, fields in enumerate(
            ({b"x": b"y"}, {b"t": b"a", b"d": b"\xff"}, {b"t": b"a", b"d": b"{\xff"})
        ):
            await MemoryBroker.publish(bus, STREAM, fields, f"{offset}-{number}")

    await garbage(1)
    mailbox, _ = await join(hub)
    await receive(mailbox, 1)
    await garbage(2)
    await publish(bus, 3)
    assert offsets(await receive(mailbox, 1)) == [3]
    resuming, _ = await join(hub, StreamPosition("e-run1", 1))
    assert offsets(await receive(resuming, 2)) == [3]


@pytest.mark.parametrize("seed", range(5))
async def test_viewers_that_come_and_go_see_every_final_once(hub, bus, seed):
    chance = random.Random(seed)
    total = 120
    done = asyncio.Event()

    async def speak() -> None:
        for offset in range(1, total + 1):
            await publish(bus, offset)
            if chance.random() < 0.3:
                await asyncio.sleep(0.001)
        done.set()

    async def view(own: random.Random) -> list[int]:
        seen: list[int] = []
        position: StreamPosition | None = None
        while not seen or seen[-1] < total:
            mailbox, subscription = await join(hub, position)
            for _ in range(own.randint(1, 5)):
                for message in await receive(mailbox, 1):
                    if message["type"] == "session.snapshot":
                        assert message["recovered"]
                        seen += [one["position"]["offset"] for one in message["finals"]]
                    else:
                        seen.append(message["position"]["offset"])
                    position = StreamPosition(**message["position"])
                if seen and seen[-1] == total:
                    break
            hub.unsubscribe(SESSION, subscription)
            await asyncio.sleep(own.random() * 0.004)
        return seen

    speaking = asyncio.create_task(speak())
    async with asyncio.timeout(30):
        views = await asyncio.gather(*(view(random.Random(f"{seed}-{number}")) for number in range(6)))
        await speaking
    for seen in views:
        assert seen == list(range(1, total + 1))


class Sharded(MemoryBroker):
    """A bus of which the masters of single shards can go away and be replaced, as in a cluster."""

    def __init__(self) -> None:
        super().__init__()
        self.away: set[str] = set()
        self.runs = {0: "a", 1: "b"}

    async def read_many(self, groups, count):
        return [
            BusUnavailable("gone") if self.away & after.keys() else await self.read(after, count)
            for after in groups
        ]

    async def server_run(self, shard: int) -> str:
        if any(stream.startswith(f"{{{shard}}}") for stream in self.away):
            raise BusUnavailable("gone")
        return self.runs[shard]

    async def trimmed_offset(self, session_id: str) -> int:
        return 0


async def test_one_shard_that_fails_over_is_told_to_its_own_viewers_only(monkeypatch):
    monkeypatch.setattr(hub_module, "RETRY_S", 0.005)
    bus = Sharded()
    hub = ResultsHub(
        bus, shards=2, server_run=bus.server_run, trimmed_offset=bus.trimmed_offset, interval_s=0.001
    )
    sessions = {SessionKeys(name, 2).shard.shard: name for name in ("s1", "s2", "s3", "s4")}
    keys = {shard: SessionKeys(name, 2) for shard, name in sessions.items()}
    assert len(keys) == 2
    data = {ResultField.TYPE: b"transcript.final", ResultField.DATA: b'{"type":"transcript.final"}'}
    mailboxes = {shard: Mailbox(1000) for shard in keys}
    for shard, mailbox in mailboxes.items():
        await hub.subscribe(sessions[shard], "e", mailbox, status="live")
        await receive(mailbox, 1)
    task = asyncio.create_task(hub.run())

    bus.away = {keys[1].results}
    (told,) = await receive(mailboxes[1], 1)
    assert told["code"] == "bus_unavailable"
    await bus.publish(keys[0].results, data, "1-0")
    (event,) = await receive(mailboxes[0], 1)
    assert event["position"] == {"epoch": "e-a", "offset": 1}

    bus.runs[1], bus.away = "c", set()
    (shown,) = await receive(mailboxes[1], 1)
    assert (shown["recovered"], shown["position"]["epoch"]) == (False, "e-c")
    await bus.publish(keys[0].results, data, "2-0")
    (event,) = await receive(mailboxes[0], 1)
    assert event["position"] == {"epoch": "e-a", "offset": 2}
    task.cancel()


async def test_a_restart_that_no_viewer_was_there_to_see_is_noticed_by_the_next(hub, bus):
    await publish(bus, 1)
    await publish(bus, 2)
    mailbox, subscription = await join(hub)
    (shown,) = await receive(mailbox, 1)
    hub.unsubscribe(SESSION, subscription)
    # The last result is lost and its offset used again.
    await bus.drop([STREAM])
    await publish(bus, 1)
    await publish(bus, 2, text="other")
    bus.run = "run2"
    mailbox, _ = await join(hub, after=StreamPosition(**shown["position"]))
    (shown,) = await receive(mailbox, 1)
    assert (shown["recovered"], shown["position"]["epoch"]) == (False, "e-run2")
