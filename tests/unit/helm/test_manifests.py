"""Everything the chart renders is what Kubernetes takes, and hangs together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

import kubernetes_validate
import kubernetes_validate.utils
import pytest
from tests.unit.helm.chart import (
    CHART,
    MATRIX,
    WORKLOADS,
    Manifest,
    Rendered,
    container_of,
    name_of,
    pod_of,
    render,
    run_helm,
)

VERSIONS = ("1.31", "1.34", "1.37")
OF_OPERATORS = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject"}
"""Kinds of operators, whose schemas Kubernetes does not have."""
NAMED_LABELS = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}


@pytest.mark.parametrize("values", MATRIX)
def test_lint_finds_nothing(values: str) -> None:
    told = run_helm("lint", "--strict", str(CHART), "--values", str(CHART / "ci" / f"{values}-values.yaml"))
    assert "0 chart(s) failed" in told
    assert "[WARNING]" not in told


@lru_cache(maxsize=4096)
def validate(manifest: str, version: str) -> None:
    """Many manifests are the same with all values, and each costs a tenth of a second."""
    kubernetes_validate.validate(json.loads(manifest), version, strict=True)


@pytest.fixture(scope="module", autouse=True)
def _schemas_are_read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            kubernetes_validate.utils, "schema_contents", lru_cache(kubernetes_validate.utils.schema_contents)
        )
        yield


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", MATRIX)
def test_every_manifest_is_valid_in_three_versions_of_kubernetes(values: str, version: str) -> None:
    checked = 0
    for manifest in render(values).manifests:
        if manifest["kind"] not in OF_OPERATORS:
            validate(json.dumps(manifest, sort_keys=True), version)
            checked += 1
    assert checked > 5


@pytest.mark.parametrize("version", VERSIONS)
def test_the_jobs_of_runners_are_valid_and_keep_to_the_restricted_standard(version: str) -> None:
    from dragoman_contracts.bots import RunnerTask
    from dragoman_orchestration.bots.launchers.kubernetes import JobShape, job_body

    fields = RunnerTask.__struct_fields__
    task = SimpleNamespace(**dict.fromkeys(fields, 60) | {"bot_id": "b1", "generation": 1})
    shape = JobShape("dragoman-bots:0.1.0", service_account="captions-bot-runner")
    job = job_body("dragoman-bot-b1-1", cast(RunnerTask, task), shape)
    validate(json.dumps({"apiVersion": "batch/v1", "kind": "Job", **job}), version)
    pod = job["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_validation_can_fail() -> None:
    broken = render("default").component("api")
    broken = {**broken, "spec": {**broken["spec"], "replicaCount": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(json.dumps(broken), VERSIONS[0])


def test_no_two_objects_of_a_kind_share_a_name(rendered: Rendered) -> None:
    known = [(one["kind"], one["metadata"].get("namespace"), name_of(one)) for one in rendered.manifests]
    assert len(known) == len(set(known))


def test_all_objects_are_labelled(rendered: Rendered) -> None:
    for one in rendered.manifests:
        labels = one["metadata"]["labels"]
        assert labels.keys() >= {*NAMED_LABELS, "helm.sh/chart", "app.kubernetes.io/managed-by"}, name_of(one)


def test_the_selector_of_each_workload_matches_its_pods_and_no_others(rendered: Rendered) -> None:
    workloads = rendered.of(*WORKLOADS)
    for one in workloads:
        selector = one["spec"]["selector"]["matchLabels"]
        assert selector.keys() == NAMED_LABELS
        matched = [
            name_of(other)
            for other in workloads
            if selector.items() <= other["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert matched == [name_of(one)]


def test_each_service_leads_to_a_port_that_its_pods_have(rendered: Rendered) -> None:
    for service in rendered.of("Service"):
        selector = service["spec"]["selector"].items()
        (workload,) = [
            one
            for one in rendered.of(*WORKLOADS)
            if selector <= one["spec"]["template"]["metadata"]["labels"].items()
        ]
        ports = {port["name"]: port["containerPort"] for port in container_of(workload)["ports"]}
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in ports
            assert port["appProtocol"] in {"http", "redis"}
            if service["spec"].get("clusterIP") == "None":
                # Without a proxy between, the port that is called is that of the pod.
                assert port["port"] == ports[port["targetPort"]]


def test_each_stateful_set_has_the_service_that_names_its_pods(rendered: Rendered) -> None:
    for one in rendered.of("StatefulSet"):
        service = rendered.one("Service", one["spec"]["serviceName"])
        assert service["spec"]["clusterIP"] == "None"


def test_what_is_named_is_there_or_given_by_the_operator(rendered: Rendered) -> None:
    given = {"captions-keys", "captions-redis", "team-keys", "team-redis", "redis-ca", "models"}
    made = {(one["kind"], name_of(one)) for one in rendered.manifests}
    for name, _labels, spec in rendered.pods():
        for kind, wanted in references(spec):
            assert (kind, wanted) in made or wanted in given, f"{name} wants the {kind} {wanted}"


def references(spec: Manifest) -> set[tuple[str, str]]:
    """The objects that a pod needs to start."""
    found: set[tuple[str, str]] = set()
    for volume in spec.get("volumes", []):
        if "configMap" in volume:
            found.add(("ConfigMap", volume["configMap"]["name"]))
        if "secret" in volume:
            found.add(("Secret", volume["secret"]["secretName"]))
        if "persistentVolumeClaim" in volume:
            found.add(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
    for container in spec["containers"]:
        found |= {("ConfigMap", one["configMapRef"]["name"]) for one in container.get("envFrom", [])}
        for entry in container.get("env", []):
            if "valueFrom" in entry:
                found.add(("Secret", entry["valueFrom"]["secretKeyRef"]["name"]))
    if (account := spec.get("serviceAccountName", "default")) != "default":
        found.add(("ServiceAccount", account))
    return found


def test_a_key_of_a_secret_of_the_chart_is_in_it(rendered: Rendered) -> None:
    secrets = {name_of(one): set(one["data"]) for one in rendered.of("Secret")}
    for name, _labels, spec in rendered.pods():
        for entry in (entry for container in spec["containers"] for entry in container.get("env", [])):
            wanted = entry.get("valueFrom", {}).get("secretKeyRef")
            if wanted and wanted["name"] in secrets:
                assert wanted["key"] in secrets[wanted["name"]], f"{name}: {entry['name']}"


def test_each_mount_has_its_volume(rendered: Rendered) -> None:
    for one in rendered.of(*WORKLOADS):
        volumes = {volume["name"] for volume in pod_of(one).get("volumes", [])}
        volumes |= {name_of(claim) for claim in one["spec"].get("volumeClaimTemplates", [])}
        mounts = {mount["name"] for mount in container_of(one)["volumeMounts"]}
        assert mounts == volumes, name_of(one)


@pytest.mark.parametrize("release", ["c", "captions", "x" * 53, "a-name-that-is-longer-than-34-chars-one"])
def test_names_fit_also_for_a_long_release(release: str) -> None:
    for one in render("everything", release=release).manifests:
        name = name_of(one)
        # What Kubernetes adds to a StatefulSet's name in the label of its revision takes 11.
        assert len(name) <= (52 if one["kind"] == "StatefulSet" else 63), name
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name)
        assert all(len(str(value)) <= 63 for value in one["metadata"]["labels"].values())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("one", "two"),
        ("dragoman", "my-dragoman"),
        ("x" * 52 + "a", "x" * 52 + "b"),
        ("captions", "captions-api"),
    ],
)
def test_two_releases_in_a_namespace_share_no_object_and_no_pod(first: str, second: str) -> None:
    ours, theirs = render("everything", release=first), render("everything", release=second)
    names = {(one["kind"], name_of(one)) for one in ours.manifests}
    assert not names & {(one["kind"], name_of(one)) for one in theirs.manifests}
    pods = [labels for _name, labels, _spec in theirs.pods()]
    for selector in selectors(ours):
        assert not any(selector.items() <= labels.items() for labels in pods)


def selectors(rendered: Rendered) -> list[dict[str, Any]]:
    """What of a release selects pods by their labels; the policy of runners concerns those of both."""
    found = [one["spec"]["selector"]["matchLabels"] for one in rendered.of(*WORKLOADS, "PodDisruptionBudget")]
    found += [one["spec"]["selector"] for one in rendered.of("Service")]
    policies = [one["spec"]["podSelector"]["matchLabels"] for one in rendered.of("NetworkPolicy")]
    return found + [one for one in policies if one["app.kubernetes.io/name"] == "dragoman"]


def test_a_release_can_have_another_name() -> None:
    rendered = render("default", {"fullnameOverride": "subtitles"})
    assert all(name_of(one).startswith("subtitles") for one in rendered.manifests)
