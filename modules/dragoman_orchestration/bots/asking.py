"""What may be asked of a bot: checked before anything is made, so that a mistake is told at once.

An error never repeats the URL: it may carry a password.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from dragoman_contracts.bots import BROWSER_SCHEMES, BotRequest
from dragoman_contracts.errors import InvalidInput
from dragoman_orchestration.bots.model import MAX_SCHEDULE_S
from dragoman_orchestration.bots.settings import BotSettings
from dragoman_runtime.addresses import HostUnresolved, check_public

PAST_S = 60
"""A time that is over by less than this is now: clocks differ."""
_PORTS = {"http": 80, "https": 443, "rtmp": 1935, "rtmps": 443, "rtsp": 554}


async def check_request(request: BotRequest, settings: BotSettings, *, now_ms: int) -> None:
    """Whether a bot can be asked for so.

    Raises:
        InvalidInput: the field that is not possible, and why.

    """
    parts = _split(request.url)
    schemes = BROWSER_SCHEMES if request.driver == "browser" else settings.media_schemes
    if parts.scheme not in schemes:
        raise InvalidInput(
            f"url: a {request.driver} bot cannot be sent to a URL of this scheme",
            remedy=f"Give one that begins with {', '.join(f'{one}://' for one in sorted(schemes))}.",
        )
    _check_recipe(request, settings)
    _check_join_at(request.join_at_ms, now_ms)
    if parts.scheme != "file":
        await _check_host(parts, settings)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) or (parts.scheme == "file" and bool(parts.path))
        _ = parts.port
    except ValueError:
        has_host = False
    if not has_host or any(not char.isprintable() or char.isspace() for char in url):
        raise InvalidInput("url: it is no URL", remedy="Give an absolute URL, %-encoded.")
    return parts


def _check_recipe(request: BotRequest, settings: BotSettings) -> None:
    if request.driver == "browser" and request.recipe not in settings.recipe_names:
        raise InvalidInput(
            "recipe: there is none of this name",
            remedy=f"There are {', '.join(settings.recipe_names)}; DRAGOMAN_BOTS_RECIPES names them.",
        )


def _check_join_at(join_at_ms: int, now_ms: int) -> None:
    if not join_at_ms:
        return
    if join_at_ms < now_ms - PAST_S * 1000:
        raise InvalidInput("join_at: it is over", remedy="Leave it out to join now.")
    if join_at_ms > now_ms + MAX_SCHEDULE_S * 1000:
        raise InvalidInput(
            f"join_at: it is more than {MAX_SCHEDULE_S // 86_400} days ahead",
            remedy="Ask for the bot later.",
        )


async def _check_host(parts: SplitResult, settings: BotSettings) -> None:
    """The runner checks again what it connects to; this tells of a mistake at once."""
    try:
        await check_public(
            parts.hostname or "",
            parts.port or _PORTS.get(parts.scheme, 443),
            allowed=settings.networks,
            allow_private=settings.allow_private,
            setting="DRAGOMAN_BOTS_ALLOWED_NETWORKS",
        )
    except HostUnresolved:
        return  # runners may know names that this process does not
