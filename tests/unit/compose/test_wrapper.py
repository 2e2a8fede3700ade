"""``docker/compose``: which tool, which profiles, which key; on a tool that only tells what it was asked."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
TELL = '#!/bin/sh\necho "asked: $*"\necho "profiles: $COMPOSE_PROFILES"\nenv | grep ^DRAGOMAN_ | sort\n'


@pytest.fixture
def wrapper(root: Path, tmp_path: Path) -> Run:
    tool = tmp_path / "tool"
    tool.write_text(TELL, encoding="utf-8")
    tool.chmod(0o755)

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "STACK_ENGINE": str(tool),
            "STACK_ENV_FILE": str(tmp_path / "env"),
            **settings,
        }
        return subprocess.run(
            [root / "docker" / "compose", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / "env"


def test_without_a_profile_it_is_the_processor(wrapper: Run) -> None:
    ended = wrapper("ps")
    assert ended.returncode == 0, ended.stderr
    assert "asked: --file compose.local.yml ps" in ended.stdout
    assert "profiles: cpu\n" in ended.stdout
    assert "DRAGOMAN_API_DEFAULT_PROFILE=cpu" in ended.stdout


def test_the_file_switches_profiles(wrapper: Run, env_file: Path) -> None:
    env_file.write_text("# COMPOSE_PROFILES=gpu\nCOMPOSE_PROFILES='mock, web'\n", encoding="utf-8")
    ended = wrapper("ps")
    assert "profiles: mock,web\n" in ended.stdout
    assert "DRAGOMAN_API_DEFAULT_PROFILE=mock" in ended.stdout
    assert f"--env-file {env_file}" in ended.stdout


def test_the_environment_goes_before_the_file(wrapper: Run, env_file: Path) -> None:
    env_file.write_text("COMPOSE_PROFILES=mock\nDRAGOMAN_API_DEFAULT_PROFILE=gpu\n", encoding="utf-8")
    ended = wrapper("ps", COMPOSE_PROFILES="cpu")
    assert "profiles: cpu\n" in ended.stdout
    assert "DRAGOMAN_API_DEFAULT_PROFILE=gpu" in ended.stdout


def test_what_is_added_comes_beside_the_processor(wrapper: Run) -> None:
    ended = wrapper("ps", COMPOSE_PROFILES="observability")
    assert "profiles: cpu,observability\n" in ended.stdout
    assert "DRAGOMAN_OTLP_ENDPOINT=http://otel-collector:4318" in ended.stdout
    assert "DRAGOMAN_ALERTS_ALERTMANAGER_URL=http://alertmanager:9093" in ended.stdout
    assert "OTLP" not in wrapper("ps").stdout


@pytest.mark.parametrize(
    ("profiles", "words"),
    [
        ("npu", "no engine for NPUs yet"),
        ("cpu,mock", "one of them can run at a time"),
        ("tpu", "there is no profile tpu"),
    ],
)
def test_what_cannot_run_is_refused_with_the_reason(wrapper: Run, profiles: str, words: str) -> None:
    ended = wrapper("up", COMPOSE_PROFILES=profiles)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert ended.stdout == ""


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(wrapper: Run, env_file: Path) -> None:
    ended = wrapper("up")
    assert ended.returncode == 0, ended.stderr
    assert "up --detach" in ended.stdout
    text = env_file.read_text(encoding="utf-8")
    assert re.search(r"^DRAGOMAN_API_KEYS=local:[\w-]{32}$", text, re.MULTILINE)
    assert re.search(r"^DRAGOMAN_API_VIEWER_TOKEN_SECRET=[\w-]{32}$", text, re.MULTILINE)
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    key = text.partition("local:")[2].splitlines()[0]
    assert key not in ended.stderr
    wrapper("up")
    assert env_file.read_text(encoding="utf-8") == text


def test_a_key_that_is_there_stays(wrapper: Run, env_file: Path) -> None:
    env_file.write_text("DRAGOMAN_API_KEYS=mine:abc\nDRAGOMAN_API_VIEWER_TOKEN_SECRET=s", encoding="utf-8")
    wrapper("up")
    assert env_file.read_text(encoding="utf-8") == (
        "DRAGOMAN_API_KEYS=mine:abc\nDRAGOMAN_API_VIEWER_TOKEN_SECRET=s"
    )


def test_a_file_without_an_end_of_line_is_not_spoilt(wrapper: Run, env_file: Path) -> None:
    env_file.write_text("COMPOSE_PROFILES=mock", encoding="utf-8")
    assert "profiles: mock\n" in wrapper("up").stdout
    assert "profiles: mock\n" in wrapper("ps").stdout


def test_down_ends_what_any_profile_has_started(wrapper: Run) -> None:
    ended = wrapper("down", COMPOSE_PROFILES="mock")
    assert "profiles: cpu,gpu,mock,web,observability\n" in ended.stdout
    assert "down --remove-orphans" in ended.stdout


def test_sources_are_mounted_when_that_is_wanted(wrapper: Run) -> None:
    assert "--file compose.local.yml --file compose.dev.yml ps" in wrapper("ps", STACK_DEV="1").stdout


def test_a_machine_without_engines_is_told(wrapper: Run, tmp_path: Path) -> None:
    tools = tmp_path / "few"
    tools.mkdir()
    for name in ("bash", "dirname", "env", "tr", "sed", "tail"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    ended = wrapper("ps", STACK_ENGINE="", PATH=str(tools))
    assert ended.returncode == 2
    assert "needs Docker with Compose v2" in ended.stderr
