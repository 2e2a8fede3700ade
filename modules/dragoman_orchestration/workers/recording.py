"""The audio worker's part in recordings: writes them, tells how they went, deletes what is too old."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from loguru import logger

from dragoman_contracts.errors import BusUnavailable, NotFound
from dragoman_orchestration.recordings.disk_threads import DiskThreads
from dragoman_orchestration.recordings.folder import RecordingFile, RecordingFolder, failure_of
from dragoman_orchestration.recordings.recorder import Recorder
from dragoman_orchestration.recordings.settings import RecordingSettings
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.recording import RecordingStatus
from dragoman_orchestration.session.store import SessionStore
from dragoman_orchestration.workers import metrics
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Script, TickScripts
from dragoman_runtime.session_lease import SessionLease

SWEEP_INTERVAL_S = 3_600.0
ORPHAN_S = 600
"""A file that no session has is deleted after this: one that is just being created has none yet."""
_MARK = Script.load(Path(__file__).parents[1] / "session" / "lua" / "mark_recording.lua")


class Recordings:
    """All recordings of one worker; costs nothing as long as no session is recorded."""

    def __init__(self, settings: RecordingSettings, broker: RedisBroker, *, shards: int) -> None:
        self._folder = RecordingFolder(Path(settings.dir)) if settings.dir else None
        self._keep_s = settings.keep_s
        self._scripts = TickScripts(broker)
        self._store = SessionStore(broker, shards=shards)
        self._disk = DiskThreads()
        self._sweep_due = 0.0

    def recorder(self, session_id: str) -> Recorder:
        """Writes the recording of a session that this worker leases."""
        return Recorder(session_id, self._folder, self._disk)

    async def tell(self, lease: SessionLease, status: RecordingStatus) -> None:
        """Let the session's record say how its recording went; one that was deleted stays so.

        Raises:
            BusUnavailable: Redis is away.

        """
        keys = lease.keys
        told = await self._scripts.run(_MARK, (keys.owner, keys.record), (lease.token, status.encode()))
        if told and status.reason is not None:
            metrics.RECORDINGS_FAILED.labels(status.reason).inc()
            logger.bind(session_id=lease.session_id).warning(
                "session {} is recorded no further: {}", lease.session_id, status.reason
            )

    async def sweep(self) -> None:
        """Every hour delete what has been kept long enough, and what no session has any more."""
        now = time.monotonic()
        if self._folder is None or now < self._sweep_due:
            return
        self._sweep_due = now + SWEEP_INTERVAL_S
        try:
            found = await self._disk.run(self._folder.all)
            swept = [one.session_id for one in found if await self._is_over(one)]
            for session_id in swept:
                await self._disk.run(partial(self._folder.remove, session_id))
        except OSError as error:
            logger.warning("the recordings cannot be looked through: {}", failure_of(error))
            return
        if swept:
            logger.info("{} recordings were kept long enough and are deleted", len(swept))

    def close(self) -> None:
        """End the thread that writes."""
        self._disk.close()

    async def _is_over(self, file: RecordingFile) -> bool:
        """Whether a recording is to be deleted; then its session tells of none already."""
        age_s = time.time() - file.modified_ns / 1e9
        if age_s < min(ORPHAN_S, self._keep_s):
            return False
        try:
            record = await self._store.get(file.session_id)
            if record.status is not Status.ENDED or age_s < self._keep_s:
                return False
            await self._store.forget_recording(file.session_id)
        except NotFound:
            return age_s >= ORPHAN_S
        except BusUnavailable:
            return False  # looked at again in an hour
        return True
