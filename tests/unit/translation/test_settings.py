"""Settings: pairs and models, engines in their order, keys, profiles."""

from __future__ import annotations

import pytest

from dragoman_runtime.settings import SettingsInvalid
from dragoman_translation.config import TranslateConfig
from dragoman_translation.engines.base import ANY, Pair
from dragoman_translation.settings import TranslationSettings


def test_models_are_read_by_pair() -> None:
    settings = TranslationSettings(models="en-es=/m/a, pt-BR:en=owner/name ,*=/m/nllb")
    assert settings.model_names == {
        Pair("en", "es"): "/m/a",
        Pair("pt-BR", "en"): "owner/name",
        Pair(ANY, ANY): "/m/nllb",
    }


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("models", "en-es", "is not of the form"),
        ("models", "xx-yy=/m", "no pair of language codes"),
        ("models", "en-es=/a,eng-spa=/b", "two models"),
        ("engines", "mock,google", "no engine 'google'"),
        ("engines", "mock,mock", "once"),
        ("pivot", "english", "no language code"),
        ("apertium_url", "localhost:2737", "http://"),
        ("openai_url", "ftp://x", "http://"),
        ("profile", "npu", "mock"),
        ("batch_max", "257", "256"),
        ("port", "70000", "65535"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(field: str, value: str, says: str) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        TranslationSettings(**{field: value})
    assert says in raised.value.message
    assert f"DRAGOMAN_TRANSLATION_{field.upper()}" in raised.value.message


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_TRANSLATION_ENGINES", "apertium, mock")
    monkeypatch.setenv("DRAGOMAN_TRANSLATION_API_KEYS", "a, b")
    settings = TranslationSettings()
    assert settings.engine_names == ["apertium", "mock"]
    assert settings.keys == {"a", "b"}


def test_no_key_is_shown() -> None:
    settings = TranslationSettings(api_keys="secret-one", openai_api_key="secret-two")
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("profile", "engines", "compute"),
    [
        ("mock", ["mock"], ""),
        ("cpu", ["ctranslate2", "apertium"], "int8"),
        ("gpu", ["ctranslate2", "apertium"], "float16"),
    ],
)
def test_a_profile_chooses_engines_and_compute_type(profile: str, engines: list[str], compute: str) -> None:
    settings = TranslationSettings(profile=profile)
    assert (settings.engine_names, settings.defaults.compute_type) == (engines, compute)


def test_a_setting_goes_before_the_profile() -> None:
    config = TranslationSettings(profile="gpu", batch_max=7, batch_wait_ms=0, pivot="none").translate_config()
    assert (config.batch_max, config.batch_wait_ms, config.pivot) == (7, 0, "")


def test_a_pivot_is_kept_in_its_canonical_form() -> None:
    assert TranslateConfig(pivot="EN") == TranslateConfig(pivot="en")
