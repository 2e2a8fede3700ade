"""What the compose files promise: every container is checked, bounded, pinned, and may do little."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.cli.app import app
from dragoman_orchestration.cli.env_template import SETTINGS_MODULES, render_template
from dragoman_runtime.settings import DragomanSettings, all_settings, env_variables
from dragoman_translation.settings import TranslationSettings
from dragoman_whisper.settings import PROFILES, WhisperSettings

FILES = ("compose.local.yml", "compose.dev.yml")
METRICS_PORT = "9090"
BARE = {"otel-collector", "jaeger"}
"""Images with one program and no shell, in which nothing can ask."""
Services = dict[str, dict[str, Any]]


def processes(services: Services) -> Services:
    """The services that run Dragoman's own Python."""
    return {
        name: service
        for name, service in services.items()
        if service.get("build", {}).get("dockerfile") == "docker/python.Dockerfile"
    }


@pytest.mark.parametrize("name", FILES)
def test_the_file_follows_the_compose_specification(root: Path, name: str) -> None:
    pytest.importorskip("check_jsonschema", reason="pip install check-jsonschema")
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", root / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_container_is_checked_bounded_and_may_do_little(services: Services) -> None:
    for name, service in services.items():
        assert service["restart"] == "unless-stopped", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), name
        if name not in BARE:
            assert {"test", "interval", "timeout", "start_period"} <= service["healthcheck"].keys(), name
        assert {"cpus", "memory", "pids"} == service["deploy"]["resources"]["limits"].keys(), name
        assert {"max-size", "max-file"} <= service["logging"]["options"].keys(), name
        assert not service.keys() & {
            "privileged",
            "cap_add",
            "network_mode",
            "pid",
            "ipc",
            "container_name",
        }, name


def test_every_image_is_pinned(services: Services) -> None:
    for name, service in services.items():
        image, _, tag = service["image"].partition(":")
        if "build" in service:
            assert (image.startswith("dragoman-"), tag) == (True, "local"), name
        else:
            assert re.match(r"v?\d+\.\d+", tag), f"{name}: {service['image']}"


def test_nothing_listens_beyond_this_machine(services: Services) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert "127.0.0.1:8080:8080" in ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert "ports" not in services["redis"]
    assert services["redis"]["networks"] == ["inside"]


def test_the_network_of_redis_leads_nowhere(local: dict[str, Any]) -> None:
    assert local["networks"]["inside"] == {"internal": True}


