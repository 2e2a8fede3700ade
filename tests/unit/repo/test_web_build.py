"""The live page's build is part of the repository, so that nobody needs Node: it is that of these sources."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

REPO = Path(__file__).parents[3]
WEB = REPO / "modules/web"
BUILD = REPO / "modules/dragoman_orchestration/api/static"
FIRST_LOAD_LIMIT_BYTES = 200_000


def sources() -> list[Path]:
    """What ``vite.config.ts`` hashes: its list, folders with all that is below them, without tests."""
    listed = re.search(r"const SOURCES = \[(.*?)\]", (WEB / "vite.config.ts").read_text(), re.DOTALL)
    assert listed is not None
    named = [WEB / name for name in re.findall(r'"([^"]+)"', listed[1])]
    files = [file for path in named for file in (path.rglob("*") if path.is_dir() else [path])]
    return sorted((file for file in files if file.is_file() and ".test." not in str(file)), key=str)


def test_the_build_is_that_of_the_sources() -> None:
    told = json.loads((BUILD / "build.json").read_text())
    digest = hashlib.sha256()
    for file in sources():
        digest.update(str(file.relative_to(WEB)).encode() + b"\0" + file.read_bytes() + b"\0")
    assert told["sources_sha256"] == digest.hexdigest(), "the page's sources changed: run `just web-build`"


def imports(script: Path) -> set[Path]:
    """What a script loads before it runs; what it loads on demand does not count."""
    found = re.findall(r"""(?:\bfrom|\bimport)\s*["'](\./[\w.-]+\.js)["']""", script.read_text())
    return {script.parent / name for name in found}


@pytest.mark.parametrize(
    "page", ["live", "watch", "sessions", "session", "bots", "bot", "settings", "system"]
)
def test_the_first_load_of_each_page_is_small(page: str) -> None:
    entry = re.findall(r'src="/(assets/[\w.-]+\.js)"', (BUILD / "index.html").read_text())
    todo = {BUILD / name for name in entry} | {next(BUILD.glob(f"assets/{page}-page-*.js"))}
    seen: set[Path] = set()
    while todo:
        seen |= todo
        todo = {each for script in todo for each in imports(script)} - seen
    total = sum(len(gzip.compress(script.read_bytes(), 9)) for script in seen)
    assert total <= FIRST_LOAD_LIMIT_BYTES, sorted(script.name for script in seen)


def test_the_build_asks_no_other_server_for_anything() -> None:
    """No font, script, image or request of another origin; addresses in comments and namespaces are none."""
    told = {"www.w3.org", "react.dev", "base-ui.com", "react.i18next.com"}
    for file in [*BUILD.glob("assets/*.js"), *BUILD.glob("assets/*.css"), BUILD / "index.html"]:
        hosts = re.findall(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})\b", file.read_text())
        assert set(hosts) <= told, file.name


def test_the_lock_names_no_server() -> None:
    """``.npmrc`` keeps the registry's address out of the lock file, so that any mirror will do."""
    lock = json.loads((WEB / "package-lock.json").read_text())
    resolved = [entry["resolved"] for entry in lock["packages"].values() if "resolved" in entry]
    assert [where for where in resolved if "//" in where] == []
