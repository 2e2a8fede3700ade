"""A bot as its record tells it: plain data, no Redis. The fields of the hash are those of ``BotRecord``.

The request's URL may carry a password: it stays in the record and goes to the runner, and nowhere else.
``shown_url`` is what is told of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, get_type_hints
from urllib.parse import urlsplit

import msgspec

from dragoman_contracts.bots import (
    RUNNER_TOKEN_PREFIX,
    BotCause,
    BotRequest,
    BotState,
    CompletionReason,
    FailureStage,
    RunnerReport,
)
from dragoman_orchestration.bots.lifecycle import Life

MAX_HISTORY = 100
"""Transitions that a record keeps, the newest."""
MAX_SCHEDULE_S = 30 * 86_400
"""How far ahead a bot may be asked for."""
BOT_SESSION_KEEP_S = MAX_SCHEDULE_S + 8 * 86_400
"""How long a session waits for its bot: the longest wait, and a queue after it."""

Handle = dict[str, Any]
"""What a launcher knows a runner by; JSON."""


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a bot's life, as its history keeps it."""

    seq: int
    state: BotState
    time_ms: int
    cause: BotCause
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BotRecord:
    """A bot. Times are unix ms by Redis' clock (``created_ms``: the API's), 0 where it has not happened.

    ``generation`` is that of the runner that was launched last, ``token_hash`` of its token, ``revoked``
    those of the runners before it. ``lease`` is the token of the worker's hold on the bot, empty where nobody
    has it.
    """

    id: str
    owner_key: str
    session_id: str
    driver: str
    request: BotRequest
    created_ms: int

    state: BotState = BotState.REQUESTED
    seq: int = 1
    attempt: int = 0
    restarts: int = 0
    launches: int = 0
    completion: CompletionReason | None = None
    stage: FailureStage | None = None
    cause: BotCause = field(default_factory=lambda: BotCause(code="requested"))
    history: list[Transition] = field(default_factory=list)
    since_ms: int = 0
    active_ms: int = 0
    ended_ms: int = 0
    due_ms: int = 0
    """From when on the next runner may be launched."""

    generation: int = 0
    token_hash: str = ""
    revoked: list[str] = field(default_factory=list)
    handle: Handle = field(default_factory=dict)
    launched_ms: int = 0
    report: RunnerReport | None = None
    report_ms: int = 0
    sound_ms: int = 0
    """When a report last told of audio that is not silence."""

    worker: str = ""
    lease: str = ""
    stop_ms: int = 0
    stop_by: str = ""
    restart_ms: int = 0
    restart_reason: str = ""
    degraded: str = ""
    degraded_ms: int = 0

    @property
    def life(self) -> Life:
        """Its place in the state machine."""
        return Life(**{one.name: getattr(self, one.name) for one in fields(Life)})

    @property
    def current_report(self) -> RunnerReport | None:
        """The newest report of the runner that was launched last."""
        report = self.report
        return report if report is not None and report.generation == self.generation else None

    @property
    def must_stop(self) -> bool:
        """Whether its runner is to leave."""
        return bool(self.stop_ms) or self.state is BotState.STOPPING or self.state.is_final

    @property
    def heard_ms(self) -> int:
        """When the runner that was launched last gave a sign of life; its launch is one."""
        return max(self.launched_ms, self.report_ms if self.current_report else 0)


def encode(record: BotRecord) -> dict[str, bytes]:
    """The fields of the record's hash."""
    return {one.name: _encode(getattr(record, one.name)) for one in fields(BotRecord) if one.name != "id"}


def changes(before: BotRecord, after: BotRecord) -> dict[str, bytes]:
    """The fields that differ; the rest may be written by others meanwhile."""
    return {
        one.name: _encode(getattr(after, one.name))
        for one in fields(BotRecord)
        if getattr(before, one.name) != getattr(after, one.name)
    }


def decode(bot_id: str, found: Mapping[bytes, bytes]) -> BotRecord:
    """From the record's hash; fields that are not known are left out."""
    kinds = _kinds()
    values = {
        name: _decode(raw, kinds[name])
        for key, raw in found.items()
        if (name := key.decode(errors="replace")) in kinds
    }
    return BotRecord(id=bot_id, **values)


@cache
def _kinds() -> dict[str, Any]:
    hints = get_type_hints(BotRecord)
    return {one.name: hints[one.name] for one in fields(BotRecord) if one.name != "id"}


def _encode(value: Any) -> bytes:
    """Text and numbers as they are, so that others and scripts read them; the rest is JSON."""
    if isinstance(value, str):
        return value.encode()
    return b"" if value is None else msgspec.json.encode(value)


def _decode(raw: bytes, kind: Any) -> Any:
    if kind is str:
        return raw.decode()
    if not raw:
        return None
    if raw[:1] in b"{[":
        return msgspec.json.decode(raw, type=kind)
    return msgspec.convert(raw.decode(), kind, strict=False)


def shown_url(url: str) -> str:
    """Scheme, host and path: what may be told of a URL that may carry a password."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if ":" in host:
        host = f"[{host}]"
    return f"{parts.scheme}://{host}{port}{parts.path}"


def shown_request(request: BotRequest) -> BotRequest:
    """The request as it may be told."""
    return msgspec.structs.replace(request, url=shown_url(request.url))


def fingerprint(request: BotRequest, session: object) -> str:
    """A digest of what was asked, to know a repeat from another request with the same client key."""
    return hashlib.sha256(msgspec.json.encode([request, session])).hexdigest()


def token_hash(token: str) -> str:
    """What is kept of a runner's token: it has 256 random bits, so that a plain digest serves."""
    return hashlib.sha256(token.encode()).hexdigest()


def bot_of_token(token: str) -> str:
    """The bot's id in a runner's token; empty if it is none."""
    bot_id, _, secret = token.removeprefix(RUNNER_TOKEN_PREFIX).partition(".")
    return bot_id if token.startswith(RUNNER_TOKEN_PREFIX) and secret else ""
