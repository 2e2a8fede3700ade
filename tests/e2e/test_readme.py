"""The live examples of the documents, taken out of them and run against the real system."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from dragoman_whisper.engines.mock_speech import speak

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def example(document: str, language: str, containing: str) -> str:
    text = (ROOT / document).read_text(encoding="utf-8")
    found = [body for name, body in FENCE.findall(text) if name == language and containing in body]
    assert len(found) == 1, f"{len(found)} examples with {containing!r} in {document}"
    return found[0]


def test_the_python_example(mock_system: Any, tmp_path: Path) -> None:
    script = tmp_path / "live.py"
    script.write_text(example("README.md", "python", "dragoman_client"), encoding="utf-8")
    samples = (speak(range(500, 510)) * 32_767).astype("<i2").tobytes()
    ended = subprocess.run(
        [sys.executable, str(script)],
        input=samples,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "DRAGOMAN_CLIENT_SERVER": mock_system.url, "DRAGOMAN_CLIENT_KEY": mock_system.key},
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert ended.stdout.decode().split() == [f"w{number:05d}" for number in range(500, 510)]


def test_the_curl_example(mock_system: Any) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    command = example("docs/protocol.md", "sh", "curl -X POST")
    ended = subprocess.run(
        ["bash", "-c", command.replace("curl ", "curl --silent --show-error --noproxy '*' ", 1)],
        capture_output=True,
        timeout=30,
        check=True,
        env={**os.environ, "DRAGOMAN_CLIENT_SERVER": mock_system.url, "DRAGOMAN_CLIENT_KEY": mock_system.key},
    )
    answer = json.loads(ended.stdout)
    told = json.loads(example("docs/protocol.md", "json", '"audio_url"'))
    assert set(answer) == set(told)
    assert answer["language"] == "en"


# --- docs/client.md --------------------------------------------------------------------------------------

NUMBERS = range(300, 306)
WORDS = [f"w{number:05d}" for number in NUMBERS]


@pytest.fixture
def run(mock_system: Any, tmp_path: Path) -> Any:
    """``run("async def watch", *arguments)``: the one example that contains the text; its process."""

    def of_the_guide(
        containing: str, *arguments: object, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "example.py"
        script.write_text(example("docs/client.md", "python", containing), encoding="utf-8")
        settings = {"DRAGOMAN_CLIENT_SERVER": mock_system.url, "DRAGOMAN_CLIENT_KEY": mock_system.key}
        return subprocess.run(
            [sys.executable, str(script), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ | settings | environment,
        )

    return of_the_guide


def test_the_examples_do_what_the_guide_says(run: Any, tmp_path: Path) -> None:
    audio, kept = tmp_path / "audio.pcm", tmp_path / "position"
    audio.write_bytes((speak(NUMBERS) * 32_767).astype("<i2").tobytes())

    spoken = run("async def speak", audio)
    assert spoken.returncode == 0, spoken.stderr
    _, session_id, *words = spoken.stdout.split()
    assert words == WORDS

    watched = run("async def watch", session_id)
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout.split() == WORDS

    first = run("async def go_on", session_id, kept)
    assert first.returncode == 0, first.stderr
    assert first.stdout.split() == WORDS
    again = run("async def go_on", session_id, kept)
    assert again.returncode == 0, again.stderr
    assert again.stdout.split() == []

    counted = run("async def ledger", session_id)
    assert counted.returncode == 0, counted.stderr
    assert counted.stdout.startswith("Ledger(")


def test_an_error_is_told_with_its_remedy(run: Any) -> None:
    refused = run("async def ledger", "0" * 32, DRAGOMAN_CLIENT_KEY="wrong")
    assert refused.returncode == 1
    assert refused.stderr.startswith("unauthenticated (for good): ")
    missing = run("async def ledger", "0" * 32)
    assert missing.stderr.startswith("not_found (for good): ")


def test_every_example_of_the_guide_is_run() -> None:
    names = re.findall(r"async def (\w+)", (ROOT / "docs" / "client.md").read_text("utf-8"))
    assert sorted(names) == ["go_on", "ledger", "speak", "watch"]


# --- in a browser ---------------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """An empty page on loopback, where a microphone may be used."""
    (tmp_path / "index.html").write_text("<!doctype html><title>live</title>")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Quiet."""

    handler = functools.partial(Handler, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    server.shutdown()
    thread.join()
    server.server_close()


@contextlib.asynccontextmanager
async def browser(folder: Path, microphone: Path, page: str, eventually: Any) -> AsyncIterator[Any]:
    """A page in headless Chromium whose microphone is a recording; ``run(code)`` and ``console``."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        pytest.skip("needs Chromium")
    profile = folder / "profile"
    process = subprocess.Popen(
        [
            binary, "--headless", "--disable-gpu", "--no-first-run", "--disable-quic",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={microphone}%noloop",
            "--remote-debugging-port=0", f"--user-data-dir={profile}", page,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        told = profile / "DevToolsActivePort"
        await eventually(
            lambda: told.exists() and "\n" in told.read_text(), limit_s=30, what="Chromium starts"
        )
        port = told.read_text().split()[0]

        async def target() -> Any:
            async with httpx.AsyncClient(trust_env=False) as http:
                pages = (await http.get(f"http://127.0.0.1:{port}/json")).json()
            return next((p for p in pages if p["type"] == "page" and p["url"] == page), None)

        found = await eventually(target, limit_s=30, what="the page opens")
        async with connect(found["webSocketDebuggerUrl"], max_size=None, proxy=None) as socket:
            opened = _Page(socket)
            await eventually(lambda: opened.shows(page), limit_s=30, what="the page is loaded")
            yield opened
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Page:
    """A page over the DevTools protocol."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self.console: list[str] = []

    async def shows(self, url: str) -> bool:
        """Whether the page is there: before, code runs in an empty one, which is allowed nothing."""
        loaded = f"location.href === {json.dumps(url)} && document.readyState === 'complete'"
        answer = await self._send("Runtime.evaluate", expression=loaded)
        return bool(answer["result"]["value"])

    async def run(self, code: str) -> None:
        """Run an async piece of code in the page."""
        await self._send("Runtime.enable")
        await self._send(
            "Runtime.evaluate",
            expression=f"(async () => {{ {code}\n }})()",
            awaitPromise=True,
            userGesture=True,
        )

    async def read_console(self, count: int) -> None:
        """Collect what the page logs."""
        while len(self.console) < count:
            self._take(json.loads(await self._socket.recv()))

    async def _send(self, method: str, **params: Any) -> Any:
        self._number += 1
        await self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            answer = json.loads(await self._socket.recv())
            self._take(answer)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                assert "exceptionDetails" not in answer["result"], answer
                return answer["result"]

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.consoleAPICalled":
            self.console += [str(argument.get("value")) for argument in message["params"]["args"]]
        assert message.get("method") != "Runtime.exceptionThrown", message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "containing"), [("README.md", "MediaRecorder"), ("docs/protocol.md", "AudioWorklet")]
)
async def test_the_browser_examples(
    mock_system: Any, tmp_path: Path, page: str, eventually: Any, document: str, containing: str
) -> None:
    """A session is made, the example runs in the page, and captions come to its console."""
    recording = tmp_path / "microphone.wav"
    with wave.open(str(recording), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        quiet = bytes(16_000)
        out.writeframes(quiet * 3 + (speak(range(900, 906)) * 20_000).astype("<i2").tobytes() + quiet * 3)
    async with httpx.AsyncClient(trust_env=False) as http:
        made = await http.post(
            f"{mock_system.url}/v1/sessions", headers={"Authorization": f"Bearer {mock_system.key}"}
        )
    session_id = made.json()["id"]
    code = example(document, "js", containing).replace(
        "127.0.0.1:8080", mock_system.url.removeprefix("http://")
    )
    async with browser(tmp_path, recording, page, eventually) as opened:
        await opened.run(f"const id = {session_id!r}, key = {mock_system.key!r};\n{code}")
        async with asyncio.timeout(40):
            await opened.read_console(1)
    words = opened.console[0].split()
    assert words
    assert all(re.fullmatch(r"w\d{5}", word) for word in words), words
