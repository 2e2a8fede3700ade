"""A crowd of viewers in processes of their own: WebSocket clients that cost next to nothing while they watch.

``Crowd`` starts and reads the processes; each is this module run as a script. A viewer notes only when which
bytes came; the frames are parsed once the watching is over, so that a client's own work does not stand
between the server and the clock. All times are of the monotonic clock, which a machine's processes share.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import uvloop
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

PROCESSES = 4
"""Over which a crowd is spread."""
JOINING = 20
"""Viewers of one process that connect at the same time."""
JOIN_TIMEOUT_S = 60.0
REPORT_TIMEOUT_S = 120.0
SPARE_FILES = 200
"""File descriptors of a process beside its sockets."""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What a process of the crowd is told: whom to watch, and as how many."""

    url: str
    key: str
    viewers: int


class Event(msgspec.Struct, kw_only=True):
    """An event by its offset: its type, how many viewers got it, and the first and last arrival."""

    type: str
    seen: int = 0
    first: float = float("inf")
    last: float = 0.0

    def add(self, other: Event) -> None:
        """Count other viewers' receipt of the same event."""
        self.seen += other.seen
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)

    @property
    def skew_ms(self) -> float:
        """Milliseconds between the first and the last viewer's receipt."""
        return (self.last - self.first) * 1000


class Report(msgspec.Struct, kw_only=True):
    """What viewers saw after their snapshots."""

    viewers: int = 0
    events: dict[int, Event] = {}
    doubled: int = 0
    """Events that came again, or after a later one."""
    bytes_received: int = 0
    ended: int = 0
    """Viewers that were told the end of the session."""

    def add(self, other: Report) -> None:
        """Merge the report of another process."""
        self.viewers += other.viewers
        self.doubled += other.doubled
        self.bytes_received += other.bytes_received
        self.ended += other.ended
        for offset, event in other.events.items():
            if offset in self.events:
                self.events[offset].add(event)
            else:
                self.events[offset] = event

    @property
    def lost(self) -> int:
        """Receipts that are missing of events that must reach everybody: all but partials."""
        return sum(self.viewers - event.seen for event in self.events.values() if not _may_be_left_out(event))

    @property
    def left_out(self) -> int:
        """Partials that viewers did not get: a newer one of them took their place."""
        return sum(self.viewers - event.seen for event in self.events.values() if _may_be_left_out(event))


def _may_be_left_out(event: Event) -> bool:
    return event.type.endswith(".partial")


class CrowdFailed(Exception):
    """Viewers could not join, or a process of the crowd ended."""


