"""``dragoman up``: everything on this machine under one supervisor."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.cli.lifecycle import run_command
from dragoman_orchestration.cli.stack import RunningStack, StackConfig, running_stack
from dragoman_orchestration.cli.terminal import StackView, err_console, wants_pretty_logs
from dragoman_whisper.settings import WhisperSettings


def run_up(
    *, profile: str | None, port: int | None, host: str | None, model: str | None, data_dir: Path | None
) -> int:
    """Run until a signal or until a part cannot be kept running; the exit code (0 after a signal)."""
    config = stack_config(profile=profile, port=port, host=host, model=model, data_dir=data_dir)
    code = run_command(lambda: _serve(config))
    # Ending `up` with Ctrl-C is how it is meant to end.
    return 0 if code >= 128 else code  # 128 + signal


def stack_config(
    *,
    profile: str | None,
    port: int | None = None,
    host: str | None = None,
    model: str | None = None,
    data_dir: Path | None = None,
    patience_s: float | None = None,
) -> StackConfig:
    """Options over settings; reading the settings here tells a wrong one before anything starts."""
    api, whisper = ApiSettings(), WhisperSettings()
    return StackConfig(
        profile=profile or whisper.profile,
        model=model,
        host=host or api.host,
        port=api.port if port is None else port,
        data_dir=data_dir.absolute() if data_dir else None,
        api_keys=api.keys.get_secret_value(),
        patience_s=patience_s,
    )


async def _serve(config: StackConfig) -> int:
    console = err_console()
    os.environ.update(wants_pretty_logs(console))
    view = StackView(console, quiet=False, title=f"starting (profile {config.profile})")
    with view:
        async with running_stack(config, view.on_line, view.on_notice) as stack:
            view.settled()
            _tell_ready(console, config, stack)
            await stack.supervisor.wait_failed()
    return 0


def _tell_ready(console: Console, config: StackConfig, stack: RunningStack) -> None:
    console.print(
        f"\nDragoman is ready at {stack.url} (profile {config.profile}); its API is described at /docs."
    )
    if stack.key_is_new:
        console.print("A key for this run (set DRAGOMAN_API_KEYS to keep one):")
        console.print(f"  export DRAGOMAN_CLIENT_SERVER={stack.url} DRAGOMAN_CLIENT_KEY={stack.key}")
        console.print("  dragoman transcribe FILE")
    console.print("Ctrl-C ends it.\n")
