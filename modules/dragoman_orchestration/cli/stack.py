"""The whole system on one machine: which children, with which environment."""

from __future__ import annotations

import fcntl
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from dragoman_contracts.errors import DragomanError
from dragoman_orchestration.cli.supervisor import ChildSpec, Supervisor
from dragoman_orchestration.recordings.settings import RecordingSettings
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.ports import LOOPBACK, AddressTaken, held_port
from dragoman_runtime.settings import RuntimeSettings

_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104  # recognised, not chosen
KEY_BYTES = 24
DRAGOMAN = (sys.executable, "-m", "dragoman_orchestration.cli")
"""The same command as ``dragoman``, of the same installation, whatever the PATH says."""


class PortTaken(AddressTaken):
    """Somebody else listens on the API's port."""

    code = "port_taken"
    default_remedy = "Give another one with --port, or --port 0 for any free one."


class DataFolderTaken(DragomanError):
    """Another ``dragoman up`` keeps its data in this folder."""

    code = "data_folder_taken"
    default_remedy = "End it, or give another folder with --data-dir."


@dataclass(frozen=True, slots=True)
class StackConfig:
    """What to start.

    ``model`` and ``translate_model`` (as ``DRAGOMAN_TRANSLATION_MODELS``) None leave it to the settings; in
    profile mock a ``translate_model`` is used all the same. ``api_keys`` as ``DRAGOMAN_API_KEYS``; empty
    makes one. ``viewer_token_secret`` signs viewers' tokens, so that they outlive an API process that is
    started again; ``page`` tells that the API serves the live page. ``operations`` starts the config, bots
    and monitoring workers, too, which sessions do without. ``patience_s`` bounds how long a start may hang on
    one reason; None waits for ever (a download is long).
    """

    profile: str
    model: str | None = None
    translate_model: str | None = None
    host: str = LOOPBACK
    port: int = 0
    data_dir: Path | None = None
    api_keys: str = ""
    viewer_token_secret: str = field(default_factory=lambda: secrets.token_urlsafe(KEY_BYTES), repr=False)
    page: bool = True
    operations: bool = False
    patience_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the processes of one machine listen."""

    api: int
    audio: int
    whisper: int
    translation: int
    config: int
    bots: int
    monitoring: int


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A started system: the addresses of its API and translation service, a key, and its supervisor."""

    url: str
    translation_url: str
    key: str
    key_is_new: bool
    supervisor: Supervisor


@asynccontextmanager
async def running_stack(
    config: StackConfig, on_line: Callable[[str, str], None], on_notice: Callable[[str, str], None]
) -> AsyncIterator[RunningStack]:
    """Start everything, wait until it is ready, and end it with the block.

    A ``DRAGOMAN_REDIS_URL`` in the settings is used as it is; otherwise a Redis is started on a unix socket.

    Raises:
        DragomanError: a part is missing, or cannot be kept running.

    """
    runtime = RuntimeSettings()
    keys = config.api_keys or f"local:{secrets.token_urlsafe(KEY_BYTES)}"
    async with AsyncExitStack() as cleanup:
        ports = cleanup.enter_context(held_ports(config))
        redis_url = runtime.redis_url
        if config.data_dir is not None:
            cleanup.enter_context(claim_folder(config.data_dir))
        recordings = cleanup.enter_context(recordings_folder(config.data_dir))
        if "redis_url" not in runtime.model_fields_set:
            embedded = EmbeddedRedis(
                data_dir=config.data_dir and config.data_dir / "redis", appendonly=config.data_dir is not None
            )
            redis_url = (await cleanup.enter_async_context(embedded)).url
        on_notice("redis", "ready")
        supervisor = Supervisor(
            children(config, redis_url, keys, ports, recordings),
            on_line=on_line,
            on_notice=on_notice,
            stop_timeout_s=runtime.drain_timeout_s + 2,
        )
        cleanup.push_async_callback(supervisor.stop)
        supervisor.start()
        await supervisor.wait_ready(config.patience_s)
        host = LOOPBACK if config.host in _ANY_ADDRESS else config.host
        yield RunningStack(
            url=f"http://{host}:{ports.api}",
            translation_url=f"http://{LOOPBACK}:{ports.translation}",
            key=first_key(keys),
            key_is_new=not config.api_keys,
            supervisor=supervisor,
        )


def children(
    config: StackConfig, redis_url: str, keys: str, ports: Ports, recordings: str = ""
) -> list[ChildSpec]:
    """The processes of one machine, as ``Place`` says when each is ended."""
    api_host = LOOPBACK if config.host in _ANY_ADDRESS else config.host
    urls = Urls(
        api=f"http://{api_host}:{ports.api}",
        whisper=f"http://{LOOPBACK}:{ports.whisper}",
        translation=f"http://{LOOPBACK}:{ports.translation}",
    )
    specs = [
        ChildSpec("api", (*DRAGOMAN, "api"), _api(config, keys, ports, urls), f"{urls.api}/ready", Place.API),
        _worker("audio", ports.audio, Place.WORKERS, _audio(config, urls)),
        ChildSpec(
            "whisper",
            (*DRAGOMAN, "whisper"),
            _whisper(config, ports),
            f"{urls.whisper}/ready",
            Place.SERVICES,
        ),
        ChildSpec(
            "translation",
            (*DRAGOMAN, "translation"),
            _translation(config, ports),
            f"{urls.translation}/ready",
            Place.SERVICES,
            optional=True,
        ),
    ]
    if config.operations:
        services = {"WHISPER_URLS": urls.whisper, "TRANSLATION_URLS": urls.translation}
        bots = {
            "DRAGOMAN_BOTS_WORKER_API_URL": urls.api,
            "DRAGOMAN_BOTS_WORKER_END_RUNNERS_ON_DRAIN": "true",
        }
        specs += [
            _worker("config", ports.config, Place.WORKERS, _prefixed("DRAGOMAN_CONFIG_", services)),
            _worker("bots", ports.bots, Place.BOTS, bots),
            _worker(
                "monitoring", ports.monitoring, Place.WORKERS, _prefixed("DRAGOMAN_MONITORING_", services)
            ),
        ]
    shared = {"DRAGOMAN_REDIS_URL": redis_url, "DRAGOMAN_RECORDINGS_DIR": recordings}
    return [replace(spec, environment={**shared, **spec.environment}) for spec in specs]


