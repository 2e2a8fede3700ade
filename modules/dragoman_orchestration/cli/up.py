"""``dragoman up``: everything on this machine under one supervisor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console

from dragoman_contracts.translation_api import LANGUAGES_PATH, LanguagePair, Languages
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.cli.lifecycle import run_command
from dragoman_orchestration.cli.stack import RunningStack, StackConfig, running_stack
from dragoman_orchestration.cli.terminal import StackView, err_console, wants_pretty_logs
from dragoman_translation.settings import TranslationSettings
from dragoman_whisper.settings import WhisperSettings

PAIRS_TIMEOUT_S = 5.0
PAIRS_SHOWN = 6


def run_up(config: StackConfig) -> int:
    """Run until a signal or until a part cannot be kept running; the exit code (0 after a signal)."""
    code = run_command(lambda: _serve(config))
    # Ending `up` with Ctrl-C is how it is meant to end.
    return 0 if code >= 128 else code  # 128 + signal


def stack_config(
    *,
    profile: str | None,
    port: int | None = None,
    host: str | None = None,
    model: str | None = None,
    translate_model: str | None = None,
    data_dir: Path | None = None,
    operations: bool = False,
    patience_s: float | None = None,
) -> StackConfig:
    """Options over settings; reading the settings here tells a wrong one before anything starts."""
    api, whisper = ApiSettings(), WhisperSettings()
    options: dict[str, Any] = {"models": translate_model} if translate_model else {}
    TranslationSettings(**options)
    secret = api.viewer_token_secret.get_secret_value()
    return StackConfig(
        profile=profile or whisper.profile,
        model=model,
        translate_model=translate_model,
        host=host or api.host,
        port=api.port if port is None else port,
        data_dir=data_dir.absolute() if data_dir else None,
        api_keys=api.keys.get_secret_value(),
        **({"viewer_token_secret": secret} if secret else {}),
        page=api.page,
        operations=operations,
        patience_s=patience_s,
    )


async def _serve(config: StackConfig) -> int:
    console = err_console()
    os.environ.update(wants_pretty_logs(console))
    view = StackView(console, quiet=False, title=f"starting (profile {config.profile})")
    with view:
        async with running_stack(config, view.on_line, view.on_notice) as stack:
            view.settled()
            tell_ready(console, config, stack, await known_pairs(stack.translation_url))
            await stack.supervisor.wait_failed()
    return 0


async def known_pairs(translation_url: str) -> list[LanguagePair]:
    """What the translation service can translate; nothing if it does not answer."""
    async with httpx.AsyncClient(trust_env=False, timeout=PAIRS_TIMEOUT_S) as http:
        try:
            answer = await http.get(f"{translation_url}{LANGUAGES_PATH}")
            return msgspec.json.decode(answer.raise_for_status().content, type=Languages).pairs
        except (httpx.HTTPError, msgspec.DecodeError):
            return []


def tell_pairs(pairs: Sequence[LanguagePair]) -> str:
    """What is translated, in a line; where there is nothing, how to get it."""
    if not pairs:
        return (
            "Nothing is translated: give --translate-model en-es=FOLDER, or install apertium with a pair "
            "(apertium-eng-spa)."
        )
    names = [f"{pair.source}→{pair.target}".replace("*", "any") for pair in pairs]
    more = f" and {len(names) - PAIRS_SHOWN} more pairs" if len(names) > PAIRS_SHOWN else ""
    return f"It translates {', '.join(names[:PAIRS_SHOWN])}{more}."


def page_address(url: str, key: str | None) -> str:
    """The live page; a new key is its fragment, which no browser sends, and which the page takes away."""
    return f"{url}/#key={key}" if key else f"{url}/"


def tell_ready(
    console: Console, config: StackConfig, stack: RunningStack, pairs: Sequence[LanguagePair]
) -> None:
    """What a person needs now; the page first."""
    console.print()
    if config.page:
        console.print(f"Open {page_address(stack.url, stack.key if stack.key_is_new else None)}\n")
    console.print(
        f"Dragoman is ready at {stack.url} (profile {config.profile}); its API is described at /docs."
    )
    console.print(tell_pairs(pairs))
    if stack.key_is_new:
        console.print("A key for this run (set DRAGOMAN_API_KEYS to keep one):")
        console.print(f"  export DRAGOMAN_CLIENT_SERVER={stack.url} DRAGOMAN_CLIENT_KEY={stack.key}")
        console.print(f"  dragoman transcribe FILE{' --translate es' if pairs else ''}")
    console.print("Ctrl-C ends it.\n")
