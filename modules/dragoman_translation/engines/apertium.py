"""The apertium engine: rule-based translation by apertium-apy over HTTP, or by the local command.

Apertium and its language data are GPL programs of their own: they are called, not bundled.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Sequence
from typing import Any, BinaryIO, Protocol

import httpx

from dragoman_contracts.errors import (
    BadUpstream,
    DragomanError,
    EngineUnavailable,
    ModelUnavailable,
    TranslationFailed,
    UnknownLanguage,
)
from dragoman_runtime.languages import canonical
from dragoman_translation.config import TranslateConfig
from dragoman_translation.engines.base import ANY, Outcome, Pair, Piece, Progress, Segment
from dragoman_translation.engines.http_calls import call
from dragoman_translation.engines.pairs import match_pair
from dragoman_translation.settings import TranslationSettings
from dragoman_translation.text import MARKUP, segments

PIECE_CHARS = 2_000
"""A part of a text: a pipeline's time grows with it, and others wait."""

_KEPT = re.compile(rf"(?:[\n\u2028\u2029]|{MARKUP})+")
_SPACES = re.compile(r" {2,}")
_RESERVED = re.compile(r"[\[\]{}^$/\\@<>]")
_BLANK = re.compile(r"\s{2,}|[\t~]")
_WRITTEN = re.compile(r"\\(.)|[\[\]]", re.DOTALL)
_END = ".[]"
_APY = "apertium-apy"
_APY_REMEDY = "Check that apertium-apy runs and that DRAGOMAN_TRANSLATION_APERTIUM_URL points at it."

Mode = tuple[str, str]
"""A pair in Apertium's own codes, such as ("eng", "spa")."""


class Road(Protocol):
    """A way to Apertium."""

    async def modes(self) -> list[Mode]:
        """The pairs that are installed."""
        ...

    async def translate(self, mode: Mode, texts: Sequence[str]) -> list[Outcome]:
        """Outcomes in the order of the texts, which have no line ends."""
        ...

    async def close(self) -> None:
        """Free what it holds."""
        ...


class ApertiumEngine:
    """What is installed there; unknown words stay as they are."""

    name = "apertium"
    applies_glossary = False
    mixes_requests = True

    def __init__(self, settings: TranslationSettings) -> None:
        self.concurrency = settings.engine_threads
        self._road: Road = ApyRoad(settings) if settings.apertium_url else CommandRoad(settings)
        self._modes: dict[Pair, Mode] | None = None

    async def load(self, progress: Progress) -> None:
        """Ask for the pairs that are installed.

        Raises:
            ModelUnavailable: there is no Apertium here, or no pair in it.
            EngineUnavailable: apertium-apy does not answer.

        """
        progress("asking for the pairs that are installed")
        modes: dict[Pair, Mode] = {}
        for mode in await self._road.modes():
            with contextlib.suppress(UnknownLanguage):
                modes.setdefault(Pair(*(canonical(code.replace("_", "-")) for code in mode)), mode)
        if not modes:
            raise ModelUnavailable(
                "Apertium has no language pair", remedy="Install one, such as Debian's apertium-eng-spa."
            )
        self._modes = modes

    def tune(self, config: TranslateConfig) -> None:
        """Nothing of it matters here."""

    def pairs(self) -> Sequence[Pair]:
        """Those that are installed; before that is known it may be any."""
        return [Pair(ANY, ANY)] if self._modes is None else list(self._modes)

    def resolve(self, source: str, target: str) -> Pair | None:
        """The installed pair that serves this one."""
        return match_pair(source, target, self.pairs())

    def model_of(self, pair: Pair) -> str:
        """The mode."""
        return "apertium-" + "-".join(self._mode(pair))

    def split(self, pair: Pair, text: str) -> list[Segment]:
        """Between lines and markup, and long parts sentence by sentence."""
        return segments(text, len, PIECE_CHARS, kept=_KEPT)

    async def translate(self, pair: Pair, pieces: Sequence[Piece]) -> list[Outcome]:
        """Translate a batch."""
        texts = [piece.text for piece in pieces]
        outcomes = await self._road.translate(self._mode(pair), texts)
        return [_tidy(text, outcome) for text, outcome in zip(texts, outcomes, strict=True)]

    async def close(self) -> None:
        """Free the way."""
        await self._road.close()

    def _mode(self, pair: Pair) -> Mode:
        if self._modes is None:
            raise EngineUnavailable("Apertium's pairs are not known yet")
        return self._modes[pair]


def _tidy(text: str, outcome: Outcome) -> Outcome:
    if isinstance(outcome, DragomanError):
        return outcome
    # A pronoun that Spanish leaves out leaves its space.
    tidy = outcome.strip() if _SPACES.search(text) else _SPACES.sub(" ", outcome.strip())
    return tidy or TranslationFailed("Apertium gave nothing for this text")


