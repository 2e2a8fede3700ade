"""Recipes: those that come with Dragoman, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman_bots.drivers.base import RequestRefused
from dragoman_bots.recipes.model import RecipeInvalid, builtin_names, load_recipe, parse_recipe

GOOD = """
name = "own"
title = "Own"
verified = true
[[join]]
do = "fill"
target = "#name"
value = "{display_name}"
[states]
in_meeting = ["#leave"]
"""


def test_all_built_in_recipes_can_be_read_and_say_what_nobody_has_seen_work() -> None:
    assert builtin_names() == ["generic", "google_meet", "jitsi", "teams", "zoom_web"]
    verified = {name: load_recipe(name).verified for name in builtin_names()}
    assert verified == {
        "generic": True,
        "google_meet": False,
        "jitsi": False,
        "teams": False,
        "zoom_web": False,
    }


@pytest.mark.parametrize("name", builtin_names())
def test_every_built_in_recipe_can_join_leave_tell_the_end_and_post_a_notice(name: str) -> None:
    recipe = load_recipe(name)
    assert any(step.value == "{display_name}" for step in recipe.join) or "{display_name}" in recipe.fragment
    assert recipe.leave
    assert recipe.chat
    states = recipe.states
    assert states.removed
    assert states.refused
    assert states.ended
    assert states.waiting
    assert states.needs_help
    assert recipe.people


def test_placeholders_are_replaced() -> None:
    step = parse_recipe(GOOD, "own.toml").join[0]
    assert step.filled(display_name="Anna {notice}", notice="x") == "Anna x"
    assert step.filled(display_name="Anna") == "Anna"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = [", "is no TOML"),
        (GOOD.replace('"own"', '"Own Recipe"'), "name"),
        (GOOD.replace("verified = true", ""), "verified"),
        (GOOD.replace('"fill"', '"dance"'), "join.0.do"),
        (GOOD.replace('value = "{display_name}"', ""), "fill needs a value"),
        (GOOD.replace('target = "#name"', 'target = ""'), "join.0.target"),
        (GOOD.replace('in_meeting = ["#leave"]', ""), "states.in_meeting"),
        (GOOD.replace('in_meeting = ["#leave"]', "in_meeting = []"), "states.in_meeting"),
        (GOOD + '\nleft = ["x"]', "states.left"),
        (GOOD + '\n[[chat]]\ndo = "press"\ntarget = "#m"\nvalue = "Enter"', "chat"),
        (GOOD.replace("[[join]]", "[join]"), "join"),
    ],
)
def test_a_recipe_that_is_wrong_is_told_with_file_and_field(text: str, told: str) -> None:
    with pytest.raises(RecipeInvalid) as error:
        parse_recipe(text, "own.toml")
    assert "own.toml" in error.value.message
    assert told in error.value.message


def test_a_recipe_of_ones_own_replaces_a_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "generic.toml").write_text(GOOD.replace('"own"', '"generic"'))
    assert load_recipe("generic", str(tmp_path)).title == "Own"
    assert load_recipe("jitsi", str(tmp_path)).title == "Jitsi Meet"


def test_a_recipe_whose_name_is_not_the_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(GOOD)
    with pytest.raises(RecipeInvalid, match=r"other\.toml"):
        load_recipe("other", str(tmp_path))


@pytest.mark.parametrize("name", ["nothing", "../generic", "generic.toml", ""])
def test_an_unknown_recipe_is_refused_and_the_known_ones_told(name: str) -> None:
    with pytest.raises(RequestRefused) as error:
        load_recipe(name)
    assert error.value.cause.code == "unknown_recipe"
    assert "jitsi" in error.value.cause.message
