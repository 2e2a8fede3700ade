"""Every setting of env.template can be reached by a value, and reaches the processes that read it."""

from __future__ import annotations

import os
import re
from functools import lru_cache

import pytest
from tests.unit.helm.chart import (
    FOREIGN,
    ROOT,
    Rendered,
    RenderError,
    component_of,
    container_of,
    pod_of,
    render,
)
from tests.unit.helm.test_security import secret_names

from dragoman_runtime.settings import all_settings, variable_name

ENTRY = re.compile(r"^# (DRAGOMAN_\w+)=(.*)$", re.MULTILINE)
TEMPLATE = dict(ENTRY.findall((ROOT / "env.template").read_text(encoding="utf-8")))
DERIVED = {"DRAGOMAN_AUDIO_PROFILE": "audio-cpu", "DRAGOMAN_WHISPER_PROFILE": "whisper-cpu"}
"""What the values audio.profiles and whisper.profiles decide."""

WORKERS = {"audio-cpu", "config", "bots", "monitoring"}
BUS = {"api", *WORKERS}
SERVICES = {"whisper-cpu", "translation"}
READERS = {
    "API": {"api"},
    "AUDIO": {"audio-cpu"},
    "BOTS_WORKER": {"bots"},
    "BOTS": {"api", "bots"},
    "BOT_RUNNER": {"bots"},
    "CLIENT": {"test"},
    "CONFIG": {"api", "config"},
    "MONITORING": {"monitoring"},
    "ALERTS": {"monitoring"},
    "RECORDINGS": {"api", "audio-cpu"},
    "WEBHOOKS": {"api", "bots", "monitoring"},
    "WHISPER": {"whisper-cpu"},
    "TRANSLATION": {"translation"},
    "REDIS": BUS,
    "SHARDS": BUS,
}
"""By the first word after DRAGOMAN_; all others are read by every process."""


def readers(name: str) -> set[str]:
    word = max((word for word in READERS if name.startswith(f"DRAGOMAN_{word}")), key=len, default="")
    return READERS.get(word, BUS | SERVICES)


def plain_names() -> list[str]:
    return sorted(TEMPLATE.keys() - set(secret_names()) - DERIVED.keys())


def told(name: str) -> str | int:
    """A value that no default has, and that the chart can work with."""
    if name.endswith("_PORT"):
        return 4321
    return 77 if name == "DRAGOMAN_DRAIN_TIMEOUT_S" else f"told-{name.lower()}"


@lru_cache(maxsize=1)
def with_all_settings() -> Rendered:
    settings = {name: told(name) for name in plain_names()}
    return render("redis-tls", {"settings": settings, "bots": {"enabled": True}})


def test_the_template_is_read() -> None:
    assert len(TEMPLATE) > 150
    assert {"DRAGOMAN_API_KEYS", "DRAGOMAN_WHISPER_MODEL", "DRAGOMAN_SHARDS"} <= TEMPLATE.keys()


@pytest.mark.parametrize("name", sorted(TEMPLATE.keys() - DERIVED.keys()))
def test_each_setting_reaches_the_processes_that_read_it_and_no_other(name: str) -> None:
    rendered = with_all_settings()
    if name in secret_names():
        return  # held by test_the_secret_variables_are_those_of_the_settings
    for component in rendered.components():
        known = rendered.environment(component).get(name)
        assert known == (str(told(name)) if component in readers(name) else None), component
    if readers(name) == {"test"}:
        (pod,) = rendered.of("Pod")
        assert {"name": name, "value": told(name)} in pod["spec"]["containers"][0]["env"]


@pytest.mark.parametrize(("name", "component"), DERIVED.items())
def test_a_profile_is_enabled_and_not_set(name: str, component: str) -> None:
    assert render("default").environment(component)[name] == "cpu"
    with pytest.raises(RenderError, match=f"{name} follows from audio.profiles and whisper.profiles"):
        render("default", {"settings": {name: "gpu"}})


