"""The chart's own Redis, and those of others."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from redis import Redis
from tests.conftest import Eventually
from tests.unit.helm.chart import container_of, pod_of, render

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
