"""The chart's own Redis, and those of others."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.retry import Retry
from tests.conftest import Eventually
from tests.unit.helm.chart import ROOT, RenderError, container_of, pod_of, render

from dragoman_runtime.ports import held_port

PASSWORD = "a-password-of-a-trial"


def test_each_process_is_given_the_url_with_the_password_from_the_secret() -> None:
    rendered = render("minimal")
    for component in ("api", "audio-cpu"):
        environment = rendered.environment(component)
        assert environment["REDIS_PASSWORD"]["secretKeyRef"] == {
            "name": "captions-redis",
            "key": "redis-password",
        }
        assert environment["DRAGOMAN_REDIS_URL"] == "redis://:$(REDIS_PASSWORD)@captions-redis:6379/0"
        # Kubernetes puts in only what stands before it.
        names = [entry["name"] for entry in container_of(rendered.component(component))["env"]]
        assert names.index("REDIS_PASSWORD") < names.index("DRAGOMAN_REDIS_URL")


def test_the_data_is_on_a_volume_unless_it_is_not_wanted() -> None:
    kept = render("default").component("redis")
    (claim,) = kept["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert {"name": "data", "mountPath": "/data"} in container_of(kept)["volumeMounts"]
    lost = render("minimal").component("redis")
    assert "volumeClaimTemplates" not in lost["spec"]
    assert {"name": "data", "emptyDir": {"sizeLimit": "20Gi"}} in pod_of(lost)["volumes"]


def test_it_is_the_redis_that_compose_runs() -> None:
    image = container_of(render("default").component("redis"))["image"]
    assert f"image: {image}\n" in (ROOT / "compose.local.yml").read_text(encoding="utf-8")


def test_a_redis_elsewhere_is_named_by_a_secret() -> None:
    rendered = render("redis-tls")
    assert "redis" not in rendered.components()
    assert rendered.environment("audio-cpu")["DRAGOMAN_REDIS_URL"]["secretKeyRef"] == {
        "name": "captions-redis",
        "key": "url",
    }
    for component in ("api", "audio-cpu", "config", "monitoring"):
        workload = rendered.component(component)
        assert {"name": "redis-ca", "secret": {"secretName": "redis-ca"}} in pod_of(workload)["volumes"]
        assert {"name": "redis-ca", "mountPath": "/etc/dragoman/redis", "readOnly": True} in container_of(
            workload
        )["volumeMounts"]
    assert not any(
        volume["name"] == "redis-ca" for volume in pod_of(rendered.component("whisper-cpu"))["volumes"]
    )


def test_the_authority_of_the_url_is_one_that_the_client_knows() -> None:
    from dragoman_runtime.broker.redis import connect
    from dragoman_runtime.settings import RuntimeSettings

    url = "rediss://:secret@redis.lan:6380/0?ssl_ca_certs=/etc/dragoman/redis/ca.crt"
    client = connect(RuntimeSettings(redis_url=url))
    assert client.get_connection_kwargs()["ssl_ca_certs"] == "/etc/dragoman/redis/ca.crt"


def test_a_cluster_is_told_to_all_who_use_it() -> None:
    rendered = render("redis-cluster")
    for component in ("api", "audio-cpu", "config", "monitoring"):
        environment = rendered.environment(component)
        assert (environment["DRAGOMAN_REDIS_CLUSTER"], environment["DRAGOMAN_SHARDS"]) == ("true", "12")
        assert environment["DRAGOMAN_REDIS_URL"]["secretKeyRef"] == {"name": "team-redis", "key": "url"}
    assert render("default").environment("api")["DRAGOMAN_REDIS_CLUSTER"] == "false"


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="there is no redis-server")
async def test_a_real_redis_starts_with_the_configuration_and_keeps_to_it(
    tmp_path: Path, eventually: Eventually
) -> None:
    rendered = render("everything")
    config = rendered.one("ConfigMap", "captions-redis")["data"]["redis.conf"]
    (script,) = container_of(rendered.component("redis"))["command"][2:]
    socket = tmp_path / "redis.sock"
    for place, own in (("/run/redis", tmp_path), ("/etc/redis", tmp_path), ("dir /data", f"dir {tmp_path}")):
        config, script = config.replace(place, str(own)), script.replace(place, str(own))
    config = config.replace("port 6379", f"port 0\nunixsocket {socket}")
    (tmp_path / "redis.conf").write_text(config, encoding="utf-8")
    server = subprocess.Popen(
        ["sh", "-ec", script], env={"REDIS_PASSWORD": PASSWORD, "PATH": "/usr/bin:/bin"}
    )
    try:
        await eventually(socket.exists)
        with Redis(unix_socket_path=str(socket), password=PASSWORD, decode_responses=True) as client:
            assert client.ping()
            wanted = {
                "appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction",
                "maxmemory": str(2**30), "save": "", "io-threads": "2",
            }  # fmt: skip
            assert {name: client.config_get(name)[name] for name in wanted} == wanted
        assert (tmp_path / "password.conf").stat().st_mode & 0o077 == 0
    finally:
        server.terminate()
        server.wait(30)


def test_behind_sentinel_the_processes_speak_to_the_proxy() -> None:
    rendered = render("redis-sentinel")
    assert rendered.environment("api")["DRAGOMAN_REDIS_URL"] == (
        "redis://:$(REDIS_PASSWORD)@captions-redis-master:6379/0"
    )
    egress = rendered.one("NetworkPolicy", "captions-redis-master")["spec"]["egress"]
    assert {"ports": [{"protocol": "TCP", "port": 6379}]} in egress
    open_url = {"redis": {"external": {"masterProxy": {"existingSecret": ""}}}}
    open_one = render("redis-sentinel", open_url)
    assert open_one.environment("api")["DRAGOMAN_REDIS_URL"] == "redis://captions-redis-master:6379/0"
    assert "AUTH" not in open_one.one("ConfigMap", "captions-redis-master")["data"]["haproxy.cfg"]
    with pytest.raises(RenderError, match=r"redis.external.masterProxy.servers is empty"):
        render("redis-sentinel", {"redis": {"external": {"masterProxy": {"servers": []}}}})


@pytest.mark.skipif(
    shutil.which("haproxy") is None or shutil.which("redis-server") is None,
    reason="there is no haproxy or no redis-server",
)
async def test_a_real_proxy_leads_to_whoever_is_master(tmp_path: Path, eventually: Eventually) -> None:
    with ExitStack() as cleanup:
        ports = [cleanup.enter_context(held_port()) for _ in range(4)]
        first, second = (redis_on(port, tmp_path, cleanup) for port in ports[:2])
        await eventually(lambda: answers(first) and answers(second))
        second.replicaof("127.0.0.1", ports[0])
        start_proxy(ports, tmp_path, cleanup)
        through = cleanup.enter_context(client(ports[2]))

        def writes_to(master: Redis, value: str) -> Callable[[], bool]:
            return lambda: is_done(lambda: through.set("name", value)) and master.get("name") == value

        await eventually(writes_to(first, "one"))
        await eventually(lambda: second.get("name") == "one")
        held = cleanup.enter_context(client(ports[2])).pubsub()
        held.subscribe("news")
        assert held.get_message(timeout=5) is not None

        # Both are masters, as before Sentinel has told the old one: nobody new may come.
        second.replicaof("NO", "ONE")
        await eventually(lambda: not answers(cleanup.enter_context(client(ports[2]))))
        first.replicaof("127.0.0.1", ports[1])
        await eventually(writes_to(second, "two"))
        # Who was connected to the old one is sent away, and so comes to the new one.
        with pytest.raises(ConnectionError):
            held.get_message(timeout=5)


def is_done(call: Callable[[], object]) -> bool:
    try:
        return bool(call())
    except RedisError:
        return False


def answers(redis: Redis) -> bool:
    return is_done(redis.ping)


def client(port: int) -> Redis:
    no_retry = Retry(NoBackoff(), 0)
    return Redis(port=port, password=PASSWORD, decode_responses=True, socket_timeout=5, retry=no_retry)


def redis_on(port: int, folder: Path, cleanup: ExitStack) -> Redis:
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    arguments += ["--requirepass", PASSWORD, "--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0"]
    end_later(subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL), cleanup)
    redis = client(port)
    cleanup.callback(redis.close)
    return redis


def start_proxy(ports: list[int], folder: Path, cleanup: ExitStack) -> None:
    servers = [f"127.0.0.1:{port}" for port in ports[:2]]
    rendered = render("redis-sentinel", {"redis": {"external": {"masterProxy": {"servers": servers}}}})
    config = rendered.one("ConfigMap", "captions-redis-master")["data"]["haproxy.cfg"]
    config = config.replace("0.0.0.0:6379", f"127.0.0.1:{ports[2]}").replace(
        "0.0.0.0:8404", f"127.0.0.1:{ports[3]}"
    )
    (folder / "haproxy.cfg").write_text(config, encoding="utf-8")
    command = container_of(rendered.component("redis-master"))["command"]
    command = [part.replace("/etc/haproxy", str(folder)) for part in command]
    environment = {"REDIS_PASSWORD": PASSWORD, "PATH": "/usr/sbin:/usr/bin:/bin"}
    end_later(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL), cleanup)


def end_later(process: subprocess.Popen[bytes], cleanup: ExitStack) -> None:
    cleanup.callback(process.wait, 30)
    cleanup.callback(process.terminate)
