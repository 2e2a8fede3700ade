"""The meeting's server: pages, signalling, and the host who admits, removes and ends. No internet.

::

    with running_meeting() as meeting:
        meeting.speaks("Anna", FIXTURES / "en_seen_00.wav")   # once somebody hears her
        bot(meeting.url)                                      # recipe "generic"
        meeting.wait_for(lambda: meeting.spoken)

It runs in a thread of its own, so tests may be plain functions or coroutines; all its methods may be called
from any thread.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse, Response
from starlette.websockets import WebSocketDisconnect

from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain
from tests.meeting.people import Person, end_people, start_person

PAGES = Path(__file__).parents[1] / "fixtures" / "meeting"
STRICT_CSP = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; media-src 'self' blob:; img-src data:; "
    "worker-src 'none'; require-trusted-types-for 'script'"
)
WAIT_S = 40.0


@dataclass
class Guest:
    """Somebody who came to the page and asked to join."""

    id: str
    name: str
    socket: WebSocket
    inside: bool = False
    speaking: bool = False
    muted: bool = False


@dataclass
class Meeting:
    """One room. Set ``lobby``, ``captcha`` or ``csp`` before anybody comes."""

    lobby: bool = False
    captcha: bool = False
    csp: str = ""
    base_url: str = ""
    guests: dict[str, Guest] = field(default_factory=dict)
    ever: list[str] = field(default_factory=list)
    """Names of all who were inside, in order."""
    chat: list[tuple[str, str]] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    """Names of those who have said what they came to say."""
    muted: set[str] = field(default_factory=set)
    loop: asyncio.AbstractEventLoop | None = None
    people: list[Person] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        """The link that a bot is given."""
        return f"{self.base_url}/m/room"

    @property
    def inside(self) -> list[str]:
        """Names of those who are in."""
        return [guest.name for guest in self.guests.values() if guest.inside]

    @property
    def waiting(self) -> list[str]:
        """Names of those in the lobby."""
        return [guest.name for guest in self.guests.values() if not guest.inside]

    # --- what tests do ----------------------------------------------------------------------------------

    def speaks(self, name: str, recording: Path, *, pause_ms: int = 1000) -> Person:
        """Somebody joins and says ``recording`` once, ``pause_ms`` after the first who hears it came."""
        self.files.append(recording)
        query = {"join": name, "speak": f"/audio/{len(self.files) - 1}", "pause": str(pause_ms)}
        return self._start(f"{self.url}?{urlencode(query, quote_via=quote)}", name)

    def joins(self, name: str) -> Person:
        """Somebody joins and says nothing."""
        return self._start(f"{self.url}?{urlencode({'join': name}, quote_via=quote)}", name)

    def admit(self, name: str) -> None:
        """The host lets somebody in."""
        self._do(lambda: self._enter(self._named(name)))

    def refuse(self, name: str) -> None:
        """The host does not let somebody in."""
        self._do(lambda: self._show_out(self._named(name), "refused"))

    def remove(self, name: str) -> None:
        """The host removes somebody."""
        self._do(lambda: self._show_out(self._named(name), "removed"))

    def end(self) -> None:
        """The host ends the meeting for all."""

        async def end_all() -> None:
            for guest in list(self.guests.values()):
                await self._show_out(guest, "ended")

        self._do(end_all)

    def tell(self, name: str, message: dict[str, Any]) -> None:
        """Send a page any message: ``{"type": "crash"}`` and ``{"type": "hang"}`` break it."""
        self._do(lambda: self._named(name).socket.send_json(message))

    def wait_for(self, condition: Callable[[], Any], limit_s: float = WAIT_S) -> Any:
        """Wait until the condition gives something true; for tests that are no coroutines."""
        deadline = time.monotonic() + limit_s
        while not (seen := condition()):
            assert time.monotonic() < deadline, f"not within {limit_s:g} s; inside are {self.inside}"
            time.sleep(0.02)
        return seen

    # --- the server -------------------------------------------------------------------------------------

    def _start(self, url: str, name: str) -> Person:
        person = start_person(url, name)
        self.people.append(person)
        return person

    def _do(self, act: Callable[[], Any]) -> None:
        async def run() -> None:
            await act()

        assert self.loop is not None
        asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def _named(self, name: str) -> Guest:
        return next(guest for guest in self.guests.values() if guest.name == name)

    async def serve_guest(self, socket: WebSocket) -> None:
        """One page's signalling, from joining to leaving."""
        await socket.accept()
        guest = Guest(f"p{next(self._ids)}", "", socket)
        try:
            async for message in socket.iter_json():
                await self._take(guest, message)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self.guests.pop(guest.id, None)
            await self._tell_people()

    async def _take(self, guest: Guest, message: dict[str, Any]) -> None:
        match message["type"]:
            case "join":
                guest.name = message["name"]
                self.guests[guest.id] = guest
                await (
                    guest.socket.send_json({"type": "screen", "screen": "captcha"})
                    if self.captcha
                    else self._ask(guest)
                )
            case "human":
                await self._ask(guest)
            case "signal":
                if there := self.guests.get(message["to"]):
                    await there.socket.send_json(
                        {"type": "signal", "from": guest.id, "data": message["data"]}
                    )
            case "chat":
                self.chat.append((guest.name, message["text"]))
                for other in self.guests.values():
                    await other.socket.send_json(
                        {"type": "chat", "name": guest.name, "text": message["text"]}
                    )
            case "speaking":
                guest.speaking = message["speaking"]
                await self._tell_people()
            case "spoken":
                self.spoken.append(guest.name)
            case "muted":
                guest.muted = message["muted"]
                (self.muted.add if guest.muted else self.muted.discard)(guest.name)
            case "leave":
                self.guests.pop(guest.id, None)
                await self._tell_people()

    async def _ask(self, guest: Guest) -> None:
        if self.lobby:
            await guest.socket.send_json({"type": "screen", "screen": "lobby"})
        else:
            await self._enter(guest)

    async def _enter(self, guest: Guest) -> None:
        others = [other.id for other in self.guests.values() if other.inside]
        guest.inside = True
        self.ever.append(guest.name)
        await guest.socket.send_json({"type": "welcome", "id": guest.id, "others": others})
        await self._tell_people()

    async def _show_out(self, guest: Guest, screen: str) -> None:
        self.guests.pop(guest.id, None)
        await guest.socket.send_json({"type": "screen", "screen": screen})
        await self._tell_people()

    async def _tell_people(self) -> None:
        inside = [guest for guest in self.guests.values() if guest.inside]
        people = [{"id": guest.id, "name": guest.name, "speaking": guest.speaking} for guest in inside]
        for guest in inside:
            try:
                await guest.socket.send_json({"type": "people", "people": people})
            except (WebSocketDisconnect, RuntimeError):
                self.guests.pop(guest.id, None)


