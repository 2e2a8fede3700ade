"""REST: what this installation can do, for pages and clients that offer a choice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from dragoman_contracts.errors import BadUpstream, Unavailable
from dragoman_contracts.translation_api import MAX_TARGETS
from dragoman_orchestration.api.access import AnyPrincipal, Parts
from dragoman_orchestration.api.auth import Principal
from dragoman_orchestration.api.sessions import problems

T = TypeVar("T")

router = APIRouter(prefix="/v1/capabilities", tags=["system"])


class Pair(BaseModel):
    """Languages that are translated from and into; `*` is any."""

    source: str = Field(examples=["en"])
    target: str = Field(examples=["es"])


class CapabilityLimits(BaseModel):
    """Beyond these a request is refused."""

    max_targets: int = Field(description="Languages that one session is translated into.", examples=[20])
    max_frame_bytes: int = Field(description="One WebSocket message of a speaker.", examples=[262_144])
    max_upload_bytes: int = Field(
        description="A file for POST /v1/audio/transcriptions.", examples=[524_288_000]
    )
    viewer_token_ttl_s: int = Field(description="Longest life of a viewer's token.", examples=[86_400])


class CapabilityProblems(BaseModel):
    """Why something is not known; null where it is."""

    whisper: str | None = Field(None, examples=[None])
    translation: str | None = Field(
        None, examples=["the translation service cannot be reached (ConnectError)"]
    )


class Capabilities(BaseModel):
    """What this installation can do now."""

    version: str = Field(examples=["0.1.0"])
    profile: str = Field(description="Worker profile of sessions that name none.", examples=["cpu"])
    spoken: list[str] = Field(
        description="Languages that are recognised (ISO 639); empty if not known.",
        examples=[["de", "en", "es"]],
    )
    detects_language: bool = Field(description="Whether a session may leave its language out.")
    pairs: list[Pair] = Field(description="What is translated; empty if nothing is, or if not known.")
    recording: bool = Field(description="Whether sessions can keep their audio.")
    limits: CapabilityLimits
    problems: CapabilityProblems


def _reader(principal: AnyPrincipal) -> Principal:
    principal.must_read()
    return principal


@router.get("", summary="What this installation can do", responses=problems(401, 403))
async def get_capabilities(
    request: Request, container: Parts, _: Annotated[Principal, Depends(_reader)]
) -> Capabilities:
    """Languages, limits, and what is offered; also for viewers' tokens.

    It answers 200 within 2 s also while a service is away: `problems` tells what is not known then, and why.
    Answers of the services are kept for 5 s.
    """
    settings, abilities = container.settings(), container.abilities()
    (spoken, no_whisper), (pairs, no_translation) = await asyncio.gather(
        _or_why_not(abilities.spoken()), _or_why_not(abilities.pairs())
    )
    return Capabilities(
        version=request.app.version,
        profile=settings.default_profile,
        spoken=spoken,
        detects_language=len(spoken) > 1,
        pairs=[Pair(source=pair.source, target=pair.target) for pair in pairs],
        recording=bool(container.recording_settings().dir),
        limits=CapabilityLimits(
            max_targets=MAX_TARGETS,
            max_frame_bytes=settings.max_frame_bytes,
            max_upload_bytes=settings.max_body_bytes,
            viewer_token_ttl_s=settings.viewer_token_ttl_s,
        ),
        problems=CapabilityProblems(whisper=no_whisper, translation=no_translation),
    )


async def _or_why_not(asked: Awaitable[list[T]]) -> tuple[list[T], str | None]:
    try:
        return await asked, None
    except (Unavailable, BadUpstream) as error:
        return [], error.message
