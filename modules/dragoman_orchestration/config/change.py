"""What a requested change makes of the configuration in force, and a change's answer; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from dragoman_contracts.config import ChangeState, ConfigDocument, PresetName
from dragoman_contracts.envelope import EnvelopeInvalid
from dragoman_contracts.errors import Conflict, DragomanError, InvalidInput, NotFound
from dragoman_contracts.events import ConfigRollbackRequested, ConfigUpdateRequested
from dragoman_orchestration.config.document import ConfigInvalid, Values, checked_document, merge_patch
from dragoman_orchestration.config.records import ChangeRecord, WrongField

Change = ConfigUpdateRequested | ConfigRollbackRequested

_CHANGE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_preset_name: TypeAdapter[str] = TypeAdapter(PresetName)


class VersionConflict(Conflict):
    """Another change came first: the configuration is no longer the one that this change was made for."""

    default_remedy = "Read the configuration again, decide whether the change still fits, and ask once more."


class RefusedByService(InvalidInput):
    """A service does not take these values; everything runs as before."""

    code = "refused_by_service"
    default_remedy = "Change the field that the service names; what it takes is its own GET /config."


def check_request(change: Change) -> None:
    """Whether this can be answered for at all.

    Raises:
        EnvelopeInvalid: its id is none.

    """
    if not _CHANGE_ID.fullmatch(change.change_id):
        raise EnvelopeInvalid("change_id is not 1 to 64 letters, digits, hyphens and underscores")


def check_expected(change: Change, version: int) -> None:
    """Whether the change was made for this version.

    Raises:
        VersionConflict: it was made for another one.

    """
    if change.expected_version is not None and change.expected_version != version:
        raise VersionConflict(
            f"the change is made for version {change.expected_version}, and version {version} is in force"
        )


def changed(
    document: ConfigDocument, update: ConfigUpdateRequested, *, defaults: Iterable[Values] = ()
) -> ConfigDocument:
    """``document`` after ``update``, checked.

    Raises:
        ConfigInvalid: it would not be possible.
        NotFound: there is no such preset.
        InvalidInput: the update contradicts itself.

    """
    raw = document.to_json()
    if update.scope == "system":
        if update.operation == "delete":
            raise InvalidInput("the system's scope cannot be deleted", remedy="Replace it by an empty one.")
        raw["system"] = _values(update, raw["system"])
    else:
        raw["presets"] = _presets(update, raw["presets"])
    return checked_document(raw, defaults=defaults)


def _presets(update: ConfigUpdateRequested, presets: dict[str, Any]) -> dict[str, Any]:
    name = preset_name(update.preset)
    if update.operation != "replace" and name not in presets:
        raise NotFound(f"there is no preset {name}", remedy="GET /v1/config/presets lists them.")
    others = {other: values for other, values in presets.items() if other != name}
    if update.operation == "delete":
        return others
    return others | {name: _values(update, presets.get(name, {}))}


def preset_name(name: str) -> str:
    """``name``, if it can be one.

    Raises:
        InvalidInput: it cannot.

    """
    try:
        return _preset_name.validate_python(name)
    except ValidationError:
        raise InvalidInput("a preset's name is 1 to 64 small letters, digits and hyphens") from None


def _values(update: ConfigUpdateRequested, current: Any) -> Any:
    # Through a merge, too, when it replaces: that drops what is null.
    return merge_patch(current if update.operation == "merge" else {}, update.values)


# --- what became of it -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change is not made, as its record has it."""

    state: ChangeState
    code: str
    message: str
    errors: list[WrongField]

    @classmethod
    def of(cls, error: DragomanError) -> Refusal:
        """From the error that it was refused with."""
        wrong = error.problems if isinstance(error, ConfigInvalid) else []
        return cls(
            ChangeState.CONFLICT if isinstance(error, VersionConflict) else ChangeState.REJECTED,
            error.code,
            error.message,
            [WrongField(problem.path, problem.message) for problem in wrong],
        )


def refusal_error(record: ChangeRecord) -> DragomanError:
    """The error that tells a caller why the change is not made."""
    if record.state is ChangeState.CONFLICT:
        return VersionConflict(record.message)
    if record.code == NotFound.code:
        return NotFound(
            record.message, remedy="GET /v1/config/presets and /v1/config/history list what there is."
        )
    if record.code == RefusedByService.code:
        return RefusedByService(record.message)
    return InvalidInput(record.message)
