"""A session that fails every worker: told to its clients, kept among the dead letters, ended."""

from __future__ import annotations

import msgspec
from loguru import logger

from dragoman_contracts.streams import StateField
from dragoman_contracts.websocket import ErrorMessage, Gap, Ledger, SessionEndedMessage
from dragoman_runtime.session_lease import ResultBatch, ResultEvent, SessionLease, SessionLeases

REASON = "failed"


async def bury(lease: SessionLease, leases: SessionLeases, *, retention_s: int) -> None:
    """End a session whose processing failed again and again; ``lease`` must be activated.

    Raises:
        Fenced: another worker owns it.

    """
    logger.error(
        "session {} failed {} times and goes to the dead letters", lease.session_id, lease.times_delivered
    )
    await leases.dead_letter(lease, f"taken over {lease.times_delivered - 1} times without progress")
    ledger = _told_ledger(lease)
    await leases.publish(
        lease,
        ResultBatch(
            events=[
                ResultEvent("error", msgspec.json.encode(_FAILED)),
                ResultEvent(
                    "session.ended", msgspec.json.encode(SessionEndedMessage(reason=REASON, ledger=ledger))
                ),
            ],
            state={StateField.LEDGER: msgspec.json.encode(ledger)},
        ),
    )
    await leases.end(lease, retention_s=retention_s)


_FAILED = ErrorMessage(
    code="session_failed",
    message="the session's audio could not be processed by any worker",
    remedy="Create a new session; the operator finds this one on the dead-letter stream and in the logs.",
    permanent=True,
)


def _told_ledger(lease: SessionLease) -> Ledger:
    """The ledger as last written, its pending audio turned into a gap."""
    last = msgspec.json.decode(lease.ledger, type=Ledger) if lease.ledger else Ledger()
    if not last.pending_ms:
        return last
    gap = Gap(last.received_ms - last.pending_ms, last.received_ms, REASON)
    return msgspec.structs.replace(
        last, pending_ms=0, gap_ms=last.gap_ms + last.pending_ms, gaps=[*last.gaps, gap]
    )
