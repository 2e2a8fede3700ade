"""REST: the runtime configuration. Values may be names of people and products: no log line has them."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, NoReturn

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Response, status
from fastapi.exceptions import RequestValidationError
from loguru import logger

from dragoman_contracts.config import ChangeState, ConfigValues, PresetName
from dragoman_contracts.errors import NotFound
from dragoman_contracts.events import ConfigRollbackRequested, ConfigUpdateRequested
from dragoman_orchestration.api.access import KeyHolder, Parts
from dragoman_orchestration.api.config_schemas import (
    ConfigChange,
    ConfigDiff,
    ConfigPreview,
    ConfigView,
    EffectiveConfig,
    History,
    PresetNames,
    PresetView,
    Rollback,
    VersionSummary,
    VersionView,
    differences,
)
from dragoman_orchestration.api.preconditions import (
    check_if_match,
    check_if_none_match,
    etag,
    is_known,
    preferred_wait_s,
)
from dragoman_orchestration.api.sessions import problems
from dragoman_orchestration.config.change import Change, preset_name, refusal_error
from dragoman_orchestration.config.desk import ConfigDesk
from dragoman_orchestration.config.document import ConfigInvalid, FieldProblem, diff, effective
from dragoman_orchestration.config.processes import newest_audio, sections_of
from dragoman_orchestration.config.records import ChangeRecord
from dragoman_orchestration.config.state import ConfigState
from dragoman_orchestration.fleet.reporter import read_processes
from dragoman_runtime.http_service import PROBLEM_TYPE, Problem

router = APIRouter(prefix="/v1/config", tags=["config"])

MERGE_PATCH = "application/merge-patch+json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_CHANGED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The change is made, or, with `dry_run`, what it would do."},
    202: {
        "model": ConfigChange,
        "description": "The change is asked for; `Location` tells where its outcome will be.",
    },
}
_OF_A_CHANGE: dict[int | str, dict[str, Any]] = {
    **_CHANGED,
    412: {
        "description": "`If-Match` or `If-None-Match` does not hold: somebody else changed it.",
        "content": {PROBLEM_TYPE: {"schema": Problem.model_json_schema()}},
    },
    **problems(401, 403, 404, 409, 413, 422, 503),
}
_UNCHANGED = {"description": "It is what `If-None-Match` names."}

Name = Annotated[
    PresetName, Path(description="1 to 64 small letters, digits and hyphens.", examples=["lecture"])
]
Version = Annotated[int, Path(ge=0, le=2**53, examples=[7])]
IfNoneMatch = Annotated[str | None, Header(description="ETags that are known already.")]
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
        is_bound = check_if_match(self._if_match, _tag(state), exists=exists)
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
        self.response.headers["etag"] = _tag(state)
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


# --- reading ---------------------------------------------------------------------------------------------


@router.get(
    "",
    summary="What is set for the whole installation",
    response_model=ConfigView,
    response_model_exclude_defaults=True,
    responses={304: _UNCHANGED, **problems(401, 403, 503)},
)
async def get_config(
    response: Response, container: Parts, _: KeyHolder, if_none_match: IfNoneMatch = None
) -> ConfigView | Response:
    """The system's scope, the version of the configuration, and the names of its presets."""
    state = await container.config_desk().store.read()
    return _tagged(response, state, if_none_match) or ConfigView.of(state)


@router.get("/schema", summary="JSON Schema of the values", responses=problems(401, 403))
async def get_config_schema(_: KeyHolder) -> dict[str, Any]:
    """What each scope can set, with units, bounds and examples."""
    return {"$schema": DIALECT, **ConfigValues.model_json_schema()}


@router.get("/effective", summary="What a new session runs with", responses=problems(401, 403, 404, 422, 503))
async def get_effective_config(
    response: Response,
    container: Parts,
    _: KeyHolder,
    preset: Annotated[
        str | None,
        Query(max_length=64, description="Left out: the one that sessions get; empty: none."),
    ] = None,
    profile: Annotated[
        str | None, Query(pattern="^[a-z0-9-]{1,32}$", description="Left out: the one that sessions get.")
    ] = None,
) -> EffectiveConfig:
    """The values of all scopes together, and the scope that each comes from."""
    state = await container.config_desk().store.read()
    session = state.document.system.session
    named = session.preset if preset is None else preset or None
    if named is not None and named not in state.document.presets:
        raise _no_preset(named)
    profile = profile or session.profile or container.settings().default_profile
    report = newest_audio(await read_processes(container.store_wire())).get(profile)
    values, provenance = effective(sections_of(report) if report else {}, state.document, named)
    response.headers["etag"] = _tag(state)
    return EffectiveConfig(
        profile=profile,
        preset=named,
        version=state.version,
        started_by=report.name if report else None,
        values=values,
        provenance=provenance,
    )