def _app(meeting: Meeting) -> FastAPI:
    app = FastAPI()

    @app.get("/m/{room}")
    async def page(room: str) -> Response:
        headers = {"content-security-policy": meeting.csp} if meeting.csp else None
        return FileResponse(PAGES / "index.html", headers=headers)

    @app.get("/meeting.js")
    async def script() -> Response:
        return FileResponse(PAGES / "meeting.js", media_type="text/javascript")

    @app.get("/audio/{number}")
    async def audio(number: int) -> Response:
        return FileResponse(meeting.files[number])

    @app.websocket("/signal/{room}")
    async def signal(socket: WebSocket, room: str) -> None:
        await meeting.serve_guest(socket)

    return app


@contextmanager
def running_meeting(*, lobby: bool = False, captcha: bool = False, csp: str = "") -> Iterator[Meeting]:
    """A meeting on a free loopback port; at the end all people that it started are gone."""
    meeting = Meeting(lobby=lobby, captcha=captcha, csp=csp)
    bound = threading.Event()
    drains: list[Drain] = []

    def on_bound(url: str) -> None:
        meeting.base_url = url
        bound.set()

    async def run() -> None:
        meeting.loop = asyncio.get_running_loop()
        drains.append(Drain())
        await serve(_app(meeting), "127.0.0.1", 0, drains[0], on_bound=on_bound, grace_s=1)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="meeting", daemon=True)
    thread.start()
    assert bound.wait(20), "the meeting's server did not start"
    try:
        yield meeting
    finally:
        end_people(meeting.people)
        assert meeting.loop is not None
        meeting.loop.call_soon_threadsafe(drains[0].start)
        thread.join(20)
