"""Runners as Jobs: what is asked of the API server, and what is made of its answers, as it gives them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from lightkube import AsyncClient
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster as Server
from lightkube.config.models import User

from dragoman_contracts.bots import BotRequest, RunnerTask
from dragoman_orchestration.bots.launchers.base import LaunchFailed, runner_env
from dragoman_orchestration.bots.launchers.kubernetes import (
    ClusterUnavailable,
    JobShape,
    KubernetesLauncher,
    job_body,
    job_name,
)
from dragoman_orchestration.workers.bot_settings import BotsWorkerSettings

BOT = "0f3c1d2e4b5a69788796a5b4c3d2e1f0"
NAME = f"dragoman-bot-{BOT}-2"
JOBS, SECRETS, PODS = (
    "/apis/batch/v1/namespaces/bots/jobs",
    "/api/v1/namespaces/bots/secrets",
    "/api/v1/namespaces/bots/pods",
)
TASK = RunnerTask(
    bot_id=BOT,
    session_id="s",
    generation=2,
    request=BotRequest(driver="browser", url="https://meet.example/room?pwd=hush"),
    waiting_room_s=600,
    alone_s=60,
    silence_s=1800,
    length_s=3600,
)
ENV = runner_env(TASK, api_url="http://api:8080", token="dragoman-bot.x.secret")


def status(code: int, reason: str, message: str = "") -> httpx.Response:
    """An error as API servers tell it."""
    told = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message or f'jobs.batch "{NAME}" {reason}',
        "reason": reason,
        "details": {"name": NAME, "group": "batch", "kind": "jobs"},
        "code": code,
    }
    return httpx.Response(code, json=told, headers={"Content-Type": "application/json"})


FORBIDDEN = 'jobs.batch is forbidden: User "system:serviceaccount:bots:worker" cannot create resource "jobs"'
QUOTA = (
    'jobs.batch "x" is forbidden: exceeded quota: bots, requested: count/jobs.batch=1, used: 3, limited: 3'
)


def job(name: str = NAME, **state: Any) -> dict[str, Any]:
    """A Job as it is read, with what API servers add."""
    body = job_body(name, TASK, JobShape("image"))
    body["metadata"] |= {
        "uid": "2b7c2c1e-1f0a-4f5e-9f57-0d1c8f4ce1f1",
        "namespace": "bots",
        "resourceVersion": "61225",
        "generation": 1,
        "creationTimestamp": "2025-01-31T12:00:00Z",
    }
    return body | {"status": state}


class Cluster:
    """An API server that plays: answers by method and path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Any] = {
            ("POST", JOBS): job(),
            ("POST", SECRETS): {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": NAME}},
            ("GET", f"{JOBS}/{NAME}"): job(active=1, ready=1, startTime="2025-01-31T12:00:00Z"),
            ("DELETE", f"{JOBS}/{NAME}"): job(active=1),
            ("GET", PODS): {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []},
        }
        self.asked: list[tuple[str, str, dict[str, Any], dict[str, str]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        content = json.loads(request.content) if request.content else {}
        self.asked.append((request.method, request.url.path, content, dict(request.url.params)))
        answer = self.answers.get((request.method, request.url.path))
        if answer is None:
            return status(404, "NotFound")
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def __deepcopy__(self, _: Any) -> Cluster:
        return self  # lightkube copies what it is given

    def bodies(self, method: str, path: str) -> list[dict[str, Any]]:
        return [content for verb, at, content, _ in self.asked if (verb, at) == (method, path)]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
async def launcher(cluster: Cluster) -> AsyncIterator[KubernetesLauncher]:
    client = AsyncClient(
        KubeConfig.from_one(cluster=Server(server="http://cluster"), user=User(), namespace="bots"),
        transport=httpx.MockTransport(cluster),
    )
    made = KubernetesLauncher(
        client,
        JobShape("registry.example/bots:1", cpu="500m", memory="1Gi"),
        environment={"DRAGOMAN_BOT_RUNNER_HEADLESS": "true", "DRAGOMAN_API_KEYS": "n:secret"},
    )
    yield made
    await made.close()


async def test_a_runner_is_a_job_with_its_secrets_apart(
    launcher: KubernetesLauncher, cluster: Cluster
) -> None:
    handle = await launcher.launch(TASK, ENV)
    assert handle == {"launcher": "kubernetes", "namespace": "bots", "name": NAME}
    assert msgspec.json.decode(msgspec.json.encode(handle)) == handle
    (made,) = cluster.bodies("POST", JOBS)
    spec = made["spec"]
    assert made["metadata"]["labels"] == {
        "app.kubernetes.io/name": "dragoman-bot",
        "dragoman/bot": BOT,
        "dragoman/generation": "2",
    }
    assert (spec["backoffLimit"], spec["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert spec["activeDeadlineSeconds"] == 600 + 3600 + 600
    (container,) = spec["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/bots:1"
    assert container["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}
    assert container["envFrom"] == [{"secretRef": {"name": NAME}}]
    assert "secret-of" not in str(made)
    assert "hush" not in str(made), "who may read Jobs may not read what is secret"
    (secret,) = cluster.bodies("POST", SECRETS)
    assert secret["stringData"] == {**ENV, "DRAGOMAN_BOT_RUNNER_HEADLESS": "true"}
    (owner,) = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Job", NAME, job()["metadata"]["uid"])


async def test_a_launch_that_is_repeated_makes_one_job(
    launcher: KubernetesLauncher, cluster: Cluster
) -> None:
    cluster.answers["POST", JOBS] = status(409, "AlreadyExists")
    cluster.answers["POST", SECRETS] = status(409, "AlreadyExists")
    assert (await launcher.launch(TASK, ENV))["name"] == NAME
    assert job_name(BOT, 2) == NAME != job_name(BOT, 3)


@pytest.mark.parametrize(
    ("answer", "transient", "is_certain"),
    [
        (status(403, "Forbidden", FORBIDDEN), False, True),
        (status(403, "Forbidden", QUOTA), True, True),
        (status(422, "Invalid"), False, True),
        (status(404, "NotFound"), False, True),
        (status(401, "Unauthorized"), False, True),
        (status(429, "TooManyRequests"), True, True),
        (status(500, "InternalError"), True, False),
        (httpx.Response(502, text="<html>bad gateway</html>"), True, False),
        (httpx.ReadTimeout("slow"), True, False),
        (httpx.ConnectError("gone"), True, False),
        (httpx.Response(200, text="no json", headers={"Content-Type": "application/json"}), True, False),
    ],
)
async def test_a_job_that_is_not_made_is_told_with_whether_it_may_work_later(
    launcher: KubernetesLauncher, cluster: Cluster, answer: Any, transient: bool, is_certain: bool
) -> None:
    cluster.answers["POST", JOBS] = answer
    with pytest.raises(LaunchFailed) as caught:
        await launcher.launch(TASK, ENV)
    assert (caught.value.transient, caught.value.is_certain) == (transient, is_certain)
    assert "serviceaccount" not in caught.value.message


async def test_a_job_whose_secret_is_not_made_does_not_stay(
    launcher: KubernetesLauncher, cluster: Cluster
) -> None:
    cluster.answers["POST", SECRETS] = status(403, "Forbidden")
    with pytest.raises(LaunchFailed):
        await launcher.launch(TASK, ENV)
    assert cluster.asked[-1][:2] == ("DELETE", f"{JOBS}/{NAME}")


@pytest.mark.parametrize(
    ("answer", "running"),
    [
        (job(active=1, ready=1), True),
        (job(active=1, ready=0), True),
        (job(), True),
        (job(succeeded=1, conditions=[{"type": "Complete", "status": "True"}]), False),
        (
            job(
                failed=1, conditions=[{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]
            ),
            False,
        ),
        (job(active=1, conditions=[{"type": "Suspended", "status": "False"}]), True),
        (status(404, "NotFound"), False),
    ],
)
async def test_whether_a_runner_is_there_is_what_its_job_says(
    launcher: KubernetesLauncher, cluster: Cluster, answer: Any, running: bool
) -> None:
    cluster.answers["GET", f"{JOBS}/{NAME}"] = answer
    handle = {"launcher": "kubernetes", "namespace": "bots", "name": NAME}
    assert await launcher.is_running(handle) is running


@pytest.mark.parametrize("answer", [status(403, "Forbidden"), status(503, "x"), httpx.ReadTimeout("slow")])
async def test_an_api_server_that_does_not_tell_is_no_end_of_the_runner(
    launcher: KubernetesLauncher, cluster: Cluster, answer: Any
) -> None:
    cluster.answers["GET", f"{JOBS}/{NAME}"] = answer
    handle = {"launcher": "kubernetes", "namespace": "bots", "name": NAME}
    with pytest.raises(ClusterUnavailable) as caught:
        await launcher.is_running(handle)
    assert not caught.value.permanent


@pytest.mark.parametrize(
    "handle",
    [
        {"launcher": "process", "pid": 1},
        {"launcher": "kubernetes", "namespace": "elsewhere", "name": NAME},
        {"launcher": "none"},
    ],
)
async def test_a_runner_of_another_place_cannot_be_told_about_and_is_not_touched(
    launcher: KubernetesLauncher, cluster: Cluster, handle: dict[str, Any]
) -> None:
    assert await launcher.is_running(handle) is None
    await launcher.stop(handle)
    await launcher.kill(handle)
    assert cluster.asked == []


async def test_a_runner_is_found_again_by_bot_and_generation(
    launcher: KubernetesLauncher, cluster: Cluster
) -> None:
    assert (await launcher.find(BOT, 2) or {})["name"] == NAME
    assert await launcher.find(BOT, 3) is None
    cluster.answers["GET", f"{JOBS}/{NAME}"] = status(403, "Forbidden")
    with pytest.raises(ClusterUnavailable):
        await launcher.find(BOT, 2)


async def test_a_runner_that_is_to_leave_keeps_its_job_until_it_has_left(
    launcher: KubernetesLauncher, cluster: Cluster
) -> None:
    await launcher.stop({"launcher": "kubernetes", "namespace": "bots", "name": NAME})
    method, path, _, params = cluster.asked[0]
    assert (method, path, params["propagationPolicy"]) == ("DELETE", f"{JOBS}/{NAME}", "Foreground")


async def test_a_runner_that_is_killed_gets_no_time(launcher: KubernetesLauncher, cluster: Cluster) -> None:
    pod = {"metadata": {"name": f"{NAME}-abcde", "namespace": "bots"}}
    cluster.answers["GET", PODS] = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [pod]}
    cluster.answers["DELETE", f"{PODS}/{NAME}-abcde"] = {"kind": "Pod", "apiVersion": "v1", **pod}
    await launcher.kill({"launcher": "kubernetes", "namespace": "bots", "name": NAME})
    listed = next(params for method, path, _, params in cluster.asked if (method, path) == ("GET", PODS))
    assert listed["labelSelector"] == f"job-name={NAME}"
    method, path, _, params = cluster.asked[-1]
    assert (method, path, params["gracePeriodSeconds"]) == ("DELETE", f"{PODS}/{NAME}-abcde", "0")


async def test_what_is_gone_already_can_be_stopped_and_killed(
    launcher: KubernetesLauncher, cluster: Cluster
) -> None:
    del cluster.answers["DELETE", f"{JOBS}/{NAME}"]
    handle = {"launcher": "kubernetes", "namespace": "bots", "name": NAME}
    await launcher.stop(handle)
    await launcher.kill(handle)


def test_the_settings_name_the_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    made = KubernetesLauncher.from_settings(
        BotsWorkerSettings(
            kubernetes_url="https://cluster.example:6443",
            kubernetes_namespace="bots",
        )
    )
    assert made._client.namespace == "bots"
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ClusterUnavailable, match="no configuration"):
        KubernetesLauncher.from_settings(BotsWorkerSettings())
