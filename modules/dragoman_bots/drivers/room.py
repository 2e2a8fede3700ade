"""A meeting's page as a recipe sees it: in which state it is, who is there, and what is to be done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from loguru import logger
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import FrameLocator, Locator, Page

from dragoman_bots.drivers.base import People
from dragoman_bots.recipes.model import Recipe, Selectors, Step

ACT_TIMEOUT_MS = 3_000
PAUSE_S = 3.0
"""Between two times of one step: pages need a moment to react."""
ATTEMPTS_PER_TIME = 5
CHAT_STEP_S = 5.0
LOOK_AGAIN_S = 0.2


class Phase(StrEnum):
    """What the page shows."""

    UNKNOWN = "unknown"
    REMOVED = "removed"
    REFUSED = "refused"
    ENDED = "ended"
    NEEDS_HELP = "needs_help"
    WAITING = "waiting"
    IN_MEETING = "in_meeting"


class Room:
    """One page and the recipe for it.

    Args:
        page: Where the meeting is open.
        recipe: How to read it.
        values: What placeholders stand for.
        clock: Seconds, monotonic.

    """

    def __init__(
        self, page: Page, recipe: Recipe, values: dict[str, str], clock: Callable[[], float]
    ) -> None:
        self._page = page
        self._recipe = recipe
        self._values = values
        self._clock = clock
        self._done: dict[int, int] = {}
        self._attempts: dict[int, int] = {}
        self._due_at: dict[int, float] = {}

    async def phase(self, *, was_inside: bool, hears: bool) -> Phase:
        """What the page shows now.

        Whoever is inside and hears others stays inside as long as it looks so: what people write into the
        chat ("the meeting has ended") must not make it leave.
        """
        states = self._recipe.states
        if was_inside and hears and await self._any_visible(states.in_meeting):
            return Phase.IN_MEETING
        for phase, selectors in (
            (Phase.REMOVED, states.removed),
            (Phase.REFUSED, states.refused),
            (Phase.ENDED, states.ended),
            (Phase.NEEDS_HELP, () if was_inside else states.needs_help),
            (Phase.WAITING, () if was_inside else states.waiting),
            (Phase.IN_MEETING, states.in_meeting),
        ):
            if await self._any_visible(selectors):
                return phase
        return Phase.UNKNOWN

    async def people(self) -> People:
        """The others, as far as the page shows them."""
        shown = self._recipe.people
        if shown is None or not await self._any_visible((shown.known_by,)):
            return People()
        present = await self._count(shown.others)
        present = max(0, present - 1) if shown.includes_self else present
        return People(present=present, speaking=await self._count(shown.speaking) if shown.speaking else None)

    async def act(self, steps: Sequence[Step]) -> None:
        """Do those of the steps whose target is visible and whose time has come."""
        for step in steps:
            key = id(step)
            if self._done.get(key, 0) >= step.times or self._clock() < self._due_at.get(key, 0.0):
                continue
            if self._attempts.get(key, 0) >= step.times * ATTEMPTS_PER_TIME:
                continue
            target = await self._first(step.target)
            if target is None or (step.unless and await self._any_visible((step.unless,))):
                continue
            self._attempts[key] = self._attempts.get(key, 0) + 1
            if await self._do(step, target):
                self._done[key] = self._done.get(key, 0) + 1
                self._due_at[key] = self._clock() + PAUSE_S

    async def act_in_order(self, steps: Sequence[Step]) -> bool:
        """Do all of the steps, one after the other, each as soon as its target is there; whether all were."""
        for step in steps:
            try:
                async with asyncio.timeout(CHAT_STEP_S):
                    await self._do_when_there(step)
            except TimeoutError:
                return False
        return True

    async def _do_when_there(self, step: Step) -> None:
        while True:
            target = await self._first(step.target)
            if target is not None and await self._do(step, target):
                return
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _do(self, step: Step, target: Locator) -> bool:
        value = step.filled(**self._values)
        try:
            match step.do:
                case "click":
                    await target.click(timeout=ACT_TIMEOUT_MS)
                case "fill":
                    await target.fill(value, timeout=ACT_TIMEOUT_MS)
                case "press":
                    await target.press(value, timeout=ACT_TIMEOUT_MS)
                case "check":
                    await target.check(timeout=ACT_TIMEOUT_MS)
        except PlaywrightError as error:
            # Its text quotes the page; its first line is enough, and only for who looks for it.
            logger.debug("{} did not work: {}", step.do, type(error).__name__)
            return False
        return True

    async def _root(self) -> Page | FrameLocator:
        frame = self._recipe.frame
        if frame and await self._page.locator(frame).count():
            return self._page.frame_locator(frame)
        return self._page

    async def _visible(self, selector: str) -> Any:
        return (await self._root()).locator(selector).filter(visible=True)

    async def _first(self, selector: str) -> Locator | None:
        found: Locator = await self._visible(selector)
        return found.first if await found.count() else None

    async def _count(self, selector: str) -> int:
        return int(await (await self._visible(selector)).count())

    async def _any_visible(self, selectors: Selectors) -> bool:
        for selector in selectors:
            if await self._count(selector):
                return True
        return False
