"""No pod can do more than it must: users, file systems, tokens, secrets, rights."""

from __future__ import annotations

import base64
import json
from itertools import product

import pytest
from tests.unit.helm.chart import (
    FOREIGN,
    WORKLOADS,
    Rendered,
    RenderError,
    component_of,
    container_of,
    name_of,
    pod_of,
    render,
)

from dragoman_runtime.settings import all_settings, env_variables

SECRETS = {
    "DRAGOMAN_API_KEYS": "team:secret-of-the-api",
    "DRAGOMAN_API_VIEWER_TOKEN_SECRET": "secret-of-viewers",
    "DRAGOMAN_ALERTS_SLACK_URL": "https://hooks.example/secret-of-slack",
    "DRAGOMAN_TRANSLATION_OPENAI_API_KEY": "secret-of-a-model",
}


def test_each_pod_keeps_to_the_restricted_standard(rendered: Rendered) -> None:
    for name, _labels, spec in rendered.pods():
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] is True, name
        assert (pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]) == (10001, 10001, 10001)
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert not any("hostPath" in volume for volume in spec.get("volumes", []))
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert not any("hostPort" in port for port in container.get("ports", []))


def test_each_workload_has_probes_and_limits(rendered: Rendered) -> None:
    for one in rendered.of(*WORKLOADS):
        container = container_of(one)
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys(), name_of(one)
        for kind in ("requests", "limits"):
            assert {"cpu", "memory"} <= container["resources"][kind].keys(), name_of(one)


def test_the_probes_ask_what_the_processes_answer(rendered: Rendered) -> None:
    for one in rendered.of(*WORKLOADS):
        if component_of(one) in FOREIGN:
            continue
        container = container_of(one)
        names = {port["name"] for port in container["ports"]}
        for probe, path in (("startup", "/health"), ("liveness", "/health"), ("readiness", "/ready")):
            assert container[f"{probe}Probe"]["httpGet"]["path"] == path
            assert container[f"{probe}Probe"]["httpGet"]["port"] in names


def test_only_the_bots_worker_sees_a_token(rendered: Rendered) -> None:
    seen = {name for name, _labels, spec in rendered.pods() if spec["automountServiceAccountToken"]}
    bots = {name_of(one) for one in rendered.of("Deployment") if component_of(one) == "bots"}
    assert seen == bots
    assert all(one["automountServiceAccountToken"] is False for one in rendered.of("ServiceAccount"))


def test_services_do_not_write_into_the_environment(rendered: Rendered) -> None:
    # A Service named dragoman-api would set DRAGOMAN_API_PORT=tcp://10.0.0.7:80, and the API would not start.
    assert all(spec["enableServiceLinks"] is False for _name, _labels, spec in rendered.pods())


def test_every_image_has_a_version(rendered: Rendered) -> None:
    for name, _labels, spec in rendered.pods():
        for container in spec["containers"]:
            _, _, tag = container["image"].rpartition(":")
            assert tag, name
            assert tag != "latest", name


def test_the_role_of_the_bots_worker_is_what_its_launcher_needs(everything: Rendered) -> None:
    (role,) = everything.of("Role")
    rights = {
        right
        for rule in role["rules"]
        for right in product(rule["apiGroups"], rule["resources"], rule["verbs"])
    }
    assert rights == {
        ("batch", "jobs", "create"), ("batch", "jobs", "get"), ("batch", "jobs", "delete"),
        ("", "secrets", "create"),
        ("", "pods", "list"), ("", "pods", "delete"),
    }  # fmt: skip
    assert role["metadata"]["namespace"] == "captions-bots"
    (binding,) = everything.of("RoleBinding")
    assert binding["roleRef"]["name"] == name_of(role)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "captions-bots", "namespace": "live"}]
    assert not everything.of("ClusterRole", "ClusterRoleBinding")


def test_without_bots_there_is_no_right_at_all() -> None:
    assert not render("default").of("Role", "RoleBinding")


def test_runners_get_an_account_without_a_token_and_the_names_of_the_pull_secrets(
    everything: Rendered,
) -> None:
    account = everything.one("ServiceAccount", "captions-bot-runner")
    assert account["automountServiceAccountToken"] is False
    assert account["imagePullSecrets"] == [{"name": "registry-login"}]
    assert (
        everything.environment("bots")["DRAGOMAN_BOTS_WORKER_RUNNER_SERVICE_ACCOUNT"] == "captions-bot-runner"
    )


def test_a_secret_is_in_a_secret_and_nowhere_else() -> None:
    rendered = render(
        "mock", {"secrets": {"values": SECRETS}, "redis": {"internal": {"password": "secret-of-redis-1"}}}
    )
    (secret,) = rendered.of("Secret")
    told = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert told == SECRETS | {"redis-password": "secret-of-redis-1"}
    rest = json.dumps([one for one in rendered.manifests if one["kind"] != "Secret"])
    for value in told.values():
        assert value not in rest


def test_the_secret_variables_are_those_of_the_settings() -> None:
    """Each secret setting goes to the processes that read it, by reference."""
    readers = {
        "DRAGOMAN_API_": ["api"],
        "DRAGOMAN_ALERTS_": ["monitoring"],
        "DRAGOMAN_BOTS_WORKER_": ["bots"],
        "DRAGOMAN_CONFIG_": ["config"],
        "DRAGOMAN_MONITORING_": ["monitoring"],
        "DRAGOMAN_TRANSLATION_": ["translation"],
        "DRAGOMAN_REDIS_": ["api", "audio-cpu", "config", "bots", "monitoring"],
    }
    rendered = render("redis-tls", {"bots": {"enabled": True}, "redis": {"external": {"existingSecret": ""}}})
    for name in secret_names():
        if name == "DRAGOMAN_CLIENT_KEY":
            continue  # of the pod of `helm test`
        (components,) = [of for prefix, of in readers.items() if name.startswith(prefix)]
        for component in components:
            source = rendered.environment(component)[name]["secretKeyRef"]
            assert (source["name"], source["key"]) == ("captions-keys", name)


def test_a_secret_in_plain_is_refused() -> None:
    for name in secret_names():
        with pytest.raises(RenderError, match=f"{name} is secret: give it by secrets.existingSecret"):
            render("default", {"settings": {name: "in-plain"}})
    with pytest.raises(RenderError, match=r"DRAGOMAN_API_KEYS is secret"):
        render("default", {"api": {"env": {"DRAGOMAN_API_KEYS": "in-plain"}}})


def secret_names() -> list[str]:
    import importlib

    from dragoman_orchestration.cli.env_template import SETTINGS_MODULES

    for module in SETTINGS_MODULES:
        importlib.import_module(module)
    return [one.name for cls in all_settings() for one in env_variables(cls) if one.secret]


def test_the_services_do_not_know_redis(rendered: Rendered) -> None:
    for component in rendered.components():
        if component.startswith(("whisper", "translation")):
            names = rendered.environment(component).keys()
            assert not {name for name in names if "REDIS" in name}, component


def test_what_is_made_stays_when_the_release_goes() -> None:
    (secret,) = render("default").of("Secret")
    assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    keys = base64.b64decode(secret["data"]["DRAGOMAN_API_KEYS"]).decode()
    assert keys.startswith("default:")
    assert len(keys) > 40


def test_a_pod_of_another_namespace_needs_no_more() -> None:
    pods = [pod_of(one) for one in render("everything").of(*WORKLOADS)]
    assert {pod["serviceAccountName"] for pod in pods} == {"captions", "captions-bots"}
