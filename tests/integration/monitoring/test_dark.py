"""A monitor whose Redis goes at the worst moments: alerts go out once, the stream and the keys follow."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman_contracts.config import AnomalyRule
from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.events import AnomalyDetected, AnomalyResolved, ConfigResyncRequested
from dragoman_contracts.monitoring import RedisView, ServiceView
from dragoman_contracts.streams import CONFIG_SYNC, MonitoringKeys
from dragoman_orchestration.monitoring.collector import Seen
from dragoman_orchestration.monitoring.leadership import Lead
from dragoman_orchestration.monitoring.measures import Look
from dragoman_orchestration.monitoring.monitor import Monitor
from dragoman_orchestration.monitoring.teller import MAX_WAITING, Teller
from dragoman_runtime.broker.redis import RedisBroker

from .conftest import RecordingSink, events, told_once

RULES = {
    "redis_away": AnomalyRule(measure="redis_away", above=0.5, for_s=0, clear_for_s=0, severity="critical"),
    "service_away": AnomalyRule(measure="service_away", above=0.5, for_s=0, clear_for_s=0),
}


class CutOff:
    """A broker that can be cut off, at once or after some more round trips."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker
        self.trips_left: int | None = None

    def _travel(self) -> None:
        if self.trips_left == 0:
            raise BusUnavailable("Redis does not answer (ConnectionError).")
        if self.trips_left is not None:
            self.trips_left -= 1

    async def exchange(self, commands: Any, **options: Any) -> Any:
        self._travel()
        return await self._broker.exchange(commands, **options)

    async def ask(self, commands: Any) -> Any:
        self._travel()
        return await self._broker.ask(commands)

    async def publish(self, stream: str, fields: Any, entry_id: str = "*") -> str:
        self._travel()
        return await self._broker.publish(stream, fields, entry_id)

    async def trim(self, stream: str, min_id: str) -> int:
        self._travel()
        return await self._broker.trim(stream, min_id)


class Led:
    """A lead that the test decides on."""

    def __init__(self) -> None:
        self.lead = Lead.LEADS

    @property
    def may_tell(self) -> bool:
        return self.lead is not Lead.FOLLOWS


class Processes:
    def __init__(self) -> None:
        self.gone: dict[str, Any] = {}


class Played:
    """A collector that sees what the test says."""

    def __init__(self) -> None:
        self.redis = "ok"
        self.whisper = "ok"
        self.processes = Processes()

    async def look(self) -> Seen:
        look = Look()
        look.covers("redis_away", "service_away")
        look.note("redis_away", self.redis != "ok", reason=self.redis)
        look.note("service_away", self.whisper != "ok", "whisper", reason=self.whisper)
        services = [ServiceView(name="whisper", url="", state=self.whisper)]
        return Seen(time_ms=1_000_000, look=look, redis=RedisView(state=self.redis), services=services)


class Rig:
    """One monitor with all that the test turns."""

    def __init__(self, broker: RedisBroker) -> None:
        self.bus = broker
        self.wire = CutOff(broker)
        self.lead = Led()
        self.sees = Played()
        self.sink = RecordingSink()
        self.monitor = Monitor(
            self.wire,
            self.sees,
            self.lead,
            Teller(self.wire, self.sink, source="/t"),
            rules=lambda: RULES,
            name="m",
        )

    async def step(self) -> bool:
        """One look; whether all of it could be kept."""
        try:
            await self.monitor.step()
        except BusUnavailable:
            return False
        return True

    def redis(self, *, away: bool) -> None:
        self.wire.trips_left = 0 if away else None
        self.sees.redis = "Redis does not answer" if away else "ok"
        self.lead.lead = Lead.DARK if away else Lead.LEADS

    async def kept(self) -> set[bytes]:
        [names] = await self.bus.ask([("HKEYS", MonitoringKeys.ANOMALIES)])
        return set(names)


@pytest.fixture
def rig(broker) -> Rig:
    return Rig(broker)


