"""Audio that Redis lost: what is sent again is heard once, what is gone is a gap that is told."""

from __future__ import annotations

import msgspec
import numpy as np

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.websocket import (
    AudioGap,
    ErrorMessage,
    Gap,
    SessionConfigure,
    SessionEndedMessage,
    TranscriptFinal,
    TranscriptPartial,
)
from dragoman_whisper.engines.mock_speech import speak

from .conftest import Session, spoken, words_of
from .test_trouble import encoded, kill

NUMBERS = list(range(300, 308))
FRAME_BYTES = 3_200


def pcm(samples: np.ndarray) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


class Retold(Session):
    """A session whose speaker connects again and sends from where it is told to."""

    async def connect(self, epoch: int, total: int) -> None:
        self._epoch, self._seq, self._bytes = epoch, 0, total
        await self.entry(b"f", msgspec.json.encode(SessionConfigure(audio=self.audio)))

    async def entry(self, kind: bytes, data: bytes = b"") -> None:
        self._seq += 1
        await self.redis.xadd(
            self.keys.audio,
            {b"k": kind, b"d": data, b"n": self._bytes},
            id=f"{getattr(self, '_epoch', 1)}-{self._seq}",
        )


async def ended(session: Session) -> SessionEndedMessage:
    (message,) = await session.of_type(SessionEndedMessage)
    return message


async def test_audio_that_is_sent_again_is_heard_once(redis_client, start_worker, whisper_url, eventually):
    session = Retold(redis_client, "s1")
    await session.open()
    start_worker(whisper_url)
    data = pcm(spoken(NUMBERS))
    half = len(data) // 2 // FRAME_BYTES * FRAME_BYTES
    await session.say_bytes(data[:half], FRAME_BYTES)
    await eventually(lambda: session.of_type(TranscriptPartial))
    again = half - 5 * FRAME_BYTES - 640
    await session.connect(2, again)
    await session.say_bytes(data[again:], 2 * FRAME_BYTES)
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)
    ledger = (await ended(session)).ledger
    assert (ledger.received_ms, ledger.gap_ms, ledger.is_complete) == (len(data) // 32, 0, True)


async def test_lost_audio_is_a_told_gap_and_what_follows_keeps_its_time(
    redis_client, start_worker, whisper_url, eventually
):
    session = Retold(redis_client, "s1")
    await session.open()
    start_worker(whisper_url)
    before = pcm(np.concatenate([np.zeros(16_000, np.float32), speak(NUMBERS)]))
    await session.say_bytes(before, FRAME_BYTES)
    lost = 32 * 1_234 + 10
    await session.connect(2, len(before) + lost)
    after = pcm(spoken([1, 2, 3]))
    await session.say_bytes(after, FRAME_BYTES)
    await session.end()
    await eventually(session.is_ended)

    begin_ms, end_ms = len(before) // 32, (len(before) + lost) // 32
    (gap,) = await session.of_type(AudioGap)
    assert (gap.start_ms, gap.end_ms, gap.reason) == (begin_ms, end_ms, "lost")
    # The utterance that was open is final with what it had, the next one begins behind the gap.
    first, second = await session.of_type(TranscriptFinal)
    assert first.text.split() == words_of(NUMBERS)
    assert first.end_ms <= begin_ms
    assert second.text.split() == words_of([1, 2, 3])
    assert abs(second.words[0].start_ms - (end_ms + 1_000)) <= 40
    ledger = (await ended(session)).ledger
    assert ledger.is_complete
    assert ledger.received_ms == (len(before) + lost + len(after)) // 32
    assert ledger.gaps == [Gap(begin_ms, end_ms, "lost")]


async def test_a_gap_is_told_once_whoever_takes_over(redis_client, start_worker, whisper_url, eventually):
    session = Retold(redis_client, "s1", AudioFormat(sample_rate_hz=48_000))
    await session.open()
    doomed = start_worker(whisper_url)
    before, after = pcm(spoken(NUMBERS, 48_000)), pcm(spoken([1, 2, 3, 4, 5, 6], 48_000))
    lost = 96 * 2_000
    await session.say_bytes(before, 9_600)
    await session.connect(2, len(before) + lost)
    await session.say_bytes(after[: len(after) // 19_200 * 9_600], 9_600)
    await eventually(lambda: session.of_type(AudioGap))
    await kill(doomed)
    start_worker(whisper_url)
    await session.say_bytes(after[len(after) // 19_200 * 9_600 :], 9_600)
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of([*NUMBERS, 1, 2, 3, 4, 5, 6])
    assert len(await session.of_type(AudioGap)) == 1
    ledger = (await ended(session)).ledger
    assert ledger.is_complete
    assert ledger.received_ms == (len(before) + lost + len(after)) // 96
    assert ledger.gap_ms == 2_000


async def test_hours_that_were_lost_at_the_end_are_told(redis_client, start_worker, whisper_url, eventually):
    session = Retold(redis_client, "s1")
    await session.open()
    start_worker(whisper_url)
    await session.say(spoken(NUMBERS))
    heard_ms = session._bytes // 32
    await session.connect(2, session._bytes + 32_000 * 3_600 * 5)
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)
    ledger = (await ended(session)).ledger
    assert ledger.gaps == [Gap(heard_ms, heard_ms + 3_600_000 * 5, "lost")]
    assert ledger.is_complete


async def test_a_hole_in_a_container_is_told_once(
    redis_client, start_worker, whisper_url, eventually, tmp_path
):
    data = encoded(spoken(NUMBERS, 48_000), "ogg", tmp_path)
    session = Retold(redis_client, "s1", AudioFormat(encoding="ogg_opus"))
    await session.open()
    doomed = start_worker(whisper_url)
    cut = len(data) // 2
    await session.say_bytes(data[:cut], 1_000)
    await session.connect(2, cut + 2_000)
    await eventually(lambda: session.of_type(ErrorMessage))
    await kill(doomed)
    start_worker(whisper_url)
    await session.say_bytes(data[cut + 2_000 :], 1_000)
    await session.end()
    await eventually(session.is_ended)
    (error,) = await session.of_type(ErrorMessage)
    assert error.code == "audio_lost"
    assert "2000 bytes" in error.message
    words = await session.words()
    assert words[:3] == words_of(NUMBERS)[:3]
    assert len(words) < len(NUMBERS)
    assert (await ended(session)).ledger.is_complete
