"""The config worker as it runs: real whisper and translation services on loopback, a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import httpx
import msgspec
import pytest
import uvicorn
from redis.asyncio import Redis

from dragoman_contracts.config import ServiceConfigState
from dragoman_contracts.envelope import Envelope
from dragoman_contracts.events import ConfigUpdateRequested, Event, parse_event, to_envelope
from dragoman_contracts.streams import CONFIG_SYNC
from dragoman_orchestration.config.records import ChangeRecord
from dragoman_orchestration.config.settings import ConfigSyncSettings
from dragoman_orchestration.config.store import ConfigStore
from dragoman_orchestration.workers.config_sync import run_config_worker
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.leader import LeaderLease
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings
from dragoman_translation.app import create_app as create_translation_app
from dragoman_translation.settings import TranslationSettings
from dragoman_whisper.app import create_app as create_whisper_app
from dragoman_whisper.settings import WhisperSettings

KEY = "its-key"


class Service:
    """A service that can be started, stopped and started again on its port."""

    def __init__(self, make_app: Callable[[], Any], key: str = "") -> None:
        self._make_app = make_app
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        config = uvicorn.Config(self._make_app(), log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._server.serve([listener]))
        while not self._server.started:
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
            self._server = self._task = None

    async def state(self) -> ServiceConfigState:
        async with httpx.AsyncClient(trust_env=False, headers=self._headers) as http:
            return ServiceConfigState.model_validate((await http.get(f"{self.url}/config")).json())

    async def requested(self) -> dict[str, Any]:
        return (await self.state()).requested

    async def runs_with(self, values: dict[str, Any]) -> bool:
        """Whether it was asked for this; for ``eventually``."""
        return await self.requested() == values

    async def put(self, values: dict[str, Any]) -> None:
        """Behind the worker's back."""
        async with httpx.AsyncClient(trust_env=False, headers=self._headers) as http:
            (await http.put(f"{self.url}/config", json=values)).raise_for_status()


@pytest.fixture
async def new_service() -> AsyncIterator[Callable[..., Any]]:
    """Starts services of any application; all are stopped at the end."""
    services: list[Service] = []

    async def start(make_app: Callable[[], Any], key: str = "") -> Service:
        service = Service(make_app, key)
        services.append(service)
        await service.start()
        return service

    yield start
    await asyncio.gather(*(service.stop() for service in services))


@pytest.fixture
async def whisper(new_service) -> Service:
    return await new_service(lambda: create_whisper_app(WhisperSettings(profile="mock")))


@pytest.fixture
async def translation(new_service) -> Service:
    return await new_service(
        lambda: create_translation_app(TranslationSettings(profile="mock", api_keys=KEY)), KEY
    )


class Worker:
    """A config worker as a task of this process."""

    def __init__(self, settings: ConfigSyncSettings, runtime: RuntimeSettings) -> None:
        self.drain = Drain()
        self.task = asyncio.create_task(run_config_worker(settings, runtime, self.drain))

    async def stop(self) -> None:
        self.drain.start()
        await self.task

    async def kill(self) -> None:
        """As ``kill -9``: no lease is given back."""

        async def stay(_: LeaderLease) -> None:
            return

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LeaderLease, "leave", stay)
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def start_worker(redis_server: str, redis_client: Redis) -> AsyncIterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def start(*services: Service, **changes: Any) -> Worker:
        urls = {"whisper_urls": "none", "translation_urls": "none", "translation_key": KEY}
        if services:
            urls["whisper_urls"] = services[0].url
        if services[1:]:
            urls["translation_urls"] = ",".join(service.url for service in services[1:])
        quick = {"drift_interval_s": 0.05, "lease_ms": 400, "service_timeout_s": 5.0}
        worker = Worker(
            ConfigSyncSettings(**{**urls, **quick, **changes}), RuntimeSettings(redis_url=redis_server)
        )
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.drain.start()
    await asyncio.gather(*(worker.task for worker in workers), return_exceptions=True)


class Bus:
    """The stream as everybody else sees it."""

    def __init__(self, broker: RedisBroker) -> None:
        self.broker = broker
        self.store = ConfigStore(broker)

    async def send(self, event: Event, **attributes: Any) -> Envelope:
        envelope = to_envelope(event, source="/test", subject="")
        envelope = msgspec.structs.replace(envelope, **attributes)
        await self.broker.publish(CONFIG_SYNC, envelope.to_fields())
        return envelope

    async def told(self, kind: type[Event]) -> list[Any]:
        """All events of a kind so far."""
        entries = await self.broker.read({CONFIG_SYNC: "0-0"}, 1000)
        events = []
        for entry in entries.get(CONFIG_SYNC, []):
            with contextlib.suppress(Exception):
                event = parse_event(Envelope.from_fields(entry.fields))
                if isinstance(event, kind):
                    events.append(event)
        return events

    async def values(self) -> dict[str, Any]:
        return dict((await self.store.read()).document.to_json())


@pytest.fixture
def bus(broker: RedisBroker) -> Bus:
    return Bus(broker)


def new_id() -> str:
    return uuid.uuid4().hex


def update(
    values: dict[str, Any],
    *,
    operation: Literal["replace", "merge", "delete"] = "merge",
    preset: str = "",
    expected_version: int | None = None,
) -> ConfigUpdateRequested:
    """A change of the system's scope, or of a preset."""
    return ConfigUpdateRequested(
        change_id=new_id(),
        scope="preset" if preset else "system",
        operation=operation,
        preset=preset,
        values=values,
        expected_version=expected_version,
        requested_by="somebody",
    )


@pytest.fixture
def decided(bus: Bus, eventually: Any) -> Callable[..., Any]:
    """What becomes of a change that was sent."""

    async def wait(change: Any) -> ChangeRecord:
        async def final() -> ChangeRecord | None:
            record = await bus.store.change(change.change_id)
            return record if record is not None and record.is_final else None

        record: ChangeRecord = await eventually(final, what="the change is decided")
        return record

    return wait


@pytest.fixture
def outcome(bus: Bus, decided: Callable[..., Any]) -> Callable[..., Any]:
    """Send a change, and what becomes of it."""

    async def send(change: Any) -> ChangeRecord:
        await bus.send(change)
        record: ChangeRecord = await decided(change)
        return record

    return send
