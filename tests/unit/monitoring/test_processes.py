"""Who lives, who is gone, who took whose place, and whose clock is off."""

from __future__ import annotations

import msgspec
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.fleet import ProcessReport
from dragoman_orchestration.monitoring.looks.processes import ProcessLook
from dragoman_orchestration.monitoring.measures import Look

from .fakes import FakeBroker

START_MS = 1_700_000_000_000


class Installation:
    """Processes that report, by a Redis whose clock the test turns."""

    def __init__(self, forget_s: float = 900) -> None:
        self.now_ms = START_MS
        self.reports: dict[str, ProcessReport] = {}
        self.junk: list[bytes] = []
        self.broker = FakeBroker(self._answer)
        self.processes = ProcessLook(self.broker, forget_s=forget_s)
        self.look = Look()

    def _answer(self, command):
        if command[0] == "TIME":
            return [str(self.now_ms // 1000).encode(), str(self.now_ms % 1000 * 1000).encode()]
        return [*self.junk, *map(msgspec.json.encode, self.reports.values())]

    def report(
        self, name: str, *, skew_ms: int = 0, age_ms: int = 0, started_ms: int = START_MS, **facts
    ) -> None:
        self.reports[name] = ProcessReport(
            name=name,
            kind=facts.pop("kind", "audio"),
            profile=facts.pop("profile", "cpu"),
            version="1",
            started_ms=started_ms,
            seen_ms=self.now_ms + skew_ms - age_ms,
            **facts,
        )

    async def see(self, after_s: float = 2.0) -> list[str]:
        """Look every second or more often, the last time after some seconds; the names of the living."""
        while after_s > 1:
            await self.look_after(1)
            after_s -= 1
        return await self.look_after(after_s)

    async def look_after(self, seconds: float) -> list[str]:
        """Look once, after some seconds in which nobody looked."""
        self.now_ms += round(seconds * 1000)
        self.look = Look()
        self.alive = await self.processes.look(self.look)
        return [report.name for report in self.alive]

    async def live(self, seconds: int, *names: str, skew_ms: int = 0) -> None:
        for _ in range(seconds):
            for name in names:
                self.report(name, skew_ms=skew_ms, started_ms=self.reports[name].started_ms)
            await self.see(1)

    def gone(self) -> list[str]:
        return [name for name, value in self.look.subjects("process_gone").items() if value]


@pytest.fixture
def all_of() -> Installation:
    return Installation()


async def test_a_process_without_reports_is_gone_and_says_so(all_of):
    all_of.report("w1")
    assert await all_of.see() == ["w1"]
    assert all_of.gone() == []
    assert await all_of.see(5.1) == []
    assert all_of.gone() == ["w1"]
    assert all_of.look.reasons["process_gone|w1"] == "audio cpu process w1 went without a word"
    [view] = all_of.processes.views(all_of.alive)
    assert (view.state, view.age_ms) == ("gone without a word", 7_100)


async def test_it_stays_missed_after_its_report_was_swept(all_of):
    all_of.report("w1")
    await all_of.see()
    await all_of.see(10)
    all_of.reports.clear()
    await all_of.see(100)
    assert all_of.gone() == ["w1"]


async def test_a_process_that_leaves_with_a_word_is_not_missed(all_of):
    all_of.report("w1")
    await all_of.see()
    del all_of.reports["w1"]
    await all_of.see(10)
    assert all_of.look.subjects("process_gone") == {}
    assert "process_gone" in all_of.look.complete


async def test_one_that_wakes_again_is_not_missed_any_more(all_of):
    all_of.report("w1")
    await all_of.see()
    await all_of.see(10)
    all_of.report("w1")
    assert await all_of.see() == ["w1"]
    assert all_of.gone() == []


async def test_its_successor_takes_its_place(all_of):
    all_of.report("w1")
    await all_of.see()
    await all_of.see(10)
    all_of.report("w2", started_ms=all_of.now_ms)
    assert await all_of.see() == ["w2"]
    assert all_of.gone() == []


async def test_processes_that_crash_again_and_again_are_counted_though_each_is_replaced(all_of):
    for number in range(4):
        all_of.report(f"w{number}", started_ms=all_of.now_ms)
        await all_of.see(8)
    all_of.report("w4", started_ms=all_of.now_ms)
    await all_of.see(1)
    assert all_of.gone() == []
    assert all_of.look.values["processes_lost"] == 4
    assert all_of.look.reasons["processes_lost"] == "4 processes went without a word within 10 minutes"
    all_of.reports = {"w4": all_of.reports["w4"]}
    all_of.now_ms += 600_000
    all_of.report("w4", started_ms=all_of.reports["w4"].started_ms)
    await all_of.see(1)
    assert all_of.look.values["processes_lost"] == 0


@pytest.mark.parametrize("facts", [{"profile": "gpu"}, {"kind": "bots"}])
async def test_one_of_another_kind_is_no_successor(all_of, facts):
    all_of.report("w1")
    await all_of.see()
    await all_of.see(10)
    all_of.report("w2", started_ms=all_of.now_ms, **facts)
    await all_of.see()
    assert all_of.gone() == ["w1"]


async def test_one_that_was_there_before_is_no_successor(all_of):
    all_of.report("w1")
    all_of.report("w2", started_ms=START_MS - 60_000)
    await all_of.see()
    await all_of.live(10, "w2")
    assert all_of.gone() == ["w1"]


async def test_a_successor_takes_one_place_only_even_after_the_reports_were_swept(all_of):
    all_of.report("w1")
    all_of.report("w2")
    await all_of.see()
    await all_of.see(10)
    all_of.report("w3", started_ms=all_of.now_ms)
    await all_of.see()
    assert len(all_of.gone()) == 1
    del all_of.reports["w1"], all_of.reports["w2"]
    await all_of.live(20, "w3")
    assert len(all_of.gone()) == 1
    all_of.report("w4", started_ms=all_of.now_ms)
    await all_of.see()
    assert all_of.gone() == []


async def test_a_lost_process_is_forgotten_in_the_end():
    all_of = Installation(forget_s=30)
    all_of.report("w1")
    await all_of.see()
    await all_of.see(20)
    assert all_of.gone() == ["w1"]
    await all_of.see(12)
    assert all_of.gone() == []


async def test_a_new_monitor_knows_the_gone_by_their_own_time(all_of):
    all_of.report("w1", age_ms=20_000)
    assert await all_of.see() == []
    assert all_of.gone() == ["w1"]


@pytest.mark.parametrize("skew_ms", [-3_600_000, -60_000, -8_000, 8_000, 3_600_000])
async def test_a_clock_that_is_off_is_measured_and_its_process_lives(all_of, skew_ms):
    all_of.report("w1")
    await all_of.live(12, "w1", skew_ms=skew_ms)
    assert all_of.gone() == []
    found = all_of.look.values["clock_skew_ms|w1"]
    assert abs(found - abs(skew_ms)) <= 2_500
    [view] = all_of.processes.views(all_of.alive)
    assert (view.skew_ms > 0) == (skew_ms > 0)
    assert view.age_ms < 2_000


async def test_the_age_of_reports_is_no_skew(all_of):
    for age_ms in (1_400, 900, 1_200, 300, 1_100):
        all_of.report("w1", age_ms=age_ms)
        await all_of.see(0.1)
    assert all_of.look.values["clock_skew_ms|w1"] == 0


async def test_what_is_not_ready_is_told_with_its_parts(all_of):
    all_of.report("w1", ready=False, parts={"redis": "ok", "whisper": "no answer"})
    await all_of.see()
    assert all_of.look.values["process_not_ready|w1"] == 1
    assert all_of.look.reasons["process_not_ready|w1"] == "audio process w1: whisper: no answer"


async def test_open_breakers_are_told(all_of):
    all_of.report("w1", breakers={"the whisper service": "opened", "the translation service": "closed"})
    await all_of.see()
    assert all_of.look.subjects("breaker_open") == {
        "w1/the whisper service": 1,
        "w1/the translation service": 0,
    }


async def test_a_breaker_that_nobody_can_close_is_of_the_past(all_of):
    breakers = {"the whisper service": "opened"}
    all_of.report("w1", breakers=breakers, measures={"sessions": 0})
    await all_of.see()
    assert all_of.look.subjects("breaker_open") == {"w1/the whisper service": 0}
    all_of.report("w1", breakers=breakers, measures={"sessions": 1})
    await all_of.see()
    assert all_of.look.subjects("breaker_open") == {"w1/the whisper service": 1}


async def test_what_is_no_report_is_let_by(all_of):
    all_of.junk = [b"{}", b"\xff", b"[]"]
    all_of.report("w1")
    assert await all_of.see() == ["w1"]


@pytest.mark.parametrize("outage_s", [6, 60, 3_600])
async def test_time_in_which_nobody_could_report_does_not_count(all_of, outage_s):
    all_of.report("w1")
    all_of.report("w2")
    await all_of.see()
    assert await all_of.look_after(outage_s) == ["w1", "w2"]
    assert all_of.look.values["processes_lost"] == 0
    await all_of.live(8, "w1")
    assert all_of.gone() == ["w2"]  # which did not come back


async def test_an_away_redis_is_no_end_of_processes(all_of):
    all_of.report("w1")
    await all_of.see()
    all_of.broker.away = True
    with pytest.raises(BusUnavailable):
        await all_of.see(60)
    all_of.broker.away = False
    all_of.report("w1")
    assert await all_of.see() == ["w1"]
    all_of.broker.answer = lambda _: RedisConnectionError("half of a cluster is away")
    with pytest.raises(BusUnavailable):
        await all_of.see()
