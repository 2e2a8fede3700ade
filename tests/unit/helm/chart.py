"""The chart as Helm renders it, each set of values once."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
CHART = ROOT / "helm" / "dragoman"
MATRIX = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
"""The sets of values that everything is tried with."""
WORKLOADS = ("Deployment", "StatefulSet")
FOREIGN = frozenset({"redis", "redis-master", "web"})
"""Components that are no process of Dragoman's own."""
TIMEOUT_S = 60
"""Of one call of Helm, on a busy machine."""

NEWEST = "1.37.0"
"""A Helm that was not built for a release takes the cluster for a very old one."""

Manifest = dict[str, Any]


class RenderError(Exception):
    """Helm refuses; its text is what the operator reads."""


def helm_path() -> str | None:
    """The Helm that ``helm/install-helm`` built, else that of the PATH."""
    built = ROOT / ".cache" / "bin" / "helm"
    return str(built) if built.exists() else shutil.which("helm")


def run_helm(*arguments: str, standard_input: str = "") -> str:
    """What Helm prints.

    Raises:
        RenderError: it ends with another code than 0.

    """
    helm = helm_path()
    assert helm is not None
    done = subprocess.run(
        [helm, *arguments],
        input=standard_input,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise RenderError(done.stdout + done.stderr)
    return done.stdout


@dataclass(frozen=True, slots=True)
class Rendered:
    """The manifests of one release."""

    manifests: tuple[Manifest, ...]

    def of(self, *kinds: str) -> list[Manifest]:
        """Those of some kinds."""
        return [one for one in self.manifests if one["kind"] in kinds]

    def one(self, kind: str, name: str) -> Manifest:
        """That of a kind and name."""
        found = [one for one in self.of(kind) if name_of(one) == name]
        assert len(found) == 1, f"{len(found)} × {kind}/{name} of {[name_of(one) for one in self.of(kind)]}"
        return found[0]

    def pods(self) -> Iterator[tuple[str, Manifest, Manifest]]:
        """Name, labels and spec of every pod that the release makes by itself."""
        for one in self.of(*WORKLOADS):
            template = one["spec"]["template"]
            yield name_of(one), template["metadata"]["labels"], template["spec"]
        for one in self.of("Pod"):
            yield name_of(one), one["metadata"]["labels"], one["spec"]

    def component(self, component: str) -> Manifest:
        """The Deployment or StatefulSet of a component."""
        found = [one for one in self.of(*WORKLOADS) if component_of(one) == component]
        assert len(found) == 1, f"{len(found)} × {component}"
        return found[0]

    def components(self) -> set[str]:
        """The components that run."""
        return {component_of(one) for one in self.of(*WORKLOADS)}

    def environment(self, component: str) -> dict[str, Any]:
        """Variables of a component's container: text, or the reference of a Secret."""
        container = container_of(self.component(component))
        values: dict[str, Any] = {}
        for source in container.get("envFrom", []):
            values |= self.one("ConfigMap", source["configMapRef"]["name"])["data"]
        for entry in container.get("env", []):
            values[entry["name"]] = entry.get("value", entry.get("valueFrom"))
        return values


def name_of(manifest: Manifest) -> str:
    """The object's name."""
    return str(manifest["metadata"]["name"])


def component_of(manifest: Manifest) -> str:
    """The component that an object belongs to."""
    return str(manifest["metadata"]["labels"]["app.kubernetes.io/component"])


def pod_of(workload: Manifest) -> Manifest:
    """The spec of its pods."""
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def container_of(workload: Manifest) -> Manifest:
    """The one container of its pods."""
    (container,) = pod_of(workload)["containers"]
    return dict(container)


def render(
    base: str = "default",
    values: Mapping[str, Any] | None = None,
    *,
    release: str = "captions",
    namespace: str = "live",
) -> Rendered:
    """The chart with a set of values of ``ci``, and further ones over it.

    Raises:
        RenderError: the chart refuses the values.

    """
    return _rendered(base, json.dumps(values or {}, sort_keys=True), release, namespace, CHART)


def render_folder(chart: Path, base: str, values: Mapping[str, Any]) -> Rendered:
    """Like ``render``, of a copy of the chart."""
    return _rendered(base, json.dumps(values, sort_keys=True), "captions", "live", chart)


@lru_cache(maxsize=256)
def _rendered(base: str, values: str, release: str, namespace: str, chart: Path) -> Rendered:
    text = run_helm(
        "template", release, str(chart), "--namespace", namespace, "--kube-version", NEWEST,
        "--values", str(CHART / "ci" / f"{base}-values.yaml"), "--values", "-",
        standard_input=values,
    )  # fmt: skip
    loaded = yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return Rendered(tuple(one for one in loaded if one))
