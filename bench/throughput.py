"""What dynamic batching gains: texts a second through the translation service, with it and without.

50 sessions ask for a sentence, wait for it and ask for the next, over HTTP, all of the same service on the
small ctranslate2 model: into three languages with a request (``50x3``), and into one (``50x1``), where HTTP
has its largest share. The service batches as it does by default, then calls its engine for each text alone
(``batch_max`` 1 by ``PUT /config``), in turns. ``engine_ms_per_text`` is the time of its calls over their
texts. The answers are compared with the corpus: a fast service that translates wrong is worth nothing.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import msgspec

from bench.harness import AUDIO, Figures, api_client, metric, say, stack
from dragoman_contracts.translation_api import TRANSLATE_PATH, TranslateRequest, decode_response
from dragoman_orchestration.cli.stack import RunningStack

SESSIONS = 50
TARGETS = ("es", "es-MX", "es-AR")
"""The model has one language to go to; each of these is translated by itself."""
TURNS = 2
WARM_UP_S = 1.0
ANSWER_TIMEOUT_S = 30.0


Answer = tuple[float, str, bytes]
"""Arrival (monotonic seconds), what the translation should be, the body."""


class Asker:
    """One session's connection to the service.

    Plain HTTP over a stream: a client library's own work, several times the service's, would be measured.
    """

    def __init__(self, url: str, session_id: str, targets: Sequence[str]) -> None:
        self._address = urlsplit(url)
        self._session_id = session_id
        self._targets = list(targets)

    async def ask(self, texts: Iterator[tuple[str, str]], until: float) -> list[Answer]:
        """One text after the other until then (monotonic seconds)."""
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        answers = []
        try:
            while time.monotonic() < until:
                text, right = next(texts)
                writer.write(self._request(text))
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    body = await _read_answer(reader)
                answers.append((time.monotonic(), right, body))
        finally:
            writer.close()
        return answers

    def _request(self, text: str) -> bytes:
        body = msgspec.json.encode(
            TranslateRequest(texts=[text], targets=self._targets, source="en", session_id=self._session_id)
        )
        head = (
            f"POST {TRANSLATE_PATH} HTTP/1.1\r\nhost: {self._address.netloc}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _read_answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(f"the translation service answered {body[:300].decode(errors='replace')}")
    return body


def corpus() -> list[tuple[str, str]]:
    """Sentences that the small model knows, with their translations."""
    with (AUDIO / "sentences.tsv").open(encoding="utf-8") as lines:
        return [(line["en"], line["es"]) for line in csv.DictReader(lines, delimiter="\t")]


@dataclass(slots=True)
class Tally:
    """What came of a way to call the engine."""

    texts: int = 0
    right: int = 0
    seconds: float = 0.0
    calls: float = 0.0
    pieces: float = 0.0
    engine_s: float = 0.0

    @property
    def texts_per_s(self) -> float:
        """The throughput."""
        return self.texts / self.seconds

    def figures(self) -> Figures:
        """For the report."""
        return {
            "texts_per_s": round(self.texts_per_s, 1),
            "batch_size_mean": round(self.pieces / self.calls, 1),
            "engine_ms_per_text": round(1000 * self.engine_s / self.pieces, 3),
            "right_percent": round(100 * self.right / self.texts, 1),
        }


async def load(url: str, targets: Sequence[str], seconds: float, tally: Tally) -> None:
    """Let all sessions ask, after a moment to warm up."""
    sentences = corpus()
    begin = time.monotonic() + WARM_UP_S
    end = begin + seconds
    askers = [
        Asker(url, f"session-{number}", targets).ask(
            itertools.cycle(sentences[number * 16 :] + sentences), end
        )
        for number in range(SESSIONS)
    ]
    answers = [answer for found in await asyncio.gather(*askers) for answer in found]
    for arrival, right, body in answers:
        if begin <= arrival <= end:
            texts = [text for result in decode_response(body).results for text in result.texts]
            tally.texts += len(texts)
            tally.right += sum(text.text == right for text in texts)
    tally.seconds += seconds


async def counted(
    http: httpx.AsyncClient, running: RunningStack, targets: Sequence[str], seconds: float, tally: Tally
) -> None:
    """A load, with what the engine did for it."""
    before = await engine_counts(http, running)
    await load(running.translation_url, targets, seconds, tally)
    after = await engine_counts(http, running)
    pieces, calls, engine_s = (now - then for now, then in zip(after, before, strict=True))
    tally.pieces += pieces
    tally.calls += calls
    tally.engine_s += engine_s


async def engine_counts(http: httpx.AsyncClient, running: RunningStack) -> list[float]:
    """Texts that went through the engine, calls of it, seconds that it worked."""
    names = ("batch_size_sum", "batch_size_count", "inference_seconds_sum")
    url = running.translation_url
    return [await metric(http, url, f"dragoman_translation_{name}", engine="ctranslate2") for name in names]


async def compare(
    http: httpx.AsyncClient, running: RunningStack, targets: Sequence[str], seconds: float
) -> tuple[Tally, Tally]:
    """Batched, and text by text."""
    url = f"{running.translation_url}/config"
    config = (await http.get(url)).raise_for_status().json()["config"]
    tallies = Tally(), Tally()
    for _ in range(TURNS):
        for tally, batch_max in zip(tallies, (config["batch_max"], 1), strict=True):
            (await http.put(url, json={**config, "batch_max": batch_max})).raise_for_status()
            await counted(http, running, targets, seconds, tally)
    (await http.put(url, json=config)).raise_for_status()
    return tallies


async def measure_throughput(*, quick: bool) -> Figures:
    """Both loads; the gain that is told first is that of three languages."""
    figures: Figures = {}
    async with AsyncExitStack() as cleanup:
        running = await cleanup.enter_async_context(stack("cpu", DRAGOMAN_TRANSLATION_ENGINES="ctranslate2"))
        http = await cleanup.enter_async_context(api_client(running))
        for targets in (TARGETS, TARGETS[:1]):
            batched, single = await compare(http, running, targets, 2.0 if quick else 6.0)
            name = f"throughput_{SESSIONS}x{len(targets)}"
            gain = round(batched.texts_per_s / single.texts_per_s, 2)
            figures.setdefault("batching_gain", gain)
            figures[f"{name}_batched"] = {"gain": gain, **batched.figures()}
            figures[f"{name}_one_by_one"] = single.figures()
            say(f"{name}: {gain} times; {batched.figures()}; one by one {single.figures()}")
    return figures
