"""What the audio worker counts; per-frame facts go here and not into the log."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SESSIONS = Gauge("dragoman_audio_sessions", "Sessions leased by this worker.")
TAKEOVERS = Counter("dragoman_audio_takeovers_total", "Sessions taken over from another worker.")
FENCED = Counter("dragoman_audio_fenced_total", "Sessions dropped because another worker owns them.")
HEARD = Counter("dragoman_audio_heard_seconds_total", "Seconds of audio decoded and gated.")
SETTLED = Counter("dragoman_audio_settled_seconds_total", "Seconds of audio accounted for.", ["kind"])
CAPTIONS = Counter("dragoman_audio_captions_total", "Captions published.", ["kind"])
DECODE = Histogram(
    "dragoman_audio_decode_seconds",
    "Seconds from a window's request to its hypothesis, queueing included.",
    ["quality"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 15),
)
DECODE_FAILED = Counter("dragoman_audio_decode_failed_total", "Windows without a hypothesis.", ["code"])
PUBLISH_RETRIES = Counter("dragoman_audio_publish_retries_total", "Fenced publishes repeated.")
