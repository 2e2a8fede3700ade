"""What the audio worker counts; per-frame facts go here and not into the log."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from dragoman_contracts.errors import (
    BadUpstream,
    DecodeFailed,
    EngineUnavailable,
    InvalidInput,
    Overloaded,
    PairUnavailable,
    TranslationFailed,
)
from dragoman_orchestration.session.recording import RecordingFailure

SESSIONS = Gauge("dragoman_audio_sessions", "Sessions leased by this worker.")
SESSIONS_MAX = Gauge("dragoman_audio_sessions_max", "Sessions that this worker takes at most.")
TAKEOVERS = Counter("dragoman_audio_takeovers_total", "Sessions taken over from another worker.")
FENCED = Counter("dragoman_audio_fenced_total", "Sessions dropped because another worker owns them.")
HEARD = Counter("dragoman_audio_heard_seconds_total", "Seconds of audio decoded and gated.")
SETTLED = Counter("dragoman_audio_settled_seconds_total", "Seconds of audio accounted for.", ["kind"])
CAPTIONS = Counter("dragoman_audio_captions_total", "Captions published.", ["kind"])
PARTIAL_SECONDS = Histogram(
    "dragoman_audio_partial_seconds",
    "Seconds from when the last audio of a partial was heard until Redis had it.",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5),
)
FINAL_SECONDS = Histogram(
    "dragoman_audio_final_seconds",
    "Seconds from when the last audio of a final was heard until Redis had it.",
    buckets=(0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10),
)
DECODE = Histogram(
    "dragoman_audio_decode_seconds",
    "Seconds from a window's request to its hypothesis, queueing included.",
    ["quality"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 15),
)
DECODE_FAILED = Counter("dragoman_audio_decode_failed_total", "Windows without a hypothesis.", ["code"])
TRANSLATION = Histogram(
    "dragoman_audio_translation_seconds",
    "Seconds from the request of a translation to its text, queueing included.",
    ["quality"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 15),
)
TRANSLATIONS = Counter("dragoman_audio_translations_total", "Translations of finals published.")
TRANSLATION_FAILED = Counter(
    "dragoman_audio_translation_failed_total", "Requests without a translation.", ["code"]
)
DEGRADATION = Gauge("dragoman_audio_degradation_level", "Steps of the ladder in effect; 0: full service.")
LAG = Gauge(
    "dragoman_audio_lag_seconds", "Seconds that 9 of 10 sessions of this worker wait for a final at most."
)
PUBLISH_RETRIES = Counter("dragoman_audio_publish_retries_total", "Fenced publishes repeated.")
RESTARTS = Counter(
    "dragoman_audio_restarts_total", "Sessions of this worker begun again from the checkpoint."
)
RECORDINGS_FAILED = Counter(
    "dragoman_audio_recordings_failed_total", "Recordings that ended before their session.", ["reason"]
)
DEAD_LETTERS = Gauge(
    "dragoman_dead_letters_waiting", "Dead letters on the streams of this worker's profile.", ["stream"]
)

# A series that begins with its first event hides it from increase(): these begin with 0.
for _kind in ("transcribed", "silence", "gap"):
    SETTLED.labels(_kind)
for _kind in ("partial", "final"):
    CAPTIONS.labels(_kind)
for _quality in ("full", "draft"):
    DECODE.labels(_quality)
for _quality in ("final", "draft"):
    TRANSLATION.labels(_quality)
for _code in (EngineUnavailable.code, Overloaded.code, BadUpstream.code, InvalidInput.code):
    DECODE_FAILED.labels(_code)
    TRANSLATION_FAILED.labels(_code)
for _code in (PairUnavailable.code, TranslationFailed.code):
    TRANSLATION_FAILED.labels(_code)
DECODE_FAILED.labels(DecodeFailed.code)
for _reason in RecordingFailure:
    RECORDINGS_FAILED.labels(_reason)
