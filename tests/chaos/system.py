"""A whole system as processes on loopback, each behind a proxy of its own, each ended by its own id."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil

from dragoman_contracts.streams import GROUP_AUDIO_PIPELINE, SessionKeys, ShardKeys
from dragoman_runtime.broker.redis import connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.ports import held_port
from tests.chaos.proxy import Proxy

ROOT = Path(__file__).parents[2]
CLI = ("dragoman_orchestration.cli",)
PROFILE = "mock"
KEY = "chaos-key-of-this-run"
START_LIMIT_S = 60.0
END_LIMIT_S = 20.0
POLL_S = 0.02


class NotInTime(AssertionError):
    """Something that had to come did not."""


async def until(condition: Callable[[], Any], what: str, limit_s: float) -> None:
    """Wait for ``condition`` (plain or async) to be true."""
    deadline = time.monotonic() + limit_s
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        if time.monotonic() > deadline:
            raise NotInTime(f"{what}: not within {limit_s:g} s")
        await asyncio.sleep(POLL_S)


class Process:
    """One process of the system; may be killed, frozen, thawed, drained and started again."""

    def __init__(
        self, name: str, module: Sequence[str], environment: Mapping[str, str], ready_url: str, log: Path
    ) -> None:
        self.name = name
        self.ready_url = ready_url
        self.log = log
        self._command = [sys.executable, "-m", *module]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("DRAGOMAN_")}
        self._environment = {**kept, **environment}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Process id of the running one."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it; ``ready`` tells when it works."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self, http: httpx.AsyncClient) -> None:
        """Wait until its ``/ready`` says so.

        Raises:
            NotInTime: with the last lines of its log.

        """

        async def is_ready() -> bool:
            if not self.is_running:
                raise NotInTime(f"{self.name} ended:\n{self.last_lines()}")
            try:
                return (await http.get(self.ready_url)).status_code == 200
            except httpx.TransportError:
                return False

        try:
            await until(is_ready, f"{self.name} ready", START_LIMIT_S)
        except NotInTime as error:
            raise NotInTime(f"{error}\n{self.last_lines()}") from None

    def last_lines(self, count: int = 12) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-count:]
        return "\n".join(line[:400] for line in lines)

    def signal(self, number: int) -> None:
        """Send a signal to this process only."""
        if self._process is not None and self.is_running:
            self._process.send_signal(number)

    async def kill(self) -> None:
        """SIGKILL."""
        self.signal(signal.SIGKILL)
        await self.wait()

    async def wait(self, limit_s: float = END_LIMIT_S) -> int:
        """Its exit code."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), limit_s)

    async def end(self) -> None:
        """Leave nothing behind; how it drains is seen in the storm, not after it."""
        if self.is_running:
            await self.kill()

    def facts(self) -> dict[str, int]:
        """Memory in bytes and open file descriptors, for slopes."""
        process = psutil.Process(self.pid)
        return {"rss": process.memory_info().rss, "fds": process.num_fds()}


