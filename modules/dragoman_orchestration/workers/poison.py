"""A session that fails every worker: told to its clients, kept among the dead letters, ended."""

from __future__ import annotations

import msgspec
from loguru import logger

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.streams import AudioField, RecordField
from dragoman_contracts.websocket import ErrorMessage, Gap, Ledger, SessionEndedMessage
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.session_lease import ResultEvent, SessionLease, SessionLeases

REASON = "failed"


class _Blob(msgspec.Struct):
    """Of a runner's state, what must not be told twice."""

    ended: str = ""


async def bury(lease: SessionLease, leases: SessionLeases, broker: RedisBroker, *, retention_s: int) -> None:
    """End a session whose processing failed again and again; ``lease`` must be activated.

    Raises:
        Fenced: another worker owns it.

    """
    if _is_told(lease):
        # All of it was transcribed and told; only the cleaning up failed.
        await leases.end(lease, retention_s=retention_s)
        return
    logger.bind(session_id=lease.session_id).error(
        "session {} failed {} times and goes to the dead letters", lease.session_id, lease.times_delivered
    )
    reason = f"taken over {lease.times_delivered - 1} times without progress"
    while True:
        last_audio, received_ms = await _stored(lease, broker)
        ledger = _told_ledger(lease, received_ms)
        buried = await leases.bury(
            lease,
            reason,
            events=[
                ResultEvent("error", msgspec.json.encode(_FAILED)),
                ResultEvent(
                    "session.ended", msgspec.json.encode(SessionEndedMessage(reason=REASON, ledger=ledger))
                ),
            ],
            ledger=msgspec.json.encode(ledger),
            last_audio=last_audio,
            retention_s=retention_s,
        )
        if buried:
            return


_FAILED = ErrorMessage(
    code="session_failed",
    message="the session's audio could not be processed by any worker",
    remedy="Create a new session. This one's audio is kept for a while: the operator finds it with "
    "'dragoman dead-letters list' and has it tried again with 'dragoman dead-letters retry'.",
    permanent=True,
)


def _is_told(lease: SessionLease) -> bool:
    try:
        return bool(lease.state and msgspec.json.decode(lease.state, type=_Blob).ended)
    except msgspec.DecodeError:
        return False  # the state may be what breaks the workers


async def _stored(lease: SessionLease, broker: RedisBroker) -> tuple[str, int]:
    """The id of the last audio entry, and the ms of audio up to it; 0 where only decoding could tell."""
    keys = lease.keys
    rows, raw_format = await broker.ask(
        [("XREVRANGE", keys.audio, "+", "-", "COUNT", 1), ("HGET", keys.record, RecordField.FORMAT)]
    )
    if not rows:
        return "", 0
    entry_id, flat = rows[0]
    total = int(dict(zip(flat[::2], flat[1::2], strict=True)).get(AudioField.BYTES_TOTAL, 0))
    audio = msgspec.json.decode(raw_format, type=AudioFormat) if raw_format else None
    return entry_id.decode(), audio.duration_ms(total) if audio is not None and audio.is_pcm else 0


def _told_ledger(lease: SessionLease, received_ms: int) -> Ledger:
    """The ledger as last written, all that is pending or was never heard turned into a gap."""
    try:
        last = msgspec.json.decode(lease.ledger, type=Ledger) if lease.ledger else Ledger()
    except msgspec.DecodeError:
        last = Ledger()
    begin_ms, end_ms = last.received_ms - last.pending_ms, max(received_ms, last.received_ms)
    if end_ms == begin_ms:
        return last
    return msgspec.structs.replace(
        last,
        received_ms=end_ms,
        pending_ms=0,
        gap_ms=last.gap_ms + end_ms - begin_ms,
        gaps=[*last.gaps, Gap(begin_ms, end_ms, REASON)],
    )