class ApyRoad:
    """apertium-apy over HTTP: a call for each text, a few at the same time."""

    def __init__(self, settings: TranslationSettings) -> None:
        self._http = httpx.AsyncClient(
            base_url=settings.apertium_url, timeout=settings.request_timeout_s, trust_env=False
        )
        self._turns = asyncio.Semaphore(settings.requests_max)

    async def modes(self) -> list[Mode]:
        """The pairs that are installed there."""
        answer = await self._call("GET", "/listPairs")
        try:
            pairs = answer.json()["responseData"]
            return [(str(pair["sourceLanguage"]), str(pair["targetLanguage"])) for pair in pairs]
        except (ValueError, KeyError, TypeError):
            raise _no_apy() from None

    async def translate(self, mode: Mode, texts: Sequence[str]) -> list[Outcome]:
        """Translate each text."""
        answers = await asyncio.gather(*(self._one(mode, text) for text in texts), return_exceptions=True)
        outcomes: list[Outcome] = []
        for answer in answers:
            if isinstance(answer, TranslationFailed | str):
                outcomes.append(answer)
            else:
                raise answer
        return outcomes

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _one(self, mode: Mode, text: str) -> str:
        # A form body, not a query: addresses are logged.
        form = {"langpair": "|".join(mode), "q": text, "markUnknown": "no"}
        async with self._turns:
            answer = await self._call("POST", "/translate", data=form)
        try:
            body = answer.json()
            translated = body["responseData"]["translatedText"]
        except (ValueError, KeyError, TypeError):
            raise _no_apy() from None
        if not isinstance(translated, str):
            raise _no_apy()
        return translated

    async def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await call(self._http, method, path, who=_APY, remedy=_APY_REMEDY, **options)


def _no_apy() -> BadUpstream:
    return BadUpstream(f"{_APY} answered something that is no answer of its", remedy=_APY_REMEDY)


def _to_stream(text: str) -> str:
    """A text in Apertium's stream format (https://wiki.apertium.org/wiki/Apertium_stream_format).

    The full stop in front of an empty blank ends the sentence, or the last words would wait for more.
    """
    return _BLANK.sub(r"[\g<0>]", _RESERVED.sub(r"\\\g<0>", text)) + _END


def _from_stream(text: str) -> str:
    return _WRITTEN.sub(lambda found: found[1] or "", text.removesuffix(_END))


def _in_memory(body: bytes) -> BinaryIO:
    """A file for a program to read.

    apertium opens /dev/stdin, and uvloop's pipes are sockets, which cannot be opened.
    """
    if hasattr(os, "memfd_create"):
        file = os.fdopen(os.memfd_create("texts"), "w+b")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
    file.write(body)
    file.seek(0)
    return file


class CommandRoad:
    """The local command: one run for each batch, for a run costs more than its texts.

    Texts are told apart by null characters, on which each program of the pipe forgets what was before: by
    lines, one text would change the next.
    """

    def __init__(self, settings: TranslationSettings) -> None:
        self._command = settings.apertium_command
        self._timeout_s = settings.request_timeout_s

    async def modes(self) -> list[Mode]:
        """The pairs that are installed here."""
        if shutil.which(self._command) is None:
            raise ModelUnavailable(
                f"the command {self._command} is not installed",
                remedy="Install Debian's apertium and a pair such as apertium-eng-spa, or set "
                "DRAGOMAN_TRANSLATION_APERTIUM_URL to an apertium-apy.",
            )
        lines = (await self._run(["-l"], b"")).decode("utf-8", "replace").split()
        return [(source, target) for source, dash, target in (line.partition("-") for line in lines) if dash]

    async def translate(self, mode: Mode, texts: Sequence[str]) -> list[Outcome]:
        """Translate all texts in one run."""
        body = "".join(f"{_to_stream(text)}\0" for text in texts).encode("utf-8", "replace")
        out = await self._run(["-u", "-z", "-f", "none", "-".join(mode)], body)
        # Each program of the pipe adds an empty text of its own at the end.
        answers = out.decode("utf-8", "replace").split("\0")[:-1]
        if len(answers) < len(texts):
            raise TranslationFailed(f"Apertium answered {len(answers)} of {len(texts)} texts")
        return [_from_stream(answer) for answer in answers[: len(texts)]]

    async def close(self) -> None:
        """There is nothing to free."""

    async def _run(self, arguments: list[str], body: bytes) -> bytes:
        process = await self._spawn(arguments, body)
        try:
            async with asyncio.timeout(self._timeout_s):
                out, _ = await process.communicate()
        except BaseException as error:
            await _end(process)
            if isinstance(error, TimeoutError):
                raise EngineUnavailable(f"the command {self._command} did not end in time") from None
            raise
        if process.returncode:
            raise TranslationFailed(f"the command {self._command} failed with code {process.returncode}")
        return out

    async def _spawn(self, arguments: list[str], body: bytes) -> asyncio.subprocess.Process:
        with _in_memory(body) as stdin:
            spawning = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    self._command,
                    *arguments,
                    stdin=stdin,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,  # may quote the text
                    start_new_session=True,  # a script with a pipe of programs: they end together
                )
            )
            try:
                return await asyncio.shield(spawning)
            except asyncio.CancelledError:
                await _end(await spawning)  # it runs, though nobody was told
                raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
