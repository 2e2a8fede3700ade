"""REST: changing the runtime configuration. Values may be names of people: no log line has them."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, NoReturn

from fastapi import APIRouter, Body, Depends, Header, Query, Response, status
from fastapi.exceptions import RequestValidationError
from loguru import logger

from dragoman_contracts.config import ChangeState, ConfigValues
from dragoman_contracts.events import ConfigRollbackRequested, ConfigUpdateRequested
from dragoman_orchestration.api.access import KeyHolder, Parts
from dragoman_orchestration.api.config_schemas import (
    ConfigChange,
    ConfigPreview,
    Name,
    Rollback,
    differences,
)
from dragoman_orchestration.api.preconditions import (
    check_if_match,
    check_if_none_match,
    etag,
    preferred_wait_s,
    tag_of,
)
from dragoman_orchestration.api.sessions import problems
from dragoman_orchestration.config.change import Change, refusal_error
from dragoman_orchestration.config.desk import ConfigDesk
from dragoman_orchestration.config.document import ConfigInvalid, FieldProblem, diff
from dragoman_orchestration.config.records import ChangeRecord
from dragoman_orchestration.config.state import ConfigState
from dragoman_runtime.http_service import PROBLEM_CONTENT

router = APIRouter(prefix="/v1/config", tags=["config"])

MERGE_PATCH = "application/merge-patch+json"

_OF_A_CHANGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The change is made, or, with `dry_run`, what it would do."},
    202: {
        "model": ConfigChange,
        "description": "The change is asked for; `Location` tells where its outcome will be.",
    },
    412: {
        "description": "`If-Match` or `If-None-Match` does not hold: somebody else changed it.",
        "content": PROBLEM_CONTENT,
    },
    **problems(401, 403, 404, 409, 413, 422, 503),
}

Patch = Annotated[
    dict[str, Any],
    Body(
        media_type=MERGE_PATCH,
        description="JSON merge patch (RFC 7396): null takes a field out of this scope.",
        examples=[{"partials": {"enabled": False}, "voice_activity": {"threshold": None}}],
    ),
]


class Wanted:
    """What a request says about how its change is to be made."""

    def __init__(
        self,
        *,
        response: Response,
        container: Parts,
        principal: KeyHolder,
        if_match: Annotated[
            str | None, Header(description="ETag that the change is made for; left out: any.")
        ] = None,
        if_none_match: Annotated[
            str | None, Header(description="`*`: make the preset only if there is none.")
        ] = None,
        prefer: Annotated[
            str | None, Header(description="`wait=<seconds>`, at most 10: wait for the outcome.")
        ] = None,
        dry_run: Annotated[
            bool, Query(description="Check the change and tell what it would do; change nothing.")
        ] = False,
    ) -> None:
        self.response = response
        self.desk: ConfigDesk = container.config_desk()
        self.who = principal.name
        self.change_id = uuid.uuid4().hex
        self.dry_run = dry_run
        self._if_match = if_match
        self._if_none_match = if_none_match
        self._wait_s = preferred_wait_s(prefer)

    async def state(self, *, preset: str | None = None) -> tuple[ConfigState, int | None]:
        """The version in force, and the version that the caller binds the change to.

        Raises:
            PreconditionFailed: ``If-Match`` or ``If-None-Match`` does not hold.

        """
        state = await self.desk.store.read()
        exists = preset is None or preset in state.document.presets
        is_bound = check_if_match(self._if_match, tag_of(state), exists=exists)
        check_if_none_match(self._if_none_match, exists=exists)
        return state, state.version if is_bound else None

    async def make(self, change: Change, state: ConfigState) -> ConfigChange | ConfigPreview:
        """Have the change made, or tell what it would do.

        Raises:
            RequestValidationError: it is not possible; each wrong field is named.
            VersionConflict: another change came first.
            RefusedByService: a service does not take it.
            NotFound: there is no such preset or version.

        """
        try:
            document = await self.desk.planner.document(change, state)
        except ConfigInvalid as error:
            _refuse_fields(error.problems, change)
        if self.dry_run:
            return ConfigPreview(
                from_version=state.version,
                checksum=document.checksum,
                changes=differences(diff(state.document.to_json(), document.to_json())),
                document=document.to_json(),
            )
        record = await self.desk.submit(change, wait_s=self._wait_s)
        logger.info(
            "change {} of the configuration by {}: {}", record.change_id, self.who, record.state.value
        )
        return await self._answer(record, state, change)

    async def _answer(self, record: ChangeRecord, state: ConfigState, change: Change) -> ConfigChange:
        if self._wait_s:
            self.response.headers["preference-applied"] = f"wait={self._wait_s}"
        self.response.headers["location"] = f"/v1/config/changes/{record.change_id}"
        self.response.headers["etag"] = tag_of(state)
        if not record.is_final:
            self.response.status_code = status.HTTP_202_ACCEPTED
        elif record.state is ChangeState.APPLIED:
            made = await self.desk.store.version(record.version)
            self.response.headers["etag"] = etag(made.version, made.checksum)
        elif record.errors:
            _refuse_fields([FieldProblem(one.location, one.message) for one in record.errors], change)
        else:
            raise refusal_error(record)
        return ConfigChange.of(record)


How = Annotated[Wanted, Depends()]


@router.put("", summary="Replace what is set for the whole installation", responses=_OF_A_CHANGE)
async def put_config(how: How, values: ConfigValues) -> ConfigChange | ConfigPreview:
    """What is left out or null is no longer set. Presets stay."""
    return await _update(how, "system", "replace", values.set_values())


@router.patch("", summary="Change what is set for the whole installation", responses=_OF_A_CHANGE)
async def patch_config(how: How, patch: Patch) -> ConfigChange | ConfigPreview:
    """Merge into the system's scope; null takes a field out."""
    return await _update(how, "system", "merge", patch)


