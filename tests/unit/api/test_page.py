"""The live page's files: what is served, how it may be kept, and what it is allowed to do."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from dragoman_orchestration.api import app as app_module
from dragoman_orchestration.api import page as page_module
from dragoman_orchestration.api.app import create_app
from dragoman_orchestration.api.docs_page import DOCS_HEADERS
from dragoman_orchestration.api.page import APP_PATHS, CACHE_FOR_EVER, PAGE_HEADERS, Page
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.container import ApiContainer
from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings

KEY = "a-key-that-nobody-may-read"
INDEX = b"<!doctype html><title>Dragoman</title>"
SCRIPT = b"export const answer = 42;\n" * 20
NESTED = [path.replace("{rest:path}", "0f3c/deep") for path in APP_PATHS]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as Vite leaves it, with a file outside that must stay there."""
    (tmp_path / "secret.txt").write_text("outside")
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(INDEX)
    (folder / "build.json").write_text("{}")
    (folder / ".env").write_text("hidden")
    (folder / "manifest.webmanifest").write_text("{}")
    for name in ("app-1a2b.js", "style-1a2b.css", "font-1a2b.woff2", "mark-1a2b.svg"):
        (folder / "assets" / name).write_bytes(SCRIPT)
    (folder / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (folder / "assets" / "app-1a2b.js.br").write_bytes(b"brotli's bytes")
    return folder


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The API's application with the page of a folder."""

    def made(folder: Path, **settings: Any) -> Any:
        monkeypatch.setattr(app_module, "Page", lambda: Page(folder))
        container = ApiContainer(
            settings=ApiSettings(keys=f"a:{KEY}", **settings),
            runtime_settings=RuntimeSettings(redis_url="redis://127.0.0.1:1/0"),
        )
        return create_app(container)

    return made


def client(app: Any) -> AsyncClient:
    return AsyncClient(
        transport=ASGITransport(app), base_url="http://test", headers={"accept-encoding": "identity"}
    )


@pytest.fixture
async def http(make: Callable[..., Any], built: Path) -> AsyncIterator[AsyncClient]:
    async with client(make(built)) as http:
        yield http


def has_page_headers(answer: Response) -> bool:
    return all(answer.headers.get(name) == value for name, value in PAGE_HEADERS.items())


@pytest.mark.parametrize("path", NESTED)
async def test_each_address_of_the_page_is_its_index(http: AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert (answer.status_code, answer.content) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert has_page_headers(answer)
    head = await http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(INDEX))
    assert has_page_headers(head)


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/nothing", "/nothing", "/index.html", "/session", "/.env", "/build"]
)
async def test_all_else_is_a_problem_and_no_page(http: AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/asyncapi.json", "/health", "/metrics"])
async def test_the_page_swallows_no_route_of_the_api(http: AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 200
    assert answer.content != INDEX


async def test_the_page_is_no_part_of_the_description(http: AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert paths
    assert all(path.startswith(("/v1/", "/health", "/ready", "/metrics", "/asyncapi.json")) for path in paths)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app-1a2b.js", "text/javascript; charset=utf-8"),
        ("style-1a2b.css", "text/css; charset=utf-8"),
        ("font-1a2b.woff2", "font/woff2"),
        ("mark-1a2b.svg", "image/svg+xml"),
    ],
)
async def test_assets_may_be_kept_for_ever(http: AsyncClient, name: str, kind: str) -> None:
    answer = await http.get(f"/assets/{name}")
    assert (answer.status_code, answer.content) == (200, SCRIPT)
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == CACHE_FOR_EVER
    assert has_page_headers(answer)


async def test_files_beside_the_index_are_asked_for_again(http: AsyncClient) -> None:
    for name, kind in (
        ("build.json", "application/json"),
        ("manifest.webmanifest", "application/manifest+json"),
    ):
        answer = await http.get(f"/{name}")
        assert (answer.status_code, answer.content) == (200, b"{}")
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/sessions/0f3c", "/assets/app-1a2b.js", "/build.json"])
async def test_what_the_client_has_is_not_sent_again(http: AsyncClient, path: str) -> None:
    first = await http.get(path)
    again = await http.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == first.headers["cache-control"]
    assert has_page_headers(again)
    other = await http.get(path, headers={"if-none-match": '"another"'})
    assert other.content == first.content


async def test_a_new_index_of_the_same_length_and_time_in_a_new_process_has_another_tag(
    make: Callable[..., Any], built: Path
) -> None:

    stat = (built / "index.html").stat()
    async with client(make(built)) as http:
        before = (await http.get("/")).headers["etag"]
    (built / "index.html").write_bytes(INDEX.replace(b"Dragoman", b"namogarD"))

    os.utime(built / "index.html", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    page_module._tag.cache_clear()
    async with client(make(built)) as http:
        answer = await http.get("/", headers={"if-none-match": before})
    assert answer.status_code == 200


class TestEncodings:
    @pytest.mark.parametrize(
        ("accepted", "encoding"),
        [
            ("br, gzip", "br"),
            ("gzip, deflate, br;q=0.5", "br"),
            ("gzip", "gzip"),
            ("br;q=0, gzip;q=0.1", "gzip"),
            ("*", "br"),
            ("identity, br;q=0", None),
            ("", None),
            ("zstd", None),
        ],
    )
    async def test_the_best_that_the_client_takes(
        self, http: AsyncClient, accepted: str, encoding: str | None
    ) -> None:
        async with http.stream("GET", "/assets/app-1a2b.js", headers={"accept-encoding": accepted}) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
        assert answer.headers.get("content-encoding") == encoding
        assert (
            raw
            == {
                "br": b"brotli's bytes",
                "gzip": gzip.compress(SCRIPT, mtime=0),
                None: SCRIPT,
            }[encoding]
        )
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == CACHE_FOR_EVER
        assert has_page_headers(answer)

    async def test_each_form_has_its_own_tag(self, http: AsyncClient) -> None:
        tags = set()
        for accepted in ("br", "gzip", "identity"):
            async with http.stream(
                "GET", "/assets/app-1a2b.js", headers={"accept-encoding": accepted}
            ) as answer:
                tags.add(answer.headers["etag"])
        assert len(tags) == 3

    async def test_text_that_has_no_other_form_is_compressed_on_the_way(self, http: AsyncClient) -> None:
        plain = await http.get("/assets/style-1a2b.css")
        answer = await http.get("/assets/style-1a2b.css", headers={"accept-encoding": "br, gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.content == plain.content
        assert answer.headers["etag"] != plain.headers["etag"]
        asked = {"accept-encoding": "gzip", "if-none-match": answer.headers["etag"]}
        assert (await http.get("/assets/style-1a2b.css", headers=asked)).status_code == 304

    async def test_what_is_compressed_already_is_sent_as_it_is(self, http: AsyncClient) -> None:
        answer = await http.get("/assets/font-1a2b.woff2", headers={"accept-encoding": "gzip"})
        assert "content-encoding" not in answer.headers


OUTSIDE = (
    "/assets/../../secret.txt",
    "/assets/../index.html",
    "/assets/../.env",
    "/assets//etc/passwd",
    "/assets/\\..\\..\\secret.txt",
    "/assets/app-1a2b.js\0.css",
    "/assets/\0",
    "/assets/" + "x" * 5000,
    "/assets/.",
    "/assets/",
    "/assets/missing.js",
)


@pytest.mark.parametrize("path", OUTSIDE)
async def test_nothing_outside_of_the_assets_is_served(
    make: Callable[..., Any], built: Path, path: str
) -> None:
    """The path as a server hands it over: decoded, and not made shorter by any client."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": b"", "query_string": b"", "headers": [], "root_path": "", "server": ("test", 80),
    }  # fmt: skip
    await make(built)(scope, receive, send)
    assert sent[0]["status"] == 404
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert headers["content-type"] == "application/problem+json"
    assert PAGE_HEADERS.items() <= headers.items()
    body = b"".join(message.get("body", b"") for message in sent)
    assert json.loads(body)["code"] == "not_found"


@pytest.mark.parametrize(
    "target",
    [
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2Fetc%2Fpasswd",
        "/assets/%00",
        "/assets/../../secret.txt",
        "//etc/passwd",
        "/sessions/../../secret.txt",
    ],
)
async def test_no_request_line_leads_outside(make: Callable[..., Any], built: Path, target: str) -> None:
    drain, bound = Drain(), asyncio.get_running_loop().create_future()
    app = make(built)
    serving = asyncio.create_task(
        serve(app, "127.0.0.1", 0, drain, on_bound=bound.set_result, lifespan="off")
    )
    try:
        url = await asyncio.wait_for(bound, 20)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(f"GET {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
    finally:
        drain.start("the test ends")
        await serving
    status, _, rest = answer.partition(b"\r\n")
    assert b"outside" not in rest
    assert b"root:" not in rest
    if target.startswith("/sessions"):
        assert rest.endswith(INDEX)
    else:
        assert b" 404 " in status + b" "


async def test_a_link_out_of_the_folder_is_not_followed(make: Callable[..., Any], built: Path) -> None:
    (built / "assets" / "out.js").symlink_to(built.parent / "secret.txt")
    async with client(make(built)) as http:
        assert (await http.get("/assets/out.js")).status_code == 404


@pytest.mark.parametrize("path", ["/", "/sessions", "/assets/app-1a2b.js", "/watch/x"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_the_page_can_only_be_read(http: AsyncClient, method: str, path: str) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["code"] == "method_not_allowed"
    assert has_page_headers(answer)


async def test_without_a_build_the_page_tells_how_to_get_one_and_the_api_works(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    async with client(make(tmp_path / "nothing")) as http:
        for path in NESTED:
            answer = await http.get(path)
            assert answer.status_code == 503
            assert answer.json()["code"] == "page_not_built"
            assert "just web-build" in answer.json()["remedy"]
            assert has_page_headers(answer)
        assert (await http.get("/assets/app.js")).status_code == 404
        assert (await http.get("/health")).status_code == 200
        assert (await http.get("/v1/sessions")).status_code == 401


async def test_the_page_can_be_turned_off(make: Callable[..., Any], built: Path) -> None:
    async with client(make(built, page=False)) as http:
        for path in ("/", "/sessions", "/assets/app-1a2b.js"):
            assert (await http.get(path)).status_code == 404
        assert (await http.get("/docs")).status_code == 200


def test_scripts_styles_and_calls_are_the_servers_own() -> None:
    policy = dict(part.split(" ", 1) for part in PAGE_HEADERS["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["base-uri"] == policy["form-action"] == policy["object-src"] == "'none'"
    assert "unsafe" not in PAGE_HEADERS["content-security-policy"]


async def test_no_credential_reaches_a_log_line(http: AsyncClient, log_lines: list[str]) -> None:
    for path in (
        f"/?key={KEY}",
        f"/watch/x?token={KEY}",
        f"/assets/none.js?key={KEY}",
        f"/nothing?key={KEY}",
    ):
        answer = await http.get(path, headers={"authorization": f"Bearer {KEY}"})
        assert KEY not in answer.text
        assert KEY not in str(answer.headers)
    assert KEY not in "".join(log_lines)
    assert KEY not in (await http.get("/metrics")).text


class TestDocs:
    async def test_they_come_from_this_server_alone(self, http: AsyncClient) -> None:
        answer = await http.get("/docs")
        assert answer.status_code == 200
        assert "http:" not in answer.text
        assert "https:" not in answer.text
        assert DOCS_HEADERS.items() <= dict(answer.headers).items()
        for part in answer.text.split('"'):
            if part.startswith("docs/"):
                found = await http.get(f"/{part}")
                assert (found.status_code, len(found.content) > 60) == (200, True), part
                assert DOCS_HEADERS.items() <= dict(found.headers).items()

    async def test_scripts_are_files(self, http: AsyncClient) -> None:
        assert "script-src 'self';" in DOCS_HEADERS["content-security-policy"]
        assert "<script>" not in (await http.get("/docs")).text

    async def test_nothing_else_of_the_package_is_served(self, http: AsyncClient) -> None:
        for path in ("/docs/files/%2e%2e/core.py", "/docs/files/core.py", "/docs/nothing"):
            assert (await http.get(path)).status_code == 404
