"""A process follows the runtime configuration: each new version is applied live, within a quarter second.

It polls one small hash instead of reading the stream: a process that starts, was away, or missed an event is
right after one read, and a wiped Redis shows as version 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from loguru import logger
from prometheus_client import Gauge

from dragoman_contracts.config import ConfigDocument
from dragoman_contracts.errors import DragomanError
from dragoman_orchestration.config.state import (
    ConfigHead,
    ConfigState,
    ConfigUnreadable,
    read_head,
    read_state,
)
from dragoman_orchestration.fleet.reporter import AppliedConfig
from dragoman_runtime.broker.consumer import describe
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.process import Drain

INTERVAL_S = 0.25

VERSION = Gauge(
    "dragoman_config_version", "Version of the runtime configuration that this process runs with; 0: none."
)


class ConfigFollower:
    """The runtime configuration as this process runs with it.

    What cannot be read or applied leaves the version before in force; ``applied().error`` tells why, and it
    is not tried again until another version comes.

    Args:
        broker: Redis.
        on_change: called with each new document and its version, in the event loop; it must not block. It
            is called for version 0, too, when a Redis was wiped; not for a Redis that never held a version.
        interval_s: seconds between two looks.

    """

    def __init__(
        self,
        broker: RedisBroker,
        *,
        on_change: Callable[[ConfigDocument, int], None] | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._broker = broker
        self._on_change = on_change
        self._interval_s = interval_s
        self._applied = ConfigState()
        self._tried = ConfigHead()
        self._has_looked = False
        self._error = ""
        self._turn = asyncio.Lock()

    @property
    def document(self) -> ConfigDocument:
        """What is applied; empty at first."""
        return self._applied.document

    @property
    def version(self) -> int:
        """Of what is applied; 0 at first."""
        return self._applied.version

    def applied(self) -> AppliedConfig:
        """For the process' report; its checksum is empty as long as nobody has looked."""
        checksum = self._applied.checksum if self._has_looked else ""
        return AppliedConfig(self._applied.version, checksum, self._error)

    async def run(self, drain: Drain) -> None:
        """Follow until the drain. While Redis is away, what is applied stays. Raises nothing of the bus."""
        failing = False
        while not drain.is_set():
            try:
                await self.load_now()
                failing = False
            except DragomanError as error:
                if not failing:
                    logger.warning("the runtime configuration cannot be looked at: {}", error.message)
                failing = True
            await drain.wait(self._interval_s)

    async def load_now(self) -> None:
        """Apply the version in force, if it is another one than before.

        Raises:
            BusUnavailable: Redis is away; what is applied stays.

        """
        async with self._turn:
            head = self._tried
            try:
                head = await read_head(self._broker)
                if self._has_looked and head == self._tried:
                    return
                state = await read_state(self._broker)
            except ConfigUnreadable as error:
                self._refuse(error.message)
                self._has_looked, self._tried = True, head
                return
            self._has_looked, self._tried = True, state.head
            if state.head == self._applied.head:
                self._error = ""
            else:
                self._apply(state)

    def _apply(self, state: ConfigState) -> None:
        try:
            if self._on_change is not None:
                self._on_change(state.document, state.version)
        except Exception as error:
            self._refuse(f"version {state.version} cannot be applied: {describe(error)}")
            return
        logger.info(
            "version {} of the configuration is applied (before: {})", state.version, self._applied.version
        )
        self._applied, self._error = state, ""
        VERSION.set(state.version)

    def _refuse(self, reason: str) -> None:
        if reason != self._error:
            logger.error("the runtime configuration stays at version {}: {}", self._applied.version, reason)
        self._error = reason
