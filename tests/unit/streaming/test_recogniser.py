"""The recogniser's decisions, one at a time."""

from __future__ import annotations

import numpy as np
import pytest
from tests.property.listener import PAUSE, World, hear, pcm

from dragoman_contracts.websocket import AudioGap, SessionOptions, SpeechEnded, SpeechStarted, TranscriptFinal
from dragoman_contracts.whisper_api import WindowResult, WindowWord
from dragoman_orchestration.streaming.recogniser import RecogniserSettings

SILENCE = np.zeros(16_000, dtype=np.float32)


def test_speech_is_told_and_its_final_follows():
    world = World()
    world.play(pcm(SILENCE, [1, 2, 3], SILENCE))
    kinds = [type(message) for message in world.messages]
    assert kinds[0] is SpeechStarted
    assert kinds[-2:] == [SpeechEnded, TranscriptFinal]
    final = world.finals[0]
    assert final.words[0].start_ms >= final.start_ms
    assert final.confidence == 1.0
    assert final.language == "en"


def test_silence_is_settled_while_it_lasts_and_never_decoded():
    world = World()
    world.play(pcm(SILENCE, SILENCE, SILENCE))
    assert world.requests == []
    assert world.recogniser.heard_ms - world.recogniser.committed_ms <= 300
    assert world.recogniser.waiting_ms == 0


def test_a_pause_is_decoded_ahead_so_that_the_final_waits_for_no_decode():
    world = World()
    world.play(pcm(SILENCE, [1, 2, 3]))
    drafts = [request for request in world.requests if not request.full]
    assert drafts
    assert all(request.options.fast for request in drafts)
    world.play(pcm(SILENCE))
    full = [request for request in world.requests if request.full]
    assert len(full) == 1
    (final,) = world.finals
    assert full[0].end_ms < final.end_ms + 200


def test_one_decode_at_a_time():
    world = World()
    world.play(pcm(SILENCE, list(range(20))), slowness=10_000)
    assert len(world.requests) == 1
    assert world.recogniser.is_busy
    assert world.recogniser.next_request() is None


def test_a_session_without_partials_decodes_for_finals_only():
    world = World(options=SessionOptions(partials=False))
    world.play(pcm(SILENCE, list(range(10)), SILENCE))
    world.finish()
    assert world.partials == []
    assert len(world.requests) == 1
    assert world.words == list(range(10))


def test_a_failed_decode_is_asked_for_again():
    world = World()
    world.play(pcm(SILENCE, [1, 2, 3]), slowness=10_000)
    request, _ = world.waiting
    world.recogniser.fail(request)
    assert not world.recogniser.is_busy
    world.waiting = None
    world.play(pcm(SILENCE))
    world.finish()
    assert world.words == [1, 2, 3]


def test_an_answer_to_a_request_that_was_given_up_is_ignored():
    world = World()
    world.play(pcm(SILENCE, [1, 2, 3]), slowness=10_000)
    request, _ = world.waiting
    world.recogniser.fail(request)
    world.recogniser.fail(request)
    assert world.recogniser.answer(request, hear(request), 10) == []
    assert world.recogniser.give_up(request, "late") == []


def test_giving_up_in_mid_speech_makes_a_gap_and_goes_on():
    world = World()
    world.play(pcm(SILENCE, [1, 2, 3]), slowness=10_000)
    request, _ = world.waiting
    world.waiting = None
    world.told(world.recogniser.give_up(request, "refused"))
    world.play(pcm([4, 5], SILENCE))
    world.finish()
    world.check()
    (gap,) = [message for message in world.messages if isinstance(message, AudioGap)]
    assert (gap.end_ms, gap.reason) == (request.end_ms, "refused")
    assert any(settled.kind == "gap" for settled in world.settled)
    assert world.words[-2:] == [4, 5]


def test_giving_up_a_closed_utterance_clears_what_was_shown():
    world = World()
    world.play(pcm(SILENCE, list(range(10))))
    assert world.partials
    world.told(world.recogniser.flush())
    world.waiting = None
    request = world.recogniser.next_request()
    assert request is not None
    world.told(world.recogniser.give_up(request, "refused"))
    world.check()
    assert [final.text for final in world.finals] == [""] or world.finals[0].text.startswith(
        world.partials[-1].stable_text
    )
    assert world.recogniser.is_done


