"""Whatever the translator does: each final has one outcome, in order, and no draft comes behind its final."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.errors import EngineUnavailable, TranslationFailed
from dragoman_contracts.translation_api import TranslatedText, TranslationProblem
from dragoman_contracts.websocket import TranslationFailedMessage, TranslationFinal, TranslationPartial
from dragoman_orchestration.workers.lane import Lane, LaneMessage, Sentence
from dragoman_runtime.languages import is_same

LANGUAGES = ("en", "es", "de", "")
PROBLEMS = (None, False, True)
"""Of one text: none, for now, for good."""

steps = st.lists(
    st.one_of(
        st.tuples(st.just("final"), st.sampled_from(LANGUAGES), st.sampled_from(("some words", ""))),
        st.tuples(st.just("draft"), st.integers(1, 3)),
        st.tuples(st.just("advance"), st.booleans()),
        st.tuples(st.just("answer"), st.lists(st.sampled_from(PROBLEMS), min_size=8, max_size=8)),
        st.tuples(st.just("fail"), st.booleans()),
        st.tuples(st.just("wait"), st.floats(0, 5)),
    ),
    max_size=60,
)


class Conversation:
    """Drives a lane and keeps what it told."""

    def __init__(self) -> None:
        self.lane = Lane("es", is_same)
        self.told: list[LaneMessage] = []
        self.request = None
        self.finals = 0
        self.now = 0.0

    def final(self, language: str, text: str) -> None:
        self.finals += 1
        self.told += self.lane.final(
            Sentence(f"seg-{self.finals}", 9, text, language, 0, 1, self.finals * 10)
        )

    def draft(self, words: int) -> None:
        self.lane.draft(Sentence(f"seg-{self.finals + 1}", words, "word " * words, "en"))

    def advance(self, drafts: bool) -> None:
        told, request = self.lane.advance(self.now, drafts=drafts)
        self.told += told
        if request is not None:
            assert self.request is None, "two requests under way"
            assert len({one.language for one in request.sentences}) == 1
            self.request = request

    def answer(self, problems: list[bool | None]) -> None:
        if self.request is None:
            return
        texts = [
            TranslatedText(text=f"[es] {one.text}")
            if problem is None
            else TranslatedText(error=TranslationProblem(code="c", message="m", remedy="", permanent=problem))
            for one, problem in zip(self.request.sentences, problems, strict=False)
        ]
        request, self.request = self.request, None
        self.told += self.lane.answered(request, texts, self.now, took_ms=10, retry_at_s=self.now + 1)

    def fail(self, permanent: bool) -> None:
        if self.request is not None:
            request, self.request = self.request, None
            error = TranslationFailed("bad") if permanent else EngineUnavailable("away")
            self.told += self.lane.failed(request, error, self.now + 1)

    def wait(self, seconds: float) -> None:
        self.now += seconds


@given(steps)
def test_each_final_has_one_outcome_in_order(script: list[tuple]) -> None:
    talk = Conversation()
    for name, *arguments in script:
        getattr(talk, name)(*arguments)
    talk.fail(permanent=False)
    for _ in range(2 * talk.finals + 2):  # the translator is back
        talk.wait(10)
        talk.advance(drafts=False)
        talk.answer([None] * 8)

    outcomes = [
        message.segment_id
        for message in talk.told
        if isinstance(message, TranslationFinal)
        or (isinstance(message, TranslationFailedMessage) and message.permanent)
    ]
    assert outcomes == [f"seg-{number}" for number in range(1, talk.finals + 1)]
    assert (talk.lane.waiting, talk.lane.oldest) == (0, None)


@given(steps)
def test_no_draft_comes_behind_its_final(script: list[tuple]) -> None:
    talk = Conversation()
    for name, *arguments in script:
        getattr(talk, name)(*arguments)
    seen: set[str] = set()
    for message in talk.told:
        if isinstance(message, TranslationPartial):
            assert message.segment_id not in seen
        elif isinstance(message, TranslationFinal):
            seen.add(message.segment_id)
