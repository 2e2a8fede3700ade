"""Agreement, guards, language and policy: the recogniser's small rules."""

from __future__ import annotations

import pytest

from dragoman_contracts.websocket import Word
from dragoman_contracts.whisper_api import WindowResult
from dragoman_orchestration.streaming import guards
from dragoman_orchestration.streaming.agreement import LocalAgreement, same_word
from dragoman_orchestration.streaming.language import LanguageTracker
from dragoman_orchestration.streaming.policy import StepPolicy

FAR = 100_000


def words(text: str, *, step_ms: int = 300, probability: float = 0.9) -> list[Word]:
    return [
        Word(f" {word}", index * step_ms, (index + 1) * step_ms, probability)
        for index, word in enumerate(text.split())
    ]


def texts(found: list[Word]) -> str:
    return "".join(word.text for word in found).strip()


class TestAgreement:
    def test_the_first_hypothesis_commits_nothing(self):
        agreement = LocalAgreement()
        agreement.update(words("good morning"), FAR)
        assert agreement.stable == []
        assert texts(agreement.unstable) == "good morning"

    def test_what_two_agree_on_is_stable(self):
        agreement = LocalAgreement()
        agreement.update(words("good morning an"), FAR)
        agreement.update(words("Good morning, Anna how"), FAR)
        assert texts(agreement.stable) == "Good morning,"
        assert texts(agreement.unstable) == "Anna how"

    def test_unsure_and_fresh_words_wait(self):
        unsure = LocalAgreement()
        for _ in range(2):
            unsure.update(words("good morning", probability=0.5), FAR)
        assert unsure.stable == []
        fresh = LocalAgreement()
        for _ in range(2):
            fresh.update(words("one two three four"), window_end_ms=1_400)
        assert texts(fresh.stable) == "one two"

    def test_a_later_change_of_mind_takes_nothing_back_and_says_nothing_twice(self):
        agreement = LocalAgreement()
        for _ in range(2):
            agreement.update(words("we need to check"), FAR)
        final = agreement.finish(words("you need to check the budget"))
        assert texts(final) == "we need to check the budget"

    def test_a_stretched_repetition_of_the_last_stable_word_is_not_said_twice(self):
        agreement = LocalAgreement()
        for _ in range(2):
            agreement.update(words("one two"), FAR)
        final = agreement.finish(
            [Word(" won", 0, 300), Word(" two", 350, 1_000), Word(" three", 1_000, 1_300)]
        )
        assert texts(final) == "one two three"

    def test_a_shorter_final_keeps_what_is_stable(self):
        agreement = LocalAgreement()
        for _ in range(2):
            agreement.update(words("one two three"), FAR)
        assert texts(agreement.finish(words("one"))) == "one two three"
        assert texts(agreement.finish([])) == "one two three"

    @pytest.mark.parametrize(
        ("left", "right", "same"),
        [
            (" Anna", "anna.", True),
            ("CAFÉ", "café", True),
            ("cafe\u0301", "café", True),
            ("one", "two", False),
            ("...", "?", False),
            ("?", " ?", True),
            ("123", "123,", True),
        ],
    )
    def test_case_and_punctuation_do_not_make_a_word(self, left, right, same):
        assert same_word(left, right) is same


class TestGuards:
    def test_a_doubtful_hypothesis_over_noise_is_silence(self):
        doubtful = WindowResult(language="en", no_speech_probability=0.9, average_log_probability=-1.5)
        assert guards.is_silence(doubtful)
        assert not guards.is_silence(WindowResult(language="en", no_speech_probability=0.9))
        assert not guards.is_silence(WindowResult(language="en", average_log_probability=-1.5))

    def test_a_loop_is_cut_after_its_phrase_was_said(self):
        looping = words("thank you " * 12)
        assert texts(guards.cut_loops(looping)) == "thank you"
        assert texts(guards.cut_loops(words("and so " + "on " * 9))) == "and so on"

    def test_emphasis_is_no_loop(self):
        for said in ("no no no no", "very very good", "one two three", ""):
            assert texts(guards.cut_loops(words(said))) == said

    def test_so_many_words_do_not_fit(self):
        assert guards.plausible(words("a b c"), 0)
        assert guards.plausible(words("a " * 12), 1_000)
        assert not guards.plausible(words("a " * 13), 1_000)


class TestLanguage:
    def test_a_given_language_is_never_detected(self):
        tracker = LanguageTracker(given="de")
        assert tracker.to_request == "de"
        tracker.observe("en", 0.99, 5_000)
        assert tracker.to_request == "de"
        assert not tracker.overrule("en")

    def test_the_first_sure_detection_binds_the_utterance_and_the_session(self):
        tracker = LanguageTracker()
        tracker.observe("es", 0.9, 500)
        assert tracker.to_request is None
        tracker.observe("es", 0.6, 1_200)
        assert tracker.to_request == tracker.session == "es"
        tracker.start_utterance()
        assert tracker.to_request is None
        assert tracker.session == "es"

    def test_weak_evidence_does_not_switch_and_a_final_is_decoded_again(self):
        tracker = LanguageTracker(session="es")
        tracker.observe("en", 0.7, 2_000)
        assert tracker.to_request is None
        assert tracker.overrule("en")
        assert tracker.to_request == tracker.session == "es"
        assert not tracker.overrule("en")

    def test_strong_evidence_switches(self):
        tracker = LanguageTracker(session="es")
        tracker.observe("en", 0.85, 2_000)
        assert tracker.session == "en"
        assert not tracker.overrule("en")

    def test_a_short_final_in_the_sessions_language_needs_no_second_decode(self):
        tracker = LanguageTracker(session="es")
        tracker.observe("es", 0.4, 300)
        assert not tracker.overrule("es")
        assert tracker.session == "es"

    def test_a_first_short_utterance_binds_nothing(self):
        tracker = LanguageTracker()
        tracker.observe("ru", 0.4, 300)
        assert tracker.session is None
        assert not tracker.overrule("ru")


class TestPolicy:
    def test_a_fast_recogniser_is_asked_at_the_least_step(self):
        policy = StepPolicy(min_step_ms=320)
        for _ in range(20):
            policy.answered(40)
        assert policy.step_ms == 320

    def test_a_slow_one_is_asked_less_often_up_to_the_bound(self):
        policy = StepPolicy(min_step_ms=320, max_step_ms=2_000)
        for _ in range(30):
            policy.answered(600)
        assert 1_150 <= policy.step_ms <= 1_200
        for _ in range(30):
            policy.answered(9_000)
        assert policy.step_ms == 2_000
        for _ in range(30):
            policy.answered(20)
        assert policy.step_ms == 320
