"""Where the API has the configuration changed: by the config worker, or by itself."""

from __future__ import annotations

import asyncio

from dragoman_contracts.config import ChangeState
from dragoman_orchestration.config.announcer import Announcer
from dragoman_orchestration.config.applier import ConfigApplier
from dragoman_orchestration.config.change import Change
from dragoman_orchestration.config.planner import ChangePlanner
from dragoman_orchestration.config.records import ChangeRecord
from dragoman_orchestration.config.store import ConfigStore, now_ms
from dragoman_runtime.broker.redis import RedisBroker

SOURCE = "/dragoman/api"
POLL_S = 0.05


class ConfigDesk:
    """Takes changes.

    Args:
        broker: Redis.
        applier: applies changes here; None: the config worker does.

    """

    def __init__(self, broker: RedisBroker, *, applier: ConfigApplier | None = None) -> None:
        self.store = ConfigStore(broker)
        self.planner = ChangePlanner(broker, self.store)
        self._announcer = Announcer(broker, SOURCE)
        self._applier = applier

    async def submit(self, change: Change, *, wait_s: float = 0.0) -> ChangeRecord:
        """Have a change made; what has become of it after at most ``wait_s`` seconds.

        Raises:
            BusUnavailable: Redis is away; whether the change will be made is not known.
            ConfigBusy: other changes take long (only where changes are applied here).

        """
        if self._applier is not None:
            return await self._applier.apply(change)
        record = ChangeRecord(
            change_id=change.change_id,
            state=ChangeState.REQUESTED,
            requested_by=change.requested_by,
            requested_ms=now_ms(),
        )
        # First the record: a worker must not decide what a later write would then call undecided.
        record = await self.store.note(record)
        await self._announcer.tell(change, subject=change.change_id)
        return await self._outcome(record, wait_s)

    async def _outcome(self, record: ChangeRecord, wait_s: float) -> ChangeRecord:
        deadline = asyncio.get_running_loop().time() + wait_s
        while not record.is_final and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(POLL_S)
            record = await self.store.change(record.change_id) or record
        return record
