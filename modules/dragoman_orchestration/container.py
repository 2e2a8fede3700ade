"""The composition root of the API process: every part is made here, once, from settings.

Imports no route, so that nothing it makes can depend on one. Nothing connects before it is used. A test
passes fakes with ``container.<part>.override(...)``.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
from dependency_injector import containers, providers
from redis.asyncio import Redis, RedisCluster

from dragoman_orchestration.api.abilities import Abilities
from dragoman_orchestration.api.admission import Admission
from dragoman_orchestration.api.auth import Authenticator, RunnerTokens
from dragoman_orchestration.api.gateway import IngestGateway
from dragoman_orchestration.api.ingest_protocol import IngestLimits
from dragoman_orchestration.api.presence import PresenceBoard
from dragoman_orchestration.api.recording_access import RecordingAccess
from dragoman_orchestration.api.session_watch import SessionWatch
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.bots.events import BotEventsHub
from dragoman_orchestration.bots.model import BOT_SESSION_KEEP_S
from dragoman_orchestration.bots.settings import BotSettings
from dragoman_orchestration.bots.store import BotStore
from dragoman_orchestration.config.desk import ConfigDesk
from dragoman_orchestration.config.follower import ConfigFollower
from dragoman_orchestration.config.settings import ConfigSyncSettings
from dragoman_orchestration.fleet.reporter import ProcessReporter, process_name
from dragoman_orchestration.recordings.archive import RecordingArchive
from dragoman_orchestration.recordings.settings import RecordingSettings
from dragoman_orchestration.results.hub import ResultsHub
from dragoman_orchestration.session.fleet import FleetReader
from dragoman_orchestration.session.glossaries import Glossaries
from dragoman_orchestration.session.model import Limits
from dragoman_orchestration.session.presence import PresenceRegister
from dragoman_orchestration.session.store import SessionStore
from dragoman_orchestration.session.watched import WatchRegister
from dragoman_orchestration.webhooks.settings import WebhookSettings
from dragoman_orchestration.webhooks.store import WebhookStore
from dragoman_orchestration.workers.config_sync import ConfigWorker
from dragoman_runtime.broker.base import Broker
from dragoman_runtime.broker.publisher import TickPublisher
from dragoman_runtime.broker.redis import RedisBroker, connect
from dragoman_runtime.broker.wire import Wire
from dragoman_runtime.process import Health
from dragoman_runtime.settings import RuntimeSettings

CONNECT_TIMEOUT_S = 3.0


def _store_client(runtime: RuntimeSettings) -> Redis | RedisCluster:
    return connect(runtime, client_name="dragoman-api-store")


def _bus_client(runtime: RuntimeSettings) -> Redis | RedisCluster:
    return connect(runtime, client_name="dragoman-api-bus")


def _session_store(wire: RedisBroker, runtime: RuntimeSettings) -> SessionStore:
    return SessionStore(wire, shards=runtime.shards)


def _hub(broker: Broker, store: SessionStore, runtime: RuntimeSettings, api: ApiSettings) -> ResultsHub:
    return ResultsHub(
        broker,
        shards=runtime.shards,
        server_run=store.server_run,
        trimmed_offset=store.trimmed_offset,
        interval_s=api.results_interval_ms / 1000,
    )


def _presence_register(wire: Wire, runtime: RuntimeSettings) -> PresenceRegister:
    return PresenceRegister(wire, shards=runtime.shards)


def _watch_register(wire: Wire, runtime: RuntimeSettings) -> WatchRegister:
    return WatchRegister(wire, shards=runtime.shards)


def _reporter(
    wire: RedisBroker, health: Health, config: ConfigFollower, gateway: IngestGateway
) -> ProcessReporter:
    return ProcessReporter(
        broker=wire,
        kind="api",
        name=process_name(),
        health=health,
        config=config.applied,
        measures=lambda: {"speakers": len(gateway)},
    )


def _config_worker(wire: RedisBroker, sync: ConfigSyncSettings) -> ConfigWorker:
    return ConfigWorker(wire, sync, name=process_name())


def _config_desk(
    wire: RedisBroker, sync: ConfigSyncSettings, worker: Callable[[], ConfigWorker]
) -> ConfigDesk:
    return ConfigDesk(wire, applier=worker().applier if sync.sync_mode == "api" else None)


def _bot_store(wire: RedisBroker, bots: BotSettings) -> BotStore:
    return BotStore(wire, retention_s=bots.retention_s)


def _bot_sessions(wire: RedisBroker, runtime: RuntimeSettings) -> SessionStore:
    return SessionStore(wire, shards=runtime.shards, keep_unopened_s=BOT_SESSION_KEEP_S)


def _admission(fleets: FleetReader, api: ApiSettings) -> Admission:
    return Admission(fleets, enabled=api.admission)


def _gateway(store: SessionStore, api: ApiSettings) -> IngestGateway:
    return IngestGateway(store, abandoned_after_s=api.abandoned_after_s)


def _ingest_limits(api: ApiSettings) -> IngestLimits:
    return IngestLimits(
        max_frame_bytes=api.max_frame_bytes,
        idle_timeout_s=api.idle_timeout_s,
        configure_timeout_s=api.configure_timeout_s,
        backlog_limit_ms=api.backlog_limit_ms,
        backlog_patience_s=api.backlog_patience_s,
        hold_ms=api.hold_ms,
        max_messages_per_s=api.max_messages_per_s,
    )


def _session_limits(api: ApiSettings) -> Limits:
    return Limits(api.max_sessions, api.max_sessions_per_key)


def _service_http(url: str, timeout_s: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url,
        timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
        # A proxy of the environment has no business between two services of one installation.
        trust_env=False,
    )


class ApiContainer(containers.DeclarativeContainer):
    """The parts of the API process."""

    runtime_settings = providers.Dependency(instance_of=RuntimeSettings)
    settings = providers.Dependency(instance_of=ApiSettings)

    store_client = providers.Singleton(_store_client, runtime_settings)
    bus_client = providers.Singleton(_bus_client, runtime_settings)
    broker = providers.Singleton(RedisBroker, bus_client)
    # The gateway tries again by itself: it tells its speakers, and checks what a restarted Redis has lost.
    publisher = providers.Singleton(TickPublisher, broker, retry_for_s=0)
    store_wire = providers.Singleton(RedisBroker, store_client)
    store = providers.Singleton(_session_store, store_wire, runtime_settings)
    hub = providers.Singleton(_hub, broker, store, runtime_settings, settings)
    presence_register = providers.Singleton(_presence_register, store_wire, runtime_settings)
    presence = providers.Singleton(PresenceBoard, presence_register)
    watch_register = providers.Singleton(_watch_register, store_wire, runtime_settings)
    session_watch = providers.Singleton(SessionWatch, hub, watch_register)
    glossaries = providers.Singleton(Glossaries, store_wire)
    fleets = providers.Singleton(FleetReader, store_wire)
    admission = providers.Singleton(_admission, fleets, settings)
    gateway = providers.Singleton(_gateway, store, settings)
    bot_settings = providers.Singleton(BotSettings)
    bots = providers.Singleton(_bot_store, store_wire, bot_settings)
    bot_sessions = providers.Singleton(_bot_sessions, store_wire, runtime_settings)
    bot_events = providers.Singleton(BotEventsHub, broker, bots)
    authenticator = providers.Singleton(Authenticator, settings, providers.Singleton(RunnerTokens, bots))
    recording_settings = providers.Singleton(RecordingSettings)
    recordings = providers.Singleton(RecordingArchive, recording_settings)
    recording_access = providers.Singleton(RecordingAccess, settings)
    ingest_limits = providers.Singleton(_ingest_limits, settings)
    session_limits = providers.Singleton(_session_limits, settings)
    whisper_http = providers.Singleton(
        _service_http, settings.provided.whisper_url, settings.provided.whisper_timeout_s
    )
    translation_http = providers.Singleton(
        _service_http, settings.provided.translation_url, CONNECT_TIMEOUT_S
    )
    abilities = providers.Singleton(Abilities, whisper_http, translation_http)
    health = providers.Singleton(Health, "api")
    config = providers.Singleton(ConfigFollower, store_wire)
    reporter = providers.Singleton(_reporter, store_wire, health, config, gateway)
    config_sync_settings = providers.Singleton(ConfigSyncSettings)
    config_worker = providers.Singleton(_config_worker, store_wire, config_sync_settings)
    """Of the mode ``api`` only, in which this process is the config worker, too."""
    config_desk = providers.Singleton(_config_desk, store_wire, config_sync_settings, config_worker.provider)
    webhook_settings = providers.Singleton(WebhookSettings)
    webhooks = providers.Singleton(WebhookStore, store_wire, webhook_settings)
