"""``dragoman up``: everything starts, a killed part comes back, and nothing outlives the end."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest


def assert_no_traceback(output: str) -> None:
    assert "Traceback" not in output
    assert "Task exception" not in output
    assert "never retrieved" not in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_it(dragoman_up: Any, number: signal.Signals) -> None:
    up = dragoman_up("--profile", "mock")
    assert len(up.family) >= 4, "Redis, API, worker and whisper service"
    up.process.send_signal(number)
    assert up.wait_end() == 0
    assert up.survivors() == []
    assert_no_traceback(up.output)


def test_nothing_outlives_a_supervisor_that_is_killed(dragoman_up: Any) -> None:
    up = dragoman_up("--profile", "mock")
    up.process.kill()
    up.wait_end()
    assert up.survivors() == []


def test_the_key_is_not_in_any_process_list(mock_system: Any) -> None:
    for process in mock_system.note_family():
        assert mock_system.key not in " ".join(process.cmdline())
    told = ("DRAGOMAN_CLIENT_KEY", f"Open {mock_system.url}/#key=")
    assert all(any(part in line for line in mock_system.lines) for part in told)
    log = [line for line in mock_system.lines if not any(part in line for part in told)]
    assert mock_system.key not in "\n".join(log)


def test_the_page_is_served_and_viewers_tokens_outlive_the_api_process(dragoman_up: Any) -> None:
    up = dragoman_up("--profile", "mock")
    headers = {"Authorization": f"Bearer {up.key}"}
    with httpx.Client(base_url=up.url, trust_env=False) as http:
        assert http.get("/").headers["content-security-policy"].startswith("default-src 'none'")
        session = http.post("/v1/sessions", headers=headers).json()
        path = f"/v1/sessions/{session['id']}"
        token = http.post(f"{path}/viewer-tokens", headers=headers).json()["token"]
        viewer = {"Authorization": f"Bearer {token}"}
        assert http.get(f"{path}/transcript", headers=viewer).status_code == 200
        told = http.get("/v1/capabilities", headers=viewer).json()
        assert told["problems"] == {"whisper": None, "translation": None}
        assert told["spoken"]
        assert told["pairs"] == [{"source": "*", "target": "*"}]

        up.child("dragoman_orchestration.cli", "api").kill()
        up.wait_for(r"(?s)was ended by SIGKILL.*listening on")
        assert http.get(f"{path}/transcript", headers=viewer).status_code == 200
        assert http.get(f"{path}/presence", headers=viewer).status_code == 403
    assert token not in up.output
    up.process.send_signal(signal.SIGINT)
    assert up.wait_end() == 0


def test_a_part_that_is_killed_comes_back(mock_system: Any, eventually: Any) -> None:
    """Ends the system that the test before left whole."""
    up = mock_system
    api = up.child("dragoman_orchestration.cli", "api")
    api.kill()
    up.wait_for(r"api\s+│ was ended by SIGKILL; starts again")

    def is_ready() -> bool:
        try:
            return httpx.get(f"{up.url}/ready", trust_env=False).is_success
        except httpx.TransportError:
            return False

    up.wait_for(r"(?s)was ended by SIGKILL.*listening on")
    assert psutil.pid_exists(up.process.pid)
    import asyncio

    asyncio.run(eventually(is_ready))
    up.process.send_signal(signal.SIGINT)
    assert up.wait_end() == 0
    assert up.survivors() == []


def test_a_second_signal_does_not_wait_for_the_drain(dragoman_up: Any) -> None:
    up = dragoman_up("--profile", "mock")
    # A stopped process cannot drain.
    up.child("dragoman_orchestration.cli", "api").send_signal(signal.SIGSTOP)
    up.process.send_signal(signal.SIGINT)
    up.wait_for("once more ends it at once")  # equal signals that wait together arrive as one
    up.process.send_signal(signal.SIGINT)
    assert up.wait_end(10) == 0
    assert up.survivors() == []


def test_a_taken_port_is_one_clear_line(dragoman_run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = dragoman_run("up", "--profile", "mock", "--port", str(port))
    assert ended.returncode == 1
    text = ended.stderr.decode()
    assert f"cannot listen on 127.0.0.1:{port}" in text
    assert "--port 0" in text
    assert_no_traceback(text)


def test_a_redis_that_is_not_there_is_told_and_waited_for(dragoman_start: Any, free_port: int) -> None:
    up = dragoman_start(
        "up", "--profile", "mock", "--port", "0", DRAGOMAN_REDIS_URL=f"redis://127.0.0.1:{free_port}/0"
    )
    up.wait_for(r"(api|audio)\s+│ .*(redis|bus|Redis)")
    up.note_family()
    assert up.process.poll() is None
    up.process.send_signal(signal.SIGINT)
    assert up.wait_end() == 0
    assert up.survivors() == []
    assert_no_traceback(up.output)


def test_a_wrong_setting_is_one_clear_line(dragoman_run: Any) -> None:
    ended = dragoman_run("up", DRAGOMAN_LOG_LEVEL="LOUD")
    text = ended.stderr.decode()
    assert ended.returncode == 1
    assert "DRAGOMAN_LOG_LEVEL" in text
    assert_no_traceback(text)


def test_a_data_folder_keeps_sessions_and_is_used_once_at_a_time(
    dragoman_up: Any, dragoman_run: Any, tmp_path: Path
) -> None:
    options = ("--profile", "mock", "--data-dir", str(tmp_path / "data"))
    keys = {"DRAGOMAN_API_KEYS": "me:my-own-key"}
    headers = {"Authorization": "Bearer my-own-key"}
    first = dragoman_up(*options, **keys)
    made = httpx.post(f"{first.url}/v1/sessions", headers=headers, trust_env=False).json()

    second = dragoman_run("up", "--port", "0", *options, **keys)
    assert second.returncode == 1
    assert "another 'dragoman up' uses the folder" in second.stderr.decode()

    first.process.send_signal(signal.SIGTERM)
    assert first.wait_end() == 0
    again = dragoman_up(*options, **keys)
    found = httpx.get(f"{again.url}/v1/sessions/{made['id']}", headers=headers, trust_env=False)
    assert found.json()["id"] == made["id"]
    assert "my-own-key" not in first.output + again.output
