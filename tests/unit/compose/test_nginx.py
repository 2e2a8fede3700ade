"""nginx before the API serves the page as the API does: same headers, types, addresses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dragoman_orchestration.api import page

CONF = (Path(__file__).parents[3] / "docker" / "nginx.conf").read_text(encoding="utf-8")


def block(opening: str) -> str:
    """What is between the braces behind ``opening``."""
    depth, start = 1, CONF.index(opening + " {") + len(opening) + 2
    for place in range(start, len(CONF)):
        depth += {"{": 1, "}": -1}.get(CONF[place], 0)
        if depth == 0:
            return CONF[start:place]
    raise AssertionError(opening)


def matches(path: str) -> str:
    """The location that answers a path, by nginx's rules: exact, longest ``^~``, first regex, longest."""
    found = re.findall(r"location (?:(=|~|\^~) )?(\S+) \{", CONF)
    for kind, pattern in found:
        if (kind == "=" and pattern == path) or (kind == "~" and re.search(pattern, path)):
            return str(pattern)
    return max((p for kind, p in found if not kind and path.startswith(p)), key=len)


def test_the_headers_are_those_of_the_api() -> None:
    sent = dict(re.findall(r'add_header ([\w-]+) "(.*)" always;', block("location /")))
    assert sent == page.PAGE_HEADERS


def test_no_inner_location_drops_the_headers() -> None:
    """nginx forgets all headers of the outer level where an inner one adds its own."""
    inner = block("location /").partition("location ")[2]
    inner_locations = re.findall(r"location [^{]+\{([^}]*)\}", "location " + inner)
    assert inner_locations
    assert not any("add_header" in location for location in inner_locations)


def test_what_may_be_cached_is_cached_as_by_the_api() -> None:
    caching = block("map $uri $page_cache")
    assert f'default "{page.CACHE_ASK_AGAIN}";' in caching
    assert f'~^/{page.ASSETS}/ "{page.CACHE_FOR_EVER}";' in caching


def test_the_types_are_those_of_the_api() -> None:
    types = {
        f".{suffix}": kind
        for kind, suffixes in re.findall(r"(\S+/\S+) ([\w ]+);", block("    types"))
        for suffix in suffixes.split()
    }
    assert types == page._TYPES


@pytest.mark.parametrize("pattern", page.APP_PATHS)
def test_each_address_of_the_page_is_answered_with_its_index(pattern: str) -> None:
    path = pattern.replace("{rest:path}", "some/thing")
    location = matches(path)
    assert "try_files /index.html" in CONF[CONF.index(f" {location} {{") :].split("}", 1)[0] or path == "/"


@pytest.mark.parametrize(
    "path",
    ["/v1/sessions/x/audio", "/docs", "/docs/files/a.js", "/openapi.json", "/asyncapi.json", "/health"],
)
def test_the_apis_paths_go_to_the_api(path: str) -> None:
    assert "proxy_pass http://api;" in CONF[CONF.index(f" {matches(path)} {{") :].split("}", 1)[0]


@pytest.mark.parametrize("path", ["/metrics", "/sessionsx", "/v2/x", "/.env"])
def test_other_paths_go_nowhere(path: str) -> None:
    assert matches(path) == "/"


def test_sockets_pass_and_may_be_quiet_for_long() -> None:
    api = block("location /v1/")
    assert "proxy_set_header upgrade $http_upgrade;" in api
    assert "proxy_set_header connection $connection_upgrade;" in api
    assert "proxy_read_timeout 1h;" in api
    assert "proxy_buffering off;" in api
    assert "client_max_body_size 0;" in api
