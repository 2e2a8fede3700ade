"""REST: reading the runtime configuration, its history, and what is in force where."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response, status

from dragoman_contracts.config import ConfigValues
from dragoman_contracts.errors import NotFound
from dragoman_orchestration.api.access import KeyHolder, Parts
from dragoman_orchestration.api.config_schemas import (
    ConfigChange,
    ConfigDiff,
    ConfigView,
    EffectiveConfig,
    History,
    Name,
    PresetNames,
    PresetView,
    VersionSummary,
    VersionView,
    differences,
)
from dragoman_orchestration.api.preconditions import is_known, tag_of
from dragoman_orchestration.api.sessions import problems
from dragoman_orchestration.config.change import preset_name
from dragoman_orchestration.config.document import diff, effective
from dragoman_orchestration.config.processes import newest_audio, sections_of
from dragoman_orchestration.config.state import ConfigState
from dragoman_orchestration.fleet.reporter import read_processes

router = APIRouter(prefix="/v1/config", tags=["config"])

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_UNCHANGED = {"description": "It is what `If-None-Match` names."}

Version = Annotated[int, Path(ge=0, le=2**53, examples=[7])]
IfNoneMatch = Annotated[str | None, Header(description="ETags that are known already.")]


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
    response.headers["etag"] = tag_of(state)
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
    response.headers["etag"] = tag_of(state)
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


def _tagged(response: Response, state: ConfigState, if_none_match: str | None) -> Response | None:
    """Set the ETag; the whole answer, if the caller has this version already."""
    response.headers["etag"] = tag_of(state)
    if is_known(if_none_match, tag_of(state)):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"etag": tag_of(state)})
    return None


def _no_preset(name: str) -> NotFound:
    return NotFound(f"there is no preset {preset_name(name)}", remedy="GET /v1/config/presets lists them.")
