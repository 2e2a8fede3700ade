"""Applies one change of the configuration: check, push to the services, store, tell everybody.

A change is decided once, however often it is delivered: its record says how. A death before the version is
stored leaves the version before in force, and whoever takes the change over begins again; a death after it
leaves the snapshot to be told, and whoever takes it over tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from loguru import logger
from prometheus_client import Counter

from dragoman_contracts.config import ChangeState, ConfigDocument
from dragoman_contracts.errors import DragomanError, NotFound, Unavailable
from dragoman_contracts.events import ConfigChangeRejected, ConfigSnapshot
from dragoman_orchestration.config.announcer import Announcer
from dragoman_orchestration.config.change import (
    Change,
    Refusal,
    RefusedByService,
    VersionConflict,
    check_request,
)
from dragoman_orchestration.config.planner import ChangePlanner
from dragoman_orchestration.config.records import ChangeRecord
from dragoman_orchestration.config.services import Outcome, ServiceAnswer, ServiceFleet
from dragoman_orchestration.config.state import ConfigState
from dragoman_orchestration.config.store import ConfigStore, now_ms
from dragoman_orchestration.config.turn import ChangeTurn
from dragoman_runtime.broker.consumer import describe

MAX_RACES = 5
"""How often a change that takes any version is made anew because another came first."""

CHANGES = Counter(
    "dragoman_config_changes_total",
    "Requested changes of the configuration, by what became of them: applied, rejected, conflict.",
    ["state"],
)


class ConfigApplier:
    """Makes versions of the configuration.

    Args:
        store: where they are kept.
        services: that get their sections pushed.
        announcer: tells on the stream.
        turn: keeps pushes from crossing each other.
        planner: makes the documents.

    """

    def __init__(
        self,
        store: ConfigStore,
        services: ServiceFleet,
        announcer: Announcer,
        turn: ChangeTurn,
        planner: ChangePlanner,
    ) -> None:
        self._store = store
        self._services = services
        self._announcer = announcer
        self._turn = turn
        self._planner = planner

    async def apply(self, change: Change) -> ChangeRecord:
        """Apply a change, or tell again what became of it; its record, which is final.

        Raises:
            EnvelopeInvalid: the change's id is none.
            BusUnavailable: Redis is away; whether the change is made is not known. Apply it again.
            ConfigBusy: another change takes long; apply it again.

        """
        check_request(change)
        known = await self._store.change(change.change_id)
        if known is None or not known.is_final:
            async with self._turn.taken():
                known = await self._decide(change, known)
        await self._announce(known)
        return known

    # --- one change --------------------------------------------------------------------------------------

    async def _decide(self, change: Change, known: ChangeRecord | None) -> ChangeRecord:
        record = ChangeRecord(
            change_id=change.change_id,
            state=ChangeState.APPLYING,
            requested_by=change.requested_by,
            requested_ms=known.requested_ms if known else now_ms(),
        )
        record = await self._store.note(record)
        if record.is_final:
            return record  # another process was faster
        try:
            return await self._attempt(change, record)
        except Unavailable:
            raise  # whoever gets it next begins again
        except DragomanError as error:
            return await self._refuse(record, error)
        except Exception as error:
            reason = describe(error)
            logger.error("change {} of the configuration breaks the worker: {}", record.change_id, reason)
            return await self._refuse(record, DragomanError(f"the change cannot be handled: {reason}"))

    async def _attempt(self, change: Change, record: ChangeRecord) -> ChangeRecord:
        for _ in range(MAX_RACES):
            state = await self._store.read()
            document = await self._planner.document(change, state)
            decided = await self._make(record, state, document)
            if decided is not None:
                return decided
        raise VersionConflict("other changes came first, again and again")

    async def _make(
        self, record: ChangeRecord, state: ConfigState, document: ConfigDocument
    ) -> ChangeRecord | None:
        """Push and store; None if another version came first."""
        if document.checksum == state.checksum:
            return await self._settle(record, state=ChangeState.APPLIED, version=state.version)
        # Only where something changes: a service that is away, or at odds with what is in force already,
        # holds up no change that does not concern it.
        affected = self._services.affected(state.document, document)
        answers = await self._services.push(document, only=affected)
        refused = [answer for answer in answers if answer.outcome is Outcome.REFUSED]
        told = {answer.name: answer.told for answer in answers}
        if refused:
            await self._push_back(state, only=affected)
            error = RefusedByService(
                "; ".join(f"{answer.name} does not take it: {answer.reason}" for answer in refused)
            )
            return await self._refuse(record, error, services=told)
        following = ConfigState(
            version=state.version + 1,
            checksum=document.checksum,
            document=document,
            changed_ms=now_ms(),
            changed_by=record.requested_by,
            change_id=record.change_id,
        )
        applied = _decided(record, state=ChangeState.APPLIED, version=following.version, services=told)
        commit = await self._store.commit(following, applied, expected_version=state.version)
        if commit.outcome == "stored":
            self._tell(applied, answers)
            return applied
        # Whoever came first has pushed as well, before or after this process.
        await self._push_back(await self._store.read())
        return commit.record

    async def _push_back(self, state: ConfigState, *, only: Sequence[str] | None = None) -> None:
        """The services run as before; one that is away now is brought up to date when it returns."""
        for answer in await self._services.push(state.document, only=only):
            if answer.outcome is not Outcome.IN_SYNC:
                logger.warning("{} is not back at version {}: {}", answer.name, state.version, answer.outcome)

    # --- its outcome -------------------------------------------------------------------------------------

    async def _refuse(
        self, record: ChangeRecord, error: DragomanError, *, services: dict[str, str] | None = None
    ) -> ChangeRecord:
        refusal = Refusal.of(error)
        return await self._settle(
            record,
            state=refusal.state,
            code=refusal.code,
            message=refusal.message,
            errors=refusal.errors,
            services=services or {},
        )

    async def _settle(self, record: ChangeRecord, **outcome: Any) -> ChangeRecord:
        kept = await self._store.note(_decided(record, **outcome))
        self._tell(kept, ())
        return kept

    def _tell(self, record: ChangeRecord, answers: Sequence[ServiceAnswer]) -> None:
        # Neither values nor a service's words: they may be anybody's.
        CHANGES.labels(record.state.value).inc()
        pending = [answer.name for answer in answers if answer.outcome is not Outcome.IN_SYNC]
        logger.info(
            "change {} of the configuration: {}{}{}",
            record.change_id,
            record.state.value,
            f", version {record.version}" if record.version else f", {record.code}",
            f"; not there yet: {', '.join(pending)}" if pending else "",
        )

    async def _announce(self, record: ChangeRecord) -> None:
        """Tell everybody; again if it was told before, under the same event id."""
        if record.state is not ChangeState.APPLIED:
            event = ConfigChangeRejected(change_id=record.change_id, code=record.code, message=record.message)
            await self._announcer.tell(event, subject=record.change_id, key=record.change_id)
            return
        try:
            version = await self._store.version(record.version)
        except NotFound:
            return  # so long ago that the history has forgotten it
        snapshot = ConfigSnapshot(
            version=version.version,
            checksum=version.checksum,
            document=version.document,
            changed_by=version.changed_by,
            change_id=record.change_id,
        )
        await self._announcer.tell(snapshot, subject=record.change_id, key=record.change_id)


def _decided(record: ChangeRecord, **outcome: Any) -> ChangeRecord:
    return msgspec.structs.replace(record, decided_ms=now_ms(), **outcome)
