"""``dragoman doctor``: what this machine has, what it lacks, and how to get it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from dragoman_contracts.errors import DragomanError
from dragoman_orchestration.cli.doctor_engines import check_gpu, check_model, check_translation
from dragoman_orchestration.cli.findings import Finding, Verdict
from dragoman_runtime.embedded_redis import find_server, server_version
from dragoman_runtime.ports import held_port
from dragoman_runtime.settings import RuntimeSettings

MINIMUM_PYTHON = (3, 11)
MEMORY_MB_WANTED = 2_000
DISK_MB_WANTED = 2_000


def run_doctor() -> int:
    """Print all findings; 1 if something that is needed is missing."""
    console = Console(highlight=False, soft_wrap=True)
    findings = [_guarded(check) for check in CHECKS]
    colours = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.MISSING: "red"}
    for finding in findings:
        console.print(
            Text.assemble(
                (f"{finding.verdict:<8}", colours[finding.verdict]), f"{finding.part:<18}", finding.found
            )
        )
        if finding.remedy:
            console.print(Text(f"{'':<8}{'':<18}→ {finding.remedy}"))
    missing = [finding.part for finding in findings if finding.verdict is Verdict.MISSING]
    console.print()
    console.print(f"Missing: {', '.join(missing)}." if missing else "Everything that is needed is here.")
    return 1 if missing else 0


def _guarded(check: Callable[[], Finding]) -> Finding:
    """A check that trips over a wrong setting or a missing library is a finding too."""
    part = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        return check()
    except DragomanError as error:
        return Finding(part, Verdict.MISSING, error.message, error.remedy)
    except ModuleNotFoundError as error:
        return Finding(part, Verdict.NOTE, f"cannot be told without {error.name}")


def check_python() -> Finding:
    """The interpreter."""
    found = f"{sys.version.split()[0]} at {sys.executable}"
    if sys.version_info < MINIMUM_PYTHON:
        return Finding("python", Verdict.MISSING, found, "Use Python 3.11 or newer.")
    return Finding("python", Verdict.OK, found)


def check_extras() -> Finding:
    """The libraries of each extra; ``dragoman up`` runs all of them."""
    wanted = {
        "api": ("redis", "websockets", "dependency_injector"),
        "worker": ("av", "purgatory", "faster_whisper"),
        "whisper": ("faster_whisper", "ctranslate2"),
        "translation": ("ctranslate2", "sentencepiece", "py3langid"),
        "client": ("websockets", "jiwer"),
    }
    lacking = [name for name, modules in wanted.items() if not all(map(importlib.util.find_spec, modules))]
    if lacking:
        return Finding(
            "extras", Verdict.MISSING, f"not installed: {', '.join(lacking)}", "pip install 'dragoman[local]'"
        )
    return Finding("extras", Verdict.OK, ", ".join(wanted))


def check_redis() -> Finding:
    """A Redis to connect to, or a server to start."""
    runtime = RuntimeSettings()
    if "redis_url" in runtime.model_fields_set:
        return _ping(runtime)
    binary = find_server()
    version = ".".join(map(str, server_version(binary)))
    return Finding("redis", Verdict.OK, f"redis-server {version} at {binary}, started by 'dragoman up'")


def _ping(runtime: RuntimeSettings) -> Finding:
    import redis

    from dragoman_runtime.telemetry import public_url

    shown = public_url(runtime.redis_url)
    client = redis.Redis.from_url(runtime.redis_url, socket_timeout=3, socket_connect_timeout=3)
    try:
        version = str(client.info("server")["redis_version"])
    except (redis.RedisError, OSError) as error:
        return Finding(
            "redis",
            Verdict.MISSING,
            f"{shown} does not answer ({type(error).__name__})",
            "Start it, correct DRAGOMAN_REDIS_URL, or unset it: then 'dragoman up' starts its own.",
        )
    finally:
        client.close()
    if tuple(map(int, version.split(".")[:2])) < (6, 2):
        return Finding("redis", Verdict.MISSING, f"{shown} is Redis {version}", "Use Redis 6.2 or newer.")
    return Finding("redis", Verdict.OK, f"{shown} is Redis {version}")


def check_api_port() -> Finding:
    """The API's port."""
    from dragoman_orchestration.api.settings import ApiSettings

    settings = ApiSettings()
    with held_port(settings.host, settings.port):
        pass
    return Finding("api port", Verdict.OK, f"{settings.host}:{settings.port} is free")


def check_memory() -> Finding:
    """Memory that can be had now (Linux)."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available_mb = next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return Finding("memory", Verdict.NOTE, "cannot be told on this system")
    if available_mb < MEMORY_MB_WANTED:
        return Finding(
            "memory", Verdict.NOTE, f"{available_mb} MB available",
            "Enough for the small models; larger ones want 2 GB and more.",
        )  # fmt: skip
    return Finding("memory", Verdict.OK, f"{available_mb} MB available")


def check_cores() -> Finding:
    """Processor cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores < 2:
        return Finding("cores", Verdict.NOTE, str(cores), "Two or more keep captions prompt.")
    return Finding("cores", Verdict.OK, str(cores))


def check_disk() -> Finding:
    """Room for a model in the home folder."""
    free_mb = shutil.disk_usage(Path.home()).free // 1_000_000
    if free_mb < DISK_MB_WANTED:
        return Finding("disk", Verdict.NOTE, f"{free_mb} MB free", "A full-size model takes 0.2 to 3 GB.")
    return Finding("disk", Verdict.OK, f"{free_mb} MB free")


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_python,
    check_extras,
    check_redis,
    check_model,
    check_translation,
    check_api_port,
    check_memory,
    check_cores,
    check_disk,
    check_gpu,
)