def test_redis_keeps_what_was_acknowledged(services: Services) -> None:
    command = services["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "everysec"
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--dir"] == "/data"
    assert services["redis"]["volumes"] == ["redis:/data"]


def test_every_named_volume_is_declared_and_used(local: dict[str, Any], services: Services) -> None:
    used = {
        source
        for service in services.values()
        for source, *_ in (volume.split(":") for volume in service.get("volumes", ()))
        if "/" not in source
    }
    assert used == local["volumes"].keys()


def test_every_variable_is_a_setting(services: Services) -> None:
    render_template()
    known = {variable.name for settings in all_settings() for variable in env_variables(settings)}
    for name, service in processes(services).items():
        assert service["environment"].keys() <= known, name


def test_every_variable_of_the_file_itself_is_documented(root: Path) -> None:
    text = "".join((root / name).read_text(encoding="utf-8") for name in FILES)
    told = (root / "docs" / "compose.md").read_text(encoding="utf-8")
    for variable in set(re.findall(r"\$\{(STACK_\w+)", text)) - {"STACK_ENV_FILE"}:
        assert f"`{variable}`" in told, variable


def test_secrets_are_kept_from_containers_that_need_none(local: dict[str, Any], services: Services) -> None:
    assert SETTINGS_MODULES
    render_template()
    secrets = {v.name for settings in all_settings() for v in env_variables(settings) if v.secret}
    assert local["x-no-secrets"] == dict.fromkeys(secrets, "")
    own = {
        "translation": {"DRAGOMAN_TRANSLATION_OPENAI_API_KEY", "DRAGOMAN_TRANSLATION_API_KEYS"},
        "bots": {"DRAGOMAN_REDIS_URL"},
    }
    for name, service in processes(services).items():
        if service["command"][-1] in {"whisper", "translation", "bots"}:
            assert secrets <= service["environment"].keys(), name
            given = {key for key in secrets if service["environment"][key]}
            assert given <= own.get(service["command"][-1], set()), name


def test_ports_are_those_of_the_settings(services: Services) -> None:
    faces: list[tuple[str, type[DragomanSettings], str]] = [
        ("api", ApiSettings, "DRAGOMAN_API_PORT"),
        ("whisper", WhisperSettings, "DRAGOMAN_WHISPER_PORT"),
        ("translation", TranslationSettings, "DRAGOMAN_TRANSLATION_PORT"),
    ]
    for name, settings, variable in faces:
        default = next(v.default for v in env_variables(settings) if v.name == variable)
        for service in (s for n, s in services.items() if n.split("-")[0] == name):
            assert service["environment"][variable] == default
            assert service["healthcheck"]["test"][3] == default
    for name, service in processes(services).items():
        if service["command"][0] == "worker":
            assert service["environment"]["DRAGOMAN_METRICS_PORT"] == METRICS_PORT, name
            assert service["healthcheck"]["test"][3] == METRICS_PORT, name


def test_addresses_lead_to_services_and_their_ports(services: Services) -> None:
    heard = {"redis": "6379", "api": "8080", "whisper": "8001", "translation": "8002"}
    names = {alias for service in services.values() for alias in aliases(service)} | services.keys()
    for name, service in processes(services).items():
        for host, port in re.findall(
            r"\w+://([\w-]+):(\d+)", " ".join(map(str, service["environment"].values()))
        ):
            assert host in names, name
            assert heard[host] == port, name


def aliases(service: dict[str, Any]) -> list[str]:
    networks = service["networks"]
    return networks["inside"].get("aliases", []) if isinstance(networks, dict) else []


def test_one_recogniser_of_each_kind_answers_in_each_profile(services: Services) -> None:
    for profile in ("cpu", "gpu", "mock"):
        active = {n: s for n, s in services.items() if profile in s.get("profiles", [profile])}
        for kind in ("whisper", "translation", "audio"):
            answering = [n for n, s in active.items() if kind in aliases(s)]
            assert len(answering) == 1, (profile, kind)
        audio = next(s for s in active.values() if "audio" in aliases(s))
        assert audio["environment"]["DRAGOMAN_AUDIO_PROFILE"] == profile
        whisper = next(n for n, s in active.items() if "whisper" in aliases(s))
        assert services[whisper]["environment"]["DRAGOMAN_WHISPER_PROFILE"] == profile
        # Started in order: first the recogniser, then who asks it.
        assert audio["depends_on"].keys() == {"redis", whisper}


def test_nothing_waits_for_a_service_that_its_profile_leaves_out(services: Services) -> None:
    for name, service in services.items():
        for other in service.get("depends_on", {}):
            theirs, own = services[other].get("profiles"), service.get("profiles")
            assert theirs is None or set(own or ()) <= set(theirs), f"{name} waits for {other}"


def test_there_is_a_profile_for_each_engine_and_for_no_other(services: Services) -> None:
    named = {profile for service in services.values() for profile in service.get("profiles", ())}
    # An engine for NPUs is yet to come; its profile comes with it.
    assert named & set(PROFILES) == set(PROFILES) - {"npu"}


def test_every_command_is_one_of_the_command_line(services: Services) -> None:
    for name, service in processes(services).items():
        command: Any = get_command(app)
        for word in service["command"]:
            command = command.commands[word]
        assert command.callback is not None, name


def test_prometheus_looks_at_every_process(root: Path, services: Services) -> None:
    config = yaml.safe_load((root / "docker/observability/prometheus.yml").read_text(encoding="utf-8"))
    asked = {
        f"{sd['names'][0]}:{sd['port']}"
        for job in config["scrape_configs"]
        for sd in job.get("dns_sd_configs", ())
    }
    faces = {"whisper": 8001, "translation": 8002, "api": 8080}
    names = {name.split("-")[0] for name in processes(services)}
    assert asked == {f"{name}:{faces.get(name, METRICS_PORT)}" for name in names}


def test_prometheus_takes_its_settings(root: Path, tmp_path: Path) -> None:
    promtool = shutil.which("promtool") or pytest.skip("needs promtool, from Debian's prometheus")
    text = (root / "docker/observability/prometheus.yml").read_text(encoding="utf-8")
    here = tmp_path / "prometheus.yml"
    here.write_text(
        text.replace("/etc/prometheus/rules", str(root / "observability/rules")), encoding="utf-8"
    )
    checked = subprocess.run([promtool, "check", "config", here], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_is_mounted_from_the_checkout_is_there(root: Path, services: Services) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", ()):
            if volume.startswith("./"):
                assert (root / volume.split(":")[0]).exists(), f"{name}: {volume}"
                assert volume.endswith(":ro"), f"{name}: {volume}"


def test_the_rules_and_the_data_sources_have_the_names_that_are_used(root: Path) -> None:
    config = yaml.safe_load((root / "docker/observability/prometheus.yml").read_text(encoding="utf-8"))
    for rules in config["rule_files"]:
        assert (root / "observability" / "rules" / Path(rules).name).is_file()
    sources = (root / "docker/observability/grafana/datasources/dragoman.yaml").read_text(encoding="utf-8")
    kinds = {source["type"] for source in yaml.safe_load(sources)["datasources"]}
    dashboards = list((root / "observability" / "dashboards").glob("*.json"))
    assert dashboards
    for dashboard in dashboards:
        variables = json.loads(dashboard.read_text(encoding="utf-8"))["templating"]["list"]
        wanted = {v["query"] for v in variables if v["type"] == "datasource"}
        assert wanted <= kinds, dashboard.name


def test_the_dev_file_adds_to_services_that_are_there(root: Path, services: Services) -> None:
    dev = yaml.safe_load((root / "compose.dev.yml").read_text(encoding="utf-8"))["services"]
    assert dev.keys() == processes(services).keys()
    for name, service in dev.items():
        assert "./modules:/source:ro" in service["volumes"], name
        assert service["environment"]["PYTHONPATH"] == "/source", name
