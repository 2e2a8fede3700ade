"""One process each: settings from the environment, telemetry, then the room's own entry point."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dragoman_runtime.process import Drain, run_process
from dragoman_runtime.settings import RuntimeSettings
from dragoman_runtime.telemetry import setup_telemetry, shutdown_telemetry


def run_api() -> int:
    """Run the API until a signal; the exit code."""
    from dragoman_orchestration.api.app import serve_api
    from dragoman_orchestration.api.settings import ApiSettings

    settings, runtime = ApiSettings(), RuntimeSettings()
    return _run("api", runtime, lambda drain: serve_api(settings, runtime, drain))


def run_audio_worker_process() -> int:
    """Run an audio worker until a signal; the exit code."""
    from dragoman_orchestration.workers.audio_pipeline import run_audio_worker
    from dragoman_orchestration.workers.settings import AudioWorkerSettings

    settings, runtime = AudioWorkerSettings(), RuntimeSettings()
    return _run("audio-worker", runtime, lambda drain: run_audio_worker(settings, runtime, drain))


def run_config_worker_process() -> int:
    """Run a config worker until a signal; the exit code."""
    from dragoman_orchestration.config.settings import ConfigSyncSettings
    from dragoman_orchestration.workers.config_sync import run_config_worker

    settings, runtime = ConfigSyncSettings(), RuntimeSettings()
    return _run("config-worker", runtime, lambda drain: run_config_worker(settings, runtime, drain))


def run_bots_worker_process() -> int:
    """Run a bots worker until a signal; the exit code."""
    from dragoman_orchestration.workers.bot_lifecycle import run_bots_worker
    from dragoman_orchestration.workers.bot_settings import BotsWorkerSettings

    settings, runtime = BotsWorkerSettings(), RuntimeSettings()
    return _run("bots-worker", runtime, lambda drain: run_bots_worker(settings, runtime, drain))


def run_monitoring_worker_process() -> int:
    """Run a monitoring worker until a signal; the exit code."""
    from dragoman_orchestration.workers.monitoring import run_monitoring_worker
    from dragoman_orchestration.workers.monitoring_settings import MonitoringSettings

    settings, runtime = MonitoringSettings(), RuntimeSettings()
    return _run("monitoring-worker", runtime, lambda drain: run_monitoring_worker(settings, runtime, drain))


def run_whisper() -> int:
    """Run the whisper service until a signal; the exit code."""
    from dragoman_whisper.app import serve_whisper
    from dragoman_whisper.settings import WhisperSettings

    settings, runtime = WhisperSettings(), RuntimeSettings()
    return _run("whisper", runtime, lambda drain: serve_whisper(settings, runtime, drain))


def run_translation() -> int:
    """Run the translation service until a signal; the exit code."""
    from dragoman_translation.app import serve_translation
    from dragoman_translation.settings import TranslationSettings

    settings, runtime = TranslationSettings(), RuntimeSettings()
    return _run("translation", runtime, lambda drain: serve_translation(settings, runtime, drain))


def _run(service: str, runtime: RuntimeSettings, main: Callable[[Drain], Awaitable[None]]) -> int:
    setup_telemetry(service, runtime)
    try:
        return run_process(main, service=service, drain_timeout_s=runtime.drain_timeout_s)
    finally:
        shutdown_telemetry()
