"""The speaker's socket: the thin shell around ``IngestProtocol``.

Three tasks a socket: one reads, one stores (through the tick publisher that all sockets share), one writes.
Frames are acknowledged only when Redis has them; while Redis is away they are held, and then TCP holds the
speaker back.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from loguru import logger
from starlette.types import Receive, Scope, Send

from dragoman_contracts.errors import (
    BusUnavailable,
    DragomanError,
    Fenced,
    Overloaded,
    Unavailable,
)
from dragoman_contracts.streams import AudioKind
from dragoman_contracts.websocket import SessionConfigure, StreamPosition
from dragoman_orchestration.api.admission import Admission
from dragoman_orchestration.api.auth import Authenticator, Principal, bearer
from dragoman_orchestration.api.frame_traces import FrameTraces
from dragoman_orchestration.api.gateway import AUDIO_BYTES, FRAMES, STORE_SECONDS, IngestGateway
from dragoman_orchestration.api.ingest_protocol import (
    Actions,
    Close,
    IngestLimits,
    IngestProtocol,
    Open,
    Phase,
    Tell,
)
from dragoman_orchestration.api.outbox import OutboxEntry
from dragoman_orchestration.api.presence import PresenceBoard, Seat
from dragoman_orchestration.api.results_ws import position_of
from dragoman_orchestration.api.socket_io import (
    accept,
    count_closed,
    encode,
    refuse,
    session_of,
    until_done,
    write_out,
)
from dragoman_orchestration.results.feed import Subscription
from dragoman_orchestration.results.hub import ResultsHub
from dragoman_orchestration.results.mailbox import Mailbox
from dragoman_orchestration.session.glossaries import Glossaries
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.model import Progress, SessionRecord
from dragoman_orchestration.session.store import SessionStore
from dragoman_runtime.broker.base import EntryIdRefused
from dragoman_runtime.broker.publisher import TickPublisher
from dragoman_runtime.process import cancel_all
from dragoman_runtime.telemetry import current_traceparent, is_chosen

FIRST_RETRY_S, LAST_RETRY_S = 0.05, 1.0
DRAIN_S = 5.0
"""How long frames that were accepted may take to reach Redis after the socket closed."""


class IngestEndpoint:
    """``WS /v1/sessions/{session_id}/audio`` as an ASGI application."""

    def __init__(
        self,
        *,
        auth: Authenticator,
        store: SessionStore,
        hub: ResultsHub,
        publisher: TickPublisher,
        gateway: IngestGateway,
        presence: PresenceBoard,
        admission: Admission,
        glossaries: Glossaries,
        limits: IngestLimits,
        queue_limit: int,
    ) -> None:
        self._auth = auth
        self._store = store
        self._hub = hub
        self._publisher = publisher
        self._gateway = gateway
        self._presence = presence
        self._admission = admission
        self._glossaries = glossaries
        self._limits = limits
        self._queue_limit = queue_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from accept to close."""
        await accept(scope, receive, send)
        try:
            principal = await self._auth.identify(bearer(scope["headers"], scope["subprotocols"]))
            principal.must_speak(session_of(scope))
            after = position_of(scope)
            if self._gateway.draining:
                raise Unavailable("the server restarts: connect again")
            record = await self._store.get(session_of(scope))
        except DragomanError as error:
            await refuse(send, error)
            return
        connection = _Connection(
            record,
            principal,
            after,
            store=self._store,
            hub=self._hub,
            publisher=self._publisher,
            gateway=self._gateway,
            presence=self._presence,
            admission=self._admission,
            glossaries=self._glossaries,
            limits=self._limits,
            mailbox=Mailbox(self._queue_limit),
        )
        await connection.run(receive, send)


