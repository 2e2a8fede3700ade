"""The two small programs inside of containers: the health check, and the one that starts anew on a change."""

from __future__ import annotations

import http.server
import importlib.util
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DOCKER = Path(__file__).parents[3] / "docker"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCKER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Answer(http.server.BaseHTTPRequestHandler):
    """200 at /health, 503 with a reason elsewhere."""

    def do_GET(self) -> None:
        body = b"ok" if self.path == "/health" else b"the model is loading"
        self.send_response(200 if self.path == "/health" else 503)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_process_that_answers_is_healthy(port: int) -> None:
    assert loaded("healthcheck").main(str(port)) == 0


def test_one_that_is_not_ready_says_why(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert loaded("healthcheck").main(str(port), "/ready") == 1
    assert "503 the model is loading" in capsys.readouterr().out


def test_one_that_does_not_listen_is_not_healthy(free_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        module = loaded("healthcheck")
        patch.setattr(module, "TIMEOUT_S", 0.2)
        assert module.main(str(free_port)) == 1
    assert capsys.readouterr().out.startswith("/health: ")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    package = tmp_path / "dragoman_some"
    package.mkdir()
    (package / "part.py").write_text("1")
    (package / "notes.md").write_text("1")
    return tmp_path


async def test_a_change_of_a_source_starts_the_command_anew(sources: Path, eventually: Any) -> None:
    told = sources / "told"
    child = f"import os, time; open({str(told)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(600)"
    process = subprocess.Popen([sys.executable, DOCKER / "reload.py", sources, sys.executable, "-c", child])

    def starts() -> list[int]:
        return [int(line) for line in told.read_text().split()] if told.exists() else []

    try:
        await eventually(lambda: len(starts()) == 1, limit_s=60)
        (sources / "dragoman_some" / "part.py").write_text("22")
        await eventually(lambda: len(starts()) == 2, limit_s=60)
        assert not Path(f"/proc/{starts()[0]}").exists()
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        assert not Path(f"/proc/{starts()[1]}").exists()
    finally:
        process.kill()
        process.wait()


def test_only_sources_count(sources: Path) -> None:
    module = loaded("reload")
    before = module.state_of(sources)
    assert [Path(name).name for name in before] == ["part.py"]
    (sources / "dragoman_some" / "notes.md").write_text("22")
    assert module.state_of(sources) == before
