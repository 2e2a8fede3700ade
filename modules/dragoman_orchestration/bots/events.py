"""What happens to bots, read once a process for all sockets that follow it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from loguru import logger

from dragoman_contracts.bots import (
    BotDegradedMessage,
    BotMessage,
    BotMessages,
    BotNow,
    BotRecoveredMessage,
    BotsSnapshot,
    BotStateMessage,
)
from dragoman_contracts.envelope import Envelope, EnvelopeInvalid
from dragoman_contracts.errors import BusUnavailable, DragomanError, MessageInvalid
from dragoman_contracts.events import BotDegraded, BotRecovered, BotStateChanged, parse_event
from dragoman_contracts.streams import BotKeys
from dragoman_contracts.websocket import CloseCode
from dragoman_orchestration.bots.model import BotRecord
from dragoman_orchestration.bots.store import OWNER_FIELD, BotStore
from dragoman_orchestration.results.mailbox import Mailbox
from dragoman_runtime.broker.base import Broker, Entry, id_parts

INTERVAL_S = 0.1
RETRY_S = 0.5
READ_COUNT = 500
MAX_REPLAY = 2_000
"""Events that are replayed; one that missed more gets a snapshot."""
_POSITION = re.compile(r"\d{1,15}-\d{1,15}")
_MESSAGES: dict[type, type[BotMessages]] = {
    BotStateChanged: BotStateMessage,
    BotDegraded: BotDegradedMessage,
    BotRecovered: BotRecoveredMessage,
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it is told: whose bot's, its message, and whether it is the bot's last."""

    id: str
    owner_key: str
    bot_id: str
    text: str
    is_last: bool


@dataclass(eq=False, slots=True)
class Follower:
    """A socket's place; ``bot_id`` None follows all bots of the key."""

    owner_key: str
    bot_id: str | None
    mailbox: Mailbox
    after: str = ""
    joining: list[Told] | None = field(default_factory=list)

    def deliver(self, told: Told) -> None:
        """Hand over one event, once, if it is of a bot that is followed."""
        if told.owner_key != self.owner_key or self.bot_id not in {None, told.bot_id}:
            return
        if self.joining is not None:
            self.joining.append(told)
        elif id_parts(told.id) > id_parts(self.after):
            self.after = told.id
            self.mailbox.put(told.text)
            self._close_after(told.is_last)

    def join(self, after: str) -> None:
        """What was before is told, up to ``after``; go on with what came meanwhile."""
        waiting, self.joining = self.joining or [], None
        self.after = after
        for told in waiting:
            self.deliver(told)

    def _close_after(self, is_last: bool) -> None:
        if is_last and self.bot_id is not None:
            self.mailbox.close(CloseCode.NORMAL, "the bot has ended")


