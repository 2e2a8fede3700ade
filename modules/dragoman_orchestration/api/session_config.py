"""REST: what a session sets of the runtime configuration, and what is in force for it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from loguru import logger
from pydantic import BaseModel, Field

from dragoman_contracts.config import SESSION_SECTIONS, ConfigValues, PresetName
from dragoman_orchestration.api.access import KeyHolder, Parts
from dragoman_orchestration.api.sessions import SessionId, problems
from dragoman_orchestration.config.document import effective
from dragoman_orchestration.config.processes import newest_audio, sections_of
from dragoman_orchestration.container import ApiContainer
from dragoman_orchestration.fleet.reporter import read_processes
from dragoman_orchestration.session.config_scope import SessionConfig, checked_scope

router = APIRouter(prefix="/v1/sessions", tags=["config"])


class SessionConfigView(BaseModel):
    """What a session runs with, and where each value comes from."""

    preset: PresetName | None = Field(description="The preset that the session names.", examples=["lecture"])
    config: ConfigValues = Field(description="The session's own values.")
    effective: dict[str, dict[str, Any]] = Field(
        description="What is in force, by section.",
        examples=[{"voice_activity": {"threshold": 0.5, "min_silence_ms": 700}}],
    )
    provenance: dict[str, Literal["defaults", "system", "preset", "session"]] = Field(
        description="The scope that each value comes from. Defaults are those of a worker that runs such "
        "sessions; as long as none reports, they are left out.",
        examples=[{"voice_activity.threshold": "defaults", "voice_activity.min_silence_ms": "session"}],
    )
    version: int = Field(description="Of the runtime configuration.", examples=[12])


@router.get(
    "/{session_id}/config",
    summary="Get what the session runs with",
    responses=problems(401, 403, 404, 503),
)
async def get_session_config(container: Parts, _: KeyHolder, session_id: SessionId) -> SessionConfigView:
    """The effective values, each with the scope that it comes from."""
    record = await container.store().get(session_id)
    return await _effective(container, record.profile, record.config)


@router.put(
    "/{session_id}/config",
    summary="Change what the session sets",
    responses=problems(401, 403, 404, 409, 413, 422, 503),
)
async def put_session_config(
    container: Parts, _: KeyHolder, session_id: SessionId, wanted: SessionConfig
) -> SessionConfigView:
    """Replace preset and values, at any time until the session has ended; what is left out is not set.

    A worker takes it over within about a second, from the audio of that moment on.
    """
    config = checked_scope(wanted, container.config().document)
    record = await container.store().get(session_id)
    await container.store().set_config(session_id, config)
    logger.bind(session_id=session_id).info("configuration of the session changed")
    return await _effective(container, record.profile, config)


async def _effective(container: ApiContainer, profile: str, config: SessionConfig) -> SessionConfigView:
    follower = container.config()
    report = newest_audio(await read_processes(container.store_wire())).get(profile)
    values, provenance = effective(
        sections_of(report) if report else {},
        follower.document,
        preset=config.preset,
        session_values=config.values.set_values(),
    )
    return SessionConfigView(
        preset=config.preset,
        config=config.values,
        effective={name: fields for name, fields in values.items() if name in SESSION_SECTIONS},
        provenance={
            path: scope.value
            for path, scope in provenance.items()
            if path.partition(".")[0] in SESSION_SECTIONS
        },
        version=follower.version,
    )
