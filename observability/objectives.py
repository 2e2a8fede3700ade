"""What is promised, and the alerts that fire when the allowance burns too fast.

Windows and factors are those of the Site Reliability Workbook, chapter 5: a page when 2 % of a month's
allowance go in an hour or 5 % in six, a ticket when 10 % go in three days. The short window beside each lets
the alert end soon after the trouble.
"""

from __future__ import annotations

from dataclasses import dataclass

from observability.alerts import Alert, Series, Severity

WINDOWS = ("5m", "30m", "1h", "6h", "3d")
BURNS: tuple[tuple[str, str, str, float, Severity], ...] = (
    ("Fast", "1h", "5m", 14.4, "critical"),
    ("Slow", "6h", "30m", 6.0, "critical"),
    ("Leak", "3d", "6h", 1.0, "warning"),
)


@dataclass(frozen=True, slots=True)
class Objective:
    """A share of ``total`` that may be ``bad``; both with a ``%s`` for the window of their rates."""

    name: str
    title: str
    objective: float
    bad: str
    total: str
    fires: Series
    healthy: Series

    @property
    def allowance(self) -> float:
        """The share that may be bad."""
        return round(1 - self.objective, 6)

    def ratio(self, window: str) -> str:
        """The recorded series of the bad share over a window."""
        return f"dragoman:{self.name}_bad:ratio_rate{window}"

    def recordings(self) -> dict[str, str]:
        """Recorded series -> its expression. Nothing asked is nothing bad."""
        return {self.ratio(one): self._share(one) for one in WINDOWS}

    def _share(self, window: str) -> str:
        bad, total = self.bad.replace("%s", window), self.total.replace("%s", window)
        return f"({bad}) / (({total}) > 0) or 0 * ({total})"

    def alerts(self) -> list[Alert]:
        """One for each pair of windows."""
        return [self._alert(*burn) for burn in BURNS]

    def _alert(self, kind: str, long: str, short: str, factor: float, severity: Severity) -> Alert:
        limit = f"{factor:g} * {self.allowance:g}"
        return Alert(
            f"Dragoman{self.title.replace(' ', '')}Burn{kind}",
            severity,
            self.ratio(long),
            f"> {limit} and {self.ratio(short)} > {limit}",
            "2m",
            f"{self.title}: the allowance of a month burns {factor:g} times too fast over {long}.",
            fires=self.fires,
            healthy=self.healthy,
            slo=self.name,
        )


CAPTIONS_IN_TIME = Objective(
    "finals_late",
    "Captions Late",
    0.99,
    "sum(rate(dragoman_audio_final_seconds_count[%s])) - "
    'sum(rate(dragoman_audio_final_seconds_bucket{le="2.0"}[%s]))',
    "sum(rate(dragoman_audio_final_seconds_count[%s]))",
    fires={
        'dragoman_audio_final_seconds_bucket{le="2.0", instance="a"}': "0+6x60",
        'dragoman_audio_final_seconds_count{instance="a"}': "0+10x60",
    },
    healthy={
        'dragoman_audio_final_seconds_bucket{le="2.0", instance="a"}': "0+10x60",
        'dragoman_audio_final_seconds_count{instance="a"}': "0+10x60",
    },
)
_CLOSED = "sum(rate(dragoman_api_sockets_closed_total[%s]))"
_REQUESTS = '(sum(rate(dragoman_http_requests_total{service="api"}[%s])) or vector(0))'
AVAILABLE = Objective(
    "refused",
    "Availability",
    0.999,
    '(sum(rate(dragoman_http_requests_total{service="api", status=~"5.."}[%s])) or vector(0)) + '
    'sum(rate(dragoman_api_sockets_closed_total{code=~"4100|4101|1011"}[%s]))',
    f"{_REQUESTS} + {_CLOSED}",
    fires={
        'dragoman_http_requests_total{service="api", status="503", instance="a"}': "0+1x60",
        'dragoman_http_requests_total{service="api", status="200", instance="a"}': "0+10x60",
        'dragoman_api_sockets_closed_total{kind="audio", code="4101", instance="a"}': "0+1x60",
        'dragoman_api_sockets_closed_total{kind="audio", code="1000", instance="a"}': "0+10x60",
    },
    healthy={
        'dragoman_http_requests_total{service="api", status="503", instance="a"}': "0x60",
        'dragoman_http_requests_total{service="api", status="200", instance="a"}': "0+10x60",
        'dragoman_api_sockets_closed_total{kind="audio", code="4101", instance="a"}': "0x60",
        'dragoman_api_sockets_closed_total{kind="audio", code="1000", instance="a"}': "0+10x60",
    },
)
OBJECTIVES = (CAPTIONS_IN_TIME, AVAILABLE)
