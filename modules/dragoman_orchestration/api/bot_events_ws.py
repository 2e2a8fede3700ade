"""The sockets of bots' events: ``WS /v1/bots/events`` and ``WS /v1/bots/{bot_id}/events``,
``?after=<position>``."""

from __future__ import annotations

from urllib.parse import parse_qs

from loguru import logger
from starlette.types import Receive, Scope, Send

from dragoman_contracts.errors import DragomanError, LimitExceeded, Unavailable
from dragoman_orchestration.api.auth import Authenticator, bearer
from dragoman_orchestration.api.direct_writer import DirectWriter
from dragoman_orchestration.api.socket_io import (
    accept,
    close_all,
    count_closed,
    refuse,
    tell_until_gone,
)
from dragoman_orchestration.bots.events import BotEventsHub, Follower
from dragoman_orchestration.bots.store import BotStore
from dragoman_orchestration.results.mailbox import Mailbox


class BotEventsEndpoint:
    """Any number of followers, each with its own bounded queue."""

    def __init__(
        self,
        *,
        auth: Authenticator,
        store: BotStore,
        hub: BotEventsHub,
        queue_limit: int,
        max_viewers: int,
    ) -> None:
        self._auth = auth
        self._store = store
        self._hub = hub
        self._queue_limit = queue_limit
        self._max_viewers = max_viewers
        self._mailboxes: set[Mailbox] = set()
        self._draining = False

    def __len__(self) -> int:
        return len(self._mailboxes)

    async def drain(self) -> None:
        """Close all sockets with a code that says "reconnect"."""
        self._draining = True
        await close_all(self._mailboxes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from accept to close."""
        await accept(scope, receive, send)
        mailbox = Mailbox(self._queue_limit, DirectWriter(receive))
        try:
            follower = await self._admit(scope, mailbox)
        except DragomanError as error:
            await refuse(send, error)
            return
        self._mailboxes.add(mailbox)
        try:
            await tell_until_gone(receive, send, mailbox)
        finally:
            self._mailboxes.discard(mailbox)
            self._hub.unsubscribe(follower)
            count_closed("bot-events", mailbox)
            logger.info("follower of bots gone: {}", mailbox.how_it_ended)

    async def _admit(self, scope: Scope, mailbox: Mailbox) -> Follower:
        principal = await self._auth.identify(bearer(scope["headers"], scope["subprotocols"]))
        principal.must_be_key()
        if self._draining:
            raise Unavailable("the server restarts: connect again")
        if len(self._mailboxes) >= self._max_viewers:
            raise LimitExceeded("the number of followers of this server is at its limit")
        bot_id = scope["path_params"].get("bot_id")
        if bot_id is not None:
            await self._store.get(bot_id, principal.name)
        after = parse_qs(scope["query_string"].decode("latin-1")).get("after")
        return await self._hub.subscribe(mailbox, principal.name, bot_id, after[0] if after else None)
