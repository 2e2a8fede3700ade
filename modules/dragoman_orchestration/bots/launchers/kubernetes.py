"""Runners as Jobs of Kubernetes, one each (https://kubernetes.io/docs/concepts/workloads/controllers/job/).

A Job's name follows from the bot and its generation, so that launching it twice makes one. What is secret is
in a Secret of the same name, which the Job owns: it goes with it. The worker's role needs: create, get and
delete of jobs, create of secrets, list and delete of pods, in the namespace of the runners.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from lightkube import AsyncClient
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Pod, Secret
from lightkube.types import CascadeType
from loguru import logger

from dragoman_contracts.bots import RunnerTask
from dragoman_contracts.errors import Unavailable
from dragoman_orchestration.bots.launchers.base import LaunchFailed
from dragoman_orchestration.bots.model import Handle
from dragoman_orchestration.workers.bot_settings import BotsWorkerSettings

T = TypeVar("T")

LABEL_APP, LABEL_BOT, LABEL_GENERATION = "app.kubernetes.io/name", "dragoman/bot", "dragoman/generation"
APP = "dragoman-bot"
TIMEOUT_S = 5.0
DEADLINE_MARGIN_S = 600
"""A Job is ended by Kubernetes this long after its runner should have ended, if nobody else does it."""
KEPT_S = 300
"""How long a Job that has ended can be looked at."""
GRACE_S = 20
SHM_SIZE = "512Mi"
"""Shared memory of Chromium; what containers have by themselves is too little for it."""
_PASSED_ON_PREFIXES = ("DRAGOMAN_BOT_RUNNER_", "DRAGOMAN_LOG_")


class ClusterUnavailable(Unavailable):
    """The API server of Kubernetes does not answer, or refuses."""

    code = "cluster_unavailable"
    default_remedy = "Check the worker's DRAGOMAN_BOTS_WORKER_KUBERNETES_* settings and its role."


@dataclass(frozen=True, slots=True)
class JobShape:
    """What the runners' Jobs have in common."""

    image: str
    cpu: str = "1"
    memory: str = "2Gi"
    service_account: str = ""