class _Connection:
    """One speaker."""

    def __init__(
        self,
        record: SessionRecord,
        principal: Principal,
        after: StreamPosition | None,
        *,
        store: SessionStore,
        hub: ResultsHub,
        publisher: TickPublisher,
        gateway: IngestGateway,
        presence: PresenceBoard,
        admission: Admission,
        glossaries: Glossaries,
        limits: IngestLimits,
        mailbox: Mailbox,
    ) -> None:
        self.session_id = record.id
        self._record = record
        self._principal = principal
        self._after = after
        self._store = store
        self._hub = hub
        self._publisher = publisher
        self._gateway = gateway
        self._presence = presence
        self._admission = admission
        self._glossaries = glossaries
        self._seat: Seat | None = None
        self._mailbox = mailbox
        self._loop = asyncio.get_running_loop()
        self._protocol = IngestProtocol(record.id, limits, self._loop.time())
        self._stream = store.keys(record.id).audio
        self._traces = FrameTraces(record.id, self._stream)
        self._subscription: Subscription | None = None
        self._readable = asyncio.Event()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._log = logger.bind(session_id=record.id)

    # --- what the gateway asks ---------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The connection epoch, 0 before the session is open."""
        return self._protocol.epoch

    @property
    def is_open(self) -> bool:
        """Whether the session is open and the socket not closing."""
        return self._protocol.phase in {Phase.STREAMING, Phase.ENDING}

    def on_progress(self, progress: Progress) -> None:
        """Fresh facts from the store."""
        self._do(self._protocol.on_progress(progress, self._loop.time()))
        self._check_readable()

    def on_tick(self) -> None:
        """About half a second has passed."""
        self._do(self._protocol.on_tick(self._loop.time()))

    def supersede(self) -> None:
        """A newer connection speaks for the session."""
        self._do(self._protocol.on_superseded())

    async def drain(self) -> None:
        """Store what was accepted, then close with a code that says "reconnect"."""
        await self._flush()
        self._do(self._protocol.on_drain())

    # --- life --------------------------------------------------------------------------------------------

    async def run(self, receive: Receive, send: Send) -> None:
        """Until the socket is closed and what was accepted is stored."""
        self._gateway.join(self)
        writer = asyncio.create_task(write_out(send, self._mailbox))
        storer = asyncio.create_task(self._store_all())
        storer.add_done_callback(self._storer_ended)
        reader = asyncio.create_task(self._read_all(receive))
        try:
            await until_done(receive, self._mailbox, writer=writer, reader=reader)
            await self._flush()
            await self._tidy()
        finally:
            await cancel_all((storer,))
            self._traces.close()
            if self._seat is not None:
                self._presence.leave(self._seat)
            if self._subscription is not None:
                self._hub.unsubscribe(self.session_id, self._subscription)
            self._gateway.leave(self)
            count_closed("audio", self._mailbox)
            self._log.info("speaker gone: {}", self._mailbox.how_it_ended)

    async def _read_all(self, receive: Receive) -> None:
        protocol, clock = self._protocol, self._loop.time
        while protocol.phase is not Phase.CLOSED:
            if protocol.phase is Phase.STREAMING and not protocol.may_read:
                self._readable.clear()
                await self._readable.wait()
                continue
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            now = clock()
            data = message.get("bytes")
            if data is not None:
                actions = protocol.on_bytes(data, now)
                FRAMES.inc()
                AUDIO_BYTES.inc(len(data))
                if is_chosen() and protocol.phase is Phase.STREAMING:
                    self._traces.take(len(data), protocol.outbox.accepted_bytes)
            else:
                actions = protocol.on_text(message.get("text") or "", now)
            for action in actions:
                if type(action) is Open:
                    await self._open(action.configure)
                else:
                    self._carry_out(action)
            pause_s = protocol.throttle_s(now)
            if pause_s:
                await asyncio.sleep(pause_s)

    async def _open(self, configure: SessionConfigure) -> None:
        try:
            if self._record.status is Status.CREATED:
                await self._admission.check(self._record.profile, opens=True)
            configure, targets = await self._translated(configure)
            opened = await self._store.open(self._record, configure, traceparent=current_traceparent())
            progress = (await self._store.progress([self.session_id]))[0]
            if self._protocol.phase is Phase.CLOSED:
                return
            self._do(self._protocol.on_opened(opened, progress, self._loop.time()))
            self._gateway.opened(self)
            self._subscription = await self._hub.subscribe(
                self.session_id,
                self._record.results_epoch,
                self._mailbox,
                status=str(progress.status),
                after=self._after,
                # A speaker that comes back without a position must learn what it missed.
                from_start=not opened.resumed,
                targets=targets,
                demands=False,
            )
            self._seat = self._presence.join(self.session_id, "speaker", self._principal, self._mailbox)
        except DragomanError as error:
            self._do(self._protocol.on_refused(error))
            return
        self._log.info("speaker opened: epoch {}, {}", opened.epoch, self._protocol.format.encoding)

    async def _translated(self, configure: SessionConfigure) -> tuple[SessionConfigure, list[str]]:
        """The message with its sets of terms resolved, and into what the session is translated then.

        A speaker that comes again says the same again; what was changed meanwhile stays as it is.
        """
        targets, options = self._record.translation.targets, configure.options
        if options is None or options.translation is None:
            return configure, targets
        translation = None
        if self._record.status is Status.CREATED:
            translation = await self._glossaries.resolve(options.translation)
            targets = translation.targets
        options = msgspec.structs.replace(options, translation=translation)
        return msgspec.structs.replace(configure, options=options), targets

    # --- actions -----------------------------------------------------------------------------------------

    def _do(self, actions: Actions) -> None:
        for action in actions:
            self._carry_out(action)

    def _carry_out(self, action: Any) -> None:
        if type(action) is Tell:
            self._mailbox.put(encode(action.message), action.supersedes)
        elif type(action) is Close:
            self._mailbox.close(action.code, action.reason)
            self._readable.set()
        else:
            self._idle.clear()
            self._work.set()

    def _check_readable(self) -> None:
        if self._protocol.may_read or self._protocol.phase is not Phase.STREAMING:
            self._readable.set()

    # --- storing -----------------------------------------------------------------------------------------

    async def _flush(self) -> None:
        """Wait until all that was accepted is stored, for a bounded time."""
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._idle.wait()
        except TimeoutError:
            waiting = self._protocol.outbox.waiting_bytes
            self._log.warning("{} bytes of accepted audio could not be stored", waiting)

    async def _tidy(self) -> None:
        """Frames that came after the worker had ended the session lie in a stream of their own making."""
        if not self.epoch:
            return
        try:
            progress = (await self._store.progress([self.session_id]))[0]
            if progress.status in {None, Status.ENDED}:
                await self._store.forget_audio(self.session_id)
        except DragomanError as error:
            self._log.warning("its audio could not be looked after: {}", error.message)

    async def _store_all(self) -> None:
        protocol = self._protocol
        while True:
            await self._work.wait()
            await self._gateway.pace()
            self._work.clear()
            while protocol.outbox:
                entry = protocol.outbox.take()
                if self._traces:
                    entry = self._traces.send(entry, f"{self.epoch}-{entry.seq}")
                due = self._loop.time()
                stored = await self._store_one(entry)
                STORE_SECONDS.observe(self._loop.time() - due)
                if self._traces:
                    self._traces.sent(stored=stored)
                if not stored:
                    self._idle.set()
                    return
                self._check_readable()
            self._idle.set()

    def _storer_ended(self, storer: asyncio.Task[None]) -> None:
        """Nobody may go on speaking to a socket that stores nothing: what is lost, the next one asks for."""
        self._idle.set()
        error = None if storer.cancelled() else storer.exception()
        if error is not None:
            self._log.opt(exception=error).error("storing failed")
            self._do(self._protocol.on_drain())

    async def _store_one(self, entry: OutboxEntry) -> bool:
        """Store one entry, however long Redis is away; False if the session has gone on elsewhere."""
        pause_s, failed = FIRST_RETRY_S, False
        while True:
            try:
                if failed and await self._lost_audio(entry):
                    self._do(self._protocol.on_audio_lost())
                    return False
                # Asked within the same try: Redis may go away again right after it refused an id.
                if not await self._put(entry) and not await self._is_mine():
                    return False
            except (BusUnavailable, Overloaded) as error:
                failed = True
                if isinstance(error, BusUnavailable):
                    self._do(self._protocol.on_bus_away(error))
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LAST_RETRY_S)
                continue
            except DragomanError as error:
                self._do(self._protocol.on_refused(error))
                return False
            self._told_stored(entry)
            return True

    async def _put(self, entry: OutboxEntry) -> bool:
        """Append the entry; False if Redis refuses its id, as one that is stored or of a stale connection."""
        try:
            if entry.kind == AudioKind.END:
                reason = entry.data.decode()
                await self._store.end(self.session_id, reason, epoch=self.epoch, seq=entry.seq)
            else:
                await self._publisher.publish(self._stream, entry.fields(), f"{self.epoch}-{entry.seq}")
        except (EntryIdRefused, Fenced):
            return False
        return True

    def _told_stored(self, entry: OutboxEntry) -> None:
        now = self._loop.time()
        if entry.kind == AudioKind.END:
            self._do(self._protocol.on_end_stored(now))
        else:
            self._do(self._protocol.on_stored(entry.total_bytes, now))

    async def _is_mine(self) -> bool:
        """A refused id: our own first attempt had arrived, or a newer connection writes here."""
        progress = (await self._store.progress([self.session_id]))[0]
        if progress.epoch == self.epoch and progress.status is not None:
            return True
        if progress.epoch < self.epoch:
            self._do(self._protocol.on_audio_lost())
        else:
            self._do(self._protocol.on_progress(progress, self._loop.time()))
        return False

    async def _lost_audio(self, entry: OutboxEntry) -> bool:
        """After an outage: whether Redis has less than was acknowledged, or forgot this connection."""
        progress = (await self._store.progress([self.session_id]))[0]
        if progress.epoch < self.epoch:
            return True
        before = entry.total_bytes - (len(entry.data) if entry.kind == AudioKind.FRAME else 0)
        return await self._store.stored_bytes(self.session_id) < before
