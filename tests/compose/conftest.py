"""Dragoman's containers, up and running; ``docker/compose-test`` builds the images and starts these tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dragoman_contracts.websocket import SessionEndedMessage, TranscriptFinal, parse_server_message

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 150.0
LOOK_EVERY_S = 0.5


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without images there is nothing to run."""
    if os.environ.get("COMPOSE_TEST") != "1":
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="needs images: run `just compose-test`"))


def free_port() -> int:
    """A port that is free now; an engine publishes it in a moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def finals(events: list[dict[str, Any]]) -> list[TranscriptFinal]:
    """The finals of a session that was heard from its first byte to its last."""
    parsed = [parse_server_message(json.dumps(event)) for event in events]
    ended = parsed[-1]
    assert isinstance(ended, SessionEndedMessage)
    assert ended.ledger.is_complete
    assert ended.ledger.gap_ms == 0
    return [event for event in parsed if isinstance(event, TranscriptFinal)]


def run(*command: str, limit_s: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    """The outcome of a command of the checkout's folder."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


@dataclass
class Stack:
    """The containers of some profiles: what they are called, and where a client finds them."""

    settings: dict[str, str]
    port: int
    web_port: int
    containers: dict[str, str] = field(default_factory=dict)
    """Names of containers by those of services."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def key(self) -> str:
        env_file = Path(os.environ["STACK_ENV_FILE"]).read_text(encoding="utf-8")
        return env_file.partition("DRAGOMAN_API_KEYS=local:")[2].splitlines()[0]

    def compose(self, *arguments: str) -> None:
        """Run ``docker/compose``; it must succeed."""
        ended = run("docker/compose", *arguments, **self.settings)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def start(self) -> None:
        """Bring all up, and wait until each container's own health check passes."""
        self.compose("up", "--no-build")
        listed = json.loads(run("podman", "ps", "--all", "--format", "json").stdout)
        label = "com.docker.compose.service"
        self.containers = {entry["Labels"][label]: entry["Names"][0] for entry in listed}
        self.wait_healthy()

    def wait_healthy(self) -> None:
        """Podman runs health checks by timers of systemd, which a machine of CI may not have: so ask."""
        deadline = time.monotonic() + START_LIMIT_S
        waiting = dict(self.containers)
        while waiting:
            waiting = {service: name for service, name in waiting.items() if not self.is_healthy(name)}
            if waiting and time.monotonic() > deadline:
                pytest.fail("\n".join(f"{service}: {self.log(service)}" for service in waiting))
            time.sleep(LOOK_EVERY_S)

    def is_healthy(self, container: str) -> bool:
        return run("podman", "healthcheck", "run", container).returncode == 0

    def log(self, service: str) -> str:
        """The last that a service said."""
        said = run("podman", "logs", "--tail", "15", self.containers[service])
        return said.stdout + said.stderr

    def inside(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """The outcome of a command inside of a service's container."""
        return run("podman", "exec", self.containers[service], *command)

    def inspect(self, service: str) -> Any:
        return json.loads(run("podman", "inspect", self.containers[service]).stdout)[0]

    def transcribe(self, recording: Path, *options: str, url: str = "") -> list[dict[str, Any]]:
        """What ``dragoman transcribe`` on this machine gets from the published port, as events."""
        ended = run(
            "dragoman", "transcribe", str(recording), "--json", "--server", url or self.url, *options,
            DRAGOMAN_CLIENT_KEY=self.key,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr + "".join(map(self.log, self.containers))
        return [json.loads(line) for line in ended.stdout.splitlines()]


@contextmanager
def running(profiles: str) -> Iterator[Stack]:
    """The containers of ``profiles``; nothing of them is left behind, not even when the start fails."""
    port, web_port = free_port(), free_port()
    settings = {"COMPOSE_PROFILES": profiles, "STACK_PORT": str(port), "STACK_WEB_PORT": str(web_port)}
    stack = Stack(settings, port, web_port)
    started = time.monotonic()
    try:
        stack.start()
        print(
            f"\n{profiles}: {len(stack.containers)} containers healthy in {time.monotonic() - started:.0f} s"
        )
        yield stack
    finally:
        run("docker/compose", "down", "--volumes", **stack.settings)
