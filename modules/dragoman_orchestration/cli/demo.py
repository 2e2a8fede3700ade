"""``dragoman demo``: a recorded meeting through the whole system, translated live, and what came of it."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass

import httpx
import msgspec
from rich.console import Console
from rich.text import Text

from dragoman_client import Dragoman, SessionEndedMessage, SessionOptions
from dragoman_contracts.errors import DragomanError
from dragoman_contracts.translation_api import TRANSLATE_PATH, TranslateRequest, decode_response
from dragoman_orchestration.cli.captions import PlainCaptions
from dragoman_orchestration.cli.checkout import (
    Recording,
    known_translations,
    recording,
    small_model,
    small_translation_model,
)
from dragoman_orchestration.cli.demo_report import (
    DemoFigures,
    demo_figures,
    report_lines,
    translation_figures,
)
from dragoman_orchestration.cli.lifecycle import run_command
from dragoman_orchestration.cli.media import Media, Pace
from dragoman_orchestration.cli.score import CaptionMeter
from dragoman_orchestration.cli.stack import RunningStack, StackConfig, running_stack
from dragoman_orchestration.cli.terminal import StackView
from dragoman_orchestration.cli.transcribe import live_view, translation_options
from dragoman_orchestration.cli.translations import TranslationRecord
from dragoman_orchestration.cli.up import stack_config

START_PATIENCE_S = 120.0
DOWNLOAD_PATIENCE_S = 1800.0
REFERENCE_TIMEOUT_S = 60.0
TRANSLATED_INTO = {"en": "es", "es": "en"}
"""By the recording's language; the small models know these two."""

ABOUT_SMALL_MODELS = """\
About the models: a small Whisper (2.2 M parameters, 3 MB) and a small
translator (2 MB), trained from scratch on synthetic voices and sentences, so
that this runs without a download. They know about 400 English and 400 Spanish
words, and are no use for real speech. A full-size Whisper reads real speech in
many languages and is fetched from its hub once; translation models are named
by pair of languages:
  ./justw demo --model small
  DRAGOMAN_WHISPER_MODEL=small ./justw up --translate-model en-es=FOLDER"""


@dataclass(slots=True)
class Streamed:
    """What came back for a recording."""

    meter: CaptionMeter
    record: TranslationRecord
    ended: SessionEndedMessage | None = None


def run_demo(*, file: str, speed: float, model: str | None, json: bool) -> int:
    """Run the demo; 0 only if captions and translations of the whole recording came back."""
    chosen = recording(file)
    target = TRANSLATED_INTO[chosen.language]
    translator = small_translation_model(chosen.language, target)
    config = stack_config(
        profile="cpu",
        port=0,
        model=str(small_model()) if model is None else model,
        translate_model=f"{chosen.language}-{target}={translator}",
        patience_s=START_PATIENCE_S if model is None else DOWNLOAD_PATIENCE_S,
    )
    # Machine-wide settings must not turn the small models into others.
    os.environ["DRAGOMAN_TRANSLATION_ENGINES"] = "ctranslate2"
    if model is None:
        os.environ.pop("DRAGOMAN_WHISPER_DOWNLOAD_DIR", None)
    console = Console(highlight=False, stderr=json)
    console.soft_wrap = not console.is_terminal  # columns wrap their own lines
    return run_command(lambda: _demo(console, config, chosen, speed, is_small=model is None, json=json))


async def _demo(
    console: Console, config: StackConfig, chosen: Recording, speed: float, *, is_small: bool, json: bool
) -> int:
    target = TRANSLATED_INTO[chosen.language]
    console.print(Text("Dragoman demo", style="bold"))
    console.print(
        f"{chosen.path.name}, {chosen.duration_s:.0f} s, {_speed_text(speed)}: client → API → Redis Streams "
        f"→ audio worker → whisper service, translation service ({target}) → results → client"
    )
    with StackView(console, quiet=True, title="starting") as start:
        async with running_stack(config, start.on_line, start.on_notice) as stack:
            start.settled()
            streamed = await _stream(console, stack, chosen, speed)
            reference, known = await _reference(stack, chosen, target)
    if streamed.ended is None or not streamed.meter.finals:
        raise DragomanError(
            "no captions came back for the recording",
            remedy="Run ./justw doctor, and ./justw up to see the logs.",
        )
    translation = translation_figures(chosen, target, streamed.record, reference, known)
    figures = demo_figures(chosen, speed, streamed.meter, streamed.ended.ledger, translation)
    _report(console, figures, is_small=is_small)
    if json:
        sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
    _require_complete(figures, streamed.record)
    return 0


