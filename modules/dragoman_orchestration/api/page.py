"""The live page: what its build put into ``static``, with strict headers.

The page routes by itself, so each of its addresses is answered with ``index.html``. It is no part of the API:
a missing build takes nothing from it.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Receive, Scope, Send

from dragoman_contracts.errors import DragomanError, NotFound, Unavailable
from dragoman_runtime.http_service import problem_response

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
ASSETS = "assets"
"""The folder of files whose names change with their content."""
APP_PATHS = (
    "/",
    "/sessions",
    "/sessions/{rest:path}",
    "/bots",
    "/bots/{rest:path}",
    "/settings",
    "/system",
    "/watch/{rest:path}",
)
CACHE_FOR_EVER = "public, max-age=31536000, immutable"
CACHE_ASK_AGAIN = "no-cache"

SAFE_HEADERS = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}
PAGE_HEADERS = SAFE_HEADERS | {
    # WebSockets of the same origin count as 'self' (CSP 3).
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; media-src 'self' blob:; "
    "worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'",
    "permissions-policy": "microphone=(self), display-capture=(self), fullscreen=(self), "
    "screen-wake-lock=(self), clipboard-write=(self), camera=(), geolocation=(), payment=(), usb=()",
}

_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""Told here, for the machine's own table may differ, and a wrong type is refused under ``nosniff``."""
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""The best first."""
_COMPRESSED = (".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt", ".webmanifest")
"""What gets smaller: sent as gzip also where there is no sibling."""


class PageNotBuilt(Unavailable):
    """This installation has no built page."""

    code = "page_not_built"
    default_remedy = "Build it with 'just web-build' (needs Node), then reload; the API works without it."


class _NotAllowed(DragomanError):
    """The page can only be read."""

    code = "method_not_allowed"
    http_status = 405
    default_remedy = "Use GET or HEAD."


class ServedFolder(StaticFiles):
    """An ASGI application that serves the files of a folder, with ``headers`` on each answer.

    Files of its ``assets`` may be cached for ever; all others are asked for again, by a tag of their content.
    A file that has a sibling ``.br`` or ``.gz`` is sent as that to clients that take it; text that has none
    is compressed once, and kept in memory.
    """

    def __init__(self, folder: Path, headers: Mapping[str, str]) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._assets = os.path.realpath(folder / ASSETS)
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, also with a problem."""
        try:
            response = await self.get_response(self.get_path(scope), scope)
        except HTTPException as error:
            refusal = (
                _NotAllowed("the page can only be read") if error.status_code == 405 else self.missing(scope)
            )
            response = problem_response(refusal, scope["path"], headers=error.headers)
        response.headers.update(self._headers)
        await response(scope, receive, send)

    def missing(self, scope: Scope) -> DragomanError:
        """What to say when there is no such file."""
        return NotFound("there is no such file")

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, or 304 where the client has it."""
        request = Headers(scope=scope)
        path = Path(full_path)
        media_type = _TYPES.get(path.suffix, "application/octet-stream")
        headers = {"vary": "accept-encoding"}
        accepted = _accepted(request.get("accept-encoding", ""))
        for encoding in accepted:
            encoded = path.with_name(path.name + _ENCODINGS[encoding])
            if encoded.is_file():
                path, stat_result = encoded, encoded.stat()
                headers["content-encoding"] = encoding
                break
        immutable = str(path).startswith(self._assets + os.sep)
        headers["cache-control"] = CACHE_FOR_EVER if immutable else CACHE_ASK_AGAIN
        version = (path, stat_result.st_mtime_ns, stat_result.st_size)
        headers["etag"] = _tag(*version)
        response: Response
        if "gzip" in accepted and path.suffix in _COMPRESSED:
            headers |= {"content-encoding": "gzip", "etag": headers["etag"][:-1] + '-gzip"'}
            response = Response(_compressed(*version), status_code, headers, media_type)
        else:
            response = FileResponse(path, status_code, headers, media_type, stat_result=stat_result)
            # The time of a file from a wheel or an image tells nothing of its content.
            del response.headers["last-modified"]
        if self.is_not_modified(response.headers, request):
            return NotModifiedResponse(response.headers)
        return response


class Page(ServedFolder):
    """The built page; every path that is not one of its files is its own to route."""

    def __init__(self, folder: Path = STATIC) -> None:
        super().__init__(folder, PAGE_HEADERS)
        #: Beside the index: icons, the manifest.
        self.files = frozenset(_plain_files(folder))

    def get_path(self, scope: Scope) -> str:
        """The file that answers a path."""
        name = super().get_path(scope)
        if "asset" not in scope["path_params"]:
            return name if name in self.files else INDEX
        if not name.startswith(f"{ASSETS}{os.sep}"):
            raise HTTPException(404)
        return name

    def missing(self, scope: Scope) -> DragomanError:
        """An asset that is gone, or no page at all."""
        if "asset" in scope["path_params"]:
            return super().missing(scope)
        return PageNotBuilt("the page is not built in this installation")


def add_page(app: FastAPI, page: Page) -> None:
    """Put the page behind all other routes of ``app``; it is not in the OpenAPI document."""
    paths = (*APP_PATHS, f"/{ASSETS}/{{asset:path}}", *(f"/{name}" for name in sorted(page.files)))
    app.router.routes += [Route(path, page, name="page", include_in_schema=False) for path in paths]


def _plain_files(folder: Path) -> Iterable[str]:
    if not folder.is_dir():
        return ()
    encoded = tuple(_ENCODINGS.values())
    return [
        path.name
        for path in folder.iterdir()
        if path.is_file()
        and path.name != INDEX
        and not path.name.startswith(".")
        and path.suffix not in encoded
    ]


def _accepted(header: str) -> list[str]:
    """The encodings of ours that a client takes."""
    refused = {"0", "0.0", "0.00", "0.000"}
    given = {}
    for part in header.lower().split(","):
        name, _, parameter = part.partition(";")
        given[name.strip()] = parameter.replace(" ", "").removeprefix("q=") not in refused
    return [encoding for encoding in _ENCODINGS if given.get(encoding, given.get("*", False))]


@lru_cache(maxsize=512)
def _tag(path: Path, mtime_ns: int, size: int) -> str:
    """A tag of the content; ``mtime_ns`` and ``size`` tell when to read it again."""
    return f'"{sha256(path.read_bytes()).hexdigest()[:32]}"'


@lru_cache(maxsize=512)
def _compressed(path: Path, mtime_ns: int, size: int) -> bytes:
    """The file as gzip, for as long as ``mtime_ns`` and ``size`` are those of its content."""
    return gzip.compress(path.read_bytes(), mtime=0)
