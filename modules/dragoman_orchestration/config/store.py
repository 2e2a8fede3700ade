"""The configuration in Redis: the version in force, those before, and what became of each change.

All keys share one slot. A new version is made by one script that compares the version that it was made from:
of two writers one wins, whatever they believe about locks.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from dragoman_contracts.config import ConfigDocument
from dragoman_contracts.errors import NotFound
from dragoman_contracts.streams import ConfigKeys
from dragoman_orchestration.config.records import ChangeRecord, VersionRecord
from dragoman_orchestration.config.state import ConfigState, parse_document, read_state
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Script, TickScripts

KEPT_VERSIONS = 100
CHANGES_KEPT_S = 7 * 86_400

_LUA = Path(__file__).parent / "lua"
_changes = msgspec.json.Decoder(ChangeRecord)
_versions = msgspec.json.Decoder(VersionRecord)


def now_ms() -> int:
    """Unix time in ms."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Commit:
    """What came of an attempt to make a version: ``record`` is the change's, if it was decided before."""

    outcome: Literal["stored", "known", "conflict"]
    record: ChangeRecord | None = None


class ConfigStore:
    """The configuration's keys. Every method raises ``BusUnavailable`` while Redis is away."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker
        self._scripts = TickScripts(broker)
        self._commit = Script.load(_LUA / "commit_change.lua")
        self._note = Script.load(_LUA / "note_change.lua")

    async def read(self) -> ConfigState:
        """The version in force.

        Raises:
            ConfigUnreadable: it is no document that this version of the product reads.

        """
        return await read_state(self._broker)

    async def commit(self, state: ConfigState, record: ChangeRecord, *, expected_version: int) -> Commit:
        """Make ``state`` the version in force and ``record`` what became of its change, both or neither."""
        outcome, told = await self._scripts.run(
            self._commit,
            [ConfigKeys.STATE, ConfigKeys.HISTORY, ConfigKeys.change(record.change_id)],
            [
                expected_version,
                state.version,
                msgspec.json.encode(state.document.to_json()),
                state.checksum,
                state.changed_ms,
                state.changed_by,
                state.change_id,
                msgspec.json.encode(_version_record(state)),
                KEPT_VERSIONS,
                msgspec.json.encode(record),
                CHANGES_KEPT_S,
            ],
        )
        if outcome == b"known":
            return Commit("known", _changes.decode(told))
        return Commit("stored" if outcome == b"stored" else "conflict")

    async def note(self, record: ChangeRecord) -> ChangeRecord:
        """Keep what becomes of a change; what is kept then: an outcome that was decided before stays."""
        kept = await self._scripts.run(
            self._note,
            [ConfigKeys.change(record.change_id)],
            [msgspec.json.encode(record), CHANGES_KEPT_S],
        )
        return _changes.decode(kept)

    async def change(self, change_id: str) -> ChangeRecord | None:
        """What became of a change; None if nothing is known of it (any more)."""
        [raw] = await self._broker.ask([("GET", ConfigKeys.change(change_id))])
        return None if raw is None else _changes.decode(raw)

    async def history(self, *, limit: int, before: int | None = None) -> list[VersionRecord]:
        """The newest versions first, beginning under ``before``."""
        top = "+inf" if before is None else f"({before}"
        [rows] = await self._broker.ask(
            [("ZREVRANGEBYSCORE", ConfigKeys.HISTORY, top, "-inf", "LIMIT", 0, limit)]
        )
        return [_versions.decode(row) for row in rows]

    async def version(self, number: int) -> VersionRecord:
        """A version that is kept; 0 is the empty document.

        Raises:
            NotFound: there is none, or it is not kept any more.

        """
        if number == 0:
            return _version_record(ConfigState())
        [rows] = await self._broker.ask([("ZRANGEBYSCORE", ConfigKeys.HISTORY, number, number)])
        if not rows:
            raise NotFound(
                f"version {number} of the configuration is not kept",
                remedy=f"GET /v1/config/history lists the last {KEPT_VERSIONS} versions.",
            )
        return _versions.decode(rows[0])

    async def document(self, number: int) -> ConfigDocument:
        """The document of a version that is kept.

        Raises:
            NotFound: there is none, or it is not kept any more.
            ConfigUnreadable: this version of the product does not read it.

        """
        record = await self.version(number)
        return parse_document(msgspec.json.encode(record.document))


def _version_record(state: ConfigState) -> VersionRecord:
    return VersionRecord(
        version=state.version,
        checksum=state.checksum,
        changed_ms=state.changed_ms,
        changed_by=state.changed_by,
        change_id=state.change_id,
        document=state.document.to_json(),
    )
