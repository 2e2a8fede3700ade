"""The profile mock with nginx, in containers: a client gets its captions from the published ports."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from dragoman_orchestration.api.page import PAGE_HEADERS
from dragoman_whisper.engines.mock_speech import speak

from .conftest import Stack, finals, run, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

NUMBERS = list(range(200, 212))
USER = 10_001


@pytest.fixture(scope="module")
def mock() -> Iterator[Stack]:
    with running("mock,web") as stack:
        yield stack


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that the mock engine understands: silence, twelve numbers, silence."""
    quiet = np.zeros(8_000, np.float32)
    path = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((np.concatenate([quiet, speak(NUMBERS), quiet]) * 32_767).astype("<i2").tobytes())
    return path


def words(events: list[dict[str, Any]]) -> list[str]:
    return [word.text.strip() for final in finals(events) for word in final.words]


def test_a_client_gets_each_word_once_through_the_published_port(mock: Stack, spoken: Path) -> None:
    assert words(mock.transcribe(spoken)) == [f"w{number:05d}" for number in NUMBERS]


def test_a_client_gets_each_word_through_nginx_too(mock: Stack, spoken: Path) -> None:
    assert words(mock.transcribe(spoken, url=mock.web_url)) == [f"w{number:05d}" for number in NUMBERS]


def script_of(url: str) -> httpx.Response:
    """The page's first script; its name is that of the build that is served there."""
    name = httpx.get(url).text.partition('src="/assets/')[2].partition('"')[0]
    answer = httpx.get(f"{url}/assets/{name}")
    assert answer.status_code == 200
    return answer


def test_nginx_serves_the_page_as_the_api_does(mock: Stack) -> None:
    for path in ("/", "/sessions", "/sessions/abc", "/watch/abc"):
        page, same = httpx.get(mock.web_url + path), httpx.get(mock.url + path)
        assert page.status_code == same.status_code == 200
        assert "<title>Dragoman</title>" in page.text
        for name in (*PAGE_HEADERS, "cache-control"):
            assert page.headers[name] == same.headers[name], (path, name)
    asset, same = script_of(mock.web_url), script_of(mock.url)
    assert asset.headers["cache-control"] == same.headers["cache-control"]
    assert asset.headers["content-type"].split(";")[0] == same.headers["content-type"].split(";")[0]
    assert asset.headers["content-encoding"] == "gzip"
    assert httpx.get(f"{mock.web_url}/assets/none.js").status_code == 404
    assert httpx.get(f"{mock.web_url}/metrics").status_code == 404
    assert httpx.get(f"{mock.web_url}/v1/capabilities").status_code == 401
    assert httpx.get(f"{mock.web_url}/openapi.json").json()["info"]["title"] == "Dragoman"


def test_no_container_is_root_or_may_become_it_or_can_write_where_it_should_not(mock: Stack) -> None:
    for service in mock.containers:
        status = dict(
            line.split(":\t", 1)
            for line in mock.inside(service, "cat", "/proc/1/status").stdout.splitlines()
            if ":\t" in line
        )
        assert int(status["Uid"].split()[0]) in {USER, 999}, service
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, service
        assert mock.inspect(service)["HostConfig"]["ReadonlyRootfs"], service
        assert "no-new-privileges" in mock.inspect(service)["HostConfig"]["SecurityOpt"][0], service
        assert mock.inside(service, "touch", "/etc/written").returncode != 0, service
        assert mock.inspect(service)["HostConfig"]["Memory"] > 0, service


def test_only_the_api_and_nginx_are_published_and_only_on_loopback(mock: Stack) -> None:
    published = {
        (service, place["HostIp"], int(place["HostPort"]))
        for service in mock.containers
        for places in mock.inspect(service)["NetworkSettings"]["Ports"].values()
        for place in places or ()
    }
    assert published == {("api", "127.0.0.1", mock.port), ("web", "127.0.0.1", mock.web_port)}


def test_secrets_reach_the_api_and_not_who_has_no_business_with_them(mock: Stack) -> None:
    holders = {
        service for service in mock.containers if mock.key in "".join(mock.inspect(service)["Config"]["Env"])
    }
    assert "api" in holders
    assert not holders & {"bots", "web", "redis", "whisper-mock", "translation-mock"}


def test_what_was_said_is_there_after_a_new_start(mock: Stack, spoken: Path) -> None:
    session = mock.transcribe(spoken)[0]["session_id"]
    mock.compose("down")
    mock.start()
    answer = httpx.get(
        f"{mock.url}/v1/sessions/{session}/transcript", headers={"authorization": f"Bearer {mock.key}"}
    )
    assert answer.status_code == 200
    assert f"w{NUMBERS[-1]:05d}" in answer.text


def test_a_container_ends_in_peace(mock: Stack) -> None:
    """SIGTERM reaches the process, which drains and ends by itself, long before it would be killed."""
    ended = run("podman", "stop", "--time", "30", mock.containers["audio-mock"])
    assert ended.returncode == 0, ended.stderr
    assert mock.inspect("audio-mock")["State"]["ExitCode"] == 0
