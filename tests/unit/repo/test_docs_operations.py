"""The documents about configuration, bots, webhooks and monitoring say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dragoman_bots.recipes.model import builtin_names, load_recipe
from dragoman_contracts.bots import BotMessage, CompletionReason, FailureStage
from dragoman_contracts.config import SESSION_SECTIONS, ConfigValues
from dragoman_orchestration.bots.lifecycle import mermaid
from dragoman_orchestration.monitoring import gauges
from dragoman_orchestration.monitoring.default_rules import DEFAULT_RULES
from dragoman_orchestration.webhooks.model import TYPES

DOCS = Path(__file__).parents[3] / "docs"


def text(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def test_the_drawing_of_a_bots_life_is_its_state_machine() -> None:
    [drawing] = re.findall(r"^```mermaid\n(.*?)^```$", text("bots"), re.MULTILINE | re.DOTALL)
    assert drawing.strip() == mermaid().strip()


def test_every_reason_stage_and_message_of_a_bot_is_named() -> None:
    for word in (*CompletionReason, *FailureStage):
        assert word.value in text("bots"), word
    for message in BotMessage.__subclasses__():
        assert str(message.__struct_config__.tag) in text("protocol"), message


@pytest.mark.parametrize("name", builtin_names())
def test_every_recipe_is_named_and_unverified_ones_are_marked(name: str) -> None:
    [row] = [line for line in text("bots").splitlines() if line.startswith("|") and f"`{name}`" in line]
    assert ("**unverified**" in row) == (not load_recipe(name).verified)


def test_every_section_of_the_configuration_is_described_with_its_scopes() -> None:
    rows = [line for line in text("configuration").splitlines() if line.startswith("| `")]
    for section in ConfigValues.model_fields:
        [row] = [row for row in rows if f"`{section}`" in row.split("|")[1]]
        assert ("session" in row.split("|")[3]) == (section in SESSION_SECTIONS), section


def test_every_own_rule_is_in_the_table_as_it_is() -> None:
    row = re.compile(r"^\| `(\w+)` \((\w+)\) \| `(\w+)` is (above|below) (\S+) for (\S+) s \|$", re.MULTILINE)
    rows = row.findall(text("monitoring"))
    assert rows == [
        (
            name,
            rule.severity,
            rule.measure,
            "below" if rule.above is None else "above",
            f"{rule.below if rule.above is None else rule.above:g}",
            f"{rule.for_s:g}",
        )
        for name, rule in DEFAULT_RULES.items()
    ]


def test_every_metric_of_the_monitor_is_described() -> None:
    for name in re.findall(r"^(dragoman_\w+)", gauges.__doc__ or "", re.MULTILINE):
        assert f"`{name}`" in text("observability"), name


def test_every_event_that_webhooks_carry_is_named() -> None:
    for name in TYPES.values():
        assert f"`{name}`" in text("webhooks") or name == "webhook.test", name
