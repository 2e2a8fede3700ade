"""The dashboards in terms of what they show; :mod:`observability.dashboards` makes Grafana's JSON of it."""

from __future__ import annotations

from dataclasses import dataclass

RATE = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and how its lines are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph; ``unit`` is one of Grafana's."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    tells: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: rows of panels."""

    uid: str
    title: str
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]


def rate(metric: str, *by: str, where: str = "") -> str:
    """Events a second of a counter."""
    return f"sum{_by(by)}(rate({metric}{where}[{RATE}]))"


def quantile(share: float, histogram: str, *by: str) -> str:
    """A quantile of a histogram over all processes."""
    return f"histogram_quantile({share:g}, sum{_by(('le', *by))}(rate({histogram}_bucket[{RATE}])))"


def quantiles(histogram: str, *by: str) -> tuple[Query, ...]:
    """Median, 95th and 99th percentile."""
    names = " ".join(f"{{{{{one}}}}}" for one in by)
    return tuple(
        Query(quantile(share, histogram, *by), f"p{share * 100:g} {names}".strip())
        for share in (0.5, 0.95, 0.99)
    )


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)}) " if labels else ""


def _lines(metric: str, function: str, *by: str) -> tuple[Query, ...]:
    legend = " ".join(f"{{{{{one}}}}}" for one in by)
    return (Query(f"{function}{_by(by)}({metric})", legend),)


def _rates(metric: str, *by: str, where: str = "") -> tuple[Query, ...]:
    return (Query(rate(metric, *by, where=where), " ".join(f"{{{{{one}}}}}" for one in by)),)


CAPTIONS = Board(
    "dragoman-captions",
    "Dragoman: captions",
    (
        (
            "Latency",
            (
                Panel("Partials", "s", quantiles("dragoman_audio_partial_seconds"),
                      "From the last audio of a partial to Redis."),
                Panel("Finals", "s", quantiles("dragoman_audio_final_seconds"),
                      "From the last audio of a final to Redis: the pause that ends a sentence included."),
                Panel("Finals within 2 s", "percentunit",
                      (Query("dragoman:finals_in_time:ratio_rate5m", "last 5 min"),),
                      "What the objective is about: 99 %."),
                Panel("Audio into Redis", "s", quantiles("dragoman_api_audio_store_seconds")),
                Panel("Results to sockets", "s", quantiles("dragoman_results_delay_seconds")),
                Panel("Windows", "s", (Query(quantile(0.95, "dragoman_audio_decode_seconds", "quality"),
                      "p95 {{quality}}"),), "From a window's request to its hypothesis."),
                Panel("Translations", "s", (Query(quantile(0.95, "dragoman_audio_translation_seconds",
                      "quality"), "p95 {{quality}}"),)),
            ),
        ),
        (
            "Lag",
            (
                Panel("Lateness at the slowest worker", "s",
                      _lines("dragoman_fleet_lag_seconds", "max", "profile")),
                Panel("Lateness by worker", "s", _lines("dragoman_audio_lag_seconds", "max", "instance")),
                Panel("Audio that waits", "s", _lines("dragoman_fleet_backlog_seconds", "max", "profile")),
                Panel("Steps of degradation", "short",
                      _lines("dragoman_audio_degradation_level", "max", "instance")),
                Panel("Sessions without a worker", "short",
                      _lines("dragoman_fleet_sessions_waiting", "max", "profile")),
            ),
        ),
        (
            "Ledger",
            (
                Panel("Audio accounted for", "s", _rates("dragoman_audio_settled_seconds_total", "kind"),
                      "Seconds of audio a second: transcribed, silence, gap."),
                Panel("Audio heard", "s", _rates("dragoman_audio_heard_seconds_total")),
                Panel("Lost in an hour", "s",
                      (Query('sum(increase(dragoman_audio_settled_seconds_total{kind="gap"}[1h]))', "gaps"),),
                      "The objective is 0."),
                Panel("Captions", "cps", _rates("dragoman_audio_captions_total", "kind")),
                Panel("Translations of finals", "cps", _rates("dragoman_audio_translations_total")),
                Panel("Windows without a hypothesis", "cps",
                      _rates("dragoman_audio_decode_failed_total", "code")),
                Panel("Requests without a translation", "cps",
                      _rates("dragoman_audio_translation_failed_total", "code")),
                Panel("Sessions that moved", "cps", (
                    Query(rate("dragoman_audio_takeovers_total"), "taken over"),
                    Query(rate("dragoman_audio_fenced_total"), "fenced"),
                    Query(rate("dragoman_audio_restarts_total"), "begun again"),
                    Query(rate("dragoman_audio_publish_retries_total"), "publishes repeated"),
                )),
                Panel("Recordings that failed", "cps",
                      _rates("dragoman_audio_recordings_failed_total", "reason")),
            ),
        ),
    ),
)  # fmt: skip

