"""The speaking side of a session: sends audio, keeps the unacknowledged tail, connects again by itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from dragoman_client.backoff import Backoff
from dragoman_client.connection import Endpoint, open_socket
from dragoman_client.errors import error_for, error_from_close
from dragoman_client.events import EventQueue
from dragoman_client.retry import Retry
from dragoman_client.tail import AudioTail
from dragoman_client.viewer import watch
from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import DragomanError, MessageInvalid, SessionEnded, Unavailable
from dragoman_contracts.websocket import (
    AudioAck,
    AudioFlush,
    CloseCode,
    ErrorMessage,
    ServerMessages,
    SessionConfigure,
    SessionEnd,
    SessionEndedMessage,
    SessionOptions,
    SessionResumed,
    SessionSnapshot,
    SessionStarted,
    parse_server_message,
)

KEEP_ACKNOWLEDGED_S = 10
"""Audio kept although it is stored: what a Redis that was killed may have lost is asked for again."""
UNACKNOWLEDGED_S_MAX = 30
"""How far ``send`` runs ahead of the server's acknowledgements before it waits."""


class Speaker:
    """One session's speaker; use it as an async context manager.

    Args:
        endpoint: Server and credential.
        session_id: The session, made with ``Dragoman.create_session``.
        audio: How the bytes given to ``send`` are to be read; fixed for the session.
        options: What the session wants of the recogniser; None keeps what it was created with.
        max_ahead_ms: Let ``send`` wait while more than this much audio is not final yet: the pace at which a
            file can be sent faster than real time without passing the server's backlog limit. PCM only.
        retry: How outages are outlasted, and whether the first connection is waited for.
        continues: Go on after whatever audio the session has, from a speaker that is no more, instead of
            refusing to; what that one had not sent is lost.

    """

    def __init__(
        self,
        endpoint: Endpoint,
        session_id: str,
        audio: AudioFormat,
        options: SessionOptions | None = None,
        *,
        max_ahead_ms: int | None = None,
        retry: Retry | None = None,
        continues: bool = False,
    ) -> None:
        self.session_id = session_id
        self.audio = audio.validate()
        self.committed_ms = 0
        self.connections = 0
        self._endpoint = endpoint
        self._options = options
        self._max_ahead_ms = max_ahead_ms if audio.is_pcm else None
        self._retry = retry or Retry(Backoff())
        self._continues = continues
        self._ending = False
        self._tail = AudioTail(
            keep_bytes=KEEP_ACKNOWLEDGED_S * audio.bytes_per_second, align_bytes=audio.frame_bytes
        )
        self._events = EventQueue()
        self._to_send = asyncio.Event()
        self._progress = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect and configure; a first connection that fails is an error, at once or after the wait.

        Raises:
            DragomanError: the server cannot be reached or refuses.

        """
        try:
            socket = await self._connect()
        except DragomanError as error:
            socket = await self._connect_again(error)
        self._task = asyncio.create_task(self._run(socket))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect. The session itself goes on until ``end`` or its idle time."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def send(self, audio: bytes) -> None:
        """Give audio to the session; waits only while too much of it is not acknowledged.

        Raises:
            DragomanError: the connection has ended for good.

        """
        limit = UNACKNOWLEDGED_S_MAX * self.audio.bytes_per_second
        while self._tail.unacknowledged_bytes > limit or self._is_too_far_ahead():
            self._raise_if_over()
            self._progress.clear()
            await self._progress.wait()
        self._raise_if_over()
        self._tail.append(audio)
        self._to_send.set()

    async def flush(self) -> None:
        """Ask the server to make what is pending final now."""
        self._tail.control(AudioFlush())
        self._to_send.set()

    async def end(self) -> None:
        """No more audio: ``session.ended`` comes when all of it is transcribed."""
        self._ending = True
        self._tail.control(SessionEnd())
        self._to_send.set()

    def abort(self, error: BaseException) -> None:
        """Give ``error`` to whoever reads the events, after those that are there."""
        self._events.close(error)

    async def events(self) -> AsyncIterator[ServerMessages]:
        """Everything the server tells, in order, each once, until ``session.ended``.

        Raises:
            DragomanError: the connection has ended for good, with the server's reason.

        """
        while (event := await self._events.get()) is not None:
            yield event

    def _is_too_far_ahead(self) -> bool:
        if self._max_ahead_ms is None:
            return False
        return self.audio.duration_ms(self._tail.end) - self.committed_ms > self._max_ahead_ms

    def _raise_if_over(self) -> None:
        if self._task is not None and self._task.done():
            error = None if self._task.cancelled() else self._task.exception()
            raise error or Unavailable("the session is over, it takes no more audio")

    async def _run(self, socket: ClientConnection) -> None:
        try:
            try:
                while not await self._serve(socket):
                    socket = await self._connect_again(code=socket.close_code or 1006)
            except SessionEnded:
                if not self._ending:
                    raise
                await self._follow()
            self._events.close()
        except DragomanError as error:
            self._events.close(error)
            raise
        finally:
            self._events.close()
            self._progress.set()

    async def _connect_again(
        self, error: DragomanError | None = None, *, code: int = 1006
    ) -> ClientConnection:
        """Try until it works; ``error`` is why the last attempt failed, ``code`` how the connection ended."""
        while True:
            await self._retry.wait(error, code=code)
            try:
                return await self._connect()
            except DragomanError as failed:
                error = failed

    async def _follow(self) -> None:
        """Hear the rest as a viewer: the server has our end already and takes no speaker any more."""
        async for event in watch(self._endpoint, self.session_id, self._events.position, retry=self._retry):
            self._take(event)

    async def _connect(self) -> ClientConnection:
        """Open a socket, configure it, and queue what the server lacks."""
        query = {"after": str(self._events.position)} if self._events.position else {}
        socket = await open_socket(self._endpoint, f"/v1/sessions/{self.session_id}/audio", **query)
        try:
            started = await self._configure(socket)
            if self._continues and not self.connections:
                self._tail.begin_at(started.received_bytes)
            self._tail.resume_at(started.received_bytes)
        except BaseException:
            await socket.close()
            raise
        self.connections += 1
        self._retry.connected()
        self._events.put(started)
        self._to_send.set()
        return socket

    async def _configure(self, socket: ClientConnection) -> SessionStarted | SessionResumed:
        """Say how to read the audio; the server's answer, or why it refuses."""
        configure = SessionConfigure(
            audio=self.audio,
            options=self._options,
            resume_from_bytes=self._tail.oldest if self.connections else None,
        )
        last_error: ErrorMessage | None = None
        try:
            # A server that refuses closes at once: what it said is still to be read.
            with contextlib.suppress(ConnectionClosed):
                await socket.send(msgspec.json.encode(configure), text=True)
            while True:
                message = _parse(await socket.recv(decode=False))
                if isinstance(message, SessionStarted | SessionResumed):
                    return message
                if isinstance(message, ErrorMessage):
                    last_error = message
                elif message is not None:
                    self._take(message)
        except ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
            told = last_error and error_for(last_error.code, last_error.message, last_error.remedy)
            raise (
                error_from_close(code, reason, last_error)
                or told
                or Unavailable("the server closed the socket before the session was configured")
            ) from closed

    async def _serve(self, socket: ClientConnection) -> bool:
        """Send and receive until the socket closes; whether the session is over."""
        pump = asyncio.create_task(self._pump(socket))
        last_error: ErrorMessage | None = None
        try:
            async for text in socket.__aiter__():
                message = _parse(text)
                if isinstance(message, ErrorMessage):
                    last_error = message
                if message is not None and self._take(message):
                    return True
        except ConnectionClosed:
            pass
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            await socket.close()
        code = socket.close_code or 1006
        failure = error_from_close(code, socket.close_reason or "", last_error)
        if failure is not None:
            raise failure
        return code == CloseCode.NORMAL

    def _take(self, message: ServerMessages) -> bool:
        """Note what a message says about our own sending; whether it was the last one."""
        if isinstance(message, AudioAck):
            self._retry.worked()
            self.committed_ms = max(self.committed_ms, message.committed_ms)
            self._tail.acknowledge(message.received_bytes)
            self._progress.set()
        if isinstance(message, SessionSnapshot):
            self._events.put_snapshot(message)
        else:
            self._events.put(message)
        return isinstance(message, SessionEndedMessage)

    async def _pump(self, socket: ClientConnection) -> None:
        """Send what is queued; a closed socket ends it, the receiving side tells why."""
        try:
            while True:
                item = self._tail.next()
                if item is None:
                    self._to_send.clear()
                    await self._to_send.wait()
                elif isinstance(item, bytes):
                    await socket.send(item)
                else:
                    await socket.send(msgspec.json.encode(item), text=True)
        except ConnectionClosed:
            return


def _parse(text: str | bytes) -> ServerMessages | None:
    """A message, or None for one of a later protocol that this client does not know."""
    try:
        return parse_server_message(text)
    except MessageInvalid:
        return None
