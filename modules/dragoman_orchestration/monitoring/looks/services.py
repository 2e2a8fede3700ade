"""The whisper and translation services, asked over HTTP as everybody asks them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from dragoman_contracts.config import ServiceConfigState
from dragoman_contracts.monitoring import ServiceView
from dragoman_orchestration.monitoring.measures import Look

MAX_REASONS = 3


class WatchedService:
    """One service and what is known of it.

    Args:
        name: such as ``whisper``, or ``whisper-2`` of several.
        kind: ``whisper`` or ``translation``, as the configuration's section.
        http: client with the service as ``base_url`` and its timeouts set.

    """

    def __init__(self, name: str, kind: str, http: httpx.AsyncClient) -> None:
        self.name = name
        self.kind = kind
        self.url = shown_url(http.base_url)
        self.part = f"{kind} {self.url.partition('://')[2]}"
        """As the config worker names it."""
        self._http = http
        self._version = ""
        self.requested_checksum: str | None = None
        """Of the configuration that it was asked to run with; None: it does not tell."""

    async def look(self, look: Look) -> ServiceView:
        """Ask it; never raises for what the service does."""
        started = time.perf_counter()
        self.requested_checksum = None
        try:
            answer = await self._http.get("/ready")
        except httpx.HTTPError as error:
            self._version = ""
            return self._away(f"no answer ({type(error).__name__})", look)
        answer_ms = (time.perf_counter() - started) * 1000
        state = "ok" if answer.is_success else _reasons(answer)
        look.note("service_away", 0, self.name)
        look.note("service_answer_ms", round(answer_ms, 1), self.name)
        reason = "" if state == "ok" else f"{self.name}: {state}"
        look.note("service_not_ready", state != "ok", self.name, reason=reason)
        config, _ = await asyncio.gather(self._config(), self._learn_version())
        return ServiceView(
            name=self.name,
            url=self.url,
            state=state,
            version=self._version,
            answer_ms=round(answer_ms, 1),
            config_checksum=config,
        )

    def _away(self, reason: str, look: Look) -> ServiceView:
        look.note("service_away", 1, self.name, reason=f"{self.name}: {reason}")
        look.note("service_not_ready", 0, self.name)
        return ServiceView(name=self.name, url=self.url, state=reason)

    async def _config(self) -> str:
        try:
            answer = await self._http.get("/config")
            body = answer.json()
            state = ServiceConfigState.model_validate(body)
        except (httpx.HTTPError, ValueError, ValidationError):
            return ""
        # A service of before tells the checksum of something else.
        self.requested_checksum = state.checksum if "requested" in body else None
        return state.checksum

    async def _learn_version(self) -> None:
        """Once an appearance: the document is large, and a version does not change in between."""
        if self._version:
            return
        try:
            document = (await self._http.get("/openapi.json")).json()
            self._version = str(document["info"]["version"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            self._version = ""

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


async def look_at_services(services: Sequence[WatchedService], look: Look) -> list[ServiceView]:
    """Ask all of them at once."""
    views = await asyncio.gather(*(service.look(look) for service in services))
    look.covers("service_away", "service_not_ready", "service_answer_ms")
    return list(views)


def open_services(
    urls: Mapping[str, Sequence[str]], *, timeout_s: float, keys: Mapping[str, str] | None = None
) -> list[WatchedService]:
    """The services at these URLs by kind; ``keys`` are bearer tokens by kind."""
    services = []
    for kind, of_kind in urls.items():
        key = (keys or {}).get(kind, "")
        for number, url in enumerate(of_kind, start=1):
            name = kind if len(of_kind) == 1 else f"{kind}-{number}"
            http = httpx.AsyncClient(
                base_url=url,
                timeout=httpx.Timeout(timeout_s),
                headers={"authorization": f"Bearer {key}"} if key else {},
                # A proxy of the environment has no business between two services of one installation.
                trust_env=False,
            )
            services.append(WatchedService(name, kind, http))
    return services


def shown_url(url: httpx.URL | str) -> str:
    """A URL without what may be secret in it."""
    parts = urlsplit(str(url))
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}".rstrip("/")


def _reasons(answer: httpx.Response) -> str:
    """Which parts of the service do not work; its ``/ready`` tells without secrets."""
    try:
        parts = answer.json()["parts"]
        broken = [f"{part}: {state}" for part, state in parts.items() if state != "ok"]
    except (ValueError, KeyError, TypeError, AttributeError):
        broken = []
    return "; ".join(broken[:MAX_REASONS]) or f"not ready (status {answer.status_code})"
