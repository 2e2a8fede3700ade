"""The program of ``helm test``, as the pod would run it."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from tests.unit.helm.chart import CHART, container_of, render

Answer = tuple[int, dict[str, object]]


class Server(http.server.ThreadingHTTPServer):
    """An API that answers by a table, and remembers what it was asked."""

    def __init__(self, answers: dict[str, list[Answer]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.asked: list[tuple[str, str | None]] = []


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        request = f"{self.command} {self.path}"
        self.server.asked.append((request, self.headers["authorization"]))
        answers = self.server.answers[request]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, list[Answer]]], Server]]:
    servers: list[Server] = []

    def start(answers: dict[str, list[Answer]]) -> Server:
        server = Server(answers)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def answers() -> dict[str, list[Answer]]:
    return {
        "GET /ready": [(200, {"parts": {}})],
        "POST /v1/sessions": [(201, {"id": "s1"})],
        "GET /v1/sessions/s1": [(200, {"id": "s1"})],
        "DELETE /v1/sessions/s1": [(202, {"id": "s1"})],
    }


def smoke(server: Server, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program exactly as it stands in the pod's manifest."""
    (pod,) = render("default").of("Pod")
    (container,) = pod["spec"]["containers"]
    return subprocess.run(
        [sys.executable, *container["command"][1:], *container["args"]],
        env={"DRAGOMAN_CLIENT_SERVER": f"http://127.0.0.1:{server.server_address[1]}", **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_session_is_made_told_and_ended_with_the_first_key(serve: Callable[..., Server]) -> None:
    server = serve(answers())
    done = smoke(server, DRAGOMAN_API_KEYS="team:k1,other:k2")
    assert done.returncode == 0, done.stderr
    assert server.asked == [(request, "Bearer k1") for request in answers()]


def test_a_key_of_clients_goes_before(serve: Callable[..., Server]) -> None:
    server = serve(answers())
    assert smoke(server, DRAGOMAN_API_KEYS="team:k1", DRAGOMAN_CLIENT_KEY="k9").returncode == 0
    assert {key for _request, key in server.asked} == {"Bearer k9"}


def test_it_waits_for_what_still_starts(serve: Callable[..., Server]) -> None:
    slow = answers() | {"GET /ready": [(503, {"parts": {"redis": "away"}}), (200, {})]}
    server = serve(slow)
    assert smoke(server, DRAGOMAN_API_KEYS="k1").returncode == 0
    assert [request for request, _key in server.asked].count("GET /ready") == 2


@pytest.mark.parametrize(
    ("request_line", "answer", "told"),
    [
        (
            "POST /v1/sessions",
            (401, {"detail": "no such key"}),
            "POST /v1/sessions: 401 instead of 201: no such key",
        ),
        ("GET /v1/sessions/s1", (200, {"id": "s2"}), "asked for the session s1, told of s2"),
        ("DELETE /v1/sessions/s1", (404, {"detail": "gone"}), "404 instead of 202: gone"),
    ],
)
def test_it_fails_with_the_reason(
    serve: Callable[..., Server], request_line: str, answer: Answer, told: str
) -> None:
    done = smoke(serve(answers() | {request_line: [answer]}), DRAGOMAN_API_KEYS="k1")
    assert done.returncode == 1
    assert told in done.stderr
    assert "k1" not in done.stdout + done.stderr


def test_the_pod_has_the_image_of_the_api_and_its_keys() -> None:
    rendered = render("default")
    (pod,) = rendered.of("Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    (container,) = pod["spec"]["containers"]
    assert container["image"] == container_of(rendered.component("api"))["image"]
    sources = {entry["name"]: entry.get("valueFrom", entry.get("value")) for entry in container["env"]}
    assert sources["DRAGOMAN_CLIENT_SERVER"] == "http://captions-api.live:80"
    assert sources["DRAGOMAN_API_KEYS"]["secretKeyRef"]["name"] == "captions-secrets"
    assert "smoke.py" in [path.name for path in (CHART / "files").iterdir()]