CAPACITY = Board(
    "dragoman-capacity",
    "Dragoman: capacity",
    (
        (
            "Sessions",
            (
                Panel("Sessions", "short", _lines("dragoman_fleet_sessions", "max", "profile")),
                Panel("Room for more", "short", _lines("dragoman_fleet_room", "max", "profile")),
                Panel("Workers", "short", _lines("dragoman_fleet_workers", "max", "profile")),
                Panel("Workers' share in use", "percentunit",
                      (Query("dragoman_audio_sessions / dragoman_audio_sessions_max", "{{instance}}"),)),
                Panel("Sessions refused", "cps", _rates("dragoman_api_refused_total", "reason")),
            ),
        ),
        (
            "Sockets",
            (
                Panel("Speakers", "short", _lines("dragoman_api_speakers", "sum", "instance")),
                Panel("Viewers", "short", _lines("dragoman_api_viewers", "sum", "instance")),
                Panel("Audio frames", "cps", _rates("dragoman_api_audio_frames_total")),
                Panel("Audio bytes", "Bps", _rates("dragoman_api_audio_bytes_total")),
                Panel("Messages delivered", "cps", _rates("dragoman_results_delivered_total")),
                Panel("Sessions watched", "short",
                      _lines("dragoman_results_watched_sessions", "sum", "instance")),
                Panel("Sockets closed", "cps", _rates("dragoman_api_sockets_closed_total", "kind", "code")),
            ),
        ),
        (
            "Processes",
            (
                Panel("CPU", "percentunit", _rates("process_cpu_seconds_total", "instance"),
                      "1 is a core: a process uses hardly more."),
                Panel("Memory", "bytes", _lines("process_resident_memory_bytes", "max", "instance")),
                Panel("Lateness of the event loop, p99", "s",
                      (Query(quantile(0.99, "dragoman_process_loop_lag_seconds", "instance"),
                             "{{instance}}"),)),
                Panel("Tasks", "short", _lines("dragoman_process_tasks", "max", "instance"),
                      "A leak shows as a slope."),
                Panel("File descriptors in use", "percentunit",
                      (Query("process_open_fds / process_max_fds", "{{instance}}"),)),
                Panel("Processes that answer", "short",
                      (Query('sum by (job) (up{job=~".*dragoman.*"})', "{{job}}"),)),
            ),
        ),
    ),
)  # fmt: skip