async def _stream(console: Console, stack: RunningStack, chosen: Recording, speed: float) -> Streamed:
    """Send the recording at its pace and show what comes back."""
    media = Media(str(chosen.path))
    media.probe()
    pace = Pace(speed)
    targets = [TRANSLATED_INTO[chosen.language]]
    streamed = Streamed(CaptionMeter(pace.delay_ms), TranslationRecord(targets))
    loop = asyncio.get_running_loop()
    view = (
        live_view(console, media, targets)
        if console.is_terminal
        else PlainCaptions(console, console, with_partials=True, targets=targets)
    )
    console.print(_legend(console), markup=False)
    async with Dragoman(stack.url, key=stack.key) as dragoman:
        events = dragoman.transcribe(
            pace.apply(media.chunks()),
            options=SessionOptions(language=chosen.language, translation=translation_options(targets)),
        )
        with view:
            async for event in events:
                now_s = loop.time()
                streamed.meter.take(event, now_s)
                streamed.record.take(event, now_s)
                view.show(event)
                if isinstance(event, SessionEndedMessage):
                    streamed.ended = event
    return streamed


async def _reference(stack: RunningStack, chosen: Recording, target: str) -> tuple[list[str], int]:
    """The sentences as they should read in the other language, and how many of them the corpus knows.

    Raises:
        DragomanError: the translation service does not translate the others.

    """
    corpus = known_translations(chosen.language, target)
    texts = [sentence.text for sentence in chosen.sentences]
    asked = [text for text in texts if text not in corpus]
    made = await _translate(stack.translation_url, chosen.language, target, asked) if asked else []
    known = corpus | dict(zip(asked, made, strict=True))
    return [known[text] for text in texts], len(texts) - len(asked)


async def _translate(url: str, source: str, target: str, texts: list[str]) -> list[str]:
    """Texts by the translation service itself, past the rest of the system."""
    request = TranslateRequest(texts=texts, source=source, targets=[target])
    async with httpx.AsyncClient(trust_env=False, timeout=REFERENCE_TIMEOUT_S) as http:
        try:
            answer = await http.post(f"{url}{TRANSLATE_PATH}", content=msgspec.json.encode(request))
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise DragomanError(f"the reference text was not translated ({type(error).__name__})") from error
    return [translated.text for translated in decode_response(answer.content).results[0].texts]


def _report(console: Console, figures: DemoFigures, *, is_small: bool) -> None:
    console.print()
    for name, value in report_lines(figures):
        console.print(Text.assemble((f"{name}: ", "bold"), value))
    if is_small:
        console.print()
        console.print(ABOUT_SMALL_MODELS, markup=False, style="dim" if console.is_terminal else None)


def _require_complete(figures: DemoFigures, record: TranslationRecord) -> None:
    if figures.ledger.gap_ms or not figures.ledger.is_complete:
        raise DragomanError("not all of the recording was transcribed; the ledger above tells how much")
    for shortfall in record.shortfalls():
        raise DragomanError(shortfall, remedy="Run ./justw up to see the logs.")


def _legend(console: Console) -> str:
    if console.is_terminal:
        return "dim may still change; a line is final when all of it is bright\n"
    return "stable⟨not yet⟩ shows what a caption may still take back; [m:ss.s] is final\n"


def _speed_text(speed: float) -> str:
    return "in real time" if speed == 1 else f"at {speed:g} times its speed"
