"""env.template and the settings classes say the same, in both directions."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from pathlib import Path

import pytest

from dragoman_contracts.errors import Conflict
from dragoman_orchestration.cli.env_template import SETTINGS_MODULES, bootstrap, render_template
from dragoman_runtime.settings import all_settings, env_variables

LINE = re.compile(r"^# (DRAGOMAN_[A-Z0-9_]+)=(.*)$", re.MULTILINE)
UNITLESS = {"_S": "second", "_MS": "ms|millisecond", "_MB": "MB", "_BYTES": "byte", "_MINUTES": "minute"}


def variables() -> dict[str, tuple[str, str]]:
    for module in SETTINGS_MODULES:
        importlib.import_module(module)
    return {v.name: (v.default, v.description) for cls in all_settings() for v in env_variables(cls)}


def test_every_settings_module_of_the_product_is_known() -> None:
    found = set()
    for package in (
        "dragoman_runtime",
        "dragoman_orchestration",
        "dragoman_whisper",
        "dragoman_translation",
        "dragoman_bots",
    ):
        path = importlib.import_module(package).__path__
        found |= {m.name for m in pkgutil.walk_packages(path, f"{package}.") if m.name.endswith("settings")}
    assert found == set(SETTINGS_MODULES)


def test_the_template_has_every_setting_with_its_default_and_no_other(root: Path) -> None:
    in_file = dict(LINE.findall((root / "env.template").read_text(encoding="utf-8")))
    assert in_file == {name: default for name, (default, _) in variables().items()}


def test_the_template_is_what_the_command_writes(root: Path) -> None:
    written = (root / "env.template").read_text(encoding="utf-8")
    assert written == render_template(), "run `just env-template`"


def test_every_setting_says_what_it_means() -> None:
    for name, (_, description) in variables().items():
        assert len(description) > 10, name
        assert description.rstrip().endswith((".", ")")), f"{name}: a sentence"


def test_a_setting_with_a_unit_in_its_name_says_it_in_words() -> None:
    for name, (_, description) in variables().items():
        for suffix, words in UNITLESS.items():
            if name.endswith(suffix) and not name.endswith(f"_PER{suffix}"):
                assert re.search(words, description, re.IGNORECASE), f"{name}: {description}"


def test_the_local_file_is_made_private_and_never_overwritten_unasked(tmp_path: Path) -> None:
    target = tmp_path / ".env.local"
    bootstrap(target, force=False)
    assert target.read_text(encoding="utf-8") == render_template()
    assert target.stat().st_mode & 0o077 == 0
    target.write_text("DRAGOMAN_API_KEYS=mine\n")
    with pytest.raises(Conflict, match="exists"):
        bootstrap(target, force=False)
    assert target.read_text() == "DRAGOMAN_API_KEYS=mine\n"
    bootstrap(target, force=True)
    assert os.path.getsize(target) > 1_000


def test_the_processes_find_one_another_without_a_setting() -> None:
    from dragoman_orchestration.api.settings import ApiSettings
    from dragoman_orchestration.workers.settings import AudioWorkerSettings
    from dragoman_whisper.settings import WhisperSettings

    whisper = WhisperSettings()
    url = f"http://{whisper.host}:{whisper.port}"
    assert AudioWorkerSettings().whisper_url == url
    assert ApiSettings().whisper_url == url
    assert ApiSettings().default_profile == AudioWorkerSettings().profile == whisper.profile