SERVICES = Board(
    "dragoman-services",
    "Dragoman: services",
    (
        (
            "HTTP",
            (
                Panel("Requests", "reqps", _rates("dragoman_http_requests_total", "service")),
                Panel("Errors", "percentunit", (Query(
                    "sum by (service) (rate(dragoman_http_requests_total"
                    f'{{status=~"5.."}}[{RATE}])) / {rate("dragoman_http_requests_total", "service")}'
                    f' or 0 * {rate("dragoman_http_requests_total", "service")}', "{{service}}"),),
                    "Share of answers with a 5xx."),
                Panel("Duration, p95", "s",
                      (Query(quantile(0.95, "dragoman_http_request_seconds", "service"), "{{service}}"),)),
                Panel("Parts that work", "short", _lines("dragoman_fleet_part_up", "max", "part")),
            ),
        ),
        (
            "Whisper",
            (
                Panel("Windows", "cps", _rates("dragoman_whisper_windows_total", "outcome")),
                Panel("Windows that wait", "short",
                      _lines("dragoman_whisper_queue_depth", "max", "instance")),
                Panel("Wait", "s", quantiles("dragoman_whisper_queue_seconds")),
                Panel("Engine call", "s", quantiles("dragoman_whisper_inference_seconds")),
                Panel("Windows in a call", "short", quantiles("dragoman_whisper_batch_size")),
                Panel("Real-time factor", "short",
                      _lines("dragoman_whisper_real_time_factor", "max", "instance"),
                      "Engine time over audio time; over 1 it falls behind."),
                Panel("Audio decoded", "s", _rates("dragoman_whisper_audio_seconds_total")),
            ),
        ),
        (
            "Translation",
            (
                Panel("Requests", "cps", _rates("dragoman_translation_requests_total", "api")),
                Panel("Texts", "cps", _rates("dragoman_translation_texts_total", "engine", "pair")),
                Panel("Characters", "cps", _rates("dragoman_translation_characters_total", "engine", "pair")),
                Panel("Failures", "cps", _rates("dragoman_translation_failures_total", "engine", "code")),
                Panel("Texts that wait", "short",
                      _lines("dragoman_translation_queue_depth", "max", "engine", "instance")),
                Panel("Wait, p95", "s", (Query(quantile(0.95, "dragoman_translation_queue_seconds", "engine"),
                      "{{engine}}"),)),
                Panel("Engine call, p95", "s", (Query(quantile(0.95,
                      "dragoman_translation_inference_seconds", "engine"), "{{engine}}"),)),
                Panel("Texts in a call, p95", "short", (Query(quantile(0.95,
                      "dragoman_translation_batch_size", "engine"), "{{engine}}"),)),
                Panel("Engines ready", "short", _lines("dragoman_translation_engine_ready", "min", "engine")),
                Panel("Circuits open", "short",
                      _lines("dragoman_translation_breaker_open", "max", "engine", "pair")),
                Panel("Terms of glossaries", "cps", _rates("dragoman_translation_glossary_total", "outcome")),
            ),
        ),
        (
            "Webhooks, alerts and configuration",
            (
                Panel("Attempts", "cps", _rates("dragoman_webhook_attempts_total", "outcome")),
                Panel("Attempt, p95", "s", (Query(quantile(0.95, "dragoman_webhook_attempt_seconds"), ""),)),
                Panel("Event to delivery, p95", "s",
                      (Query(quantile(0.95, "dragoman_webhook_delivered_seconds"), ""),)),
                Panel("Given up", "cps", (
                    Query(rate("dragoman_webhook_failed_total", "reason"), "delivery: {{reason}}"),
                    Query(rate("dragoman_webhook_disabled_total", "reason"), "endpoint: {{reason}}"),
                )),
                Panel("Attempts under way", "short",
                      _lines("dragoman_webhook_attempts_under_way", "sum", "instance")),
                Panel("Messages to receivers of alerts", "cps",
                      _rates("dragoman_alert_messages_total", "sink", "outcome")),
                Panel("Anomalies", "short", _lines("dragoman_fleet_anomalies", "max", "severity")),
                Panel("Configuration in force", "short",
                      _lines("dragoman_config_version", "max", "instance")),
                Panel("Parts that drifted", "short", _lines("dragoman_config_drifting", "max", "kind")),
            ),
        ),
    ),
)  # fmt: skip

BOTS = Board(
    "dragoman-bots",
    "Dragoman: bots",
    (
        (
            "Bots",
            (
                Panel("By state", "short", _lines("dragoman_fleet_bots", "max", "state")),
                Panel("Held by worker", "short", _lines("dragoman_bots_held", "max", "instance")),
                Panel("Room by worker", "short", _lines("dragoman_bots_room", "max", "instance")),
                Panel("Waiting", "short", _lines("dragoman_bots_waiting", "max")),
                Panel("State changes", "cps", _rates("dragoman_bots_changes_total", "state")),
                Panel("Recoveries asked for", "cps",
                      _rates("dragoman_monitoring_recoveries_total", "kind")),
                Panel("Look of the monitor, p95", "s",
                      (Query(quantile(0.95, "dragoman_monitoring_look_seconds"), ""),)),
            ),
        ),
    ),
)  # fmt: skip

STREAMS = Board(
    "dragoman-streams",
    "Dragoman: Redis streams",
    (
        (
            "Publishing",
            (
                Panel("Entries", "cps", _rates("dragoman_bus_published_total", "instance")),
                Panel("Entries a round trip, p95", "short",
                      (Query(quantile(0.95, "dragoman_bus_publish_batch_entries"), ""),)),
            ),
        ),
        (
            "Consuming",
            (
                Panel("Events", "cps", _rates("dragoman_bus_events_total", "stream", "group", "outcome")),
                Panel("Batch, p95", "s", (Query(quantile(0.95, "dragoman_bus_batch_seconds", "stream",
                      "group"), "{{stream}} {{group}}"),)),
                Panel("Entries not given out yet", "short",
                      _lines("dragoman_fleet_stream_lag", "max", "stream", "group")),
                Panel("Entries not acknowledged", "short",
                      _lines("dragoman_fleet_stream_pending", "max", "stream", "group")),
                Panel("Taken over from silent consumers", "cps",
                      _rates("dragoman_bus_claimed_total", "stream", "group")),
                Panel("Errors of the bus", "cps",
                      _rates("dragoman_bus_loop_errors_total", "stream", "group")),
            ),
        ),
        (
            "Dead letters",
            (
                Panel("Waiting", "short", _lines("dragoman_fleet_dead_letters", "max", "stream")),
                Panel("New", "cps", _rates("dragoman_dead_letters_total", "stream")),
            ),
        ),
    ),
)  # fmt: skip

BOARDS = (CAPTIONS, CAPACITY, SERVICES, BOTS, STREAMS)