class KubernetesLauncher:
    """Starts runners as Jobs.

    Args:
        client: of the API server.
        shape: of the Jobs.
        environment: the worker's own; the settings of runners in it go to them.

    """

    look_every_s = 5.0
    launch_timeout_s = 180.0
    """An image may have to be fetched, and a node to be added."""
    sees_all = True

    def __init__(
        self, client: AsyncClient, shape: JobShape, *, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._client = client
        self._shape = shape
        self._passed_on = {
            name: value for name, value in environment.items() if name.startswith(_PASSED_ON_PREFIXES)
        }

    @classmethod
    def from_settings(cls, settings: BotsWorkerSettings) -> KubernetesLauncher:
        """On the API server that the settings name.

        Raises:
            ClusterUnavailable: there is no configuration of one.

        """
        namespace = settings.kubernetes_namespace or None
        config: KubeConfig | None = None
        if settings.kubernetes_url:
            token = settings.kubernetes_token.get_secret_value()
            config = KubeConfig.from_one(
                cluster=Cluster(server=settings.kubernetes_url),
                user=User(token=token or None),
                namespace=namespace,
            )
        try:
            client = AsyncClient(config, namespace=namespace, timeout=httpx.Timeout(TIMEOUT_S))
        except (ConfigError, OSError, KeyError, ValueError) as error:
            raise ClusterUnavailable(
                f"there is no configuration of a cluster ({type(error).__name__})"
            ) from None
        shape = JobShape(
            settings.runner_image,
            settings.runner_cpu,
            settings.runner_memory,
            settings.runner_service_account,
        )
        return cls(client, shape)

    async def launch(self, task: RunnerTask, env: Mapping[str, str]) -> Handle:
        """See ``Launcher.launch``."""
        name = job_name(task.bot_id, task.generation)
        try:
            job = await self._create_job(name, task)
        except (httpx.HTTPError, ValueError) as error:
            raise _launch_failed(error) from None
        try:
            await self._client.create(_secret(name, _uid_of(job), {**self._passed_on, **env}))
        except (httpx.HTTPError, ValueError) as error:
            if _status(error) != httpx.codes.CONFLICT:
                # Without it the runner would wait for ever for what it is to do.
                await self._forget(name)
                raise _launch_failed(error) from None
        return {"launcher": "kubernetes", "namespace": self._client.namespace, "name": name}

    async def find(self, bot_id: str, generation: int) -> Handle | None:
        """See ``Launcher.find``."""
        name = job_name(bot_id, generation)
        if await self._get(name) is None:
            return None
        return {"launcher": "kubernetes", "namespace": self._client.namespace, "name": name}

    async def is_running(self, handle: Handle) -> bool | None:
        """See ``Launcher.is_running``; a Job waits for its node and image and counts as running then."""
        if not self._is_mine(handle):
            return None
        job = await self._get(str(handle["name"]))
        if job is None:
            return False
        conditions = (job.status.conditions or []) if job.status else []
        return not any(one.type in {"Complete", "Failed"} and one.status == "True" for one in conditions)

    async def stop(self, handle: Handle) -> None:
        """See ``Launcher.stop``: the Job stays, as being deleted, until its pod has left."""
        if self._is_mine(handle):
            await self._delete(str(handle["name"]), CascadeType.FOREGROUND)

    async def kill(self, handle: Handle) -> None:
        """See ``Launcher.kill``: the pods get no time to leave."""
        if not self._is_mine(handle):
            return
        name = str(handle["name"])
        await self._delete(name, CascadeType.FOREGROUND)
        await self._answer(self._kill_pods(name))

    async def close(self) -> None:
        """See ``Launcher.close``."""
        await self._client.close()

    def _is_mine(self, handle: Handle) -> bool:
        return (handle.get("launcher"), handle.get("namespace")) == ("kubernetes", self._client.namespace)

    async def _create_job(self, name: str, task: RunnerTask) -> Job:
        try:
            wanted: Job = Job.from_dict(job_body(name, task, self._shape))  # type: ignore[no-untyped-call]
            return await self._client.create(wanted)
        except ApiError as error:
            if _status(error) != httpx.codes.CONFLICT:
                raise
            logger.bind(bot_id=task.bot_id).info("the Job of runner {} is there already", task.generation)
            return await self._client.get(Job, name)

    async def _get(self, name: str) -> Job | None:
        return await self._answer(self._client.get(Job, name))

    async def _delete(self, name: str, cascade: CascadeType) -> None:
        await self._answer(self._client.delete(Job, name, cascade=cascade))

    async def _forget(self, name: str) -> None:
        try:
            await self._delete(name, CascadeType.BACKGROUND)
        except ClusterUnavailable as error:
            logger.warning("the Job {} is left to its deadline: {}", name, error.message)

    async def _kill_pods(self, name: str) -> None:
        async for pod in self._client.list(Pod, labels={"job-name": name}):
            if pod.metadata and pod.metadata.name:
                await self._answer(self._client.delete(Pod, pod.metadata.name, grace_period=0))

    async def _answer(self, call: Awaitable[T]) -> T | None:
        """What the API server answers; None where there is no such thing.

        Raises:
            ClusterUnavailable: it does not answer, or refuses.

        """
        try:
            return await call
        except (httpx.HTTPError, ValueError) as error:
            if _status(error) == httpx.codes.NOT_FOUND:
                return None
            raise ClusterUnavailable(f"Kubernetes does not do it: {_describe(error)}") from None


def job_name(bot_id: str, generation: int) -> str:
    """The name of a runner's Job and Secret."""
    return f"{APP}-{bot_id}-{generation}"


def job_body(name: str, task: RunnerTask, shape: JobShape) -> dict[str, Any]:
    """The Job of a runner, as Kubernetes takes it."""
    labels = {LABEL_APP: APP, LABEL_BOT: task.bot_id, LABEL_GENERATION: str(task.generation)}
    resources = {"cpu": shape.cpu, "memory": shape.memory}
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_S,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "runner",
                "image": shape.image,
                "args": ["bot-runner"],
                "envFrom": [{"secretRef": {"name": name}}],
                "resources": {"requests": resources, "limits": {"memory": shape.memory}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],  # noqa: S108
            }
        ],
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": SHM_SIZE}}],
    }
    if shape.service_account:
        pod["serviceAccountName"] = shape.service_account
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "ttlSecondsAfterFinished": KEPT_S,
            "activeDeadlineSeconds": round(task.waiting_room_s + task.length_s) + DEADLINE_MARGIN_S,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _secret(name: str, job_uid: str, values: Mapping[str, str]) -> Secret:
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job_uid}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {LABEL_APP: APP}, "ownerReferences": [owner]},
        "type": "Opaque",
        "stringData": dict(values),
    }
    secret: Secret = Secret.from_dict(body)  # type: ignore[no-untyped-call]
    return secret


def _uid_of(job: Job) -> str:
    return (job.metadata.uid if job.metadata else None) or ""


def _launch_failed(error: Exception) -> LaunchFailed:
    status = _status(error)
    refused = status is not None and httpx.codes.BAD_REQUEST <= status < httpx.codes.INTERNAL_SERVER_ERROR
    # A quota that is full is told as 403 and passes; a role or a field that is wrong does not.
    passes = status == httpx.codes.TOO_MANY_REQUESTS or "exceeded quota" in str(error)
    return LaunchFailed(
        f"Kubernetes does not start the runner: {_describe(error)}",
        transient=not refused or passes,
        is_certain=refused,
    )


def _status(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None


def _describe(error: Exception) -> str:
    """Without the text of the answer, which may repeat what was sent."""
    status = _status(error)
    reason = str(getattr(getattr(error, "status", None), "reason", None) or "")
    return f"it answers {status} {reason}".strip() if status else f"no answer ({type(error).__name__})"
