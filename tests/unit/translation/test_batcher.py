"""Batches, limits, failures and the circuit breaker in front of an engine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from dragoman_contracts.errors import EngineUnavailable, Overloaded, TranslationFailed
from dragoman_translation.batcher import Batcher, Limits
from dragoman_translation.config import TranslateConfig
from dragoman_translation.engines.base import Pair, Piece, Wish

from .engines import HeldEngine, piece

ES, DE = Pair("en", "es"), Pair("en", "de")


@contextlib.asynccontextmanager
async def running(engine: HeldEngine, batch_max: int = 32, **limits) -> AsyncIterator[Batcher]:
    batcher = Batcher(engine, TranslateConfig(batch_max=batch_max), Limits(**limits))
    batcher.start()
    try:
        yield batcher
    finally:
        engine.gate.set()
        await batcher.close()


async def hold(engine: HeldEngine, batcher: Batcher, eventually) -> asyncio.Future:
    """Keep the engine busy with one text, so that others gather."""
    engine.gate.clear()
    (held,) = batcher.submit(ES, [piece("held")])
    await eventually(lambda: engine.batches == [["held"]])
    return held


async def test_a_lone_text_goes_at_once_with_its_times() -> None:
    async with running(HeldEngine()) as batcher:
        (answer,) = batcher.submit(ES, [piece("hello")])
        done = await answer
    assert (done.text, done.batch_size) == ("held:es:hello", 1)
    assert done.queue_s >= 0
    assert done.inference_s > 0


async def test_what_gathers_is_one_batch_a_pair_over_sessions(eventually) -> None:
    engine = HeldEngine(pairs=["en-es", "en-de"])
    async with running(engine) as batcher:
        await hold(engine, batcher, eventually)
        answers = [
            answer
            for session in ("a", "b", "c")
            for pair in (ES, DE)
            for answer in batcher.submit(pair, [piece(f"{session} {pair.target}", session)])
        ]
        engine.gate.set()
        done = await asyncio.gather(*answers)
    assert engine.batches[1:] == [["a es", "b es", "c es"], ["a de", "b de", "c de"]]
    assert {one.batch_size for one in done} == {3}


async def test_drafts_and_finals_are_no_batch(eventually) -> None:
    engine = HeldEngine()
    async with running(engine) as batcher:
        await hold(engine, batcher, eventually)
        answers = [*batcher.submit(ES, [piece("d", fast=True)]), *batcher.submit(ES, [piece("f")])]
        engine.gate.set()
        await asyncio.gather(*answers)
    assert sorted(engine.batches[1:]) == [["d"], ["f"]]


async def test_an_engine_that_mixes_no_requests_gets_one_at_a_time(eventually) -> None:
    engine = HeldEngine(mixes_requests=False)
    async with running(engine) as batcher:
        await hold(engine, batcher, eventually)
        one, other = Wish(), Wish()
        answers = [
            *batcher.submit(ES, [Piece("a1", one), Piece("a2", one)]),
            *batcher.submit(ES, [Piece("b1", other)]),
        ]
        engine.gate.set()
        await asyncio.gather(*answers)
    assert engine.batches[1:] == [["a1", "a2"], ["b1"]]


async def test_a_text_whose_asker_is_gone_is_not_translated(eventually) -> None:
    engine = HeldEngine()
    async with running(engine) as batcher:
        await hold(engine, batcher, eventually)
        gone, kept = batcher.submit(ES, [piece("gone"), piece("kept")])
        gone.cancel()
        engine.gate.set()
        await kept
    assert engine.batches[1:] == [["kept"]]


async def test_a_full_queue_refuses_all_pieces_of_a_request(eventually) -> None:
    engine = HeldEngine()
    async with running(engine, queue_max=2) as batcher:
        await hold(engine, batcher, eventually)
        first = batcher.submit(ES, [piece("1")])
        with pytest.raises(Overloaded):
            batcher.submit(ES, [piece("2"), piece("3")])
        second = batcher.submit(ES, [piece("2")])
        assert batcher.retry_after_s >= 1
        engine.gate.set()
        await asyncio.gather(*first, *second)
    assert engine.batches[1:] == [["1", "2"]]


async def test_one_session_cannot_fill_the_queue(eventually) -> None:
    engine = HeldEngine()
    async with running(engine, session_queue_max=1) as batcher:
        await hold(engine, batcher, eventually)
        batcher.submit(ES, [piece("1", "a")])
        with pytest.raises(Overloaded, match="of this session"):
            batcher.submit(ES, [piece("2", "a")])
        batcher.submit(ES, [piece("3", "b")])


async def test_a_poison_text_fails_alone_and_its_words_are_told_to_nobody(
    eventually, log_lines: list[str]
) -> None:
    engine = HeldEngine(poison="bad")
    async with running(engine) as batcher:
        await hold(engine, batcher, eventually)
        answers = batcher.submit(ES, [piece("a"), piece("bad"), piece("c")])
        engine.gate.set()
        a, bad, c = await asyncio.gather(*answers, return_exceptions=True)
    assert (a.text, c.text) == ("held:es:a", "held:es:c")
    assert isinstance(bad, TranslationFailed)
    assert "secret" not in str(bad) + "".join(log_lines)
    assert any("RuntimeError" in line for line in log_lines)


async def test_an_engine_that_is_away_fails_the_batch_once(eventually) -> None:
    engine = HeldEngine(error=EngineUnavailable("away"))
    async with running(engine) as batcher:
        answers = batcher.submit(ES, [piece("a"), piece("b")])
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
    assert engine.batches == [["a", "b"]]
    assert all(isinstance(outcome, EngineUnavailable) for outcome in outcomes)


async def test_an_engine_that_is_away_is_logged_once_and_again_when_it_is_back(log_lines: list[str]) -> None:
    engine = HeldEngine(error=EngineUnavailable("away"))
    async with running(engine) as batcher:
        for _ in range(3):
            await asyncio.gather(*batcher.submit(ES, [piece("a")]), return_exceptions=True)
        engine.error = None
        for _ in range(2):
            await asyncio.gather(*batcher.submit(ES, [piece("a")]))
    assert [line.split(" ", 1)[0] for line in log_lines if "the engine held is" in line] == [
        "WARNING",
        "INFO",
    ]


async def test_the_breaker_is_one_for_each_pair_and_lets_one_try_again(eventually) -> None:
    engine = HeldEngine(pairs=["en-es", "en-de"], error=EngineUnavailable("away"))

    async def ask(pair: Pair) -> object:
        return (await asyncio.gather(*batcher.submit(pair, [piece("x")]), return_exceptions=True))[0]

    async with running(engine, breaker_failures=2, breaker_open_s=0.2) as batcher:
        for _ in range(2):
            await ask(ES)
        refused = await ask(ES)
        assert isinstance(refused, EngineUnavailable)
        assert "failed repeatedly" in refused.message
        assert len(engine.batches) == 2
        engine.error = None
        assert not isinstance(await ask(DE), Exception)

        async def recovered() -> bool:
            return not isinstance(await ask(ES), Exception)

        await eventually(recovered)


async def test_a_text_that_cannot_be_translated_opens_no_breaker() -> None:
    engine = HeldEngine(refuse=TranslationFailed("not this one"))
    async with running(engine, breaker_failures=1) as batcher:
        for _ in range(3):
            (outcome,) = await asyncio.gather(*batcher.submit(ES, [piece("x")]), return_exceptions=True)
            assert isinstance(outcome, TranslationFailed)
    assert len(engine.batches) == 3


async def test_the_end_finishes_what_is_under_way_and_refuses_what_waits(eventually) -> None:
    engine = HeldEngine()
    batcher = Batcher(engine, TranslateConfig(), Limits())
    batcher.start()
    held = await hold(engine, batcher, eventually)
    (waits,) = batcher.submit(ES, [piece("waits")])
    closing = asyncio.create_task(batcher.close())
    with pytest.raises(EngineUnavailable):
        await waits
    engine.gate.set()
    await closing
    assert (await held).text == "held:es:held"
    assert engine.closed == 1
    with pytest.raises(EngineUnavailable):
        batcher.submit(ES, [piece("late")])


async def test_a_changed_batch_size_holds_from_the_next_batch_on(eventually) -> None:
    engine = HeldEngine()
    async with running(engine) as batcher:
        await hold(engine, batcher, eventually)
        answers = batcher.submit(ES, [piece(str(number)) for number in range(4)])
        batcher.config = TranslateConfig(batch_max=2)
        engine.gate.set()
        await asyncio.gather(*answers)
    assert engine.batches[1:] == [["0", "1"], ["2", "3"]]
