"""Where webhooks come from: the streams whose events are told to receivers, and who owns each event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from loguru import logger

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.events import (
    AnomalyDetected,
    AnomalyResolved,
    AudioSessionEnded,
    BotDegraded,
    BotRecovered,
    BotStateChanged,
    parse_event,
)
from dragoman_contracts.streams import (
    AUDIO_RESULTS,
    GROUP_WEBHOOKS,
    MONITORING,
    BotKeys,
    RecordField,
    SessionKeys,
)
from dragoman_orchestration.webhooks.fanout import Fanout
from dragoman_runtime.broker.consumer import Consumer, ConsumerOptions
from dragoman_runtime.broker.redis import RedisBroker

Owner = Callable[[Envelope], Awaitable[str | None]]

BOT_OWNER_FIELD = "owner_key"
OPTIONS = ConsumerOptions(claim_idle_ms=10_000, claim_every_ms=2_000)


class OwnerGone(Exception):
    """What the event is about has no record any more, so that nobody can be told whose it is."""


class Owners:
    """Finds the API key that an event belongs to."""

    def __init__(self, broker: RedisBroker, *, shards: int) -> None:
        self._broker = broker
        self._shards = shards

    async def of_bot(self, envelope: Envelope) -> str | None:
        """The key that asked for the bot.

        Raises:
            OwnerGone: the bot is forgotten.

        """
        return await self._field(BotKeys.record(envelope.subject), BOT_OWNER_FIELD)

    async def of_session(self, envelope: Envelope) -> str | None:
        """The key that made the session.

        Raises:
            OwnerGone: the session is forgotten.

        """
        keys = SessionKeys(envelope.subject, self._shards)
        return await self._field(keys.record, RecordField.OWNER_KEY)

    async def everybody(self, envelope: Envelope) -> str | None:
        """None: the installation's own affairs concern all."""
        return None

    async def _field(self, key: str, field: str | bytes) -> str:
        (value,) = await self._broker.ask([("HGET", key, field)])
        if value is None:
            raise OwnerGone
        return str(value.decode())


def sources(broker: RedisBroker, fanout: Fanout, name: str, *, shards: int) -> list[Consumer]:
    """A consumer for each stream that has something to tell; ``name`` is unique among processes."""
    owners = Owners(broker, shards=shards)
    bots = (BotStateChanged, BotDegraded, BotRecovered)
    routes: dict[str, dict[str, Owner]] = {
        BotKeys.EVENTS: {cls.type_name(): owners.of_bot for cls in bots},
        AUDIO_RESULTS: {AudioSessionEnded.type_name(): owners.of_session},
        MONITORING: {cls.type_name(): owners.everybody for cls in (AnomalyDetected, AnomalyResolved)},
    }
    return [
        Consumer(broker, stream, GROUP_WEBHOOKS, name, _teller(fanout, types), options=OPTIONS)
        for stream, types in routes.items()
    ]


def _teller(fanout: Fanout, types: dict[str, Owner]) -> Callable[[Envelope], Awaitable[None]]:
    async def tell(envelope: Envelope) -> None:
        owner_of = types.get(envelope.type)
        if owner_of is None:
            return  # others read it
        parse_event(envelope)  # so that what is none is dead-lettered, whether or not somebody wants it
        try:
            owner_key = await owner_of(envelope)
        except OwnerGone:
            logger.bind(subject=envelope.subject).info("{} is of nobody any more: not told", envelope.type)
            return
        await fanout.offer(envelope, owner_key)

    return tell
