"""Settings: where values come from, and errors that are one clear line without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from dragoman_runtime import settings as module
from dragoman_runtime.settings import (
    DragomanSettings,
    RuntimeSettings,
    SettingsInvalid,
    all_settings,
    env_variables,
)


class Sample(DragomanSettings):
    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_SAMPLE_")
    key: SecretStr = Field(SecretStr("default-key"), min_length=8, description="A key.")
    names: list[str] = Field(["a", "b"], description="Names.")
    on: bool = Field(True, description="A switch.")
    must: str | None = Field(None, description="Nothing.")


def test_the_environment_wins_over_the_file_and_empty_is_unset(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text("DRAGOMAN_SHARDS=3\nDRAGOMAN_LOG_LEVEL=DEBUG\nDRAGOMAN_API_OTHER=1\n")
    monkeypatch.setattr(module, "ENV_FILE", str(file))
    monkeypatch.setenv("DRAGOMAN_SHARDS", "5")
    monkeypatch.setenv("DRAGOMAN_METRICS_PORT", "")
    settings = RuntimeSettings()
    assert (settings.shards, settings.log_level, settings.metrics_port) == (5, "DEBUG", 0)
    assert RuntimeSettings(shards=7).shards == 7


def test_a_wrong_value_is_told_with_variable_value_cause_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_SHARDS", "many")
    monkeypatch.setenv("DRAGOMAN_OTLP_ENDPOINT", "collector:4318")
    with pytest.raises(SettingsInvalid) as told:
        RuntimeSettings()
    message = told.value.message
    assert "DRAGOMAN_SHARDS is 'many': Input should be a valid integer" in message
    assert "DRAGOMAN_OTLP_ENDPOINT is 'collector:4318': it must begin with http://" in message
    assert "\n" not in message
    assert "env.template" in told.value.remedy
    assert told.value.__suppress_context__


@pytest.mark.parametrize("url", ["http://:hunter2@h", "redis://:hunter2℀@h", "redis://:hunter2@[::1"])
def test_a_secret_in_a_url_is_never_shown(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DRAGOMAN_REDIS_URL", url)
    with pytest.raises(SettingsInvalid, match="DRAGOMAN_REDIS_URL: it ") as told:
        RuntimeSettings()
    assert "hunter2" not in told.value.message
    assert "hunter2" not in repr(RuntimeSettings(redis_url="redis://:hunter2@h"))


def test_a_secret_and_an_unreadable_list_are_named_without_their_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DRAGOMAN_SAMPLE_KEY", "hunter2")
    with pytest.raises(SettingsInvalid, match="DRAGOMAN_SAMPLE_KEY: ") as told:
        Sample()
    assert "hunter2" not in told.value.message
    monkeypatch.setenv("DRAGOMAN_SAMPLE_KEY", "long enough")
    monkeypatch.setenv("DRAGOMAN_SAMPLE_NAMES", "not-json")
    with pytest.raises(SettingsInvalid, match="names") as told:
        Sample()
    assert "not-json" not in told.value.message


def test_variables_tell_defaults_but_no_secret() -> None:
    known = {variable.name.removeprefix("DRAGOMAN_SAMPLE_"): variable for variable in env_variables(Sample)}
    assert {name: v.default for name, v in known.items()} == {
        "KEY": "",
        "NAMES": "a,b",
        "ON": "true",
        "MUST": "",
    }
    assert [name for name, v in known.items() if v.secret] == ["KEY"]
    assert next(v for v in env_variables(RuntimeSettings) if v.name == "DRAGOMAN_REDIS_URL").secret


def test_only_settings_of_the_product_are_listed() -> None:
    assert RuntimeSettings in all_settings()
    assert Sample not in all_settings()


def test_an_endpoint_loses_its_last_slash() -> None:
    assert RuntimeSettings(otlp_endpoint="http://c:4318/").otlp_endpoint == "http://c:4318"
