"""Where ``dragoman up`` has recordings kept."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dragoman_orchestration.cli.stack import Ports, StackConfig, children, recordings_folder


def test_without_a_data_folder_they_end_with_the_run():
    with recordings_folder(None) as folder:
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
        (Path(folder) / "x.pcm").write_bytes(b"audio")
    assert not Path(folder).exists()


def test_with_one_they_stay_beside_the_other_data(tmp_path):
    with recordings_folder(tmp_path) as folder:
        assert Path(folder).parent == tmp_path


@pytest.mark.parametrize("data_dir", [None, Path("data")])
def test_a_folder_of_the_settings_is_used_as_it_is(monkeypatch, tmp_path, data_dir):
    monkeypatch.setenv("DRAGOMAN_RECORDINGS_DIR", str(tmp_path))
    with recordings_folder(data_dir) as folder:
        assert folder == str(tmp_path)
    assert tmp_path.exists()


def test_the_api_and_the_worker_have_the_same_one():
    specs = children(StackConfig("mock"), "unix:///x", "k", Ports(*range(1, 8)), "/somewhere")
    told = {spec.name: spec.environment.get("DRAGOMAN_RECORDINGS_DIR") for spec in specs}
    assert told["api"] == told["audio"] == "/somewhere"
