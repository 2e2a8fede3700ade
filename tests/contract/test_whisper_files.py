"""Whole files in OpenAI's shape: the real SDK and plain HTTP against a real socket, for every engine."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import wave
from collections.abc import AsyncIterator
from typing import Any

import av
import httpx
import numpy as np
import openai
import pytest

from dragoman_contracts.whisper_api import WINDOW_PATH
from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain
from dragoman_whisper.app import create_app
from dragoman_whisper.engines.mock_speech import speak
from dragoman_whisper.settings import WhisperSettings

from .whisper_cases import FIXTURES, MICRO_MODEL, SPEECH, SPEECH_TEXT, WINDOWS, silence

AUDIO = FIXTURES / "audio"
PATH = "/v1/audio/transcriptions"
NUMBERS = list(range(40, 100))
MOCK_TEXT = " ".join(f"w{number:05d}" for number in NUMBERS)


def wav(pcm: bytes, rate_hz: int = 16_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((1, 2, rate_hz, 0, "NONE", ""))
        output.writeframes(pcm)
    return file.getvalue()


def spoken(numbers: list[int], rate_hz: int = 16_000) -> bytes:
    return wav((speak(numbers, rate_hz) * 32767).astype("<i2").tobytes(), rate_hz)


def webm(numbers: list[int]) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as output:
        stream = output.add_stream("libopus", rate=48_000)
        samples = (np.pad(speak(numbers, 48_000), 4_800) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return file.getvalue()


class Service:
    """A running service: its SDK client, its HTTP client, and a file with what is said in it."""

    def __init__(self, url: str, app: Any, file: tuple[str, bytes], text: str) -> None:
        self.app, self.file, self.text = app, file, text
        self.sdk = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        self.http = httpx.AsyncClient(base_url=url, timeout=60)


ENGINES = {
    "mock": ({"profile": "mock"}, ("numbers.wav", spoken(NUMBERS)), MOCK_TEXT),
    "faster_whisper": (
        {"profile": "cpu", "model": str(MICRO_MODEL)},
        (SPEECH, (AUDIO / SPEECH).read_bytes()),
        SPEECH_TEXT,
    ),
}


@pytest.fixture(params=ENGINES)
async def service(request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    values, file, text = ENGINES[request.param]
    async with run(
        {**values, "file_max_mb": 2, "file_max_minutes": 3, "files_max": 2}, file, text
    ) as running:
        yield running


@pytest.fixture
async def mock() -> AsyncIterator[Service]:
    values, file, text = ENGINES["mock"]
    async with run({**values, "files_max": 2}, file, text) as running:
        yield running


@pytest.fixture
async def real() -> AsyncIterator[Service]:
    values, file, text = ENGINES["faster_whisper"]
    async with run(values, file, text) as running:
        yield running


@contextlib.asynccontextmanager
async def run(values: dict[str, Any], file: tuple[str, bytes], text: str) -> AsyncIterator[Service]:
    drain = Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    app = create_app(WhisperSettings(**values))
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, drain, on_bound=bound.set_result))
    running = Service(await bound, app, file, text)
    await app.state.service.wait_loaded()
    async with running.sdk, running.http:
        yield running
    drain.start()
    await serving


# --- through the SDK ------------------------------------------------------------------------------------


async def test_json_and_text(service: Service) -> None:
    create = service.sdk.audio.transcriptions.create
    assert (await create(model="whisper-1", file=service.file)).text == service.text
    assert (await create(model="whisper-1", file=service.file, language="en")).text == service.text
    assert await create(model="whisper-1", file=service.file, response_format="text") == service.text + "\n"


async def test_subtitles(service: Service) -> None:
    create = service.sdk.audio.transcriptions.create
    srt = await create(model="whisper-1", file=service.file, response_format="srt")
    assert re.match(r"1\n00:00:00,\d{3} --> 00:00:\d\d,\d{3}\n", srt)
    vtt = await create(model="whisper-1", file=service.file, response_format="vtt")
    assert re.match(r"WEBVTT\n\n00:00:00\.\d{3} --> 00:00:\d\d\.\d{3}\n", vtt)
    for cues in (srt, vtt):
        lines = [line for line in cues.splitlines() if line and "-->" not in line and not line.isdigit()]
        assert " ".join(line for line in lines if line != "WEBVTT") == service.text


async def test_verbose_json_with_words(service: Service) -> None:
    answer = await service.sdk.audio.transcriptions.create(
        model="whisper-1",
        file=service.file,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert answer.text == service.text
    assert answer.language == "en"
    assert answer.words is not None
    assert answer.segments is not None
    assert " ".join(word.word for word in answer.words) == service.text
    assert " ".join(segment.text for segment in answer.segments) == service.text
    assert [segment.id for segment in answer.segments] == list(range(len(answer.segments)))
    last = 0.0
    for word in answer.words:
        assert last <= word.start <= word.end <= answer.duration
        last = word.start


async def test_verbose_json_without_words(service: Service) -> None:
    answer = await service.sdk.audio.transcriptions.create(
        model="whisper-1", file=service.file, response_format="verbose_json"
    )
    assert answer.words is None
    assert answer.segments


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI's SDK, on translations
async def test_translation_prompt_and_temperature(service: Service) -> None:
    assert (await service.sdk.audio.translations.create(model="whisper-1", file=service.file)).text
    answer = await service.sdk.audio.transcriptions.create(
        model="whisper-1", file=service.file, prompt="A meeting in Toronto.", temperature=0.2
    )
    assert answer.text


async def test_models_and_a_model_that_is_not_loaded(service: Service) -> None:
    (model,) = (await service.sdk.models.list()).data
    assert (await service.sdk.audio.transcriptions.create(model=model.id, file=service.file)).text
    with pytest.raises(openai.NotFoundError):
        await service.sdk.audio.transcriptions.create(model="large-v9", file=service.file)


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"files": {"file": ("notes.txt", b"no audio at all " * 99)}}, 415, "unsupported_audio"),
        ({"files": {"file": ("empty.wav", b"")}}, 415, "unsupported_audio"),
        ({"files": {"file": ("header.wav", spoken([1])[:44])}}, 415, "unsupported_audio"),
        ({"files": {"file": ("large.wav", bytes(2_000_001))}}, 413, "file_too_long"),
        ({"files": {"file": ("larger.wav", bytes(2_200_000))}}, 413, "file_too_long"),
        ({"files": {"file": ("long.wav", wav(bytes(181 * 4_000 * 2), 4_000))}}, 413, "file_too_long"),
        ({"files": {"audio": ("a.wav", spoken([1]))}}, 422, "invalid_input"),
        ({"data": {"file": "a.wav"}, "files": {"x": b""}}, 422, "invalid_input"),
        ({"data": {"model": "whisper-1"}}, 422, "invalid_input"),
        ({"content": b"RIFF"}, 422, "invalid_input"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "http_error"),
        (
            {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=y"}},
            400,
            "http_error",
        ),
        ({"files": {"file": spoken([1])}, "data": {"response_format": "docx"}}, 422, "invalid_input"),
        ({"files": {"file": spoken([1])}, "data": {"temperature": "hot"}}, 422, "invalid_input"),
        ({"files": {"file": spoken([1])}, "data": {"stream": "true"}}, 422, "invalid_input"),
        ({"files": {"file": spoken([1])}, "data": {"language": "xx"}}, 422, "unknown_language"),
        (
            {"files": {"file": spoken([1])}, "data": {"timestamp_granularities[]": "page"}},
            422,
            "invalid_input",
        ),
    ],
)
async def test_bad_input_is_refused_with_a_remedy(
    service: Service, form: dict[str, Any], status: int, code: str
) -> None:
    answer = await service.http.post(PATH, **form)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["code"] == code
    assert problem["remedy"]
    good = await service.http.post(PATH, files={"file": service.file})
    assert good.json() == {"text": service.text}


async def test_an_upload_without_a_length_is_bounded_too(service: Service) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        for _ in range(100):
            yield bytes(100_000)

    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = await service.http.post(PATH, content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_long")


# --- what files do to the service -------------------------------------------------------------------------


@pytest.mark.parametrize("content", [spoken(NUMBERS, 8_000), spoken(NUMBERS, 48_000), webm(NUMBERS)])
async def test_formats_and_rates(mock: Service, content: bytes) -> None:
    answer = await mock.http.post(PATH, files={"file": ("voice", content)})
    assert answer.json() == {"text": MOCK_TEXT}


async def test_a_truncated_webm_gives_what_can_be_decoded(mock: Service) -> None:
    whole = webm(NUMBERS)
    answer = await mock.http.post(PATH, files={"file": ("cut.webm", whole[: len(whole) // 2])})
    words = answer.json()["text"].split()
    assert 20 <= len(words) < len(NUMBERS)
    assert words[:-1] == MOCK_TEXT.split()[: len(words) - 1]


async def test_silence_says_nothing(service: Service) -> None:
    answer = await service.http.post(PATH, files={"file": ("silence.wav", wav(silence(12)))})
    assert answer.json() == {"text": ""}


async def test_a_file_of_several_blocks_loses_no_word(mock: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman_whisper.files.BLOCK_S", 13)
    numbers = list(range(1_000, 1_200))
    answer = await mock.http.post(PATH, files={"file": ("long.wav", spoken(numbers))})
    assert answer.json()["text"].split() == [f"w{number:05d}" for number in numbers]


async def test_real_speech_of_a_minute(real: Service) -> None:
    file = (AUDIO / "meeting_en_two_voices.wav").read_bytes()
    answer = await real.http.post(PATH, files={"file": ("meeting.wav", file)})
    references = [json.loads(line) for line in (AUDIO / "refs.jsonl").read_text().splitlines()]
    said = next(one["text"] for one in references if one["file"] == "meeting_en_two_voices.wav")
    assert answer.json()["text"].lower().split() == said.lower().split()


async def test_too_many_files_at_once(eventually: Any) -> None:
    values = {"profile": "mock", "mock_delay_ms": 40, "batch_max": 1, "files_max": 1}
    async with run(values, ("a.wav", spoken(list(range(300)))), "") as service:
        first = asyncio.create_task(service.http.post(PATH, files={"file": service.file}))
        batcher = service.app.state.service.batcher
        await eventually(lambda: batcher._seconds_per_window.value > 0)
        refused = await service.http.post(PATH, files={"file": service.file})
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        assert (await first).status_code == 200


async def test_a_client_that_hangs_up_frees_its_place(eventually: Any) -> None:
    values = {"profile": "mock", "mock_delay_ms": 50, "batch_max": 1, "files_max": 1}
    async with run(values, ("a.wav", spoken(list(range(2_000)))), "") as service:
        batcher = service.app.state.service.batcher
        gone = asyncio.create_task(service.http.post(PATH, files={"file": service.file}))
        await eventually(lambda: batcher._seconds_per_window.value > 0)
        gone.cancel()

        async def free() -> bool:
            answer = await service.http.post(PATH, files={"file": ("b.wav", spoken([7]))})
            return answer.json() == {"text": "w00007"}

        await eventually(free)


async def test_nothing_that_was_said_or_sent_is_logged(service: Service, log_lines: list[str]) -> None:
    form = {"prompt": "confidential plans", "hotwords": "Rumpelstiltskin"}
    await service.http.post(PATH, files={"file": service.file}, data=form)
    case = WINDOWS[6]
    await service.http.post(WINDOW_PATH, content=case.body(), headers=case.headers)
    await service.http.post(PATH, files={"file": ("secret-name.wav", b"none")}, data=form)
    logged = "".join(log_lines)
    for told in (*service.text.split()[1:4], "confidential", "Rumpel", "café", "secret-name"):
        assert told not in logged
