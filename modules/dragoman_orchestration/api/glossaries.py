"""REST: named sets of terms. Terms are what will be said: no log line has them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response, status
from loguru import logger

from dragoman_orchestration.api.access import KeyHolder, Parts
from dragoman_orchestration.api.sessions import problems
from dragoman_orchestration.api.translation_schemas import Glossary, GlossaryNames, TermSet

router = APIRouter(prefix="/v1/glossaries", tags=["translation"])

Name = Annotated[
    str,
    Path(description="1 to 64 small letters, digits and hyphens.", examples=["medical"]),
]


@router.get("", summary="List the sets of terms", responses=problems(401, 403, 503))
async def list_glossaries(container: Parts, _: KeyHolder) -> GlossaryNames:
    """The names that sessions can give in `glossaries`."""
    return GlossaryNames(glossaries=await container.glossaries().names())


@router.get("/{name}", summary="Get a set of terms", responses=problems(401, 403, 404, 422, 503))
async def get_glossary(container: Parts, _: KeyHolder, name: Name) -> Glossary:
    """The terms as they are kept."""
    return Glossary.of(name, await container.glossaries().get(name))


@router.put(
    "/{name}", summary="Make or replace a set of terms", responses=problems(401, 403, 409, 413, 422, 503)
)
async def put_glossary(container: Parts, _: KeyHolder, name: Name, wanted: TermSet) -> Glossary:
    """Replace the whole set. Sessions that named it before keep the terms that they were given."""
    kept = await container.glossaries().put(name, wanted.contract_terms())
    logger.info("glossary {}: {} terms", name, len(kept))
    return Glossary.of(name, kept)


@router.delete(
    "/{name}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a set of terms",
    responses=problems(401, 403, 404, 422, 503),
)
async def delete_glossary(container: Parts, _: KeyHolder, name: Name) -> Response:
    """Forget the set. Sessions that named it keep the terms that they were given."""
    await container.glossaries().delete(name)
    logger.info("glossary {} deleted", name)
    return Response(status_code=status.HTTP_204_NO_CONTENT)
