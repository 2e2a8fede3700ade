"""The client: REST calls, and sessions to speak into or to watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec

from dragoman_client.backoff import RECONNECT_S, Backoff
from dragoman_client.connection import Endpoint, cannot_reach
from dragoman_client.errors import error_from_response
from dragoman_client.retry import Notify, Retry, silent
from dragoman_client.speaker import Speaker
from dragoman_client.viewer import watch
from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import BadUpstream, Unavailable
from dragoman_contracts.websocket import (
    Ledger,
    ServerMessages,
    SessionOptions,
    StreamPosition,
    TranslationOptions,
)

REQUEST_TIMEOUT_S = 30.0

T = TypeVar("T")


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A session as the REST interface tells it; fields that this version does not know are left out."""

    id: str
    status: str


class Dragoman:
    """A server and a key; use it as an async context manager.

    Args:
        url: Address of the API, for instance ``http://127.0.0.1:8080``.
        key: API key, or a viewer token for one session.
        wait_s: How long requests and first connections wait for a server that is not there or has no room;
            0 makes it an error at once.
        reconnect_s: How long a connection that was lost is tried again.
        notify: Is told in a sentence when a connection is lost, and when it is back.

    """

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        wait_s: float = 0.0,
        reconnect_s: float = RECONNECT_S,
        notify: Notify = silent,
    ) -> None:
        self._wait_s = wait_s
        self._reconnect_s = reconnect_s
        self._notify = notify
        self.endpoint = Endpoint(url.rstrip("/"), key)
        self._http = httpx.AsyncClient(
            base_url=self.endpoint.base_url, headers=self.endpoint.headers, timeout=REQUEST_TIMEOUT_S
        )

    async def __aenter__(self) -> Self:
        """Nothing connects before the first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()

    async def create_session(self, options: SessionOptions | None = None) -> SessionInfo:
        """Make a session to speak into.

        Raises:
            DragomanError: the server cannot be reached or refuses.

        """
        given = msgspec.to_builtins(options or SessionOptions())
        body = {name: value for name, value in given.items() if value not in (None, "")}
        return _decode(await self._request("POST", "/v1/sessions", json=body), SessionInfo)

    async def get_session(self, session_id: str) -> SessionInfo:
        """Where a session stands (``created``, ``live`` or ``ended``)."""
        return _decode(await self._request("GET", f"/v1/sessions/{session_id}"), SessionInfo)

    async def end_session(self, session_id: str) -> None:
        """End a session from outside; what was accepted is still transcribed."""
        await self._request("POST", f"/v1/sessions/{session_id}/end")

    async def get_translation(self, session_id: str) -> TranslationOptions:
        """Into which languages a session is translated, and how; with the terms of its named sets."""
        return _decode(
            await self._request("GET", f"/v1/sessions/{session_id}/translation"), TranslationOptions
        )

    async def set_translation(self, session_id: str, options: TranslationOptions) -> TranslationOptions:
        """Translate a session so from now on; what is left at its default is set to it.

        Raises:
            DragomanError: something is not possible, or the session has ended.

        """
        body = msgspec.to_builtins(options)
        return _decode(
            await self._request("PUT", f"/v1/sessions/{session_id}/translation", json=body),
            TranslationOptions,
        )

    async def transcript(self, session_id: str, format: str = "txt", *, language: str | None = None) -> str:
        """The finals so far as ``json``, ``txt``, ``srt`` or ``vtt``.

        Args:
            session_id: The session.
            format: Of the text.
            language: A BCP 47 code, or two of them separated by a comma, to be shown together; None gives
                the words as they were spoken.

        """
        query = {"format": format} | ({} if language is None else {"language": language})
        answer = await self._request("GET", f"/v1/sessions/{session_id}/transcript", params=query)
        return answer.decode()

    async def ledger(self, session_id: str) -> Ledger:
        """Where every accepted millisecond of the session's audio went."""
        return _decode(await self._request("GET", f"/v1/sessions/{session_id}/ledger"), Ledger)

    def speak(
        self,
        session_id: str,
        audio: AudioFormat | None = None,
        options: SessionOptions | None = None,
        *,
        max_ahead_ms: int | None = None,
        continues: bool = False,
    ) -> Speaker:
        """A session's speaker, to be entered with ``async with``; see ``Speaker``."""
        return Speaker(
            self.endpoint,
            session_id,
            audio or AudioFormat(),
            options,
            max_ahead_ms=max_ahead_ms,
            retry=self._retry(),
            continues=continues,
        )

    def watch(
        self,
        session_id: str,
        after: StreamPosition | None = None,
        *,
        languages: Sequence[str] | None = None,
    ) -> AsyncIterator[ServerMessages]:
        """A session's events for a viewer; see ``dragoman_client.viewer.watch``."""
        return watch(self.endpoint, session_id, after, languages=languages, retry=self._retry())

    async def transcribe(
        self,
        source: AsyncIterator[bytes],
        audio: AudioFormat | None = None,
        options: SessionOptions | None = None,
        *,
        max_ahead_ms: int | None = None,
    ) -> AsyncIterator[ServerMessages]:
        """Make a session, stream ``source`` into it, and give its events until it has ended.

        Args:
            source: Audio bytes as they come; the session ends when it is exhausted.
            audio: How to read them; pcm_s16le at 16 kHz mono by default.
            options: Language and what else the session wants.
            max_ahead_ms: Pace for sources that are faster than real time; see ``Speaker``.

        Raises:
            DragomanError: the server cannot be reached or refuses, or the connection ended for good.

        """
        session = await self.create_session(options)
        async with self.speak(session.id, audio, max_ahead_ms=max_ahead_ms) as speaker:
            sending = asyncio.create_task(_send_all(source, speaker))
            try:
                async for event in speaker.events():
                    yield event
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

    def _retry(self) -> Retry:
        return Retry(Backoff(give_up_s=self._reconnect_s), wait_s=self._wait_s, notify=self._notify)

    async def _request(self, method: str, path: str, **arguments: Any) -> bytes:
        retry = self._retry()
        while True:
            try:
                return await self._attempt(method, path, **arguments)
            except _Unanswered as error:
                if method != "GET":  # it may have been carried out
                    raise
                await retry.wait(error)
            except Unavailable as error:
                await retry.wait(error)

    async def _attempt(self, method: str, path: str, **arguments: Any) -> bytes:
        try:
            response = await self._http.request(method, path, **arguments)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise cannot_reach(self.endpoint.base_url) from error
        except httpx.TransportError as error:
            raise _Unanswered(f"{self.endpoint.base_url} gave no answer ({type(error).__name__})") from error
        if response.is_error:
            raise error_from_response(response.status_code, response.content)
        return response.content


class _Unanswered(Unavailable):
    """The connection broke before the answer came."""


async def _send_all(source: AsyncIterator[bytes], speaker: Speaker) -> None:
    try:
        async for chunk in source:
            await speaker.send(chunk)
        await speaker.end()
    except Exception as error:
        # A source that fails must not leave the reader waiting for an end that never comes.
        speaker.abort(error)


def _decode(body: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as error:
        raise BadUpstream(f"the server's answer is no {type_.__name__}: {error}") from error
