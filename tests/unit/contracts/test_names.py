"""Keys, audio formats and the tree of errors."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dragoman_contracts
import dragoman_runtime
from dragoman_contracts import streams
from dragoman_contracts.audio import AudioFormat, Encoding
from dragoman_contracts.errors import DragomanError, InvalidInput, Unavailable, UnsupportedAudio
from dragoman_contracts.streams import SessionKeys, ShardKeys, dead_letter_stream, shard_of


def crc16(data: bytes) -> int:
    """CRC-16/XMODEM bit by bit, as the Redis Cluster specification defines it."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc


def slot(key: str) -> int:
    """Cluster slot of a key: of what stands in its first braces, if anything does."""
    _, opened, rest = key.partition("{")
    tag, closed, _ = rest.partition("}")
    return crc16((tag if opened and closed and tag else key).encode()) % 16_384


def test_the_slots_are_those_of_the_specification() -> None:
    assert crc16(b"123456789") == 0x31C3
    assert slot("{user1000}.following") == slot("{user1000}.followers") == slot("user1000")
    assert slot("foo{}{bar}") == crc16(b"foo{}{bar}") % 16_384


@given(st.text(min_size=1), st.integers(min_value=1, max_value=1024))
def test_all_keys_of_a_session_are_in_the_slot_of_its_shard(session_id: str, shards: int) -> None:
    keys = SessionKeys(session_id, shards)
    shard = keys.shard
    assert shard == ShardKeys(shard_of(session_id, shards))
    names = [keys.audio, keys.results, keys.record, keys.state, keys.owner, keys.outbox]
    shared = [shard.sessions("mock"), shard.index, shard.active, shard.active_of("key")]
    assert {slot(name) for name in (*names, *shared)} == {slot(str(shard.shard))}
    assert len({*names, *shared}) == 10


@given(st.text(), st.integers(min_value=1, max_value=1024))
def test_a_session_has_one_shard_for_good(session_id: str, shards: int) -> None:
    assert 0 <= shard_of(session_id, shards) < shards
    assert shard_of(session_id, shards) == crc16(session_id.encode()) % shards
    assert shard_of(session_id, 1) == 0


def test_sessions_spread_over_the_shards() -> None:
    found = Counter(shard_of(f"session-{number}", 8) for number in range(800))
    assert set(found) == set(range(8))


def test_the_names_of_the_control_streams_and_groups_differ() -> None:
    groups = [value for name, value in vars(streams).items() if name.startswith("GROUP_")]
    assert len(set(groups)) == len(groups)
    names = [*streams.CONTROL_STREAMS, *map(dead_letter_stream, streams.CONTROL_STREAMS)]
    assert len(set(names)) == 8


# --- audio ----------------------------------------------------------------------------------------------

rates, channel_counts = st.integers(-(10**6), 10**6), st.integers(-2, 12)


@given(st.sampled_from(["pcm_s16le", "pcm_f32le", "webm_opus", "ogg_opus"]), rates, channel_counts)
def test_a_format_is_possible_or_refused_with_a_remedy(encoding: Encoding, rate: int, channels: int) -> None:
    audio = AudioFormat(encoding=encoding, sample_rate_hz=rate, channels=channels)
    if 8_000 <= rate <= 192_000 and 1 <= channels <= 8:
        assert audio.validate() is audio
        return
    with pytest.raises(UnsupportedAudio) as refused:
        audio.validate()
    assert refused.value.remedy != UnsupportedAudio.default_remedy


@pytest.mark.parametrize(
    ("rate", "channels"), [(7_999, 1), (192_001, 1), (16_000, 0), (16_000, 9), (0, 1), (-16_000, 1)]
)
def test_formats_just_outside_are_refused(rate: int, channels: int) -> None:
    with pytest.raises(UnsupportedAudio, match="outside"):
        AudioFormat(sample_rate_hz=rate, channels=channels).validate()


@given(
    st.sampled_from(["pcm_s16le", "pcm_f32le"]),
    st.integers(8_000, 192_000),
    st.integers(1, 8),
    st.integers(0, 10_000),
)
def test_bytes_of_pcm_translate_to_time(encoding: Encoding, rate: int, channels: int, seconds: int) -> None:
    audio = AudioFormat(encoding=encoding, sample_rate_hz=rate, channels=channels)
    assert audio.is_pcm
    assert audio.frame_bytes == channels * (2 if encoding == "pcm_s16le" else 4)
    assert audio.duration_ms(seconds * rate * audio.frame_bytes) == seconds * 1000
    assert audio.media_type.endswith(f";rate={rate};channels={channels}")


@pytest.mark.parametrize("encoding", ["webm_opus", "ogg_opus"])
def test_containers_have_a_bound_only(encoding: Encoding) -> None:
    audio = AudioFormat(encoding=encoding)
    assert not audio.is_pcm
    assert (audio.frame_bytes, audio.bytes_per_second) == (1, 64_000)
    assert audio.media_type.endswith(";codecs=opus")


# --- errors ---------------------------------------------------------------------------------------------


def tree(cls: type[DragomanError] = DragomanError) -> list[type[DragomanError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in tree(child))]


@pytest.fixture(scope="module")
def errors() -> list[type[DragomanError]]:
    """All errors of the contracts and of the floor that stands on them."""
    for package in (dragoman_contracts, dragoman_runtime):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    ours = (dragoman_contracts.__name__, dragoman_runtime.__name__)
    return [
        cls for cls in tree() if cls.__module__.partition(".")[0] in ours and not cls.__name__.startswith("_")
    ]


def test_every_error_has_a_code_of_its_own(errors: list[type[DragomanError]]) -> None:
    codes = Counter(cls.code for cls in errors)
    assert [code for code, times in codes.items() if times > 1] == []
    assert len(set(errors)) == len(errors)


def test_every_error_has_a_remedy_of_its_own(errors: list[type[DragomanError]]) -> None:
    for cls in errors:
        assert "default_remedy" in vars(cls), cls
    assert len({cls.default_remedy for cls in errors}) == len(errors)


def test_every_status_is_one_of_an_error_and_fits_its_branch(errors: list[type[DragomanError]]) -> None:
    for cls in errors:
        assert 400 <= cls.http_status < 600, cls
        if issubclass(cls, InvalidInput):
            assert cls.permanent
            assert cls.http_status < 500
        if issubclass(cls, Unavailable):
            assert not cls.permanent
            assert cls.http_status == 503


def test_an_errors_own_remedy_wins_over_its_classes() -> None:
    assert DragomanError("m").remedy == DragomanError.default_remedy
    own = DragomanError("m", remedy="do this")
    assert (own.message, own.remedy, str(own)) == ("m", "do this", "m")