class Crowd:
    """Viewers of one session, spread over processes; an async context manager that returns when all joined.

    Raises:
        CrowdFailed: a viewer was refused, or not all joined in time; the message says why.

    """

    def __init__(self, url: str, key: str, viewers: int) -> None:
        shares = [viewers // PROCESSES + (i < viewers % PROCESSES) for i in range(PROCESSES)]
        self._watches = [Watch(url=url, key=key, viewers=share) for share in shares if share]
        self._processes: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> Crowd:
        try:
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                await asyncio.gather(*(self._start(watch) for watch in self._watches))
        except TimeoutError:
            await self._end()
            raise CrowdFailed(f"not all viewers joined within {JOIN_TIMEOUT_S:g} s") from None
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._end()

    async def _start(self, watch: Watch) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.crowd",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 28,
        )
        self._processes.append(process)
        await self._ask(process, msgspec.json.encode(watch))

    async def report(self) -> Report:
        """End the watching and put together what all have seen."""
        report = Report()
        try:
            async with asyncio.timeout(REPORT_TIMEOUT_S):
                for answer in await asyncio.gather(*(self._ask(each, b"stop") for each in self._processes)):
                    report.add(msgspec.json.decode(answer, type=Report))
        except TimeoutError:
            raise CrowdFailed(f"the viewers did not report within {REPORT_TIMEOUT_S:g} s") from None
        return report

    @staticmethod
    async def _ask(process: asyncio.subprocess.Process, line: bytes) -> bytes:
        """One line to a process, one line back."""
        if process.stdin is None or process.stdout is None:
            raise CrowdFailed("a process of the crowd has no pipes")
        process.stdin.write(line + b"\n")
        answer = await process.stdout.readline()
        if not answer or answer.startswith(b"failed"):
            raise CrowdFailed(answer.decode().strip() or "a process of the crowd ended")
        return answer

    async def _end(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.kill()
        await asyncio.gather(*(process.wait() for process in self._processes))
        self._processes.clear()


# --- a process of the crowd -----------------------------------------------------------------------------


class _Position(msgspec.Struct):
    offset: int


class _Head(msgspec.Struct):
    type: str
    position: _Position | None = None


_head = msgspec.json.Decoder(_Head)


@dataclass(eq=False, slots=True)
class Viewer(asyncio.Protocol):
    """One socket. The pings of the server go unanswered: its patience is longer than any benchmark."""

    url: str
    key: str
    joined: asyncio.Future[None]
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    websocket: ClientProtocol = field(init=False)
    transport: asyncio.Transport = field(init=False)

    def connection_made(self, transport: Any) -> None:
        """Ask for the upgrade."""
        self.transport = transport
        self.websocket = ClientProtocol(parse_uri(self.url), max_size=None)
        request = self.websocket.connect()
        request.headers["Authorization"] = f"Bearer {self.key}"
        self.websocket.send_request(request)
        transport.write(b"".join(self.websocket.data_to_send()))

    def data_received(self, data: bytes) -> None:
        """Note the time, nothing else."""
        self.chunks.append((time.monotonic(), data))
        if not self.joined.done() and b'"session.snapshot"' in data:
            self.joined.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """A refusal tells its reason before."""
        if not self.joined.done():
            said = b"".join(data for _, data in self.chunks)[-300:].decode(errors="replace")
            self.joined.set_exception(CrowdFailed(f"a viewer was refused: {said or error}"))

    def messages(self) -> list[tuple[float, bytes]]:
        """Each text message with the arrival of its last byte."""
        found = []
        for arrival, data in self.chunks:
            self.websocket.receive_data(data)
            for event in self.websocket.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    found.append((arrival, bytes(event.data)))
                elif isinstance(event, Response) and event.status_code != 101:
                    raise CrowdFailed(f"the server answered {event.status_code}")
        return found

    def report(self) -> Report:
        """What came after the snapshot."""
        report = Report(viewers=1, bytes_received=sum(len(data) for _, data in self.chunks))
        newest = -1
        for arrival, message in self.messages():
            head = _head.decode(message)
            if head.position is None:
                continue
            offset = head.position.offset
            if head.type == "session.snapshot":
                newest = offset
            elif offset <= newest:
                report.doubled += 1
            else:
                newest = offset
                report.events[offset] = Event(type=head.type, seen=1, first=arrival, last=arrival)
                report.ended += head.type == "session.ended"
        return report


async def join(watch: Watch) -> list[Viewer]:
    """Connect all viewers, some at a time, and wait for each one's snapshot."""
    loop = asyncio.get_running_loop()
    uri = parse_uri(watch.url)
    turns = asyncio.Semaphore(JOINING)

    async def one() -> Viewer:
        viewer = Viewer(watch.url, watch.key, loop.create_future())
        async with turns:
            await loop.create_connection(lambda: viewer, uri.host, uri.port)
            await viewer.joined
        return viewer

    return list(await asyncio.gather(*(one() for _ in range(watch.viewers))))


def total(viewers: Sequence[Viewer]) -> Report:
    """The report of a process."""
    report = Report()
    for viewer in viewers:
        report.add(viewer.report())
    return report


async def watch_until_told() -> None:
    """Join, say so, watch until the next line on stdin, report."""
    watch = msgspec.json.decode(await asyncio.to_thread(sys.stdin.buffer.readline), type=Watch)
    raise_file_limit(watch.viewers)
    try:
        viewers = await join(watch)
        print("joined", flush=True)
        await asyncio.to_thread(sys.stdin.buffer.readline)
        for viewer in viewers:
            viewer.transport.abort()
        sys.stdout.buffer.write(msgspec.json.encode(total(viewers)) + b"\n")
        sys.stdout.buffer.flush()
    except (CrowdFailed, OSError) as error:
        print(f"failed: {error}".replace("\n", " "), flush=True)


def raise_file_limit(sockets: int) -> None:
    """Allow this process and its children so many sockets.

    Raises:
        CrowdFailed: the system allows fewer.

    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = sockets + SPARE_FILES
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise CrowdFailed(f"{wanted} open files are needed and {hard} are allowed: raise 'ulimit -Hn'")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    uvloop.run(watch_until_told())
