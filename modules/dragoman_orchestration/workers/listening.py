"""How a worker listens to each session: its settings, under the runtime configuration, live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dragoman_contracts.config import ConfigDocument
from dragoman_orchestration.config.document import effective
from dragoman_orchestration.session.config_scope import NOTHING_SET, SessionConfig
from dragoman_orchestration.streaming.gate import GateSettings
from dragoman_orchestration.streaming.policy import StepPolicy
from dragoman_orchestration.streaming.recogniser import RecogniserSettings
from dragoman_orchestration.workers.ladder import LadderLimits, Step
from dragoman_orchestration.workers.lane import DraftPolicy
from dragoman_orchestration.workers.settings import AudioWorkerSettings

Values = dict[str, dict[str, Any]]
"""Section → field → value, as ``ConfigValues`` names them."""

MAX_KNOWN = 1_000
"""Different values of sessions that are remembered."""

RELEASE_SHARE = 0.7
"""Speech goes on as long as its probability is above this share of the threshold that it began at."""


@dataclass(frozen=True, slots=True)
class Listening:
    """What the runtime configuration decides about one session."""

    recogniser: RecogniserSettings
    min_step_ms: int
    max_step_ms: int
    partials: bool
    drafts: DraftPolicy

    def step_policy(self) -> StepPolicy:
        """A fresh policy for one session."""
        return StepPolicy(min_step_ms=self.min_step_ms, max_step_ms=self.max_step_ms)

    @classmethod
    def of(cls, values: Values) -> Listening:
        """From values of which none is left out."""
        voice, window, partials = values["voice_activity"], values["recognition"], values["partials"]
        return cls(
            recogniser=RecogniserSettings(
                gate=GateSettings(
                    threshold=voice["threshold"],
                    release_threshold=voice["threshold"] * RELEASE_SHARE,
                    min_silence_ms=voice["min_silence_ms"],
                ),
                max_utterance_ms=window["max_utterance_ms"],
                tail_guard_ms=window["tail_guard_ms"],
                min_unstable_probability=partials["min_probability"],
            ),
            min_step_ms=window["min_step_ms"],
            max_step_ms=window["max_step_ms"],
            partials=partials["enabled"],
            drafts=DraftPolicy(
                latency_ms=partials["translate_within_ms"], interval_ms=partials["translate_every_ms"]
            ),
        )


def defaults_of(settings: AudioWorkerSettings) -> Values:
    """The first scope: what a worker with these settings does where nothing else is set."""
    recogniser = RecogniserSettings()
    limits = settings.ladder_limits
    return {
        "voice_activity": {
            "threshold": settings.vad_threshold,
            "min_silence_ms": settings.min_silence_ms,
        },
        "recognition": {
            "max_utterance_ms": settings.max_utterance_ms,
            "min_step_ms": settings.min_step_ms,
            "max_step_ms": settings.max_step_ms,
            "tail_guard_ms": recogniser.tail_guard_ms,
        },
        "partials": {
            "enabled": True,
            "min_probability": recogniser.min_unstable_probability,
            "translate_within_ms": settings.draft_latency_ms,
            "translate_every_ms": settings.draft_interval_ms,
        },
        "degradation": {
            "steps": [step.value for step in settings.ladder_steps],
            "degrade_lag_ms": limits.degrade_lag_ms,
            "degrade_after_s": limits.degrade_after_s,
            "recover_lag_ms": limits.recover_lag_ms,
            "recover_after_s": limits.recover_after_s,
        },
    }


class ListeningConfig:
    """How to listen, by the configuration in force.

    Args:
        settings: what the worker was started with.

    """

    def __init__(self, settings: AudioWorkerSettings) -> None:
        self.defaults = defaults_of(settings)
        self._document = ConfigDocument()
        self._known: dict[bytes, Listening] = {}

    def use(self, document: ConfigDocument) -> None:
        """Take another version of the configuration."""
        self._document = document
        self._known.clear()

    def of(self, session: bytes) -> Listening:
        """How to listen to a session whose record has this (``SessionConfig.encode``).

        A preset that is gone sets nothing.
        """
        listening = self._known.get(session)
        if listening is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            listening = self._known[session] = Listening.of(self._values(SessionConfig.decode(session)))
        return listening

    def ladder(self) -> tuple[tuple[Step, ...], LadderLimits]:
        """The steps of degradation and when they are taken."""
        wanted = self._values(NOTHING_SET)["degradation"]
        limits = {name: value for name, value in wanted.items() if name != "steps"}
        return tuple(Step(name) for name in wanted["steps"]), LadderLimits(**limits)

    def _values(self, session: SessionConfig) -> Values:
        values, _ = effective(
            self.defaults, self._document, preset=session.preset, session_values=session.values.set_values()
        )
        return values
