"""Settings of config sync."""

from __future__ import annotations

import pytest

from dragoman_orchestration.config.settings import ConfigSyncSettings
from dragoman_orchestration.workers.config_sync import service_fleet
from dragoman_runtime.settings import SettingsInvalid


def test_the_services_of_one_machine_are_the_default():
    settings = ConfigSyncSettings()
    assert (settings.whisper, settings.translation) == (["http://127.0.0.1:8001"], ["http://127.0.0.1:8002"])
    assert settings.sync_mode == "worker"


@pytest.mark.parametrize(
    ("given", "urls"),
    [
        ("none", []),
        ("http://a:1", ["http://a:1"]),
        (" http://a:1/ , https://b/base/,http://a:1 ", ["http://a:1", "https://b/base"]),
    ],
)
def test_urls_are_listed(given, urls, monkeypatch):
    monkeypatch.setenv("DRAGOMAN_CONFIG_WHISPER_URLS", given)
    assert ConfigSyncSettings().whisper == urls


@pytest.mark.parametrize("given", ["a:1", "ftp://a", "http://", "http://a:port", "http://[::1", "http://a,b"])
def test_what_is_no_url_is_refused(given):
    with pytest.raises(SettingsInvalid, match="DRAGOMAN_CONFIG_TRANSLATION_URLS"):
        ConfigSyncSettings(translation_urls=given)


def test_the_mode_is_a_known_one():
    with pytest.raises(SettingsInvalid, match="DRAGOMAN_CONFIG_SYNC_MODE"):
        ConfigSyncSettings(sync_mode="both")


async def test_each_service_gets_its_section():
    fleet = service_fleet(
        ConfigSyncSettings(whisper_urls="http://a,http://b", translation_urls="http://c:8002")
    )
    assert [one.name for one in fleet.services] == ["whisper a", "whisper b", "translation c:8002"]
    await fleet.close()


@pytest.mark.parametrize("timeout_s", [0.1, 1.5, 60])
@pytest.mark.parametrize("lease_ms", [200, 3_000, 60_000])
def test_who_follows_a_leader_that_died_waits_until_its_turn_is_over(timeout_s, lease_ms):
    settings = ConfigSyncSettings(service_timeout_s=timeout_s, lease_ms=lease_ms)
    assert settings.turn_lease_s > settings.turn_s > 2 * timeout_s
    assert lease_ms / 1000 + settings.patience_s > settings.turn_lease_s
