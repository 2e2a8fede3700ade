"""The service's figures on ``/metrics``."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

QUEUE_DEPTH = Gauge("dragoman_whisper_queue_depth", "Windows that wait for the engine.")
BATCH_SIZE = Histogram(
    "dragoman_whisper_batch_size", "Windows in one engine call.", buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
QUEUE_SECONDS = Histogram(
    "dragoman_whisper_queue_seconds",
    "How long a window waited for the engine.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
INFERENCE_SECONDS = Histogram(
    "dragoman_whisper_inference_seconds",
    "Time of one engine call.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
AUDIO_SECONDS = Counter("dragoman_whisper_audio_seconds", "Audio decoded.")
REAL_TIME_FACTOR = Gauge(
    "dragoman_whisper_real_time_factor", "Engine time over audio time, moving average of the last batches."
)
WINDOWS = Counter("dragoman_whisper_windows", "Windows by outcome.", ["outcome"])
for _outcome in ("decoded", "failed", "refused", "cancelled"):
    WINDOWS.labels(_outcome)  # from 0 on: increase() does not see a series' first event
