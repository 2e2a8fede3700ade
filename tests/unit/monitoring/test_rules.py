"""When a measure is an anomaly: hysteresis, flapping, what is missing, rules that change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.config import AnomalyRule
from dragoman_contracts.monitoring import Anomaly
from dragoman_orchestration.monitoring.default_rules import DEFAULT_RULES, effective_rules
from dragoman_orchestration.monitoring.measures import MEASURES, Look
from dragoman_orchestration.monitoring.rules import (
    MAX_OPEN_PER_RULE,
    AnomalyWatch,
    Changes,
    is_breached,
    is_cleared,
)

RULE = AnomalyRule(measure="lag", above=10, clear=4, for_s=5, clear_for_s=3)


class Series:
    """A watch that is shown one look a second."""

    def __init__(self, rule: AnomalyRule = RULE, known: tuple[Anomaly, ...] = ()) -> None:
        self.rules = {"late": rule}
        self.watch = AnomalyWatch(known)
        self.now_s = 0.0

    def show(self, *values: float | None, subject: str = "", complete: bool = False) -> list[Changes]:
        """One look for each value; None: it could not be seen (or is no more, if ``complete``)."""
        told = []
        for value in values:
            look = Look()
            if value is not None:
                look.note("lag", value, subject)
            if complete:
                look.covers("lag")
            told.append(
                self.watch.observe(
                    self.rules, look, now_s=self.now_s, now_ms=1_000_000 + int(self.now_s * 1000)
                )
            )
            self.now_s += 1
        return told


def words(changes: list[Changes]) -> str:
    """O for opened, R for resolved, a dot for nothing."""
    return "".join("O" * len(one.opened) + "R" * len(one.resolved) or "." for one in changes)


def test_it_opens_after_its_time_without_a_break_and_closes_past_the_other_threshold():
    assert words(Series().show(*[11] * 6, 8, 4, 4, 4, 4)) == ".....O....R"


def test_a_break_begins_the_time_anew():
    assert words(Series().show(11, 11, 11, 11, 10, 11, 11, 11, 11, 11, 11)) == "..........O"


def test_flapping_between_the_thresholds_tells_once():
    series = Series()
    assert words(series.show(*[11] * 6)) == ".....O"
    assert words(series.show(*[3, 3, 12, 3, 5, 11] * 20)) == "." * 120
    assert words(series.show(4, 4, 4, 4)) == "...R"


def test_it_began_when_the_threshold_was_passed():
    series = Series()
    [anomaly] = series.show(0, 0, *[11] * 6)[-1].opened
    assert anomaly.since_ms == 1_002_000
    [resolution] = series.show(0, 0, 0, 0)[-1].resolved
    assert (resolution.lasted_ms, resolution.value) == (9_000, 0)


def test_a_rule_without_time_opens_at_once():
    assert words(Series(AnomalyRule(measure="lag", above=1, for_s=0, clear_for_s=0)).show(2, 0, 2)) == "ORO"


def test_below():
    rule = AnomalyRule(measure="lag", below=1, clear=2, for_s=0, clear_for_s=0)
    assert words(Series(rule).show(1, 0.9, 1, 1.9, 2)) == ".O..R"


def test_a_band_is_left_on_both_sides():
    rule = AnomalyRule(measure="lag", above=10, below=1, clear=5, for_s=0, clear_for_s=0)
    assert words(Series(rule).show(5, 11, 9, 0, 2)) == ".ORO" + "R"


def test_clear_on_the_wrong_side_of_the_threshold_does_not_flap():
    rule = AnomalyRule(measure="lag", above=5, clear=8, for_s=0, clear_for_s=0)
    assert words(Series(rule).show(6, 7, 8, 5)) == "O..R"


def test_what_cannot_be_seen_is_not_resolved():
    series = Series()
    series.show(*[11] * 6)
    assert words(series.show(*[None] * 100)) == "." * 100
    assert [one.rule for one in series.watch.open] == ["late"]
    assert words(series.show(0, 0, None, 0, 0, 0, 0)) == "......R"  # unseen is not clear either


def test_what_cannot_be_seen_does_not_open():
    assert words(Series().show(11, 11, 11, 11, None, 11, 11, 11, 11, 11, 11)) == "..........O"


def test_a_subject_that_is_no_more_is_resolved():
    series = Series()
    series.show(*[11] * 6, subject="s1")
    [change] = series.show(None, subject="s1", complete=True)
    assert change.resolved[0].message == "s1 is no more"
    assert series.watch.open == []


def test_subjects_are_judged_by_themselves():
    series = Series(AnomalyRule(measure="lag", above=10, for_s=0, clear_for_s=0))
    look = Look()
    look.note("lag", 11, "s1")
    look.note("lag", 1, "s2")
    look.note("lag", 12, "s3", reason="s3 is stuck")
    opened = series.watch.observe(series.rules, look, now_s=0, now_ms=0).opened
    assert [(one.subject, one.message) for one in opened] == [
        ("s1", "lag of s1 is 11, above 10"),
        ("s3", "s3 is stuck"),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"late": RULE.model_copy(update={"enabled": False})},
        {"late": RULE.model_copy(update={"measure": "other"})},
    ],
)
def test_a_rule_that_is_removed_or_about_something_else_resolves_what_was_open(changed):
    series = Series()
    series.show(*[11] * 6)
    series.rules = changed
    [change] = series.show(11)
    assert [one.message for one in change.resolved] == ["the rule is no more"]


def test_a_rule_that_changes_while_open_counts_from_now_on():
    series = Series()
    series.show(*[11] * 6)
    series.rules = {"late": RULE.model_copy(update={"above": 20.0, "clear": 15.0, "severity": "critical"})}
    assert words(series.show(16)) == "."
    assert series.watch.open[0].severity == "critical"
    assert words(series.show(11, 11, 11, 11)) == "...R"


def test_a_successor_tells_what_was_open_neither_again_nor_twice():
    before = Series()
    [anomaly] = before.show(*[11] * 6)[-1].opened
    after = Series(known=(anomaly,))
    assert words(after.show(11, 11, 11, 11, 11, 11, 11)) == "......."
    assert after.watch.open[0].since_ms == anomaly.since_ms
    assert words(after.show(0, 0, 0, 0)) == "...R"


def test_values_and_messages_of_what_is_open_follow():
    series = Series()
    series.show(*[11] * 6, 30)
    assert (series.watch.open[0].value, series.watch.open[0].message) == (30, "lag is 30, above 10")
    series.show(7)
    assert series.watch.open[0].message == "lag is 7"


def test_of_one_rule_so_many_are_open_at_most():
    series = Series(AnomalyRule(measure="lag", above=1, for_s=0, clear_for_s=0))
    look = Look()
    for number in range(MAX_OPEN_PER_RULE * 2):
        look.note("lag", 2, f"s{number}")
    assert len(series.watch.observe(series.rules, look, now_s=0, now_ms=0).opened) == MAX_OPEN_PER_RULE
    assert series.watch.observe(series.rules, look, now_s=1, now_ms=1000).opened == []


def test_the_gravest_and_oldest_come_first():
    def anomaly(rule: str, severity: str, since_ms: int) -> Anomaly:
        return Anomaly(
            rule=rule, subject="", severity=severity, measure="m", value=1, since_ms=since_ms, message=""
        )

    watch = AnomalyWatch([anomaly("c", "info", 1), anomaly("b", "critical", 5), anomaly("a", "critical", 9)])
    assert [one.rule for one in watch.open] == ["b", "a", "c"]


# --- properties -----------------------------------------------------------------------------------------

thresholds = st.integers(-5, 5) | st.none()
rules = st.builds(
    AnomalyRule,
    measure=st.just("lag"),
    above=thresholds,
    below=thresholds,
    clear=thresholds,
    for_s=st.integers(0, 5),
    clear_for_s=st.integers(0, 5),
)
series_of_values = st.lists(st.integers(-8, 8) | st.none(), max_size=60)


@given(rules, st.integers(-10, 10))
def test_nothing_is_breached_and_cleared_at_once(rule, value):
    assert not (is_breached(rule, value) and is_cleared(rule, value))


@given(rules, series_of_values)
def test_openings_and_endings_take_turns(rule, values):
    told = words(Series(rule).show(*values)).replace(".", "")
    assert "OO" not in told
    assert "RR" not in told
    assert not told.startswith("R")


@given(rules, series_of_values)
def test_what_opens_was_breached_all_its_time_and_what_ends_was_clear_all_its_time(rule, values):
    for place, change in enumerate(Series(rule).show(*values)):
        for times, judge, length_s in (
            (change.opened, is_breached, rule.for_s),
            (change.resolved, is_cleared, rule.clear_for_s),
        ):
            if times:
                window = values[place - int(length_s) : place + 1]
                assert len(window) == int(length_s) + 1
                assert all(value is not None and judge(rule, value) for value in window)


@given(rules, series_of_values)
def test_a_breach_that_lasts_is_open_and_calm_that_lasts_is_not(rule, values):
    series = Series(rule)
    series.show(*values)
    for value in (-20, 20):
        if is_breached(rule, value):
            series.show(*[value] * 7)
            assert len(series.watch.open) == 1
        elif is_cleared(rule, value):
            series.show(*[value] * 7)
            assert series.watch.open == []


@given(rules, series_of_values, st.integers(0, 60))
def test_a_change_of_leaders_tells_nothing_twice(rule, values, at):
    """The successor knows what is open, not since when something is about to be."""
    first = Series(rule)
    told = words(first.show(*values[:at])).replace(".", "")
    second = Series(rule, known=tuple(first.watch.open))
    told += words(second.show(*values[at:])).replace(".", "")
    assert "OO" not in told
    assert "RR" not in told


# --- the rules that come with the product ---------------------------------------------------------------


def test_every_default_rule_is_about_a_measure_that_there_is():
    assert {rule.measure for rule in DEFAULT_RULES.values()} <= MEASURES.keys()


@pytest.mark.parametrize("name", DEFAULT_RULES)
def test_every_default_rule_can_open_and_close(name):
    rule = DEFAULT_RULES[name]
    worst, best = (1e9, 0) if rule.above is not None else (-1e9, 1e9)
    assert is_breached(rule, worst)
    assert is_cleared(rule, best)
    if rule.above is not None and rule.clear is not None:
        assert rule.clear < rule.above


def test_the_configuration_wins_by_name():
    own = AnomalyRule(measure="sessions_live", above=900)
    merged = effective_rules({"redis_away": own, "crowded": own})
    assert merged["redis_away"] == merged["crowded"] == own
    assert merged["service_away"] == DEFAULT_RULES["service_away"]
    assert effective_rules(None) == DEFAULT_RULES