async def test_what_opens_and_ends_in_the_dark_is_alerted_at_once_and_published_later(rig):
    assert await rig.step()
    rig.redis(away=True)
    assert not await rig.step()
    assert rig.sink.told == [("opened", "redis_away", "")]
    rig.sees.whisper = "no answer"
    await rig.step()
    rig.sees.whisper = "ok"
    await rig.step()
    rig.redis(away=False)
    assert await rig.step()
    assert rig.sink.told == [
        ("opened", "redis_away", ""),
        ("opened", "service_away", "whisper"),
        ("resolved", "service_away", "whisper"),
        ("resolved", "redis_away", ""),
    ]
    assert await told_once(rig.bus, AnomalyDetected) == {"redis_away": 1, "service_away whisper": 1}
    assert await told_once(rig.bus, AnomalyResolved) == {"redis_away": 1, "service_away whisper": 1}
    assert await rig.kept() == set()


@pytest.mark.parametrize("trips", range(14))
async def test_wherever_redis_goes_within_a_look_all_is_told_once(trips, rig):
    assert await rig.step()
    rig.sees.whisper = "no answer"
    rig.wire.trips_left = trips
    await rig.step()
    assert rig.sink.told == [("opened", "service_away", "whisper")]
    rig.wire.trips_left = None
    assert await rig.step()
    assert rig.sink.told == [("opened", "service_away", "whisper")]
    assert await told_once(rig.bus, AnomalyDetected) == {"service_away whisper": 1}
    assert await rig.kept() == {b"service_away|whisper"}

    rig.sees.whisper = "ok"
    rig.wire.trips_left = trips
    await rig.step()
    rig.wire.trips_left = None
    assert await rig.step()
    assert rig.sink.told == [("opened", "service_away", "whisper"), ("resolved", "service_away", "whisper")]
    assert await told_once(rig.bus, AnomalyResolved) == {"service_away whisper": 1}
    assert await rig.kept() == set()


@pytest.mark.parametrize("trips", range(14))
async def test_wherever_a_leader_dies_its_successor_tells_what_it_did_not(trips, rig):
    assert await rig.step()
    rig.sees.whisper = "no answer"
    rig.wire.trips_left = trips
    await rig.step()  # and is no more
    second = Rig(rig.bus)
    second.sees.whisper = "no answer"
    assert await second.step()
    # As the same event, if the first one had told it.
    assert await told_once(rig.bus, AnomalyDetected) == {"service_away whisper": 1}
    second.sees.whisper = "ok"
    assert await second.step()
    assert await told_once(rig.bus, AnomalyResolved) == {"service_away whisper": 1}
    assert second.sink.told.count(("resolved", "service_away", "whisper")) == 1


async def test_a_leader_that_was_cut_off_alone_ends_what_only_it_knew(rig):
    rig.sees.whisper = "no answer"
    assert await rig.step()
    rig.redis(away=True)
    await rig.step()
    rig.redis(away=False)
    rig.lead.lead = Lead.FOLLOWS
    assert await rig.step()
    assert ("resolved", "redis_away", "") in rig.sink.told
    # The service is the business of whoever leads now.
    assert ("resolved", "service_away", "whisper") not in rig.sink.told
    assert await told_once(rig.bus, AnomalyResolved) == {"redis_away": 1}
    told = list(rig.sink.told)
    rig.lead.lead = Lead.LEADS
    assert await rig.step()
    assert rig.sink.told == told  # Redis knows what is open


async def test_a_monitor_that_led_and_never_looked_alerts_in_the_dark(rig):
    rig.redis(away=True)
    await rig.step()
    assert rig.sink.told == [("opened", "redis_away", "")]
    rig.redis(away=False)
    assert await rig.step()
    assert rig.sink.told[-1] == ("resolved", "redis_away", "")


async def test_a_service_that_came_back_is_asked_for_once_whoever_leads(rig):
    rig.sees.whisper = "no answer"
    assert await rig.step()
    second = Rig(rig.bus)  # takes over while it is away, and sees it return
    assert await second.step()
    found = [event.reason for _, event in await events(rig.bus, ConfigResyncRequested, CONFIG_SYNC)]
    assert found == ["whisper came back"]
    assert await second.step()
    assert len(await events(rig.bus, ConfigResyncRequested, CONFIG_SYNC)) == 1


async def test_what_waits_for_redis_is_bounded(rig):
    rig.redis(away=True)
    for number in range(MAX_WAITING):
        rig.sees.whisper = "ok" if number % 2 else "no answer"
        await rig.step()
    rig.redis(away=False)
    assert await rig.step()
    resolved = await events(rig.bus, AnomalyResolved)
    assert 0 < len(resolved) <= MAX_WAITING
    assert resolved[-1][1].rule == "redis_away"