@router.get("/presets", summary="List the presets", responses=problems(401, 403, 503))
async def list_presets(response: Response, container: Parts, _: KeyHolder) -> PresetNames:
    """The names that sessions can give in `preset`."""
    state = await container.config_desk().store.read()
    response.headers["etag"] = _tag(state)
    return PresetNames(presets=sorted(state.document.presets), version=state.version)


@router.get(
    "/presets/{name}",
    summary="Get a preset",
    response_model=PresetView,
    response_model_exclude_defaults=True,
    responses={304: _UNCHANGED, **problems(401, 403, 404, 422, 503)},
)
async def get_preset(
    response: Response, container: Parts, _: KeyHolder, name: Name, if_none_match: IfNoneMatch = None
) -> PresetView | Response:
    """What the preset sets."""
    state = await container.config_desk().store.read()
    values = state.document.presets.get(name)
    if values is None:
        raise _no_preset(name)
    known = _tagged(response, state, if_none_match)
    return known or PresetView(name=name, values=values, version=state.version)


@router.get("/history", summary="List the versions", responses=problems(401, 403, 422, 503))
async def list_versions(
    container: Parts,
    _: KeyHolder,
    limit: Annotated[int, Query(ge=1, le=100, description="Versions of one page.")] = 20,
    before: Annotated[
        int | None, Query(ge=1, le=2**53, description="`next_before` of the page before.")
    ] = None,
) -> History:
    """Who changed the configuration and when, newest first."""
    records = await container.config_desk().store.history(limit=limit + 1, before=before)
    page = [VersionSummary.of(record) for record in records[:limit]]
    return History(versions=page, next_before=page[-1].version if len(records) > limit else None)


@router.get(
    "/history/{version}",
    summary="Get a version",
    responses=problems(401, 403, 404, 422, 503),
)
async def get_version(container: Parts, _: KeyHolder, version: Version) -> VersionView:
    """All that the version set."""
    record = await container.config_desk().store.version(version)
    return VersionView(**VersionSummary.of(record).model_dump(), document=record.document)


@router.get("/diff", summary="What differs between two versions", responses=problems(401, 403, 404, 422, 503))
async def get_diff(
    container: Parts,
    _: KeyHolder,
    older: Annotated[int, Query(alias="from", ge=0, le=2**53, description="A version.")],
    newer: Annotated[
        int | None,
        Query(alias="to", ge=0, le=2**53, description="Another; left out: the one in force."),
    ] = None,
) -> ConfigDiff:
    """Field by field, in both scopes."""
    store = container.config_desk().store
    if newer is None:
        newer = (await store.read()).version
    before, after = await store.version(older), await store.version(newer)
    changes = differences(diff(before.document, after.document))
    return ConfigDiff(from_version=older, to_version=newer, changes=changes)


@router.get(
    "/changes/{change_id}", summary="What became of a change", responses=problems(401, 403, 404, 422, 503)
)
async def get_change(
    container: Parts,
    _: KeyHolder,
    change_id: Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$")],
) -> ConfigChange:
    """Kept for seven days."""
    record = await container.config_desk().store.change(change_id)
    if record is None:
        raise NotFound("there is no such change, or it was made long ago", remedy="GET /v1/config/history")
    return ConfigChange.of(record)


# --- changing --------------------------------------------------------------------------------------------


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


# --- helpers ---------------------------------------------------------------------------------------------


def _tag(state: ConfigState) -> str:
    return etag(state.version, state.checksum)


def _tagged(response: Response, state: ConfigState, if_none_match: str | None) -> Response | None:
    """Set the ETag; the whole answer, if the caller has this version already."""
    response.headers["etag"] = _tag(state)
    if is_known(if_none_match, _tag(state)):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"etag": _tag(state)})
    return None


def _no_preset(name: str) -> NotFound:
    return NotFound(f"there is no preset {preset_name(name)}", remedy="GET /v1/config/presets lists them.")


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
