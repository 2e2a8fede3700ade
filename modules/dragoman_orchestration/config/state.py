"""The runtime configuration as it is kept in Redis: read here, written by ``store``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from dragoman_contracts.config import ConfigDocument
from dragoman_contracts.errors import DragomanError
from dragoman_contracts.streams import ConfigKeys
from dragoman_runtime.broker.redis import RedisBroker

_EMPTY = ConfigDocument()
EMPTY_CHECKSUM = _EMPTY.checksum


class StateField:
    """Fields of ``ConfigKeys.STATE``."""

    DOCUMENT = b"document"
    VERSION = b"version"
    CHECKSUM = b"checksum"
    CHANGED_MS = b"changed_ms"
    CHANGED_BY = b"changed_by"
    CHANGE_ID = b"change_id"


_FIELDS = (
    StateField.VERSION,
    StateField.CHECKSUM,
    StateField.DOCUMENT,
    StateField.CHANGED_MS,
    StateField.CHANGED_BY,
    StateField.CHANGE_ID,
)


class ConfigUnreadable(DragomanError):
    """What is kept is nothing that this version of the product reads; a newer one may have written it."""

    code = "config_unreadable"
    http_status = 503
    default_remedy = "Bring all processes to the version of the newest, or roll back with that version."


@dataclass(frozen=True, slots=True)
class ConfigHead:
    """Which version is in force; of a Redis that holds none, version 0 of the empty document."""

    version: int = 0
    checksum: str = EMPTY_CHECKSUM


@dataclass(frozen=True, slots=True)
class ConfigState:
    """A version of the configuration; ``changed_ms`` is unix ms, 0 of version 0."""

    version: int = 0
    checksum: str = EMPTY_CHECKSUM
    document: ConfigDocument = _EMPTY
    changed_ms: int = 0
    changed_by: str = ""
    change_id: str = ""

    @property
    def head(self) -> ConfigHead:
        """Version and checksum."""
        return ConfigHead(self.version, self.checksum)


async def read_head(broker: RedisBroker) -> ConfigHead:
    """Which version is in force, without its document.

    Raises:
        BusUnavailable: Redis is away.
        ConfigUnreadable: what is kept is no version.

    """
    [[version, checksum]] = await broker.ask(
        [("HMGET", ConfigKeys.STATE, StateField.VERSION, StateField.CHECKSUM)]
    )
    return ConfigHead() if version is None else ConfigHead(_number(version), (checksum or b"").decode())


async def read_state(broker: RedisBroker) -> ConfigState:
    """The version in force.

    Raises:
        BusUnavailable: Redis is away.
        ConfigUnreadable: it is no document that this version of the product reads.

    """
    [values] = await broker.ask([("HMGET", ConfigKeys.STATE, *_FIELDS)])
    return parse_state(values)


def parse_state(values: list[Any]) -> ConfigState:
    """A version of the values of its fields, in the order in which they are asked.

    Raises:
        ConfigUnreadable: see there.

    """
    version, checksum, document, changed_ms, changed_by, change_id = values
    if version is None:
        return ConfigState()
    return ConfigState(
        version=_number(version),
        checksum=(checksum or b"").decode(),
        document=parse_document(document or b""),
        changed_ms=_number(changed_ms or b"0"),
        changed_by=(changed_by or b"").decode(errors="replace"),
        change_id=(change_id or b"").decode(errors="replace"),
    )


def parse_document(raw: bytes | str) -> ConfigDocument:
    """A document of its JSON.

    Raises:
        ConfigUnreadable: it is none; the message names the first field that is not known or not possible.

    """
    try:
        return ConfigDocument.model_validate_json(raw)
    except ValidationError as error:
        # Pydantic's own text quotes the values.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ConfigUnreadable(
            f"the configuration that is kept cannot be read: {place}: {first['msg'][:120]}"
        ) from None


def _number(raw: bytes) -> int:
    try:
        return int(raw)
    except ValueError:
        raise ConfigUnreadable("the configuration that is kept has no number as its version") from None
