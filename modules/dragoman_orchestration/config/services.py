"""The services that the configuration is pushed to: what they run with, and changing it over ``/config``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr, ValidationError

from dragoman_contracts.config import ConfigDocument, ServiceConfigState, checksum_of

Section = Literal["whisper", "translation"]
PATH = "/config"
MAX_REASON = 300
"""Characters of a service's own reason that are kept."""
_REFUSALS = frozenset({400, 409, 413, 422})
"""Answers by which these values are not possible. Others, as 401 or 404, say that it was asked wrongly."""


class Outcome(StrEnum):
    """How a service stands to the configuration that it should run with."""

    IN_SYNC = "in_sync"
    DIFFERS = "differs"
    """It answers, and runs with something else."""
    REFUSED = "refused"
    """It says that these values are not possible."""
    AWAY = "away"
    """It does not answer, or not as a service that can be configured."""


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What one service answered; ``reason`` tells why it is not in sync."""

    name: str
    outcome: Outcome
    expected: str
    found: str = ""
    reason: str = ""

    @property
    def told(self) -> str:
        """For the record of a change; a service that is away is brought up to date when it returns."""
        return f"{self.outcome}: {self.reason}" if self.reason else str(self.outcome)


class ConfiguredService:
    """One whisper or translation service.

    Args:
        section: of the configuration, that it gets.
        url: its base.
        timeout_s: until a call counts as failed.
        key: sent as ``Authorization: Bearer``, if the service wants one.
        transport: in place of the network, for tests.

    """

    def __init__(
        self,
        section: Section,
        url: str,
        *,
        timeout_s: float,
        key: SecretStr | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.section = section
        self.name = f"{section} {_place(url)}"
        secret = key.get_secret_value() if key else ""
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(timeout_s),
            headers={"authorization": f"Bearer {secret}"} if secret else None,
            # It is asked every few seconds: none is kept that a restarted service has closed.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
            transport=transport,
        )

    def values_of(self, document: ConfigDocument) -> dict[str, Any]:
        """What this service should be asked for by ``document``."""
        values: dict[str, Any] = getattr(document.system, self.section).set_values()
        return values

    async def look(self, document: ConfigDocument) -> ServiceAnswer:
        """Whether it runs as ``document`` says. Raises nothing of the network."""
        return await self._ask("GET", self.values_of(document))

    async def push(self, document: ConfigDocument) -> ServiceAnswer:
        """Have it run as ``document`` says. Raises nothing of the network."""
        return await self._ask("PUT", self.values_of(document))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _ask(self, method: str, values: Mapping[str, Any]) -> ServiceAnswer:
        expected = checksum_of(values)

        def answer(outcome: Outcome, reason: str = "", found: str = "") -> ServiceAnswer:
            return ServiceAnswer(self.name, outcome, expected, found, reason)

        try:
            # httpx bounds each read; a service that answers byte by byte would hold up everybody else.
            async with asyncio.timeout(self._timeout_s):
                response = await self._http.request(method, PATH, json=values if method == "PUT" else None)
        except (httpx.HTTPError, TimeoutError) as error:
            return answer(Outcome.AWAY, f"no answer ({type(error).__name__})")
        if method == "PUT" and response.status_code in _REFUSALS:
            return answer(Outcome.REFUSED, _reason(response))
        if not response.is_success:
            return answer(Outcome.AWAY, f"HTTP {response.status_code}: {_reason(response)}")
        try:
            state = ServiceConfigState.model_validate_json(response.content)
        except ValidationError:
            return answer(Outcome.AWAY, "its answer is not that of a service of Dragoman")
        if state.checksum != expected:
            return answer(Outcome.DIFFERS, "it runs with something else", state.checksum)
        return answer(Outcome.IN_SYNC, found=state.checksum)


class ServiceFleet:
    """All services; whatever is asked of them is asked of all at once."""

    def __init__(self, services: Sequence[ConfiguredService]) -> None:
        self.services = services

    async def look(self, document: ConfigDocument) -> list[ServiceAnswer]:
        """How each stands to ``document``."""
        return await self._all(lambda service: service.look(document))

    def affected(self, before: ConfigDocument, after: ConfigDocument) -> list[str]:
        """Names of the services that the one document asks for something else than the other."""
        return [one.name for one in self.services if one.values_of(before) != one.values_of(after)]

    async def push(
        self, document: ConfigDocument, *, only: Iterable[str] | None = None
    ) -> list[ServiceAnswer]:
        """Push to all, or to those of these names."""
        wanted = None if only is None else frozenset(only)
        return await self._all(lambda service: service.push(document), wanted)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(service.close() for service in self.services))

    async def _all(
        self,
        ask: Callable[[ConfiguredService], Awaitable[ServiceAnswer]],
        wanted: frozenset[str] | None = None,
    ) -> list[ServiceAnswer]:
        chosen = [one for one in self.services if wanted is None or one.name in wanted]
        return list(await asyncio.gather(*(ask(service) for service in chosen)))


def _place(url: str) -> str:
    """Host and port of a URL, and no password that it may carry."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname}{port}{parts.path.rstrip('/')}"


def _reason(response: httpx.Response) -> str:
    """The service's own words, which name the field and never repeat a secret."""
    try:
        problem = response.json()
    except ValueError:
        return "no reason given"
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return detail[:MAX_REASON] if isinstance(detail, str) else "no reason given"
