"""The lock files of the images: exact, with hashes, within pyproject.toml's ranges, of one mind."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).parents[3] / "docker" / "requirements"
EXTRAS = {
    "api": "api",
    "worker": "worker",
    "whisper": "whisper",
    "whisper-gpu": "whisper",
    "translation": "translation",
    "bots": "bots",
}
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "extra": ""}


def locked(name: str) -> dict[str, str]:
    """Versions by package."""
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


def wanted(extra: str) -> list[Requirement]:
    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [
        Requirement(text)
        for text in project["dependencies"] + project["optional-dependencies"].get(extra, [])
    ]


def listed(name: str) -> list[Requirement]:
    lines = (FOLDER / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("image", EXTRAS)
def test_the_lock_has_what_the_project_asks_for(image: str) -> None:
    versions = locked(image)
    more = listed(image) if (FOLDER / f"{image}.in").exists() else []
    for requirement in wanted(EXTRAS[image]) + more:
        if requirement.marker is None or requirement.marker.evaluate(LINUX):
            version = versions.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement.name}: run docker/lock"
            assert requirement.specifier.contains(version), f"{requirement}: {version}; run docker/lock"


@pytest.mark.parametrize("image", [*EXTRAS, "build"])
def test_every_file_of_every_version_has_a_hash(image: str) -> None:
    text = (FOLDER / f"{image}.txt").read_text(encoding="utf-8")
    for entry in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]


@pytest.mark.parametrize("image", [*EXTRAS, "build"])
def test_all_images_have_the_same_version_of_a_package(image: str) -> None:
    assert locked(image).items() <= locked("constraints").items()


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_the_lock_names_no_server_and_no_folder_of_somebody(file: Path) -> None:
    assert not re.search(r"://|--index|--find-links|file:|(?<![\w.])/\w", file.read_text(encoding="utf-8"))


def test_a_bots_worker_has_of_the_workers_what_the_workers_have() -> None:
    worker = {canonicalize_name(requirement.name) for requirement in wanted("worker")}
    assert {canonicalize_name(requirement.name) for requirement in listed("bots")} <= worker


def test_the_build_backend_is_the_one_of_the_project() -> None:
    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert [str(Requirement(text)) for text in project["build-system"]["requires"]] == [
        str(requirement) for requirement in listed("build")
    ]
