"""``dragoman demo``: a recorded meeting through the whole system, and what came of it."""

from __future__ import annotations

import asyncio
import os

from rich.console import Console
from rich.text import Text

from dragoman_client import Dragoman, SessionEndedMessage, SessionOptions
from dragoman_contracts.errors import DragomanError
from dragoman_orchestration.cli.captions import LiveCaptions, PlainCaptions
from dragoman_orchestration.cli.checkout import Recording, recording, small_model
from dragoman_orchestration.cli.lifecycle import run_command
from dragoman_orchestration.cli.media import Media, Pace
from dragoman_orchestration.cli.score import CaptionMeter, percentile, word_error_rate
from dragoman_orchestration.cli.stack import RunningStack, StackConfig, running_stack
from dragoman_orchestration.cli.terminal import StackView
from dragoman_orchestration.cli.up import stack_config

START_PATIENCE_S = 120.0
DOWNLOAD_PATIENCE_S = 1800.0

ABOUT_SMALL_MODEL = """\
About the model: a small Whisper (2.2 M parameters, 3 MB) that was trained from scratch on synthetic
voices, so that this runs without a download. It knows about 400 English and 400 Spanish words, and is no
use for real speech. A full-size one reads real speech in many languages; it is fetched from its hub once:
  ./justw demo --model small
  DRAGOMAN_WHISPER_MODEL=small ./justw up"""


def run_demo(*, file: str, speed: float, model: str | None) -> int:
    """Run the demo; 0 only if captions of the whole recording came back."""
    chosen = recording(file)
    own_model = str(small_model()) if model is None else model
    config = stack_config(
        profile="cpu",
        port=0,
        model=own_model,
        patience_s=START_PATIENCE_S if model is None else DOWNLOAD_PATIENCE_S,
    )
    return run_command(lambda: _demo(config, chosen, speed, is_small=model is None))


async def _demo(config: StackConfig, chosen: Recording, speed: float, *, is_small: bool) -> int:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text("Dragoman demo", style="bold"))
    console.print(
        f"{chosen.path.name}, {chosen.duration_s:.0f} s, {_speed_text(speed)}: "
        "client → API → Redis Streams → audio worker → whisper service → results → client"
    )
    if is_small:
        # A machine-wide setting must not turn the small model's limits (short windows) into another model's.
        os.environ.pop("DRAGOMAN_WHISPER_DOWNLOAD_DIR", None)
    with StackView(console, quiet=True, title="starting") as start:
        async with running_stack(config, start.on_line, start.on_notice) as stack:
            start.settled()
            meter, ended = await _stream(console, stack, chosen, speed)
    return _report(console, chosen, meter, ended, is_small=is_small)


async def _stream(
    console: Console, stack: RunningStack, chosen: Recording, speed: float
) -> tuple[CaptionMeter, SessionEndedMessage | None]:
    """Send the recording at its pace and show what comes back; what was measured, and the last event."""
    media = Media(str(chosen.path))
    media.probe()
    pace = Pace(speed)
    meter = CaptionMeter(pace.delay_ms)
    ended: SessionEndedMessage | None = None
    loop = asyncio.get_running_loop()
    view = (
        LiveCaptions(console, media.duration_ms)
        if console.is_terminal
        else PlainCaptions(console, console, with_partials=True)
    )
    console.print(
        "stable⟨not yet⟩ shows what a caption may still take back; [m:ss.s] is final\n", markup=False
    )
    async with Dragoman(stack.url, key=stack.key) as dragoman:
        events = dragoman.transcribe(
            pace.apply(media.chunks()), options=SessionOptions(language=chosen.language)
        )
        with view:
            async for event in events:
                meter.take(event, loop.time())
                view.show(event)
                if isinstance(event, SessionEndedMessage):
                    ended = event
    return meter, ended


def _report(
    console: Console,
    chosen: Recording,
    meter: CaptionMeter,
    ended: SessionEndedMessage | None,
    *,
    is_small: bool,
) -> int:
    if ended is None or not meter.finals:
        raise DragomanError(
            "no captions came back for the recording",
            remedy="Run ./justw doctor, and ./justw up to see the logs.",
        )
    ledger = ended.ledger
    error_rate = word_error_rate(chosen.text, meter.text)
    lines = [
        ("Reference ", chosen.text),
        ("Transcript", meter.text),
        (
            "Word error rate",
            f"{error_rate:.1%} of {len(chosen.text.split())} words (case and punctuation aside)",
        ),
        (
            "Word spoken → first caption",
            f"p50 {_s(meter.first_caption_ms, 0.5)}, p95 {_s(meter.first_caption_ms, 0.95)} "
            f"({meter.partials} partials)",
        ),
        (
            "Utterance's end → final",
            f"p50 {_s(meter.final_ms, 0.5)}, p95 {_s(meter.final_ms, 0.95)} ({len(meter.finals)} finals)",
        ),
        (
            "Ledger",
            f"{ledger.received_ms / 1000:.3f} s received = {ledger.transcribed_ms / 1000:.3f} transcribed "
            f"+ {ledger.silence_ms / 1000:.3f} silence + {ledger.gap_ms / 1000:.3f} gaps",
        ),
    ]
    console.print()
    for name, value in lines:
        console.print(Text.assemble((f"{name}: ", "bold"), value))
    if is_small:
        console.print()
        console.print(ABOUT_SMALL_MODEL, markup=False, style="dim" if console.is_terminal else None)
    if ledger.gap_ms or not ledger.is_complete:
        raise DragomanError("not all of the recording was transcribed; the ledger above tells how much")
    return 0


def _speed_text(speed: float) -> str:
    return "in real time" if speed == 1 else f"at {speed:g} times its speed"


def _s(values: list[float], share: float) -> str:
    return f"{percentile(values, share) / 1000:.2f} s"
