"""One stay in one meeting: open its page, do what the recipe says, listen, and say goodbye."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from loguru import logger
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, Response

from dragoman_bots.drivers.base import (
    Active,
    AdmissionFailed,
    AwaitingAdmission,
    CaptureFailed,
    DriverFailed,
    JoinFailed,
    NeedsHelp,
    RequestRefused,
    RunningFailed,
    Tell,
)
from dragoman_bots.drivers.room import Phase, Room
from dragoman_bots.egress import Egress
from dragoman_bots.recipes.model import Recipe
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.bots import BotCause, CompletionReason, RunnerTask

LOOK_EVERY_S = 0.5
ACT_LIMIT_S = 30.0
"""What is clicked waits for its target for a while each time; that is no sign of a page that hangs."""
LEAVE_S = 5.0
UNVERIFIED = "nobody has seen the recipe {} work on the real site yet"


class Visit:
    """One stay in one meeting."""

    def __init__(self, task: RunnerTask, recipe: Recipe, settings: BotRunnerSettings, tell: Tell) -> None:
        self._task = task
        self._recipe = recipe
        self._settings = settings
        self._tell = tell
        self._clock = asyncio.get_running_loop().time
        self._inside = False
        self._tracks = 0
        self._hooked = False
        self._capture_error = ""
        self._room: Room | None = None

    def on_note(self, note: dict[str, Any]) -> None:
        """What the hooks in the page tell."""
        if note.get("kind") == "tracks" and isinstance(note.get("count"), int):
            self._tracks = note["count"]
        elif note.get("kind") == "hooked":
            self._hooked = True
        elif note.get("kind") == "capture_failed":
            self._capture_error = str(note.get("reason"))[:40]
        elif note.get("kind") == "socket_failed":
            logger.info("audio comes by the binding: no socket can be opened from the page")

    def failure(self, code: str, message: str) -> DriverFailed:
        """A failure that may pass, of the stage in which it is."""
        kind = RunningFailed if self._inside else JoinFailed
        return kind(code, message, transient=True)

    async def stay(self, page: Page, egress: Egress) -> CompletionReason:
        """Open the link, join, and listen until the meeting is over for us."""
        await self._open(page, egress)
        values = {
            "display_name": self._task.request.display_name or "Dragoman",
            "notice": self._task.request.notice or "",
        }
        self._room = room = Room(page, self._recipe, values, self._clock)
        lost_at: float | None = None
        while True:
            try:
                async with asyncio.timeout(self._settings.hang_s):
                    phase = await room.phase(was_inside=self._inside, hears=self._tracks > 0)
                async with asyncio.timeout(self._settings.hang_s + ACT_LIMIT_S):
                    if (reason := await self._act(room, phase)) is not None:
                        return reason
            except TimeoutError:
                raise self.failure("page_hung", "the page answers nothing any more") from None
            except PlaywrightError as error:
                # A page that is on its way to the next one; one that stays lost is noticed below.
                logger.debug("the page could not be read: {}", type(error).__name__)
                phase = Phase.UNKNOWN
            now = self._clock()
            lost_at = (lost_at or now) if self._inside and phase is not Phase.IN_MEETING else None
            if lost_at is not None and now - lost_at > self._settings.hang_s:
                raise self.failure("meeting_lost", "the page does not show the meeting any more")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _act(self, room: Room, phase: Phase) -> CompletionReason | None:
        match phase:
            case Phase.REMOVED:
                return CompletionReason.REMOVED
            case Phase.REFUSED:
                raise AdmissionFailed("refused", "somebody refused to let it in")
            case Phase.ENDED if self._inside:
                return CompletionReason.MEETING_ENDED
            case Phase.ENDED:
                raise JoinFailed("meeting_ended", "the meeting was over before it could join")
            case Phase.NEEDS_HELP:
                self._tell(
                    NeedsHelp(
                        BotCause(
                            code="page_needs_help",
                            message="the page asks for what only a person can do: a captcha, a login",
                        )
                    )
                )
            case Phase.WAITING:
                self._tell(AwaitingAdmission())
            case Phase.IN_MEETING:
                self._check_capture()
                await self._be_inside(room)
            case Phase.UNKNOWN if not self._inside:
                await room.act(self._recipe.join)
        return None

    def _check_capture(self) -> None:
        """No silent bot: one whose hooks are not in the page, or do not work, says so."""
        if not self._hooked:
            raise CaptureFailed("no_hooks", "the page does not let its audio be taken", transient=True)
        if self._capture_error:
            raise CaptureFailed(
                "capture_failed", f"the page's audio cannot be taken ({self._capture_error})", transient=True
            )

    async def _be_inside(self, room: Room) -> None:
        if not self._inside:
            self._inside = True
            remark = None
            if not self._recipe.verified:
                remark = BotCause(code="recipe_unverified", message=UNVERIFIED.format(self._recipe.name))
            self._tell(Active(remark))
            await room.act(self._recipe.inside)
            if self._task.request.notice and not await room.act_in_order(self._recipe.chat):
                logger.warning("the notice could not be posted to the chat")
                self._tell(
                    Active(BotCause(code="notice_not_posted", message="the chat does not take the notice"))
                )
        await room.act(self._recipe.inside)
        self._tell(await room.people())

    async def _open(self, page: Page, egress: Egress) -> None:
        link = link_of(self._task.request.url, self._recipe, self._task.request.display_name)
        try:
            response = await page.goto(
                link, wait_until="domcontentloaded", timeout=self._settings.join_timeout_s * 1000
            )
        except PlaywrightError as error:
            # The page may have been refused something else that it wanted.
            if egress.refused and "ERR_TUNNEL" in str(error):
                raise RequestRefused("address_forbidden", "the link's address is not public") from None
            timeout = "Timeout" in type(error).__name__
            raise JoinFailed(
                "timeout" if timeout else "unreachable", "the meeting's page does not open", transient=True
            ) from None
        _check_answer(response, egress)

    async def say_goodbye(self, page: Page) -> None:
        """Leave as the page lets one leave; a page that hangs is left without a word."""
        with contextlib.suppress(PlaywrightError, TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                if self._inside and self._room is not None:
                    await self._room.act(self._recipe.leave)
                await page.close()


def link_of(url: str, recipe: Recipe, display_name: str) -> str:
    """The link with what the recipe adds to its query and fragment."""
    parts = urlsplit(url)
    query = parts.query
    if recipe.query:
        query = urlencode([*parse_qsl(query, keep_blank_values=True), *recipe.query.items()])
    name = quote(display_name or "Dragoman", safe="")
    added = quote(recipe.fragment.replace("{display_name}", "\0"), safe="=&.").replace("%00", name)
    fragment = "&".join(part for part in (parts.fragment, added) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, fragment))


def _check_answer(response: Response | None, egress: Egress) -> None:
    status = response.status if response is not None else 200
    if status < 400:
        return
    if egress.refused and status == 403:
        raise RequestRefused("address_forbidden", "the link leads to an address that is not public")
    if egress.unreachable and status == 502:
        raise JoinFailed("unreachable", "the meeting's page cannot be reached", transient=True)
    if status in {404, 410}:
        raise JoinFailed("not_found", f"there is no such meeting (HTTP {status})")
    transient = status >= 500 or status == 429
    raise JoinFailed("refused", f"the meeting's server answers HTTP {status}", transient=transient)
