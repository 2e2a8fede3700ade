"""One of many: the process that may do what must not be done twice at a time holds a lease in Redis.

The lease gives liveness, not correctness: a leader that was frozen may believe in its lease a moment longer
than it lasts. What it does must be safe to do twice (Kleppmann, "How to do distributed locking", 2016).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from dragoman_contracts.streams import leader_key
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Script, TickScripts

_LUA = Path(__file__).parent / "lua"


class LeaderLease:
    """A try at being the leader of a role. Ask ``hold`` again well within the lease.

    Args:
        broker: Redis.
        role: what is led, such as ``monitoring``.
        holder: the process' name, told to whoever looks.
        lease_ms: after this without renewal another may lead.
        clock: monotonic seconds.

    """

    def __init__(
        self,
        broker: RedisBroker,
        role: str,
        holder: str,
        *,
        lease_ms: int = 5_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scripts = TickScripts(broker)
        self._hold = Script.load(_LUA / "hold_leader.lua")
        self._leave = Script.load(_LUA / "leave_leader.lua")
        self._key = leader_key(role)
        self._token = f"{holder}:{secrets.token_hex(8)}"
        self._lease_ms = lease_ms
        self._clock = clock
        self._valid_until = float("-inf")

    @property
    def is_held(self) -> bool:
        """Whether the last ``hold`` won and its lease has not run out since, by this process' own clock."""
        return self._clock() < self._valid_until

    async def hold(self) -> bool:
        """Take or renew the lease; whether it is held.

        Raises:
            BusUnavailable: Redis is away; a lease that was held runs out by itself.

        """
        asked = self._clock()
        won = await self._scripts.run(self._hold, [self._key], [self._token, self._lease_ms])
        # Counted from before the question: the lease must never seem longer than it is.
        self._valid_until = asked + self._lease_ms / 1000 if won else float("-inf")
        return self.is_held

    async def leave(self) -> None:
        """Give the lease back at once, if it is held.

        Raises:
            BusUnavailable: Redis is away.

        """
        self._valid_until = float("-inf")
        await self._scripts.run(self._leave, [self._key], [self._token])
