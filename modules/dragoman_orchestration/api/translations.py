"""REST: into which languages a session is translated, at any time of its life."""

from __future__ import annotations

from fastapi import APIRouter
from loguru import logger

from dragoman_orchestration.api.access import KeyHolder, Parts, SessionReader
from dragoman_orchestration.api.sessions import SessionId, problems
from dragoman_orchestration.api.translation_schemas import Translation

router = APIRouter(prefix="/v1/sessions", tags=["translation"])


@router.get(
    "/{session_id}/translation",
    summary="Get how the session is translated",
    responses=problems(401, 403, 404, 503),
)
async def get_translation(container: Parts, _: SessionReader, session_id: SessionId) -> Translation:
    """Target languages, options and all terms, also those that came from named sets."""
    return Translation.of((await container.store().get(session_id)).translation)


@router.put(
    "/{session_id}/translation",
    summary="Change how the session is translated",
    responses=problems(401, 403, 404, 409, 413, 422, 503),
)
async def put_translation(
    container: Parts, _: KeyHolder, session_id: SessionId, wanted: Translation
) -> Translation:
    """Replace all of it, at any time until the session has ended; what is left out gets its default.

    A worker takes it over within about a second and tells all sockets with `session.targets`. What is
    translated already stays.
    """
    options = await container.glossaries().resolve(wanted.options())
    await container.store().set_translation(session_id, options)
    container.hub().retarget(session_id, options.targets)
    logger.bind(session_id=session_id).info(
        "translation changed: {} targets, {} terms", len(options.targets), len(options.glossary)
    )
    return Translation.of(options)
