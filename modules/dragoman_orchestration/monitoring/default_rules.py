"""What is watched unless the configuration says otherwise (``monitoring.rules``), by name."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman_contracts.config import AnomalyRule

DEFAULT_RULES: dict[str, AnomalyRule] = {
    "redis_away": AnomalyRule(measure="redis_away", above=0.5, for_s=3, clear_for_s=3, severity="critical"),
    "redis_read_only": AnomalyRule(
        measure="redis_read_only", above=0.5, for_s=5, clear_for_s=3, severity="critical"
    ),
    "redis_shards_away": AnomalyRule(
        measure="redis_shards_away", above=0.5, for_s=5, clear_for_s=5, severity="critical"
    ),
    "redis_memory": AnomalyRule(
        measure="redis_memory_ratio", above=0.85, clear=0.75, for_s=30, clear_for_s=30, severity="critical"
    ),
    "redis_not_persistent": AnomalyRule(
        measure="redis_aof_failed", above=0.5, for_s=5, clear_for_s=5, severity="critical"
    ),
    "service_away": AnomalyRule(
        measure="service_away", above=0.5, for_s=5, clear_for_s=3, severity="critical"
    ),
    "service_not_ready": AnomalyRule(measure="service_not_ready", above=0.5, for_s=60, clear_for_s=5),
    "process_not_ready": AnomalyRule(measure="process_not_ready", above=0.5, for_s=30, clear_for_s=5),
    "worker_gone": AnomalyRule(measure="process_gone", above=0.5, for_s=5, clear_for_s=2),
    "processes_crash": AnomalyRule(measure="processes_lost", above=2.5, for_s=5, clear_for_s=10),
    "no_worker": AnomalyRule(
        measure="worker_missing", above=0.5, for_s=10, clear_for_s=5, severity="critical"
    ),
    "sessions_waiting": AnomalyRule(measure="sessions_waiting", above=0.5, for_s=10, clear_for_s=5),
    "sessions_orphaned": AnomalyRule(measure="lease_idle_seconds", above=15, clear=5, for_s=5, clear_for_s=5),
    "captions_late": AnomalyRule(measure="lag_seconds", above=3, clear=1, for_s=10, clear_for_s=10),
    "backlog_seconds": AnomalyRule(measure="backlog_seconds", above=20, clear=14, for_s=5, clear_for_s=5),
    "real_time_factor": AnomalyRule(measure="real_time_factor", below=0.9, clear=1, for_s=20, clear_for_s=10),
    "stream_lag": AnomalyRule(measure="stream_lag", above=1_000, clear=100, for_s=15, clear_for_s=10),
    "pending_oldest_idle": AnomalyRule(
        measure="pending_idle_seconds", above=60, clear=5, for_s=5, clear_for_s=5
    ),
    "dead_letters": AnomalyRule(measure="dead_letters_new", above=0.5, for_s=0, clear_for_s=0),
    "breaker_open": AnomalyRule(measure="breaker_open", above=0.5, for_s=5, clear_for_s=10),
    "clock_skew": AnomalyRule(measure="clock_skew_ms", above=2_000, clear=1_000, for_s=15, clear_for_s=15),
    "bots_failed": AnomalyRule(measure="bots_failed", above=2.5, for_s=0, clear_for_s=10),
    "bot_degraded": AnomalyRule(measure="bot_degraded", above=0.5, for_s=10, clear_for_s=5),
    "config_drift": AnomalyRule(measure="config_drift", above=0.5, for_s=15, clear_for_s=3),
    "config_repair_given_up": AnomalyRule(
        measure="config_drift", above=1.5, for_s=0, clear_for_s=3, severity="critical"
    ),
}


def effective_rules(configured: Mapping[str, AnomalyRule] | None) -> dict[str, AnomalyRule]:
    """The rules in force: the configuration's over the own ones of the same names."""
    return DEFAULT_RULES | dict(configured or {})
