"""The service's figures on ``/metrics``. ``pair`` is of base languages: a tag of a caller makes no series."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS = Counter("dragoman_translation_requests", "Requests by wire shape.", ["api"])
TEXTS = Counter("dragoman_translation_texts", "Texts translated.", ["engine", "pair"])
CHARACTERS = Counter("dragoman_translation_characters", "Source characters translated.", ["engine", "pair"])
FAILURES = Counter(
    "dragoman_translation_failures", "Pieces of text that an engine did not translate.", ["engine", "code"]
)
QUEUE_DEPTH = Gauge(
    "dragoman_translation_queue_depth", "Pieces of text that wait for the engine.", ["engine"]
)
QUEUE_SECONDS = Histogram(
    "dragoman_translation_queue_seconds",
    "How long a piece waited for its engine.",
    ["engine"],
    buckets=_SECONDS,
)
INFERENCE_SECONDS = Histogram(
    "dragoman_translation_inference_seconds", "Time of one engine call.", ["engine"], buckets=_SECONDS
)
BATCH_SIZE = Histogram(
    "dragoman_translation_batch_size",
    "Pieces of text in one engine call.",
    ["engine"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128),
)
BREAKER_OPEN = Gauge(
    "dragoman_translation_breaker_open",
    "1 while calls to an engine for a pair are held back because it failed repeatedly.",
    ["engine", "pair"],
)
ENGINE_READY = Gauge("dragoman_translation_engine_ready", "Whether an engine can be used.", ["engine"])
GLOSSARY = Counter(
    "dragoman_translation_glossary",
    "Glossary terms found in source texts, by how they came out.",
    ["outcome"],
)
