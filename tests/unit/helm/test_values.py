"""Wrong values are refused, in words that say what is wrong and what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.helm.chart import (
    CHART,
    NEWEST,
    ROOT,
    RenderError,
    container_of,
    render,
    render_folder,
    run_helm,
)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"api": {"replica": 2}}, "'replica'"),
        ({"apl": {}}, "'apl'"),
        ({"audio": {"profiles": {"tpu": {"enabled": True}}}}, "'tpu'"),
        ({"whisper": {"profiles": {"cpu": {"replicas": -1}}}}, "/whisper/profiles/cpu/replicas"),
        ({"image": {"tag": "latest"}}, "/image/tag"),
        ({"api": {"image": {"tag": "latest"}}}, "/api/image/tag"),
        ({"api": {"resources": {"limits": {"memory": "1 GB"}}}}, "/api/resources/limits/memory"),
        ({"api": {"resources": {"limits": {"memory": None}}}}, "'memory'"),
        ({"settings": {"API_KEYS": "x"}}, "/settings"),
        ({"logLevel": "LOUD"}, "/logLevel"),
        ({"otlpEndpoint": "otel:4318"}, "/otlpEndpoint"),
        ({"redis": {"internal": {"password": "short"}}}, "/redis/internal/password"),
        ({"redis": {"external": {"url": "http://redis"}}}, "/redis/external/url"),
        ({"networkPolicy": {"dnsTo": []}}, "/networkPolicy/dnsTo"),
        ({"ingress": {"tls": [{"hosts": ["a"]}]}}, "'secretName'"),
        ({"shards": 0}, "/shards"),
    ],
)
def test_the_schema_refuses_and_names_the_place(values: dict[str, Any], told: str) -> None:
    with pytest.raises(RenderError, match=r"don't meet the specifications of the schema") as refused:
        render("default", values)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("base", "values", "told"),
    [
        (
            "default",
            {"secrets": {"generate": False}, "redis": {"internal": {"existingSecret": "r"}}},
            "DRAGOMAN_API_KEYS is not set, and there is no default for it: set secrets.existingSecret",
        ),
        (
            "mock",
            {"redis": {"internal": {"password": ""}}},
            "The password of Redis is not set, and there is no default for it: "
            "set redis.internal.existingSecret",
        ),
        (
            "default",
            {"redis": {"internal": {"enabled": False}}},
            "There is no Redis: set redis.internal.enabled=true, or redis.external.existingSecret",
        ),
        (
            "default",
            {"redis": {"external": {"existingSecret": "r"}}},
            "redis.external is set, but redis.internal.enabled is true",
        ),
        (
            "default",
            {"defaultProfile": "gpu"},
            "defaultProfile is gpu, but audio.profiles.gpu is not enabled; enabled: cpu.",
        ),
        (
            "default",
            {"audio": {"profiles": {"gpu": {"enabled": True}}}},
            "The profile gpu has no whisper service: enable whisper.profiles.gpu, "
            "or name one in audio.profiles.gpu.whisperUrl.",
        ),
        (
            "minimal",
            {"translation": {"enabled": True}},
            "translation.enabled needs an engine, or the service is never ready: set translation.models",
        ),
        ("default", {"web": {"enabled": True}, "api": {"enabled": False}}, "web.enabled needs api.enabled"),
    ],
)
def test_values_that_do_not_fit_one_another_are_refused_in_a_sentence(
    base: str, values: dict[str, Any], told: str
) -> None:
    with pytest.raises(RenderError) as refused:
        render(base, values)
    assert told in " ".join(str(refused.value).split())


def test_nothing_is_installed_without_a_choice_of_secrets() -> None:
    with pytest.raises(RenderError, match="there is no default for it"):
        run_helm("template", "captions", str(CHART), "--kube-version", NEWEST)


def test_every_value_has_its_place_in_the_schema() -> None:
    """No default of the chart is outside of the schema, and the schema knows each block of the values."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert schema["properties"].keys() - {"global"} == values.keys()


def test_the_chart_has_the_version_of_the_product() -> None:
    import tomllib

    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert chart["appVersion"] == chart["version"] == project["version"]


@pytest.mark.parametrize("bad", ["latest"])
def test_no_image_is_latest_by_a_detour(bad: str) -> None:
    with pytest.raises(RenderError):
        render("default", {"redis": {"internal": {"image": {"tag": bad}}}})


def test_a_digest_goes_before_a_tag_and_the_registry_before_both() -> None:
    digest = "sha256:" + "a" * 64
    rendered = render(
        "default", {"image": {"registry": "r.example/x/"}, "api": {"image": {"digest": digest}}}
    )
    assert container_of(rendered.component("api"))["image"] == f"r.example/x/dragoman-api@{digest}"
    assert container_of(rendered.component("config"))["image"] == "r.example/x/dragoman-worker:0.1.0"


@pytest.mark.parametrize(
    "values",
    [
        {"translation": {"enabled": True, "env": {"DRAGOMAN_TRANSLATION_APERTIUM_URL": "http://apy:2737"}}},
        {
            "translation": {"enabled": True},
            "settings": {"DRAGOMAN_TRANSLATION_OPENAI_URL": "http://o:11434/v1"},
        },
    ],
)
def test_translation_can_have_another_engine_than_models(values: dict[str, Any]) -> None:
    assert "translation" in render("minimal", values).components()


def test_the_notes_tell_where_the_page_and_the_keys_are(tmp_path: Path) -> None:
    chart = tmp_path / "dragoman"
    shutil.copytree(CHART, chart)
    # Helm shows notes only of an installation: here they are the text of an object.
    (chart / "templates" / "told.yaml").write_text(
        "kind: Notes\nmetadata: {name: told}\n"
        'text: {{ include "dragoman/templates/NOTES.txt" . | toJson }}\n',
        encoding="utf-8",
    )

    def notes(values: str) -> str:
        return str(render_folder(chart, values, {}).one("Notes", "told")["text"])

    first = notes("default")
    assert "port-forward service/captions-api 8080:80" in first
    assert "get secret captions-secrets -o jsonpath='{.data.DRAGOMAN_API_KEYS}'" in first
    assert "https://captions.example.org/" in notes("everything")
    assert "Redis keeps nothing on a disk" in notes("minimal")
    assert "Nothing is translated" in notes("minimal")
    assert "Nothing is translated" not in first
