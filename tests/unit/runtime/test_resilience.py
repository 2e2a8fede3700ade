"""The breaker opens for a failing service only; pauses grow, with jitter, up to their cap."""

from __future__ import annotations

import asyncio

import pytest

from dragoman_contracts.errors import EngineUnavailable, InvalidInput
from dragoman_runtime.resilience import Backoff, CircuitBreaker


def fail(breaker: CircuitBreaker, error: BaseException) -> None:
    with pytest.raises(type(error)), breaker.guard(EngineUnavailable):
        raise error


def test_it_opens_after_failures_in_a_row_and_tries_again_later():
    breaker = CircuitBreaker("service", threshold=3, open_s=0.0)
    for _ in range(2):
        fail(breaker, EngineUnavailable("down"))
    with breaker.guard(EngineUnavailable):
        pass
    closed = CircuitBreaker("service", threshold=2, open_s=60)
    for _ in range(2):
        fail(closed, EngineUnavailable("down"))
    with pytest.raises(EngineUnavailable, match="repeatedly"), closed.guard(EngineUnavailable):
        raise AssertionError("the body must not run")


async def test_it_closes_again_after_a_success(eventually):
    breaker = CircuitBreaker("service", threshold=1, open_s=0.02)
    fail(breaker, EngineUnavailable("down"))

    def works() -> bool:
        try:
            with breaker.guard(EngineUnavailable):
                return True
        except EngineUnavailable:
            return False

    await eventually(works)
    assert works()


@pytest.mark.parametrize("error", [InvalidInput("this window"), asyncio.CancelledError(), ValueError("bug")])
def test_what_says_nothing_about_the_service_does_not_open_it(error):
    breaker = CircuitBreaker("service", threshold=1, open_s=60)
    for _ in range(3):
        fail(breaker, error)
    with breaker.guard(EngineUnavailable):
        pass


def test_pauses_grow_to_the_cap_and_start_anew():
    backoff = Backoff(base_s=0.1, cap_s=2.0)
    pauses = [backoff.next_s() for _ in range(30)]
    assert all(0.05 <= pause <= 2.0 for pause in pauses)
    assert pauses[0] <= 0.2
    assert len({round(pause, 6) for pause in pauses}) > 20
    backoff.reset()
    assert backoff.next_s() <= 0.2
