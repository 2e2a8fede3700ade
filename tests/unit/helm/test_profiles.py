"""Which profile gets what: devices, images, models, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.helm.chart import Rendered, container_of, pod_of, render

GPU, NPU = "nvidia.com/gpu", "npu.intel.com/accel"


def devices(rendered: Rendered, component: str) -> dict[str, Any]:
    resources = container_of(rendered.component(component))["resources"]
    found, asked = (
        {name: count for name, count in resources[kind].items() if "/" in name}
        for kind in ("limits", "requests")
    )
    # Kubernetes refuses a device whose request differs from its limit.
    assert asked == found
    return found


@pytest.mark.parametrize(
    ("component", "wanted"),
    [
        ("whisper-cpu", {}), ("whisper-gpu", {GPU: 1}), ("whisper-mock", {}),
        ("audio-cpu", {}), ("audio-gpu", {}), ("audio-npu", {}), ("audio-mock", {}),
        ("api", {}), ("translation", {}),
    ],
)  # fmt: skip
def test_only_the_services_that_use_a_device_ask_for_it(component: str, wanted: dict[str, int]) -> None:
    assert devices(render("everything"), component) == wanted


def test_the_gpu_profile_goes_where_gpus_are() -> None:
    rendered = render("gpu")
    pod = pod_of(rendered.component("whisper-gpu"))
    assert pod["runtimeClassName"] == "nvidia"
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert {"key": GPU, "operator": "Exists", "effect": "NoSchedule"} in pod["tolerations"]
    assert container_of(rendered.component("whisper-gpu"))["image"].startswith(
        "registry.example/captions/dragoman-whisper-gpu:"
    )
    assert rendered.environment("whisper-gpu")["DRAGOMAN_WHISPER_MODEL"] == "large-v3-turbo"
    assert devices(rendered, "translation") == {GPU: 1}
    others = pod_of(rendered.component("audio-gpu"))
    assert not {"runtimeClassName", "nodeSelector", "tolerations"} & others.keys()


def test_the_npu_profile_asks_for_what_its_plugin_offers() -> None:
    rendered = render("npu")
    assert devices(rendered, "whisper-npu") == {NPU: 1}
    pod = pod_of(rendered.component("whisper-npu"))
    assert pod["securityContext"]["supplementalGroups"] == [44, 109]
    assert rendered.environment("whisper-npu")["DRAGOMAN_WHISPER_PROFILE"] == "npu"
    assert rendered.components() == {
        "api", "audio-npu", "whisper-npu", "translation", "config", "monitoring", "redis",
    }  # fmt: skip


def test_another_device_plugin_and_more_of_a_device() -> None:
    values = {
        "whisper": {"profiles": {"gpu": {"enabled": True, "device": {"resource": "amd.com/gpu", "count": 2}}}}
    }
    assert devices(render("default", values), "whisper-gpu") == {"amd.com/gpu": 2}


def test_the_default_profile_is_what_sessions_get() -> None:
    assert render("gpu").environment("api")["DRAGOMAN_API_DEFAULT_PROFILE"] == "gpu"


def test_a_profile_lays_itself_over_what_all_have() -> None:
    values = {
        "defaults": {"podLabels": {"a": "1"}},
        "whisper": {
            "tolerations": [{"key": "x", "operator": "Exists"}],
            "profiles": {
                "cpu": {
                    "tolerations": [],
                    "podLabels": {"b": "2"},
                    "probes": {"startup": {"failureThreshold": 300}},
                }
            },
        },
    }
    rendered = render("default", values)
    workload = rendered.component("whisper-cpu")
    assert "tolerations" not in pod_of(workload)  # an empty list says something, too
    assert {"a": "1", "b": "2"}.items() <= workload["spec"]["template"]["metadata"]["labels"].items()
    probe = container_of(workload)["startupProbe"]
    assert (probe["failureThreshold"], probe["periodSeconds"]) == (300, 2)


def test_models_are_kept_on_a_volume_for_each_pod() -> None:
    workload = render("gpu").component("whisper-gpu")
    (claim,) = workload["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"]["requests"]["storage"] == "40Gi"
    assert {"name": "models", "mountPath": "/var/cache/dragoman"} in container_of(workload)["volumeMounts"]
    environment = render("gpu").environment("whisper-gpu")
    assert environment["DRAGOMAN_WHISPER_DOWNLOAD_DIR"].startswith("/var/cache/dragoman/")
    assert environment["HF_HOME"].startswith("/var/cache/dragoman/")


def test_models_can_be_on_one_claim_for_all_or_on_none() -> None:
    shared = render("default", {"whisper": {"modelCache": {"existingClaim": "models"}}}).component(
        "whisper-cpu"
    )
    assert "volumeClaimTemplates" not in shared["spec"]
    assert {"name": "models", "persistentVolumeClaim": {"claimName": "models"}} in pod_of(shared)["volumes"]
    none = render("minimal").component("whisper-cpu")
    assert {"name": "models", "emptyDir": {"sizeLimit": "10Gi"}} in pod_of(none)["volumes"]


def test_the_mock_profile_has_no_model_and_nowhere_to_keep_one() -> None:
    rendered = render("mock")
    for component in ("whisper-mock", "translation"):
        workload = rendered.component(component)
        assert "volumeClaimTemplates" not in workload["spec"]
        assert {volume["name"] for volume in pod_of(workload)["volumes"]} == {"tmp"}
        assert not {
            name for name in rendered.environment(component) if name.endswith(("_MODEL", "_MODELS", "_DIR"))
        }


def test_recordings_are_one_folder_for_the_api_and_all_audio_workers(everything: Rendered) -> None:
    claim = everything.one("PersistentVolumeClaim", "captions-recordings")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    having = set()
    for component in everything.components():
        volumes = pod_of(everything.component(component))["volumes"]
        if any(
            volume.get("persistentVolumeClaim") == {"claimName": "captions-recordings"} for volume in volumes
        ):
            having.add(component)
            mounts = container_of(everything.component(component))["volumeMounts"]
            folder = everything.environment(component)["DRAGOMAN_RECORDINGS_DIR"]
            assert any(
                folder.startswith(mount["mountPath"] + "/")
                for mount in mounts
                if mount["name"] == "recordings"
            )
    assert having == {"api", "audio-cpu", "audio-gpu", "audio-npu", "audio-mock"}


@pytest.mark.parametrize(
    ("component", "args"),
    [
        ("api", ["api"]), ("audio-cpu", ["worker", "audio"]), ("config", ["worker", "config"]),
        ("bots", ["worker", "bots"]), ("monitoring", ["worker", "monitoring"]), ("whisper-cpu", ["whisper"]),
        ("translation", ["translation"]),
    ],
)  # fmt: skip
def test_each_process_is_a_command_that_dragoman_has(component: str, args: list[str]) -> None:
    from typer.main import get_command

    from dragoman_orchestration.cli.app import app

    assert container_of(render("everything").component(component))["args"] == args
    command: Any = get_command(app)
    for word in args:
        command = command.commands[word]


def test_a_new_pod_is_ready_before_an_old_one_hands_over(rendered: Rendered) -> None:
    for one in rendered.of("Deployment"):
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
