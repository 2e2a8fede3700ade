"""Every way in which a model cannot be had is one clear error with a remedy; and a hub model is fetched."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dragoman_contracts.errors import ModelUnavailable
from dragoman_whisper.engines.whisper_model import load_model, locate
from dragoman_whisper.settings import WhisperSettings

MICRO_MODEL = Path(__file__).parents[2] / "fixtures" / "models" / "whisper-micro"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def settings(model: Path | str, **values) -> WhisperSettings:
    return WhisperSettings(**{"profile": "cpu", "model": str(model), **values})


def refusal(wanted: WhisperSettings) -> ModelUnavailable:
    with pytest.raises(ModelUnavailable) as caught:
        load_model(wanted, lambda sentence: None)
    assert caught.value.remedy
    return caught.value


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MICRO_MODEL, tmp_path / "damaged"))


def test_a_folder_is_read_and_progress_is_told() -> None:
    told: list[str] = []
    model = load_model(settings(MICRO_MODEL), told.append)
    assert model.model.is_multilingual
    assert told == ["reading 3 MB for the device cpu"]


@pytest.mark.parametrize("path", ["/no/such/model", "./no-such-model", "~/no-such-model", "no/such/model"])
def test_no_such_folder(path: str) -> None:
    assert "there is no model folder" in refusal(settings(path)).message


@pytest.mark.parametrize("file", ["model.bin", "tokenizer.json"])
def test_a_folder_without_its_files(damaged: Path, file: str) -> None:
    (damaged / file).unlink()
    error = refusal(settings(damaged))
    assert f"it lacks {file}" in error.message
    assert "ct2-transformers-converter" in error.remedy


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.bin", b""),
        ("model.bin", (MICRO_MODEL / "model.bin").read_bytes()[:1_000_000]),
        ("model.bin", b"<html>404 not found</html>" * 100),
        ("tokenizer.json", b"{"),
        ("vocabulary.json", b"{"),
    ],
)
def test_damaged_files(damaged: Path, file: str, content: bytes) -> None:
    (damaged / file).write_bytes(content)
    error = refusal(settings(damaged))
    assert "cannot be read" in error.message
    assert "again" in error.remedy


def test_a_device_that_is_not_there() -> None:
    error = refusal(settings(MICRO_MODEL, profile="gpu"))
    assert error.message == "the device cuda cannot be used"
    assert "DRAGOMAN_WHISPER_PROFILE=cpu" in error.remedy


def test_a_compute_type_that_the_device_has_not() -> None:
    assert "cannot compute in nonsense" in refusal(settings(MICRO_MODEL, compute_type="nonsense")).message


def test_a_name_that_no_hub_knows() -> None:
    error = refusal(settings("bsae"))
    assert error.message == "there is no model named bsae"
    assert "large-v3-turbo" in error.remedy


def test_no_hub_and_not_in_the_cache(tmp_path: Path, free_port: int) -> None:
    hub = {"download_dir": str(tmp_path), "hub_url": f"http://127.0.0.1:{free_port}"}
    error = refusal(settings("owner/name", **hub))
    assert "owner/name is not in the cache and could not be fetched" in error.message
    assert "local model folder" in error.remedy
    assert "switched off" in refusal(settings("owner/name", offline=True, **hub)).message


# --- a hub on loopback ----------------------------------------------------------------------------------


class _Hub(BaseHTTPRequestHandler):
    """As much of the model hub's HTTP as a download needs."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        if path == "/api/models/owner/micro":
            files = [{"rfilename": file.name, "size": file.stat().st_size} for file in MICRO_MODEL.iterdir()]
            info = {"id": "owner/micro", "sha": COMMIT, "siblings": files, "private": False, "tags": []}
            self._send(json.dumps(info).encode(), body=body)
            return
        file = MICRO_MODEL / path.rsplit("/", 1)[-1]
        if path.startswith("/owner/micro/resolve/main/") and file.is_file():
            self._send(file.read_bytes(), body=body)
            return
        self.send_response(404)
        self.send_header("x-error-code", "RepoNotFound")
        self.send_header("content-length", "0")
        self.end_headers()

    def _send(self, content: bytes, *, body: bool) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.send_header("etag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("x-repo-commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_hub_model_is_fetched_once(hub: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wanted = settings("owner/micro", hub_url=hub, download_dir=str(tmp_path))
    told: list[str] = []
    folder = locate(wanted, told.append)
    assert (folder / "model.bin").read_bytes() == (MICRO_MODEL / "model.bin").read_bytes()
    assert any("fetching model.bin of owner/micro, 2.7 MB, file" in sentence for sentence in told)
    assert any(
        sentence.startswith("fetching model.bin") and sentence.endswith(", 100 %") for sentence in told
    )
    assert load_model(wanted, told.append).model.is_multilingual

    assert capfd.readouterr().err == ""  # no bars among the log's lines

    told.clear()
    assert locate(settings("owner/micro", offline=True, download_dir=str(tmp_path)), told.append) == folder
    assert told == []


def test_an_interrupted_fetch_is_completed(hub: str, tmp_path: Path) -> None:
    wanted = settings("owner/micro", hub_url=hub, download_dir=str(tmp_path))
    folder = locate(wanted, lambda sentence: None)
    with contextlib.suppress(FileNotFoundError):
        (folder / "model.bin").resolve().unlink()
    (folder / "model.bin").unlink(missing_ok=True)
    assert (locate(wanted, lambda sentence: None) / "model.bin").is_file()


def test_a_model_that_the_hub_does_not_have(hub: str, tmp_path: Path) -> None:
    error = refusal(settings("owner/other", hub_url=hub, download_dir=str(tmp_path)))
    assert "could not be fetched: RepositoryNotFoundError" in error.message
