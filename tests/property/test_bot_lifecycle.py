"""What must hold of a bot's life whatever happens, in whatever order."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.bots import (
    MAX_JOIN_ATTEMPTS,
    BotCause,
    BotRequest,
    BotState,
    CompletionReason,
    FailureStage,
    RunnerReport,
    RunnerState,
)
from dragoman_orchestration.bots.bounds import BotBounds
from dragoman_orchestration.bots.lifecycle import (
    MAX_RESTARTS,
    Event,
    Happening,
    Life,
    advance,
    edges,
    mermaid,
)
from dragoman_orchestration.bots.model import BotRecord
from dragoman_orchestration.bots.supervision import Facts, Patience, judge
from dragoman_orchestration.session.lifecycle import Status

MAX_LAUNCHES = MAX_JOIN_ATTEMPTS * (1 + MAX_RESTARTS)

happenings = st.builds(
    Happening,
    st.sampled_from(Event),
    st.builds(BotCause, code=st.just("c"), transient=st.booleans()),
    st.none() | st.sampled_from(CompletionReason),
    st.none() | st.sampled_from(FailureStage),
)
lives = st.builds(
    Life,
    state=st.sampled_from(BotState),
    seq=st.integers(1, 50),
    attempt=st.integers(0, MAX_JOIN_ATTEMPTS),
    restarts=st.integers(0, MAX_RESTARTS),
    launches=st.integers(0, MAX_LAUNCHES),
)


def lived(events: list[Happening]) -> list[Life]:
    """All that a bot was, one after the other."""
    found = [Life()]
    for what in events:
        after = advance(found[-1], what)
        if after is not None:
            found.append(after)
    return found


@given(lives, happenings)
def test_a_step_counts_one_and_leads_along_an_edge_that_is_drawn(life: Life, what: Happening) -> None:
    after = advance(life, what)
    if after is not None:
        assert after.seq == life.seq + 1
        assert (life.state, after.state) in {(source, target) for source, target, _ in edges()}


@given(lives, happenings)
def test_nothing_leads_out_of_a_final_state(life: Life, what: Happening) -> None:
    if life.state.is_final:
        assert advance(life, what) is None


@given(st.lists(happenings, max_size=60))
def test_seq_has_no_holes_and_runners_are_bounded(events: list[Happening]) -> None:
    found = lived(events)
    assert [life.seq for life in found] == list(range(1, len(found) + 1))
    assert all(life.attempt <= MAX_JOIN_ATTEMPTS and life.restarts <= MAX_RESTARTS for life in found)
    assert found[-1].launches <= MAX_LAUNCHES
    starts = sum(life.launches - before.launches for before, life in itertools.pairwise(found))
    assert starts == found[-1].launches


@given(st.lists(happenings, max_size=30))
def test_a_stop_completes_a_bot_from_every_state_that_is_not_final(events: list[Happening]) -> None:
    life = lived(events)[-1]
    if life.state.is_final:
        return
    stopped = advance(life, Happening(Event.STOP, BotCause(code="stop"), CompletionReason.STOPPED)) or life
    assert stopped.state is BotState.STOPPING
    for end in (Event.DONE, Event.FAIL, Event.GONE):
        ended = advance(stopped, Happening(end, BotCause(code="end", transient=True)))
        assert ended is not None
        assert ended.state is BotState.COMPLETED
        assert ended.completion is not None


@given(st.lists(happenings, max_size=30))
def test_a_completed_bot_has_a_reason_and_a_failed_one_a_stage(events: list[Happening]) -> None:
    life = lived(events)[-1]
    if life.state is BotState.COMPLETED:
        assert life.completion is not None
    elif life.state is not BotState.STOPPING:
        assert life.completion is None
    assert (life.stage is not None) == (life.state is BotState.FAILED)


@pytest.mark.parametrize("event", [one for one in Event if one not in {Event.FAIL, Event.RESTART}])
@pytest.mark.parametrize("state", BotState)
def test_the_same_event_again_changes_nothing_or_goes_on_to_the_end(state: BotState, event: Event) -> None:
    """Of what a runner reports: heard twice, it is as heard once; only DONE ends what it began."""
    what = Happening(event, BotCause(code="c"))
    life = Life(state=state, launches=1, attempt=1)
    seen = [life]
    while (after := advance(seen[-1], what)) is not None:
        seen.append(after)
        assert len({one.state for one in seen}) == len(seen), "it goes round in circles"


@given(st.integers(0, 20))
def test_a_bot_that_never_gets_in_fails_after_its_attempts(more: int) -> None:
    fail = Happening(Event.FAIL, BotCause(code="lost", transient=True))
    start = Happening(Event.START, BotCause(code="due"))
    found = lived([start, *[fail] * (MAX_JOIN_ATTEMPTS + more)])
    assert found[-1].state is BotState.FAILED
    assert found[-1].launches == MAX_JOIN_ATTEMPTS


def test_a_bot_that_crashes_while_it_is_active_is_started_again_a_bounded_number_of_times() -> None:
    start = Happening(Event.START, BotCause(code="due"))
    joined = [Happening(Event.ACTIVE, BotCause(code="active"))] * 2
    crash = Happening(Event.FAIL, BotCause(code="lost", transient=True))
    found = lived([start, *([*joined, crash] * (MAX_RESTARTS + 1))])
    assert found[-1].state is BotState.FAILED
    assert found[-1].stage is FailureStage.RUNNING
    assert found[-1].restarts == MAX_RESTARTS


def test_a_failure_that_does_not_pass_is_tried_once() -> None:
    found = lived(
        [
            Happening(Event.START, BotCause(code="due")),
            Happening(Event.FAIL, BotCause(code="not_found"), stage=FailureStage.JOIN),
        ]
    )
    assert (found[-1].state, found[-1].stage) == (BotState.FAILED, FailureStage.JOIN)


def test_the_drawing_has_every_state_and_every_edge() -> None:
    drawn = mermaid()
    assert drawn.startswith("stateDiagram-v2\n")
    for state in BotState:
        assert f" {state}" in drawn
    for source, target, why in edges():
        assert f"    {source} --> {target}: {' / '.join(why)}\n" in drawn


# --- reports of runners through the worker's judgement ------------------------------------------------------

reports = st.builds(
    RunnerReport,
    generation=st.integers(1, 4),
    seq=st.integers(1, 9),
    state=st.sampled_from(RunnerState),
    cause=st.none() | st.builds(BotCause, code=st.just("c"), transient=st.booleans()),
)


def told(bot: BotRecord, report: RunnerReport) -> BotRecord:
    """The bot after a report, and the launches that its judgement asks for."""
    bot = replace(bot, report=report)
    facts = Facts(now_ms=1_000, running=True, watched_ms=1_000, session=Status.LIVE)
    while (what := judge(bot, facts, BotBounds(), Patience())) is not None:
        life = advance(bot.life, what)
        assert life is not None, "what changes nothing is not judged to have happened"
        bot = replace(
            bot,
            state=life.state,
            seq=life.seq,
            attempt=life.attempt,
            restarts=life.restarts,
            launches=life.launches,
            completion=life.completion,
            stage=life.stage,
            since_ms=1_000,
        )
    return bot


@given(st.lists(reports, max_size=20), st.integers(0, 3))
def test_reports_of_runners_that_were_replaced_are_never_heard(heard: list[RunnerReport], of: int) -> None:
    bot = BotRecord(
        id="b",
        owner_key="k",
        session_id="s",
        driver="media",
        request=BotRequest(driver="media", url="http://x"),
        created_ms=0,
        state=BotState.JOINING,
        seq=3,
        attempt=1,
        launches=5,
        generation=5,
        launched_ms=1_000,
    )
    for report in heard:
        assert replace(told(bot, report), report=None) == bot


@given(reports)
def test_a_report_that_is_heard_again_changes_nothing(report: RunnerReport) -> None:
    bot = BotRecord(
        id="b",
        owner_key="k",
        session_id="s",
        driver="media",
        request=BotRequest(driver="media", url="http://x"),
        created_ms=0,
        state=BotState.STARTING,
        seq=2,
        attempt=1,
        launches=report.generation,
        generation=report.generation,
        launched_ms=1_000,
        since_ms=1_000,
    )
    once = told(bot, report)
    assert told(once, report) == once
