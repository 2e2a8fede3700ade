"""What dynamic batching gains: texts a second through the translation service, with it and without.

50 sessions ask for one sentence each, wait for it and ask for the next, over HTTP, all of the same service
on the small ctranslate2 model. It batches as it is configured by default, then one by one (``batch_max`` 1 by
``PUT /config``), twice in turns. The answers are compared with the corpus: a fast service that translates
wrong is worth nothing.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import msgspec

from bench.harness import AUDIO, Figures, api_client, metric, say, stack
from dragoman_contracts.translation_api import TRANSLATE_PATH, TranslateRequest, decode_response
from dragoman_orchestration.cli.stack import RunningStack

SESSIONS = 50
TURNS = 2
WARM_UP_S = 1.0
ANSWER_TIMEOUT_S = 30.0


class Asker:
    """One session's connection to the service. Plain HTTP over a stream: a client library's own work, several
    times the service's, would be what is measured.
    """

    def __init__(self, url: str, session_id: str) -> None:
        self._address = urlsplit(url)
        self._session_id = session_id

    async def ask(self, texts: Iterator[tuple[str, str]], until: float) -> list[tuple[float, str, bytes]]:
        """One text after the other until then; arrival (monotonic seconds), what is right, the answer."""
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
        request = TranslateRequest(texts=[text], targets=["es"], source="en", session_id=self._session_id)
        body = msgspec.json.encode(request)
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


async def load(url: str, seconds: float) -> tuple[float, float]:
    """Texts a second, and the share of them that is right."""
    sentences = corpus()
    begin = time.monotonic() + WARM_UP_S
    end = begin + seconds
    askers = [
        Asker(url, f"session-{number}").ask(itertools.cycle(sentences[number * 16 :] + sentences), end)
        for number in range(SESSIONS)
    ]
    answers = [one for found in await asyncio.gather(*askers) for one in found]
    within = [one for one in answers if begin <= one[0] <= end]
    right = sum(_text_of(body) == expected for _, expected, body in within)
    return len(within) / seconds, right / len(within)


def _text_of(body: bytes) -> str:
    (result,) = decode_response(body).results
    return result.texts[0].text


async def measure_throughput(*, quick: bool) -> Figures:
    """Batched and one by one, in turns."""
    seconds = 4.0 if quick else 8.0
    rates: dict[str, list[float]] = {"batched": [], "one_by_one": []}
    shares: list[float] = []
    sizes: dict[str, float] = {}
    async with (
        stack("cpu", DRAGOMAN_TRANSLATION_ENGINES="ctranslate2") as running,
        api_client(running) as http,
    ):
        url = running.translation_url
        config = (await http.get(f"{url}/config")).raise_for_status().json()["config"]
        for _ in range(TURNS):
            for name, batch_max in (("batched", config["batch_max"]), ("one_by_one", 1)):
                changed = await http.put(f"{url}/config", json={**config, "batch_max": batch_max})
                changed.raise_for_status()
                before = await batches(http, running)
                rate, share = await load(url, seconds)
                texts, calls = (
                    now - then for now, then in zip(await batches(http, running), before, strict=True)
                )
                rates[name].append(rate)
                shares.append(share)
                sizes[name] = texts / calls
                say(f"{name}: {rate:.0f} texts/s, {texts / calls:.1f} a batch, {share:.1%} right")
    batched, one_by_one = (sum(found) / len(found) for found in rates.values())
    return {
        "batching_gain": round(batched / one_by_one, 2),
        "texts_per_s_batched": round(batched, 1),
        "texts_per_s_one_by_one": round(one_by_one, 1),
        "batch_size_mean": round(sizes["batched"], 1),
        "batch_size_mean_one_by_one": round(sizes["one_by_one"], 1),
        "right_percent": round(100 * min(shares), 1),
    }


async def batches(http: httpx.AsyncClient, running: RunningStack) -> tuple[float, float]:
    """Texts that went through the engine, and calls of it."""
    prefix = "dragoman_translation_batch_size"
    return (
        await metric(http, running.translation_url, f"{prefix}_sum", engine="ctranslate2"),
        await metric(http, running.translation_url, f"{prefix}_count", engine="ctranslate2"),
    )