class System:
    """Redis, whisper and translation (mock), workers and APIs; an async context manager.

    Args:
        folder: Where logs and Redis' data go.
        workers: Audio workers.
        apis: API processes; clients are spread over them.
        ablation: Name of a safeguard that all processes run without (see ``ablations``); "" for none.
        environment: Settings for all processes.
        start_workers: False leaves starting them to the caller.

    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 2,
        apis: int = 1,
        ablation: str = "",
        environment: Mapping[str, str] | None = None,
        start_workers: bool = True,
        lease_ms: int = 2_000,
    ) -> None:
        self.folder = folder
        self.lease_ms = lease_ms
        self._counts = (workers, apis)
        self._module = ("tests.chaos.ablations", ablation) if ablation else CLI
        self._extra = dict(environment or {})
        self._start_workers = start_workers
        self._cleanup = AsyncExitStack()
        self.redis = EmbeddedRedis(data_dir=folder / "redis", port=0, appendonly=True)
        self.workers: list[Process] = []
        self.apis: list[Process] = []
        self.whisper: Process
        self.translation: Process
        self.redis_proxies: dict[str, Proxy] = {}
        self.client_proxies: list[Proxy] = []
        self.whisper_proxy: Proxy
        self.translation_proxy: Proxy

    async def __aenter__(self) -> System:
        try:
            await self._start()
        except BaseException:
            await self._cleanup.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._cleanup.aclose()

    @property
    def processes(self) -> list[Process]:
        """All of them but Redis."""
        return [*self.apis, *self.workers, self.whisper, self.translation]

    def url(self, client: int) -> str:
        """The API's address for a client: through a proxy."""
        return f"http://127.0.0.1:{self.client_proxies[client % len(self.client_proxies)].port}"

    async def _start(self) -> None:
        enter = self._cleanup.enter_async_context
        self.folder.mkdir(parents=True, exist_ok=True)
        await enter(self.redis)
        # Any: redis-py types a reply as the union of everything that any client could answer.
        self.direct: Any = connect_redis(self.redis.url, retries=3)
        self._cleanup.push_async_callback(self.direct.aclose)
        self.http = await enter(httpx.AsyncClient(timeout=2.0, trust_env=False))
        workers, apis = self._counts
        self.whisper, self.whisper_proxy = await self._service("whisper")
        self.translation, self.translation_proxy = await self._service("translation")
        whisper_url = f"http://127.0.0.1:{self.whisper_proxy.port}"
        for number in range(apis):
            self.apis.append(await self._api(f"api-{number}", whisper_url))
        for number in range(workers):
            self.workers.append(await self._worker(f"worker-{number}", whisper_url))
        started = [self.whisper, self.translation, *self.apis, *(self.workers if self._start_workers else [])]
        for process in started:
            await process.start()
        for process in started:
            await process.ready(self.http)

    async def _service(self, name: str) -> tuple[Process, Proxy]:
        """A service behind a proxy."""
        port = self._cleanup.enter_context(held_port())
        prefix = f"DRAGOMAN_{name.upper()}"
        environment = {
            f"{prefix}_HOST": "127.0.0.1",
            f"{prefix}_PORT": str(port),
            f"{prefix}_PROFILE": PROFILE,
        }
        process = self._process(name, (name,), environment, port)
        return process, await self._cleanup.enter_async_context(Proxy("127.0.0.1", port))

    async def _api(self, name: str, whisper_url: str) -> Process:
        port = self._cleanup.enter_context(held_port())
        environment = {
            "DRAGOMAN_REDIS_URL": await self._proxied_redis(name),
            "DRAGOMAN_API_HOST": "127.0.0.1",
            "DRAGOMAN_API_PORT": str(port),
            "DRAGOMAN_API_KEYS": f"chaos:{KEY}",
            "DRAGOMAN_API_DEFAULT_PROFILE": PROFILE,
            "DRAGOMAN_API_WHISPER_URL": whisper_url,
        }
        self.client_proxies.append(await self._cleanup.enter_async_context(Proxy("127.0.0.1", port)))
        return self._process(name, ("api",), environment, port)

    async def _worker(self, name: str, whisper_url: str) -> Process:
        port = self._cleanup.enter_context(held_port())
        environment = {
            "DRAGOMAN_REDIS_URL": await self._proxied_redis(name),
            "DRAGOMAN_AUDIO_PROFILE": PROFILE,
            "DRAGOMAN_AUDIO_LEASE_MS": str(self.lease_ms),
            "DRAGOMAN_AUDIO_WHISPER_URL": whisper_url,
            "DRAGOMAN_AUDIO_TRANSLATION_URL": f"http://127.0.0.1:{self.translation_proxy.port}",
            "DRAGOMAN_METRICS_HOST": "127.0.0.1",
            "DRAGOMAN_METRICS_PORT": str(port),
        }
        return self._process(name, ("worker", "audio"), environment, port)

    async def _proxied_redis(self, name: str) -> str:
        proxy = await self._cleanup.enter_async_context(Proxy("127.0.0.1", self.redis.port))
        self.redis_proxies[name] = proxy
        return f"redis://127.0.0.1:{proxy.port}/0"

    def _process(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], port: int
    ) -> Process:
        process = Process(
            name,
            (*self._module, *arguments),
            {**environment, **self._extra},
            f"http://127.0.0.1:{port}/ready",
            self.folder / f"{name}.log",
        )
        self._cleanup.push_async_callback(process.end)
        return process

    # --- what Redis knows --------------------------------------------------------------------------------

    async def leased_by(self, worker: Process) -> dict[str, str]:
        """The sessions that a worker holds: lease entry id → session id."""
        sessions = ShardKeys(0).sessions(PROFILE)
        rows = await self.direct.xpending_range(sessions, GROUP_AUDIO_PIPELINE, "-", "+", 10_000)
        mine = [row["message_id"] for row in rows if f"-{worker.pid}-".encode() in row["consumer"]]
        entries = dict(await self.direct.xrange(sessions))
        return {entry.decode(): entries[entry][b"ce_subject"].decode() for entry in mine if entry in entries}

    def opened_sessions(self, count: int) -> Callable[[], Any]:
        """A condition: so many sessions were opened and have not ended."""

        async def reached() -> bool:
            return int(await self.direct.xlen(ShardKeys(0).sessions(PROFILE))) >= count

        return reached

    async def generations(self, session_ids: Sequence[str]) -> list[int | None]:
        """How often each session was activated; None once it has ended."""
        pipe = self.direct.pipeline(transaction=False)
        for session_id in session_ids:
            keys = SessionKeys(session_id)
            pipe.hget(keys.state, "generation")
            pipe.hget(keys.record, "status")
        replies = iter(await pipe.execute())
        return [
            None if status in (b"ended", None) else int(generation or 0)
            for generation, status in zip(replies, replies, strict=True)
        ]

    async def keys_without_end(self) -> list[str]:
        """Keys of sessions that have no expiry: after all sessions have ended there must be none."""
        found = []
        async for key in self.direct.scan_iter("{*}:*:*"):
            name = key.decode()
            if ":sessions:" not in name and ":active-of:" not in name and await self.direct.ttl(key) == -1:
                found.append(name)
        return found
