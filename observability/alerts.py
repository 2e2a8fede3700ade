"""The alerts: what they ask, when they fire, and series on which each fires and on which it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

Severity = Literal["critical", "warning"]
Series = dict[str, str]


@dataclass(frozen=True, slots=True)
class Alert:
    """``query`` has data on every installation; it fires when ``query when`` holds for ``hold``.

    ``fires`` and ``healthy`` are series in promtool's notation, one value every 30 s; it is looked at after
    12 minutes. ``slo`` names the objective that it guards.
    """

    name: str
    severity: Severity
    query: str
    when: str
    hold: str
    summary: str
    fires: Series
    healthy: Series
    slo: str = ""

    @property
    def expr(self) -> str:
        """The condition."""
        return f"{self.query} {self.when}"


class _Cases(TypedDict):
    fires: Series
    healthy: Series


def _gauge(series: str, bad: str, good: str) -> _Cases:
    return {"fires": {series: f"{bad}x60"}, "healthy": {series: f"{good}x60"}}


def _counter(series: str, step: str = "1") -> _Cases:
    """Rises by ``step`` every 30 s; or does not."""
    return {"fires": {series: f"0+{step}x60"}, "healthy": {series: "5+0x60"}}


LOST = 'dragoman_audio_settled_seconds_total{kind="gap"}'

ALERTS = (
    Alert(
        "DragomanAudioLost", "critical",
        f"sum(increase({LOST}[10m]))", "> 0", "0m",
        "Audio became a gap: {{ $value | humanizeDuration }} of the last 10 minutes have no transcript.",
        **_counter('dragoman_audio_settled_seconds_total{kind="gap", instance="a"}', "0.5"), slo="loss",
    ),
    Alert(
        "DragomanProcessDown", "critical",
        'min by (job, instance) (up{job=~".*dragoman.*"})', "< 1", "1m",
        "{{ $labels.job }} {{ $labels.instance }} does not answer.",
        **_gauge('up{job="dragoman-api", instance="a"}', "0", "1"),
    ),
    Alert(
        "DragomanPartDown", "critical",
        "min by (part) (dragoman_fleet_part_up)", "< 1", "1m",
        "{{ $labels.part }} does not answer or does not work, as the monitor sees it.",
        **_gauge('dragoman_fleet_part_up{part="redis"}', "0", "1"),
    ),
    Alert(
        "DragomanMonitorMissing", "warning",
        "(max(dragoman_monitoring_leader) or vector(0))", "< 1", "2m",
        "No monitoring worker leads: nobody watches sessions, streams and bots.",
        **_gauge('dragoman_monitoring_leader{instance="a"}', "0", "1"),
    ),
    Alert(
        "DragomanSessionsWaiting", "critical",
        "max by (profile) (dragoman_fleet_sessions_waiting)", "> 0", "1m",
        "{{ $value }} sessions of profile {{ $labels.profile }} have no worker.",
        **_gauge('dragoman_fleet_sessions_waiting{profile="cpu"}', "3", "0"),
    ),
    Alert(
        "DragomanNoRoom", "warning",
        "max by (profile) (dragoman_fleet_room)", "< 1", "2m",
        "The workers of profile {{ $labels.profile }} have no room for another session.",
        **_gauge('dragoman_fleet_room{profile="cpu"}', "0", "40"),
    ),
    Alert(
        "DragomanSessionsRefused", "warning",
        "sum(increase(dragoman_api_refused_total[10m]))", "> 0", "0m",
        "New sessions were refused in the last 10 minutes.",
        **_counter('dragoman_api_refused_total{reason="no_room"}'),
    ),
    Alert(
        "DragomanCaptionsLate", "warning",
        "max by (profile) (dragoman_fleet_lag_seconds)", "> 3", "2m",
        "Captions of profile {{ $labels.profile }} come {{ $value | humanizeDuration }} late.",
        **_gauge('dragoman_fleet_lag_seconds{profile="cpu"}', "7", "0.3"),
    ),
    Alert(
        "DragomanBacklogGrows", "warning",
        "max by (profile) (dragoman_fleet_backlog_seconds) / "
        "clamp_min(max by (profile) (dragoman_fleet_sessions), 1)", "> 15", "2m",
        "{{ $value | humanizeDuration }} of audio wait for each session of profile {{ $labels.profile }}.",
        fires={
            'dragoman_fleet_backlog_seconds{profile="cpu"}': "80x60",
            'dragoman_fleet_sessions{profile="cpu"}': "4x60",
        },
        healthy={
            'dragoman_fleet_backlog_seconds{profile="cpu"}': "8x60",
            'dragoman_fleet_sessions{profile="cpu"}': "4x60",
        },
    ),
    Alert(
        "DragomanDegraded", "warning",
        "max by (instance) (dragoman_audio_degradation_level)", "> 0", "5m",
        "{{ $labels.instance }} gives up service: its recognisers do not keep up.",
        **_gauge('dragoman_audio_degradation_level{instance="a"}', "2", "0"),
    ),
    Alert(
        "DragomanWindowsFail", "warning",
        "sum(rate(dragoman_audio_decode_failed_total[5m]))", "> 0.1", "2m",
        "{{ $value }} windows a second get no hypothesis.",
        **_counter('dragoman_audio_decode_failed_total{code="engine_unavailable"}', "30"),
    ),
    Alert(
        "DragomanTranslationsFail", "warning",
        "sum(rate(dragoman_audio_translation_failed_total[5m]))", "> 0.1", "5m",
        "{{ $value }} requests a second get no translation.",
        **_counter('dragoman_audio_translation_failed_total{code="engine_unavailable"}', "30"),
    ),
    Alert(
        "DragomanWhisperQueues", "warning",
        "histogram_quantile(0.95, sum by (le) (rate(dragoman_whisper_queue_seconds_bucket[5m])))",
        "> 1", "5m",
        "Windows wait {{ $value | humanizeDuration }} for the engine.",
        fires={
            'dragoman_whisper_queue_seconds_bucket{le="0.5"}': "0x60",
            'dragoman_whisper_queue_seconds_bucket{le="2.5"}': "0+30x60",
            'dragoman_whisper_queue_seconds_bucket{le="+Inf"}': "0+30x60",
        },
        healthy={
            'dragoman_whisper_queue_seconds_bucket{le="0.5"}': "0+30x60",
            'dragoman_whisper_queue_seconds_bucket{le="2.5"}': "0+30x60",
            'dragoman_whisper_queue_seconds_bucket{le="+Inf"}': "0+30x60",
        },
    ),
    Alert(
        "DragomanTranslationEngineDown", "warning",
        "max by (engine) (dragoman_translation_engine_ready)", "< 1", "5m",
        "No translation service has the engine {{ $labels.engine }} ready.",
        **_gauge('dragoman_translation_engine_ready{engine="ctranslate2"}', "0", "1"),
    ),
    Alert(
        "DragomanLoopSaturated", "warning",
        "histogram_quantile(0.99, sum by (le, job, instance) "
        "(rate(dragoman_process_loop_lag_seconds_bucket[5m])))", "> 0.25", "5m",
        "The event loop of {{ $labels.job }} {{ $labels.instance }} is late: it needs more processes.",
        fires={
            'dragoman_process_loop_lag_seconds_bucket{le="0.25", instance="a"}': "0x60",
            'dragoman_process_loop_lag_seconds_bucket{le="1", instance="a"}': "0+60x60",
            'dragoman_process_loop_lag_seconds_bucket{le="+Inf", instance="a"}': "0+60x60",
        },
        healthy={
            'dragoman_process_loop_lag_seconds_bucket{le="0.25", instance="a"}': "0+60x60",
            'dragoman_process_loop_lag_seconds_bucket{le="1", instance="a"}': "0+60x60",
            'dragoman_process_loop_lag_seconds_bucket{le="+Inf", instance="a"}': "0+60x60",
        },
    ),
    Alert(
        "DragomanDescriptorsRunOut", "warning",
        'max by (job, instance) (process_open_fds{job=~".*dragoman.*"} / '
        'process_max_fds{job=~".*dragoman.*"})',
        "> 0.8", "5m",
        "{{ $labels.job }} {{ $labels.instance }} has {{ $value | humanizePercentage }} of its descriptors "
        "open.",
        fires={
            'process_open_fds{job="dragoman-api", instance="a"}': "950x60",
            'process_max_fds{job="dragoman-api", instance="a"}': "1024x60",
        },
        healthy={
            'process_open_fds{job="dragoman-api", instance="a"}': "90x60",
            'process_max_fds{job="dragoman-api", instance="a"}': "1024x60",
        },
    ),
    Alert(
        "DragomanWorkersChange", "warning",
        "sum(increase(dragoman_audio_takeovers_total[10m]))", "> 5", "0m",
        "{{ $value }} sessions were taken over in 10 minutes: workers die or freeze.",
        **_counter("dragoman_audio_takeovers_total"),
    ),
    Alert(
        "DragomanDeadLetters", "warning",
        "max by (stream) (dragoman_fleet_dead_letters)", "> 0", "1m",
        "{{ $value }} dead letters wait on {{ $labels.stream }}.",
        **_gauge('dragoman_fleet_dead_letters{stream="stream:audio-results"}', "2", "0"),
    ),
    Alert(
        "DragomanStreamLag", "warning",
        "max by (stream, group) (dragoman_fleet_stream_lag)", "> 1000", "2m",
        "The group {{ $labels.group }} of {{ $labels.stream }} is {{ $value }} entries behind.",
        **_gauge('dragoman_fleet_stream_lag{stream="stream:audio-results", group="webhooks"}', "5000", "3"),
    ),
    Alert(
        "DragomanBusErrors", "warning",
        "sum by (stream, group) (increase(dragoman_bus_loop_errors_total[10m]))", "> 10", "0m",
        "Consumers of {{ $labels.stream }} meet errors of Redis.",
        **_counter('dragoman_bus_loop_errors_total{stream="stream:monitoring", group="alerts"}'),
    ),
    Alert(
        "DragomanBotsWaiting", "warning",
        'max(dragoman_fleet_bots{state="waiting"})', "> 0", "5m",
        "{{ $value }} bots are due and no bots worker has room.",
        **_gauge('dragoman_fleet_bots{state="waiting"}', "2", "0"),
    ),
    Alert(
        "DragomanBotsFail", "warning",
        'sum(increase(dragoman_bots_changes_total{state="failed"}[30m]))', "> 2", "0m",
        "{{ $value }} bots failed in half an hour.",
        **_counter('dragoman_bots_changes_total{state="failed"}'),
    ),
    Alert(
        "DragomanWebhooksGivenUp", "warning",
        "sum(increase(dragoman_webhook_failed_total[1h]))", "> 0", "0m",
        "Deliveries of webhooks were given up within the last hour.",
        **_counter('dragoman_webhook_failed_total{reason="expired"}'),
    ),
    Alert(
        "DragomanConfigDrifts", "warning",
        "max by (kind) (dragoman_config_drifting)", "> 0", "5m",
        "{{ $value }} parts ({{ $labels.kind }}) run with another configuration than they should.",
        **_gauge('dragoman_config_drifting{kind="service"}', "1", "0"),
    ),
    Alert(
        "DragomanRecordingsFail", "warning",
        "sum(increase(dragoman_audio_recordings_failed_total[30m]))", "> 0", "0m",
        "Recordings ended before their sessions.",
        **_counter('dragoman_audio_recordings_failed_total{reason="disk_full"}'),
    ),
    Alert(
        "DragomanAnomaly", "critical",
        'max(dragoman_fleet_anomalies{severity="critical"})', "> 0", "1m",
        "The monitor has {{ $value }} critical anomalies open: GET /v1/system/overview names them.",
        **_gauge('dragoman_fleet_anomalies{severity="critical"}', "1", "0"),
    ),
)  # fmt: skip
