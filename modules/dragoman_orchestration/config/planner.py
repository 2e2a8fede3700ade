"""What a change would make of the configuration, checked against how the living processes were started."""

from __future__ import annotations

from dragoman_contracts.config import ConfigDocument
from dragoman_contracts.events import ConfigRollbackRequested
from dragoman_orchestration.config.change import Change, changed, check_expected
from dragoman_orchestration.config.document import checked_document
from dragoman_orchestration.config.processes import audio_defaults
from dragoman_orchestration.config.state import ConfigState
from dragoman_orchestration.config.store import ConfigStore
from dragoman_runtime.broker.redis import RedisBroker


class ChangePlanner:
    """Makes the document that a change asks for; the API looks ahead by it, the worker decides by it."""

    def __init__(self, broker: RedisBroker, store: ConfigStore) -> None:
        self._broker = broker
        self._store = store

    async def document(self, change: Change, state: ConfigState) -> ConfigDocument:
        """What the change makes of ``state``.

        Raises:
            VersionConflict: it was made for another version.
            InvalidInput: it is not possible; ``ConfigInvalid`` names the fields.
            NotFound: there is no such preset or version.
            BusUnavailable: Redis is away.

        """
        check_expected(change, state.version)
        defaults = await audio_defaults(self._broker)
        if isinstance(change, ConfigRollbackRequested):
            document = await self._store.document(change.to_version)
            return checked_document(document.to_json(), defaults=defaults)
        return changed(state.document, change, defaults=defaults)
