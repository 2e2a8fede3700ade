"""The viewer's socket: ``WS /v1/sessions/{session_id}/events?after=<position>&languages=es,pt-BR``."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple
from urllib.parse import parse_qs

from loguru import logger
from prometheus_client import Gauge
from starlette.types import Receive, Scope, Send

from dragoman_contracts.errors import DragomanError, InvalidInput, LimitExceeded, Unavailable
from dragoman_contracts.translation_api import MAX_TARGETS
from dragoman_contracts.websocket import StreamPosition
from dragoman_orchestration.api.auth import Authenticator, Principal, bearer
from dragoman_orchestration.api.direct_writer import DirectWriter
from dragoman_orchestration.api.presence import PresenceBoard
from dragoman_orchestration.api.session_watch import SessionWatch
from dragoman_orchestration.api.socket_io import (
    accept,
    close_all,
    count_closed,
    refuse,
    session_of,
    tell_until_gone,
)
from dragoman_orchestration.results.feed import Languages
from dragoman_orchestration.results.hub import ResultsHub
from dragoman_orchestration.results.mailbox import Mailbox
from dragoman_orchestration.session.model import SessionRecord
from dragoman_orchestration.session.store import SessionStore
from dragoman_runtime.languages import canonical

VIEWERS = Gauge("dragoman_api_viewers", "Events sockets open in this process.")


def position_of(scope: Scope) -> StreamPosition | None:
    """The query's ``after``.

    Raises:
        MessageInvalid: not a position.

    """
    values = parse_qs(scope["query_string"].decode("latin-1")).get("after")
    return StreamPosition.parse(values[0]) if values else None


def languages_of(scope: Scope) -> Languages:
    """The query's ``languages`` in standard form: None without it, empty where it names none.

    Raises:
        UnknownLanguage: one of them is none.
        InvalidInput: they are too many.

    """
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    values = query.get("languages")
    if values is None:
        return None
    named = [code for value in values for code in value.split(",") if code.strip()]
    found = {canonical(code) for code in named}
    if len(found) > MAX_TARGETS:
        raise InvalidInput(
            f"{len(found)} languages are asked for: a session has at most {MAX_TARGETS}",
            remedy="Leave out `languages` to get all translations.",
        )
    return tuple(sorted(found))


class _Asked(NamedTuple):
    """What a viewer asks for in its query."""

    after: StreamPosition | None
    languages: Languages


class ResultsEndpoint:
    """Any number of viewers, each with its own bounded queue."""

    def __init__(
        self,
        *,
        auth: Authenticator,
        store: SessionStore,
        hub: ResultsHub,
        presence: PresenceBoard,
        watch: SessionWatch,
        max_viewers: int,
        max_viewers_per_session: int,
        queue_limit: int,
    ) -> None:
        self._auth = auth
        self._store = store
        self._hub = hub
        self._presence = presence
        self._session_watch = watch
        self._max_viewers = max_viewers
        self._max_viewers_per_session = max_viewers_per_session
        self._queue_limit = queue_limit
        self._mailboxes: set[Mailbox] = set()
        self._per_session: Counter[str] = Counter()
        self._draining = False

    def __len__(self) -> int:
        return len(self._mailboxes)

    async def drain(self) -> None:
        """Close all viewers with a code that says "reconnect"."""
        self._draining = True
        await close_all(self._mailboxes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from accept to close."""
        await accept(scope, receive, send)
        session_id = session_of(scope)
        try:
            principal = await self._auth.identify(bearer(scope["headers"], scope["subprotocols"]))
            principal.must_reach(session_id)
            asked = _Asked(position_of(scope), languages_of(scope))
            self._check_room(session_id)
            record = await self._store.get(session_id)
        except DragomanError as error:
            await refuse(send, error)
            return
        mailbox = Mailbox(self._queue_limit, DirectWriter(receive))
        self._mailboxes.add(mailbox)
        self._per_session[session_id] += 1
        VIEWERS.set(len(self._mailboxes))
        try:
            await self._watch(record, asked, mailbox, receive, send, principal=principal)
        finally:
            self._mailboxes.discard(mailbox)
            self._per_session[session_id] -= 1
            if not self._per_session[session_id]:
                del self._per_session[session_id]
            VIEWERS.set(len(self._mailboxes))

    async def _watch(
        self,
        record: SessionRecord,
        asked: _Asked,
        mailbox: Mailbox,
        receive: Receive,
        send: Send,
        *,
        principal: Principal,
    ) -> None:
        bound = logger.bind(session_id=record.id)
        try:
            subscription = await self._hub.subscribe(
                record.id,
                record.results_epoch,
                mailbox,
                status=record.status,
                after=asked.after,
                languages=asked.languages,
                targets=record.translation.targets,
            )
        except DragomanError as error:
            await refuse(send, error)
            return
        bound.info("viewer joined")
        self._session_watch.joined()
        seat = self._presence.join(record.id, "viewer", principal, mailbox)
        try:
            await tell_until_gone(receive, send, mailbox)
        finally:
            self._presence.leave(seat)
            self._hub.unsubscribe(record.id, subscription)
            count_closed("events", mailbox)
            bound.info("viewer gone: {}", mailbox.how_it_ended)

    def _check_room(self, session_id: str) -> None:
        if self._draining:
            raise Unavailable("the server restarts: connect again")
        if len(self._mailboxes) >= self._max_viewers:
            raise LimitExceeded("the number of viewers of this server is at its limit")
        if self._per_session[session_id] >= self._max_viewers_per_session:
            raise LimitExceeded("the number of viewers of this session is at its limit")