class Place(IntEnum):
    """When a process is ended: the lowest first."""

    BOTS = 0
    """Its runners leave their meetings, and tell the API so."""
    API = 1
    """Clients hear of the end from the API itself."""
    WORKERS = 2
    SERVICES = 3
    """A worker that drains still asks them."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the processes of one machine find one another."""

    api: str
    whisper: str
    translation: str


def _worker(name: str, port: int, place: Place, environment: dict[str, str]) -> ChildSpec:
    face = {"DRAGOMAN_METRICS_HOST": LOOPBACK, "DRAGOMAN_METRICS_PORT": str(port)}
    url = f"http://{LOOPBACK}:{port}/ready"
    return ChildSpec(name, (*DRAGOMAN, "worker", name), {**environment, **face}, url, place)


def _prefixed(prefix: str, values: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}{name}": value for name, value in values.items()}


def _api(config: StackConfig, keys: str, ports: Ports, urls: Urls) -> dict[str, str]:
    return {
        "DRAGOMAN_API_HOST": config.host,
        "DRAGOMAN_API_PORT": str(ports.api),
        "DRAGOMAN_API_KEYS": keys,
        "DRAGOMAN_API_VIEWER_TOKEN_SECRET": config.viewer_token_secret,
        "DRAGOMAN_API_DEFAULT_PROFILE": config.profile,
        "DRAGOMAN_API_WHISPER_URL": urls.whisper,
        "DRAGOMAN_API_TRANSLATION_URL": urls.translation,
    }


def _audio(config: StackConfig, urls: Urls) -> dict[str, str]:
    return {
        "DRAGOMAN_AUDIO_PROFILE": config.profile,
        "DRAGOMAN_AUDIO_WHISPER_URL": urls.whisper,
        "DRAGOMAN_AUDIO_TRANSLATION_URL": urls.translation,
    }


def _whisper(config: StackConfig, ports: Ports) -> dict[str, str]:
    return {
        "DRAGOMAN_WHISPER_HOST": LOOPBACK,
        "DRAGOMAN_WHISPER_PORT": str(ports.whisper),
        "DRAGOMAN_WHISPER_PROFILE": config.profile,
        **({"DRAGOMAN_WHISPER_MODEL": config.model} if config.model else {}),
    }


def _translation(config: StackConfig, ports: Ports) -> dict[str, str]:
    environment = {
        "DRAGOMAN_TRANSLATION_HOST": LOOPBACK,
        "DRAGOMAN_TRANSLATION_PORT": str(ports.translation),
        "DRAGOMAN_TRANSLATION_PROFILE": config.profile,
    }
    if config.translate_model:
        profile = "cpu" if config.profile == "mock" else config.profile
        environment |= {
            "DRAGOMAN_TRANSLATION_PROFILE": profile,
            "DRAGOMAN_TRANSLATION_MODELS": config.translate_model,
        }
    return environment


@contextmanager
def claim_folder(folder: Path) -> Iterator[None]:
    """Make a folder and hold it: two Redis servers on one append-only file would destroy it.

    Raises:
        DataFolderTaken: another process holds it.

    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise DataFolderTaken(f"another 'dragoman up' uses the folder {folder}") from error
    finally:
        os.close(descriptor)


@contextmanager
def recordings_folder(data_dir: Path | None) -> Iterator[str]:
    """Where recordings are kept: as the settings say, else beside the other data, or for this run only."""
    if given := RecordingSettings().dir:
        yield given
    elif data_dir is not None:
        yield str(data_dir / "recordings")
    else:
        with TemporaryDirectory(prefix="dragoman-recordings-", ignore_cleanup_errors=True) as folder:
            yield folder


def first_key(keys: str) -> str:
    """The key of the first entry of ``DRAGOMAN_API_KEYS`` (``name:key`` or ``key``)."""
    return keys.split(",", maxsplit=1)[0].strip().rpartition(":")[2]


@contextmanager
def held_ports(config: StackConfig) -> Iterator[Ports]:
    """Keep a port for each process, so that one that is started again finds its own.

    Raises:
        PortTaken: somebody listens on the API's.

    """
    with ExitStack() as held:
        try:
            api = held.enter_context(held_port(config.host, config.port))
        except AddressTaken as error:
            raise PortTaken(error.message) from error
        yield Ports(api, *(held.enter_context(held_port()) for _ in range(6)))
