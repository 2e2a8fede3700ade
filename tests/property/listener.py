"""A pure world for the recogniser: audio frame by frame, and a listener that answers after a while."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from dragoman_contracts.websocket import ServerMessage, SessionOptions, TranscriptFinal, TranscriptPartial
from dragoman_contracts.whisper_api import WindowResult, WindowWord
from dragoman_orchestration.streaming.detectors import EnergyDetector
from dragoman_orchestration.streaming.recogniser import (
    DecodeRequest,
    Recogniser,
    RecogniserSettings,
    RecogniserState,
    Settled,
)
from dragoman_whisper.engines.mock_speech import listen, speak

FRAME = 1_600
PAUSE = np.zeros(16 * 700, dtype=np.float32)


def pcm(*parts: Sequence[int] | np.ndarray) -> np.ndarray:
    """Mock speech of number lists, silence of arrays; as int16."""
    samples = [part if isinstance(part, np.ndarray) else speak(list(part)) for part in parts]
    return (np.concatenate([*samples, np.empty(0, np.float32)]) * 32767).astype(np.int16)


def hear(request: DecodeRequest) -> WindowResult:
    """A recogniser without fault: the words that are wholly in the window."""
    heard = listen(request.samples.astype(np.float32) / 32768)
    found = [
        WindowWord(text=f" w{word.number:05d}", start_ms=int(word.start_ms), end_ms=int(word.end_ms))
        for word in heard
    ]
    return WindowResult(language="en", text="".join(word.text for word in found), words=found)


@dataclass
class World:
    """Runs a recogniser; ``outputs`` is all that it told, over all its lives."""

    settings: RecogniserSettings = field(default_factory=RecogniserSettings)
    options: SessionOptions = field(default_factory=SessionOptions)
    answer = staticmethod(hear)
    outputs: list = field(default_factory=list)
    requests: list[DecodeRequest] = field(default_factory=list)
    waiting: tuple[DecodeRequest, int] | None = None
    clock: int = 0

    def __post_init__(self) -> None:
        self.recogniser = self._new(None)

    def _new(self, state: RecogniserState | None) -> Recogniser:
        return Recogniser(self.settings, EnergyDetector(), options=self.options, state=state)

    def play(self, samples: np.ndarray, *, slowness: int = 0, rng: random.Random | None = None) -> None:
        """Hear frame by frame; an answer takes ``slowness`` frames."""
        for start in range(0, len(samples), FRAME):
            self.clock += 1
            self.told(self.recogniser.hear(samples[start : start + FRAME]))
            self.told(self.recogniser.finish_ready())
            self.decode(rng.randrange(slowness + 1) if rng else slowness)

    def decode(self, slowness: int = 0) -> None:
        """Ask if something is due, answer if it is time."""
        if self.waiting is None:
            request = self.recogniser.next_request()
            if request is None:
                return
            self.requests.append(request)
            self.waiting = (request, self.clock + slowness)
        request, due = self.waiting
        if self.clock >= due:
            self.waiting = None
            self.told(self.recogniser.answer(request, type(self).answer(request), 50.0))

    def finish(self) -> None:
        """Flush, and answer until all is settled."""
        for _ in range(10_000):
            self.told(self.recogniser.flush())
            if self.recogniser.is_done and self.waiting is None:
                return
            self.clock += 1
            self.told(self.recogniser.finish_ready())
            self.decode()
        raise AssertionError(f"never done: {self.recogniser.state()}")

    def retune(self, settings: RecogniserSettings) -> None:
        """The configuration changes while it listens."""
        self.settings = settings
        self.recogniser.retune(settings, min_step_ms=320, max_step_ms=2_000)

    def die(self, settings: RecogniserSettings | None = None) -> int:
        """Another worker takes over, maybe by other settings; from where it must hear, in ms."""
        self.settings = settings or self.settings
        state = msgspec.json.decode(msgspec.json.encode(self.recogniser.state()), type=RecogniserState)
        self.waiting = None
        self.recogniser = self._new(state)
        return state.committed_ms

    def told(self, outputs: Sequence) -> None:
        self.outputs.extend(outputs)

    # --- what came out ---

    @property
    def finals(self) -> list[TranscriptFinal]:
        return [output for output in self.outputs if isinstance(output, TranscriptFinal)]

    @property
    def partials(self) -> list[TranscriptPartial]:
        return [output for output in self.outputs if isinstance(output, TranscriptPartial)]

    @property
    def words(self) -> list[int]:
        return [int(word[1:]) for final in self.finals for word in final.text.split()]

    @property
    def settled(self) -> list[Settled]:
        return [output for output in self.outputs if isinstance(output, Settled)]

    @property
    def messages(self) -> list[ServerMessage]:
        return [output for output in self.outputs if isinstance(output, ServerMessage)]

    def check(self) -> None:
        """What must hold for any session: the ledger is contiguous, ids and revisions grow, stable stays."""
        position = 0
        for settled in self.settled:
            assert settled.start_ms == position
            assert settled.end_ms > settled.start_ms
            position = settled.end_ms
        assert position <= self.recogniser.heard_ms
        revisions: dict[str, int] = {}
        stable: dict[str, str] = {}
        done: set[str] = set()
        for output in self.outputs:
            if not isinstance(output, TranscriptPartial | TranscriptFinal):
                continue
            segment = output.segment_id
            assert segment not in done
            assert output.revision > revisions.get(segment, 0)
            revisions[segment] = output.revision
            assert output.text.startswith(stable.get(segment, ""))
            if isinstance(output, TranscriptPartial):
                stable[segment] = output.stable_text
                joined = " ".join(part for part in (output.stable_text, output.unstable_text) if part)
                assert output.text == joined
            else:
                done.add(segment)
        numbers = [int(final.segment_id.removeprefix("seg-")) for final in self.finals]
        assert numbers == sorted(numbers)