class BotEventsHub:
    """Reads the events of all bots and hands each to the sockets that follow it.

    Args:
        broker: the bus.
        store: the bots, for snapshots.

    """

    def __init__(self, broker: Broker, store: BotStore) -> None:
        self._broker = broker
        self._store = store
        self._followers: set[Follower] = set()
        self._read_to = ""
        self._away = False
        self._follow = asyncio.Event()
        self._starting = asyncio.Lock()

    async def subscribe(
        self, mailbox: Mailbox, owner_key: str, bot_id: str | None = None, after: str | None = None
    ) -> Follower:
        """Put into ``mailbox`` how the bots are, or what was missed since ``after``, then all that happens.

        Raises:
            MessageInvalid: ``after`` is no position.
            BusUnavailable: Redis is away.

        """
        if after is not None and _POSITION.fullmatch(after) is None:
            raise MessageInvalid(
                "the position is none", remedy="Use the position of the last event you saw, unchanged."
            )
        async with self._starting:
            if not self._followers:
                self._read_to = await self._broker.last_id(BotKeys.EVENTS)
        follower = Follower(owner_key, bot_id, mailbox)
        self._followers.add(follower)
        try:
            await self._greet(follower, after)
        except BaseException:
            self._followers.discard(follower)
            raise
        self._follow.set()
        return follower

    def unsubscribe(self, follower: Follower) -> None:
        """The socket is gone; a second time is no error."""
        self._followers.discard(follower)

    async def run(self) -> None:
        """Read until cancelled; an error of the bus never ends it."""
        while True:
            if not self._followers:
                self._follow.clear()
                await self._follow.wait()
            try:
                if self._away:
                    await self._recover()
                await self._read()
            except DragomanError as error:
                if not self._away:
                    logger.warning("events of bots wait for the bus: {}", error.message)
                self._away = isinstance(error, BusUnavailable)
                await asyncio.sleep(RETRY_S)
                continue
            await asyncio.sleep(INTERVAL_S)

    async def _read(self) -> None:
        found = await self._broker.read({BotKeys.EVENTS: self._read_to}, READ_COUNT)
        for entry in found.get(BotKeys.EVENTS, []):
            self._read_to = entry.id
            told = read_event(entry)
            if told is None:
                continue
            for follower in list(self._followers):
                follower.deliver(told)

    async def _recover(self) -> None:
        """Redis may have lost what was told last, or all of it: whoever is there is told how things are."""
        self._read_to = await self._broker.last_id(BotKeys.EVENTS)
        for follower in list(self._followers):
            if follower.joining is None:
                follower.after = self._read_to
                await self._snapshot(follower, self._read_to, recovered=False)
        self._away = False

    async def _greet(self, follower: Follower, after: str | None) -> None:
        missed = None if after is None else await self._missed(after)
        if after is None or missed is None:
            position = await self._broker.last_id(BotKeys.EVENTS)
            await self._snapshot(follower, position, recovered=after is None)
            follower.join(position)
            return
        follower.joining = [told for told in missed if _concerns(told, follower)] + (follower.joining or [])
        follower.join(after)

    async def _missed(self, after: str) -> list[Told] | None:
        """All events since ``after``; None if some of them may be gone, or they are too many."""
        if id_parts(after) > id_parts(await self._broker.last_id(BotKeys.EVENTS)):
            return None
        # From just before it: is the position itself still there, then so is all that followed.
        ms, seq = id_parts(after)
        start = f"{ms}-{seq - 1}" if seq else f"{max(0, ms - 1)}-{2**63}"
        entries: list[Entry] = []
        while len(entries) <= MAX_REPLAY:
            page = await self._broker.read({BotKeys.EVENTS: entries[-1].id if entries else start}, READ_COUNT)
            entries += page.get(BotKeys.EVENTS, [])
            if len(page.get(BotKeys.EVENTS, [])) < READ_COUNT:
                break
        if len(entries) > MAX_REPLAY or not entries or entries[0].id != after:
            return None
        return [told for told in map(read_event, entries[1:]) if told is not None]

    async def _snapshot(self, follower: Follower, position: str, *, recovered: bool) -> None:
        if follower.bot_id is None:
            bots = await self._store.live_of(follower.owner_key)
        else:
            bots = [await self._store.get(follower.bot_id, follower.owner_key)]
        follower.mailbox.put(encode(snapshot(bots, position, recovered=recovered)))
        if follower.bot_id is not None and bots[0].state.is_final:
            follower.mailbox.close(CloseCode.NORMAL, "the bot has ended")


def snapshot(bots: Iterable[BotRecord], position: str, *, recovered: bool) -> BotsSnapshot:
    """How these bots are."""
    return BotsSnapshot(
        position=position,
        recovered=recovered,
        bots=[
            BotNow(
                bot_id=bot.id,
                session_id=bot.session_id,
                seq=bot.seq,
                state=bot.state,
                cause=bot.cause,
                degraded=bot.degraded,
            )
            for bot in sorted(bots, key=lambda bot: (bot.created_ms, bot.id))
        ],
    )


def read_event(entry: Entry) -> Told | None:
    """An event as it is told; None for what is none."""
    try:
        event = parse_event(Envelope.from_fields(entry.fields))
    except EnvelopeInvalid as error:
        logger.warning("an event of bots cannot be read: {}", error.message)
        return None
    kind = _MESSAGES.get(type(event))
    if kind is None:
        return None
    message = kind(position=entry.id, **msgspec.structs.asdict(event))
    return Told(
        id=entry.id,
        owner_key=entry.fields.get(OWNER_FIELD, b"").decode(errors="replace"),
        bot_id=str(getattr(event, "bot_id", "")),
        text=encode(message),
        is_last=isinstance(event, BotStateChanged) and event.state.is_final,
    )


def encode(message: BotMessage) -> str:
    """A message as text frame."""
    return msgspec.json.encode(message).decode()


def _concerns(told: Told, follower: Follower) -> bool:
    return told.owner_key == follower.owner_key and follower.bot_id in {None, told.bot_id}
