"""The way to the engine: batches, bounds, fairness, cancellation, poison."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import pytest

from dragoman_contracts.errors import DecodeFailed, EngineUnavailable, InvalidInput, Overloaded
from dragoman_whisper.batcher import Batcher
from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.fair_queue import Lane

from .engines import HeldEngine, window


@contextlib.asynccontextmanager
async def running(
    engine: HeldEngine, *, batch_max: int = 4, wait_ms: float = 0, **limits: int
) -> AsyncIterator[Batcher]:
    batcher = Batcher(engine, DecodeConfig(batch_max=batch_max, batch_wait_ms=wait_ms), **limits)
    batcher.start()
    try:
        yield batcher
    finally:
        engine.gate.set()
        await batcher.close()


async def test_a_lone_window_goes_at_once_and_alone() -> None:
    engine = HeldEngine()
    async with running(engine, wait_ms=100) as batcher:
        result = await batcher.submit(window(7), Lane.FINAL)
    assert result.text == "7"
    assert result.batch_size == 1
    assert result.queue_ms < 100  # the wait for a fuller batch is for a busy engine only
    assert engine.batches == [[7]]


async def test_what_gathers_while_the_engine_works_goes_together(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    async with running(engine, batch_max=3) as batcher:
        first = batcher.submit(window(1, "a"), Lane.FINAL)
        await eventually(lambda: engine.batches == [[1]])
        others = [batcher.submit(window(number, f"s{number}"), Lane.FINAL) for number in range(2, 7)]
        engine.gate.set()
        results = await asyncio.gather(first, *others)
    assert engine.batches == [[1], [2, 3, 4], [5, 6]]
    assert [result.text for result in results] == list("123456")
    assert [result.batch_size for result in results] == [1, 3, 3, 3, 2, 2]


async def test_a_busy_engine_waits_for_a_fuller_batch(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    async with running(engine, batch_max=8, wait_ms=100) as batcher:
        answers = [batcher.submit(window(1), Lane.FINAL)]
        await eventually(lambda: engine.batches == [[1]])
        answers.append(batcher.submit(window(2), Lane.FINAL))
        engine.gate.set()
        await answers[0]
        answers.append(batcher.submit(window(3), Lane.FINAL))
        await asyncio.gather(*answers)
    assert engine.batches == [[1], [2, 3]]


async def test_a_full_queue_refuses_and_says_when(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    async with running(engine, queue_max=2) as batcher:
        held = batcher.submit(window(1), Lane.FINAL)
        await eventually(lambda: engine.batches == [[1]])
        waiting = [batcher.submit(window(2), Lane.FINAL), batcher.submit(window(3), Lane.DRAFT)]
        with pytest.raises(Overloaded, match="limit is 2"):
            batcher.submit(window(4), Lane.FINAL)
        assert batcher.retry_after_s >= 1
        engine.gate.set()
        await asyncio.gather(held, *waiting)
        assert (await batcher.submit(window(5), Lane.FINAL)).text == "5"


async def test_one_session_cannot_fill_the_queue(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    async with running(engine, batch_max=1, session_queue_max=2) as batcher:
        answers = [batcher.submit(window(1, "greedy"), Lane.DRAFT)]
        await eventually(lambda: engine.batches == [[1]])
        answers += [batcher.submit(window(number, "greedy"), Lane.DRAFT) for number in (2, 3)]
        with pytest.raises(Overloaded, match="of this session"):
            batcher.submit(window(4, "greedy"), Lane.FINAL)
        answers.append(batcher.submit(window(5, "modest"), Lane.DRAFT))
        engine.gate.set()
        await asyncio.gather(*answers)
    assert engine.batches == [[1], [2], [5], [3]]


async def test_finals_overtake_drafts(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    async with running(engine, batch_max=1) as batcher:
        answers = [batcher.submit(window(1), Lane.DRAFT)]
        await eventually(lambda: engine.batches == [[1]])
        answers += [batcher.submit(window(2), Lane.DRAFT), batcher.submit(window(3), Lane.FINAL)]
        engine.gate.set()
        await asyncio.gather(*answers)
    assert engine.batches == [[1], [3], [2]]


async def test_a_window_that_was_taken_back_is_not_decoded(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    async with running(engine, batch_max=1) as batcher:
        held = batcher.submit(window(1), Lane.FINAL)
        await eventually(lambda: engine.batches == [[1]])
        gone, kept = batcher.submit(window(2), Lane.FINAL), batcher.submit(window(3), Lane.FINAL)
        gone.cancel()
        held.cancel()  # this one is being decoded already: its answer is thrown away
        engine.gate.set()
        assert (await kept).text == "3"
    assert engine.batches == [[1], [3]]


async def test_poison_fails_alone(eventually, log_lines: list[str]) -> None:
    engine = HeldEngine(poison=3)
    engine.gate.clear()
    async with running(engine) as batcher:
        first = batcher.submit(window(1), Lane.FINAL)
        await eventually(lambda: engine.batches == [[1]])
        answers = [batcher.submit(window(number), Lane.FINAL) for number in (2, 3, 4)]
        engine.gate.set()
        results = await asyncio.gather(first, *answers, return_exceptions=True)
        assert (await batcher.submit(window(5), Lane.FINAL)).text == "5"
    assert engine.batches[1:] == [[2, 3, 4], [2], [3], [4], [5]]
    poisoned = results.pop(2)
    assert [result.text for result in results] == ["1", "2", "4"]
    assert isinstance(poisoned, DecodeFailed)
    told = poisoned.message + "".join(log_lines)
    assert "RuntimeError" in told
    assert "secret" not in told


async def test_an_error_of_the_request_reaches_who_asked() -> None:
    class Refusing(HeldEngine):
        def decode_windows(self, batch):
            raise InvalidInput("the prefix is too long")

    async with running(Refusing()) as batcher:
        with pytest.raises(InvalidInput, match="prefix"):
            await batcher.submit(window(1), Lane.FINAL)


async def test_an_engine_that_answers_too_few_has_failed() -> None:
    class Forgetful(HeldEngine):
        def decode_windows(self, batch):
            return super().decode_windows(batch)[1:]

    async with running(Forgetful()) as batcher:
        with pytest.raises(DecodeFailed, match="0 of 1"):
            await batcher.submit(window(1), Lane.FINAL)


async def test_the_engine_keeps_to_its_threads() -> None:
    engine = HeldEngine()
    async with running(engine, batch_max=1) as batcher:
        await asyncio.gather(*(batcher.submit(window(number), Lane.FINAL) for number in range(10)))
    assert len(engine.threads) == 1
    assert threading.get_ident() not in engine.threads


async def test_more_threads_decode_at_the_same_time(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    async with running(engine, batch_max=1, threads=2) as batcher:
        answers = [batcher.submit(window(number), Lane.FINAL) for number in (1, 2, 3)]
        await eventually(lambda: len(engine.batches) == 2)
        engine.gate.set()
        await asyncio.gather(*answers)
    assert len(engine.threads) == 2


async def test_close_finishes_what_is_under_way_and_refuses_the_rest(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    async with running(engine, batch_max=1) as batcher:
        held = batcher.submit(window(1), Lane.FINAL)
        await eventually(lambda: engine.batches == [[1]])
        waiting = batcher.submit(window(2), Lane.FINAL)
        closing = asyncio.create_task(batcher.close())
        with pytest.raises(EngineUnavailable):
            await waiting
        with pytest.raises(EngineUnavailable):
            batcher.submit(window(3), Lane.FINAL)
        engine.gate.set()
        assert (await held).text == "1"
        await closing