def test_a_process_of_its_own_opinion_goes_before_the_settings_of_all() -> None:
    values = {
        "settings": {"DRAGOMAN_LOG_LEVEL": "WARNING"},
        "audio": {
            "env": {"DRAGOMAN_LOG_LEVEL": "ERROR"},
            "profiles": {"cpu": {"env": {"DRAGOMAN_LOG_LEVEL": "TRACE"}}},
        },
    }
    rendered = render("default", values)
    assert rendered.environment("api")["DRAGOMAN_LOG_LEVEL"] == "WARNING"
    assert rendered.environment("audio-cpu")["DRAGOMAN_LOG_LEVEL"] == "TRACE"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (524288000, "524288000"),
        (0.25, "0.25"),
        (False, "false"),
        (["a", "b"], "a,b"),
        ("$(HOME)", "$(HOME)"),
        (0, "0"),
    ],
)
def test_values_reach_the_process_as_they_were_meant(given: object, text: str) -> None:
    rendered = render("default", {"settings": {"DRAGOMAN_API_MAX_BODY_BYTES": given}})
    assert rendered.environment("api")["DRAGOMAN_API_MAX_BODY_BYTES"] == text


@pytest.mark.parametrize(
    ("values", "component", "name", "text"),
    [
        ({"shards": 12}, "config", "DRAGOMAN_SHARDS", "12"),
        ({"logLevel": "DEBUG"}, "whisper-cpu", "DRAGOMAN_LOG_LEVEL", "DEBUG"),
        ({"otlpEndpoint": "http://o:4318"}, "translation", "DRAGOMAN_OTLP_ENDPOINT", "http://o:4318"),
        ({"defaults": {"drainTimeoutSeconds": 30}}, "api", "DRAGOMAN_DRAIN_TIMEOUT_S", "30"),
        ({"whisper": {"model": "small"}}, "whisper-cpu", "DRAGOMAN_WHISPER_MODEL", "small"),
        ({"translation": {"models": "en-es=a/b"}}, "translation", "DRAGOMAN_TRANSLATION_MODELS", "en-es=a/b"),
        ({"recordings": {"enabled": True, "keepSeconds": 60}}, "api", "DRAGOMAN_RECORDINGS_KEEP_S", "60"),
        ({"bots": {"enabled": True, "maxBots": 7}}, "bots", "DRAGOMAN_BOTS_WORKER_MAX_BOTS", "7"),
        ({"listenAddress": "::"}, "monitoring", "DRAGOMAN_METRICS_HOST", "::"),
    ],
)  # fmt: skip
def test_typed_values_are_the_variables_that_they_stand_for(
    values: dict[str, object], component: str, name: str, text: str
) -> None:
    assert render("default", values).environment(component)[name] == text


def test_the_processes_find_one_another() -> None:
    rendered = render("everything")
    api, audio = rendered.environment("api"), rendered.environment("audio-gpu")
    config, monitoring = rendered.environment("config"), rendered.environment("monitoring")
    assert api["DRAGOMAN_API_WHISPER_URL"] == "http://captions-whisper-cpu:8001"
    assert audio["DRAGOMAN_AUDIO_WHISPER_URL"] == "http://captions-whisper-gpu:8001"
    assert audio["DRAGOMAN_AUDIO_TRANSLATION_URL"] == "http://captions-translation:8002"
    assert rendered.environment("audio-npu")["DRAGOMAN_AUDIO_WHISPER_URL"] == "http://npu-box.lan:8001"
    assert rendered.environment("bots")["DRAGOMAN_BOTS_WORKER_API_URL"] == "http://captions-api.live:80"
    # The configuration must reach every pod; whether a service works is asked of all of them together.
    assert config["DRAGOMAN_CONFIG_WHISPER_URLS"].split(",") == [
        *(f"http://captions-whisper-cpu-{i}.captions-whisper-cpu-pods:8001" for i in range(3)),
        *(f"http://captions-whisper-gpu-{i}.captions-whisper-gpu-pods:8001" for i in range(2)),
        "http://captions-whisper-mock-0.captions-whisper-mock-pods:8001",
        "http://npu-box.lan:8001",
    ]
    assert len(config["DRAGOMAN_CONFIG_TRANSLATION_URLS"].split(",")) == 2
    assert "http://captions-whisper-gpu:8001" in monitoring["DRAGOMAN_MONITORING_WHISPER_URLS"].split(",")
    services = {one["metadata"]["name"]: one for one in rendered.of("Service")}
    for variable, value in {**api, **audio, **config, **monitoring}.items():
        if (
            variable.endswith(("_URL", "_URLS"))
            and isinstance(value, str)
            and variable != "DRAGOMAN_REDIS_URL"
        ):
            for host, port in re.findall(
                r"http://(?:captions-[a-z0-9-]+\.)?(captions-[a-z0-9-]+)(?:\.live)?:(\d+)", value
            ):
                assert services[host]["spec"]["ports"][0]["port"] == int(port), variable


