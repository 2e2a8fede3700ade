"""What a recipe says, and reading one: TOML, validated, with errors that name file and field.

A recipe lists what to do as soon as something is visible, and what each state of the meeting looks like.
All selectors are Playwright's (https://playwright.dev/python/docs/other-locators): CSS, ``text=``, ``role=``.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dragoman_bots.drivers.base import RequestRefused
from dragoman_contracts.errors import DragomanError

Selectors = tuple[str, ...]


class RecipeInvalid(DragomanError):
    """A recipe's file cannot be used; the message names the file and the field."""

    code = "recipe_invalid"
    default_remedy = "Correct the file; the built-in recipes show every field."


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Part):
    """Do something as soon as its target is visible, once (or ``times``)."""

    do: Literal["click", "fill", "press", "check"]
    target: str = Field(
        min_length=1, description="Selector of what it is done to: the first that is visible."
    )
    value: str = Field("", description="What to fill in or press; {display_name} and {notice} are replaced.")
    unless: str = Field("", description="Selector; not done while this is visible.")
    times: int = Field(1, ge=1, le=20)

    @model_validator(mode="after")
    def _has_a_value(self) -> Step:
        if self.do in {"fill", "press"} and not self.value:
            raise ValueError(f"{self.do} needs a value")
        return self

    def filled(self, **values: str) -> str:
        """The value with its placeholders replaced."""
        text = self.value
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text


class States(_Part):
    """What is visible in each state; the first that fits counts, in this order."""

    removed: Selectors = ()
    refused: Selectors = ()
    ended: Selectors = ()
    needs_help: Selectors = ()
    waiting: Selectors = ()
    in_meeting: Selectors = Field(min_length=1)


class People(_Part):
    """How the page shows who is there; without ``known_by`` on the page nothing is known."""

    known_by: str = Field(min_length=1, description="Visible when the list of people is: then it is counted.")
    others: str = Field(min_length=1, description="Each match is another person than the bot.")
    speaking: str = Field("", description="Each match is another person who speaks now.")
    includes_self: bool = Field(False, description="Whether ``others`` matches the bot, too.")


class Recipe(_Part):
    """A way into meetings of one kind."""

    name: str = Field(pattern="^[a-z][a-z0-9_]{0,31}$")
    title: str = Field(min_length=1)
    verified: bool = Field(description="Whether somebody has seen it work on the real site.")
    hosts: tuple[str, ...] = Field((), description="Where it is meant for; for people who choose.")
    frame: str = Field(
        "", description="Selector of the frame that holds the meeting; empty: the page itself."
    )
    query: dict[str, str] = Field({}, description="Added to the link's query.")
    fragment: str = Field("", description="Added to the link's fragment; {display_name} is replaced, quoted.")
    join: tuple[Step, ...] = ()
    inside: tuple[Step, ...] = Field(
        (), description="Done once in the meeting: mute, open the list of people."
    )
    chat: tuple[Step, ...] = Field((), description="Posts {notice}.")
    leave: tuple[Step, ...] = ()
    states: States
    people: People | None = None

    @field_validator("chat")
    @classmethod
    def _says_the_notice(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        if steps and not any("{notice}" in step.value for step in steps):
            raise ValueError("no step of it has the value {notice}")
        return steps


def parse_recipe(text: str, file_name: str) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeInvalid: it is no TOML, or a field is wrong.

    """
    try:
        return Recipe.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RecipeInvalid(f"{file_name} is no TOML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, detail['loc'])) or 'recipe'}: {detail['msg'].removeprefix('Value error, ')}"
            for detail in error.errors(include_url=False)
        )
        raise RecipeInvalid(f"{file_name}: {wrong}") from None


def builtin_names() -> list[str]:
    """The recipes that come with Dragoman."""
    folder = resources.files("dragoman_bots.recipes")
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_recipe(name: str, folder: str = "") -> Recipe:
    """The recipe of that name, from ``folder`` if it is there, else a built-in one.

    Raises:
        RequestRefused: there is none.
        RecipeInvalid: its file cannot be used.

    """
    own = {path.stem: path for path in Path(folder).glob("*.toml")} if folder else {}
    if name in own:
        recipe = parse_recipe(own[name].read_text("utf-8"), own[name].name)
    elif name in builtin_names():
        file = resources.files("dragoman_bots.recipes").joinpath(f"{name}.toml")
        recipe = parse_recipe(file.read_text("utf-8"), file.name)
    else:
        known = sorted({*own, *builtin_names()})
        raise RequestRefused(
            "unknown_recipe", "there is no such recipe", remedy=f"There are {', '.join(known)}."
        )
    if recipe.name != name:
        raise RecipeInvalid(f"{name}.toml: name: it is {recipe.name}, other than the file's")
    return recipe