class Deaf(World):
    """Hears noise as noise."""

    @staticmethod
    def answer(request):
        return WindowResult(language="en")


def test_speech_that_is_none_is_settled_as_silence_and_shows_nothing():
    world = Deaf()
    world.play(pcm(SILENCE, [1, 2, 3], SILENCE))
    world.finish()
    world.check()
    assert world.finals == []
    assert {settled.kind for settled in world.settled} == {"silence"}


class Unsure(World):
    """Guesses."""

    @staticmethod
    def answer(request):
        words = [WindowWord(text=" guess", start_ms=100, end_ms=300, probability=0.2)]
        return WindowResult(language="en", words=words)


def test_a_guess_is_not_shown_before_it_is_final():
    world = Unsure()
    world.play(pcm(SILENCE, list(range(8)), SILENCE))
    world.finish()
    assert world.partials == []
    assert [final.text for final in world.finals] == ["guess"]


class Babble(World):
    """Invents far more than can have been said, doubtful about it or not."""

    @staticmethod
    def answer(request):
        words = [WindowWord(text=f" w{n}", start_ms=n, end_ms=n + 1) for n in range(200)]
        return WindowResult(language="en", words=words)


class Doubtful(Babble):
    @staticmethod
    def answer(request):
        words = [WindowWord(text=" thanks", start_ms=0, end_ms=900)]
        return WindowResult(
            language="en", words=words, no_speech_probability=0.9, average_log_probability=-1.4
        )


@pytest.mark.parametrize("world", [Babble, Doubtful])
def test_inventions_are_not_captions(world):
    world = world()
    world.play(pcm(SILENCE, [1, 2, 3], SILENCE))
    world.finish()
    assert world.finals == []
    assert world.partials == []


class Polyglot(World):
    """Detects another language than the session's, half-heartedly, unless told which one it is."""

    @staticmethod
    def answer(request):
        result = hear(request)
        language = request.options.language or "fr"
        return WindowResult(
            language=language,
            language_probability=1.0 if request.options.language else 0.6,
            words=result.words,
        )


def test_a_final_that_hysteresis_overrules_is_decoded_again_in_the_sessions_language():
    world = Polyglot()
    world.recogniser._language.session = "en"
    world.play(pcm(SILENCE, [1, 2], PAUSE))
    world.finish()
    assert world.requests[-1].options.language == "en"
    assert [final.language for final in world.finals] == ["en"]
    assert world.words == [1, 2]


def test_options_can_change_in_mid_session():
    world = World()
    world.play(pcm(SILENCE, [1, 2], SILENCE))
    world.recogniser.configure(SessionOptions(language="es", hotwords="Dragoman", prompt="A meeting."))
    world.play(pcm([3, 4], SILENCE))
    world.finish()
    asked = world.requests[-1].options
    assert (asked.language, asked.hotwords, asked.prompt) == ("es", "Dragoman", "A meeting.")
    assert world.words == [1, 2, 3, 4]


def test_a_taken_over_session_decodes_nothing_before_its_audio_is_replayed():
    world = World()
    world.play(pcm(SILENCE, [1, 2, 3], SILENCE), slowness=10_000)
    start_ms = world.die()
    assert world.recogniser.next_request() is None
    assert start_ms < 1_000
    world.play(pcm(SILENCE, [1, 2, 3], SILENCE)[start_ms * 16 :])
    world.finish()
    assert world.words == [1, 2, 3]


def test_partials_of_a_slow_speaker_do_not_repeat_themselves():
    world = World()
    world.play(pcm(SILENCE, [1, 2, 3, 4, 5, 6], SILENCE))
    texts = [(partial.stable_text, partial.text) for partial in world.partials]
    assert len(texts) == len(set(texts))


def test_a_very_short_limit_still_cuts():
    world = World(settings=RecogniserSettings(max_utterance_ms=2_000, split_search_ms=1_500))
    world.play(pcm(list(range(30)), SILENCE))
    world.finish()
    world.check()
    assert world.words == list(range(30))