@router.put("/presets/{name}", summary="Make or replace a preset", responses=_OF_A_CHANGE)
async def put_preset(how: How, name: Name, values: ConfigValues) -> ConfigChange | ConfigPreview:
    """A preset sets voice_activity, recognition and partials only. `If-None-Match: *` replaces none."""
    return await _update(how, "preset", "replace", values.set_values(), preset=name)


@router.patch("/presets/{name}", summary="Change a preset", responses=_OF_A_CHANGE)
async def patch_preset(how: How, name: Name, patch: Patch) -> ConfigChange | ConfigPreview:
    """Merge into the preset; null takes a field out."""
    return await _update(how, "preset", "merge", patch, preset=name)


@router.delete("/presets/{name}", summary="Delete a preset", responses=_OF_A_CHANGE)
async def delete_preset(how: How, name: Name) -> ConfigChange | ConfigPreview:
    """Sessions that name it go on without. The preset that `session.preset` names cannot be deleted."""
    return await _update(how, "preset", "delete", {}, preset=name)


@router.post("/rollback", summary="Return to a version", responses=_OF_A_CHANGE)
async def roll_back(how: How, wanted: Rollback) -> ConfigChange | ConfigPreview:
    """All scopes are again as in that version; it becomes a new version."""
    state, expected = await how.state()
    change = ConfigRollbackRequested(
        change_id=how.change_id,
        to_version=wanted.to_version,
        expected_version=expected,
        requested_by=how.who,
    )
    return await how.make(change, state)


async def _update(
    how: Wanted,
    scope: Literal["system", "preset"],
    operation: Literal["replace", "merge", "delete"],
    values: dict[str, Any],
    *,
    preset: str = "",
) -> ConfigChange | ConfigPreview:
    state, expected = await how.state(preset=preset or None)
    change = ConfigUpdateRequested(
        change_id=how.change_id,
        scope=scope,
        operation=operation,
        preset=preset,
        values=values,
        expected_version=expected,
        requested_by=how.who,
    )
    return await how.make(change, state)


def _refuse_fields(wrong: list[FieldProblem], change: Change) -> NoReturn:
    """Name the wrong fields by their places in the body, if they are in it."""
    own = "system."
    if isinstance(change, ConfigUpdateRequested) and change.scope == "preset":
        own = f"presets.{change.preset}."
    raise RequestValidationError(
        [
            {
                "type": "value_error",
                "loc": ("body" if one.path.startswith(own) else "config", one.path.removeprefix(own)),
                "msg": one.message,
            }
            for one in wrong
        ]
    )