def test_without_translation_nobody_looks_for_it() -> None:
    rendered = render("minimal", {"config": {"enabled": True}, "monitoring": {"enabled": True}})
    assert "DRAGOMAN_AUDIO_TRANSLATION_URL" not in rendered.environment("audio-cpu")
    assert "DRAGOMAN_MONITORING_TRANSLATION_URLS" not in rendered.environment("monitoring")
    assert rendered.environment("config")["DRAGOMAN_CONFIG_TRANSLATION_URLS"] == "none"


def test_a_port_that_is_set_is_the_port_that_is_opened() -> None:
    rendered = render("default", {"settings": {"DRAGOMAN_API_PORT": 9000, "DRAGOMAN_METRICS_PORT": 9001}})
    for component, port in (("api", 9000), ("audio-cpu", 9001)):
        assert container_of(rendered.component(component))["ports"][0]["containerPort"] == port
    with pytest.raises(RenderError, match="DRAGOMAN_API_PORT of api must be a fixed port"):
        render("default", {"settings": {"DRAGOMAN_API_PORT": 0}})


def test_a_pod_is_given_longer_than_its_process_may_drain(rendered: Rendered) -> None:
    checked = 0
    for workload in rendered.of("Deployment", "StatefulSet"):
        component = component_of(workload)
        if component in FOREIGN:
            continue
        drain = float(rendered.environment(component)["DRAGOMAN_DRAIN_TIMEOUT_S"])
        hook = (
            container_of(workload)
            .get("lifecycle", {})
            .get("preStop", {})
            .get("exec", {})
            .get("command", ["", "0"])
        )
        assert pod_of(workload)["terminationGracePeriodSeconds"] >= drain + float(hook[1]) + 5
        checked += 1
    assert checked >= 3


def test_a_drain_of_its_own_lengthens_the_grace() -> None:
    rendered = render(
        "default",
        {"settings": {"DRAGOMAN_DRAIN_TIMEOUT_S": 45.5}, "audio": {"env": {"DRAGOMAN_DRAIN_TIMEOUT_S": 90}}},
    )
    assert pod_of(rendered.component("config"))["terminationGracePeriodSeconds"] == 51
    assert pod_of(rendered.component("api"))["terminationGracePeriodSeconds"] == 56
    assert pod_of(rendered.component("audio-cpu"))["terminationGracePeriodSeconds"] == 95


def test_pods_start_anew_when_their_settings_change() -> None:
    def sums(values: dict[str, object]) -> dict[str, str]:
        rendered = render("mock", values)
        return {
            component: rendered.component(component)["spec"]["template"]["metadata"]["annotations"][
                "checksum/settings"
            ]
            for component in rendered.components()
        }

    before, after = sums({}), sums({"settings": {"DRAGOMAN_API_MAX_SESSIONS": 5}})
    assert {component for component in before if before[component] != after[component]} == {"api"}


SETTINGS = {
    "api": ("ApiSettings", "BotSettings", "RecordingSettings", "ConfigSyncSettings", "WebhookSettings"),
    "audio": ("AudioWorkerSettings", "RecordingSettings"),
    "config": ("ConfigSyncSettings",),
    "bots": ("BotsWorkerSettings", "BotSettings", "BotRunnerSettings", "WebhookSettings"),
    "monitoring": ("MonitoringSettings", "AlertSettings", "WebhookSettings"),
    "whisper": ("WhisperSettings",),
    "translation": ("TranslationSettings",),
}
SECRETS = {
    "DRAGOMAN_API_KEYS": "team:a-key",
    "DRAGOMAN_API_VIEWER_TOKEN_SECRET": "a-secret",
    "DRAGOMAN_REDIS_URL": "rediss://:a-password@redis.lan:6380/0",
}


def test_each_process_takes_the_settings_that_it_is_given(
    rendered: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_names()  # imports all settings
    classes = {cls.__name__: cls for cls in all_settings()}
    for component in rendered.components() - FOREIGN:
        environment = rendered.environment(component)
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("DRAGOMAN_")]:
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value if isinstance(value, str) else SECRETS.get(name, ""))
            for name in ("RuntimeSettings", *SETTINGS[component.split("-")[0]]):
                settings = classes[name](_env_file=None)
                for field in settings.model_fields_set:
                    assert variable_name(classes[name], field) in environment
