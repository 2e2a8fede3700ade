"""Who is let in: a new session only where a worker will take it, so that none waits in silence."""

from __future__ import annotations

from prometheus_client import Counter

from dragoman_contracts.errors import Overloaded
from dragoman_orchestration.session.fleet import FleetReader, Refusal

REFUSED = Counter("dragoman_api_refused_total", "New sessions refused, by reason.", ["reason"])
for _reason in ("no_room", "degraded"):
    REFUSED.labels(_reason)

_WHY: dict[Refusal, str] = {
    "no_room": "all workers of profile {} are full",
    "degraded": "the workers of profile {} are overloaded and take no new sessions",
}


class Admission:
    """Refuses new sessions of a fleet that has no room. Sessions that were opened once are never refused.

    Args:
        fleets: What the workers tell.
        enabled: False admits all.

    """

    def __init__(self, fleets: FleetReader, *, enabled: bool = True) -> None:
        self._fleets = fleets
        self._enabled = enabled

    async def check(self, profile: str, *, opens: bool = False) -> None:
        """Whether ``profile`` takes one more session; ``opens`` if it is opened now.

        Raises:
            Overloaded: its fleet has no room.
            BusUnavailable: Redis is away.

        """
        if not self._enabled:
            return
        refusal = await self._fleets.refusal(profile, take=opens)
        if refusal is not None:
            REFUSED.labels(refusal).inc()
            raise Overloaded(
                _WHY[refusal].format(profile),
                remedy="Try again in a moment, or add audio workers of this profile; "
                "GET /v1/system/health shows the room that is left.",
            )
