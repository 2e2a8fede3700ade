"""``/docs``: Swagger UI from this server's own files, so that it works where no other host can be reached."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from dragoman_orchestration.api.page import CACHE_ASK_AGAIN, SAFE_HEADERS, ServedFolder

DOCS_HEADERS = SAFE_HEADERS | {
    # Swagger UI's pictures are in its style sheet.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'",
}
_HEADERS = DOCS_HEADERS | {"cache-control": CACHE_ASK_AGAIN}
# Paths are relative to /docs, so that a prefix of a reverse proxy does no harm.
_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Dragoman API</title>
<link rel="icon" href="docs/files/favicon.png">
<link rel="stylesheet" href="docs/files/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/files/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true });
"""


def add_docs(app: FastAPI) -> None:
    """Serve the description of the API's routes for people at ``/docs``; it is not in the description."""
    files = Path(str(resources.files("fastapi_offline"))) / "static"
    app.router.routes += [
        Route("/docs", _html, include_in_schema=False),
        Route("/docs/start.js", _start, include_in_schema=False),
        Mount("/docs/files", ServedFolder(files, DOCS_HEADERS), name="docs"),
    ]


async def _html(request: Request) -> Response:
    return Response(_HTML, media_type="text/html", headers=_HEADERS)


async def _start(request: Request) -> Response:
    return Response(_START, media_type="text/javascript", headers=_HEADERS)
