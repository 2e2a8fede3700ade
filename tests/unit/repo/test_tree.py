"""What must not be in the repository, and what must be."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from pathlib import Path

import pytest

REGISTRY_HOSTS = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|deb\.debian\.org|proxy\.golang\.org|"
    r"docker\.io|ghcr\.io|quay\.io|registry\.hub\.docker\.com)\b|--(?:extra-)?index-url\b"
)
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+|private/tmp)/[\w.-]+")
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bghp_\w{36}\b|\bsk-[A-Za-z0-9]{32,}\b"
)
THIS_TEST = Path(__file__).name


def texts(files: list[Path]) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8", errors="replace") for path in files}


def test_no_registry_host_is_named(own_files: list[Path]) -> None:
    for path, text in texts(own_files).items():
        if path.name != THIS_TEST:
            assert not REGISTRY_HOSTS.search(text), path


def test_no_path_of_somebodys_machine(own_files: list[Path]) -> None:
    for path, text in texts(own_files).items():
        found = MACHINE_PATHS.search(text)
        assert found is None or path.name == THIS_TEST, f"{path}: {found and found[0]}"


def test_no_secret(own_files: list[Path]) -> None:
    for path, text in texts(own_files).items():
        assert not SECRETS.search(text), path


def test_no_local_settings_are_under_version_control(own_files: list[Path]) -> None:
    assert not [path for path in own_files if path.name.startswith(".env")]


def test_every_package_is_declared_typed_and_in_the_checks(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {path.name for path in (root / "modules").iterdir() if path.name.startswith("dragoman_")}
    assert {entry["include"] for entry in project["tool"]["poetry"]["packages"]} == packages
    assert set(project["tool"]["mypy"]["packages"]) == packages
    assert set(project["tool"]["importlinter"]["root_packages"]) == packages
    assert set(project["tool"]["coverage"]["run"]["source_pkgs"]) == packages
    for package in packages:
        assert (root / "modules" / package / "py.typed").is_file(), package


def test_no_module_of_the_product_is_a_drawer(root: Path) -> None:
    names = {path.stem for path in (root / "modules").rglob("*.py")}
    assert not names & {"utils", "helpers", "misc", "common", "legacy", "manager"}


def test_the_scripts_are_executable(root: Path) -> None:
    for name in ("justw", ".ci/run"):
        assert os.access(root / name, os.X_OK), name


def test_the_wrapper_runs_on_the_standard_library_alone(root: Path) -> None:
    import sys

    tree = ast.parse((root / "justw").read_text(encoding="utf-8"))
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize("name", ["justw"])
def test_the_wrapper_can_be_parsed_by_an_old_python_that_it_has_to_turn_away(root: Path, name: str) -> None:
    ast.parse((root / name).read_text(encoding="utf-8"), feature_version=(3, 7))


def test_every_recipe_is_documented_and_grouped(root: Path) -> None:
    lines = (root / "justfile").read_text(encoding="utf-8").splitlines()
    recipes = [n for n, line in enumerate(lines) if re.match(r"^[a-z][a-z-]*( \*args)?:(?!=)", line)]
    assert len(recipes) > 15
    for number in recipes:
        if lines[number - 1] == "[private]":
            continue
        assert re.match(r"^\[group\('\w+'\)\]$", lines[number - 1]), lines[number]
        assert re.match(r"^# [A-Z].*\.$|^# .*`.*`\.?$", lines[number - 2]), lines[number]


def test_pre_commit_and_ci_call_recipes_that_exist(root: Path) -> None:
    justfile = (root / "justfile").read_text(encoding="utf-8")
    recipes = set(re.findall(r"^([a-z][a-z-]*)[^:=\n]*:(?!=)", justfile, re.MULTILINE))
    hooks = (root / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    called = set(re.findall(r"entry: \./justw ([a-z-]+)", hooks))
    assert called
    assert hooks.count("entry:") == hooks.count("entry: ./justw")
    called |= set(re.findall(r"^\./justw ([a-z-]+)", (root / ".ci" / "run").read_text(), re.MULTILINE))
    assert "test" in called
    assert called <= recipes


def test_the_licence_is_the_one_that_is_declared(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    licence = (root / "LICENSE").read_text(encoding="utf-8")
    assert "Apache-2.0" in str(project["license"])
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
