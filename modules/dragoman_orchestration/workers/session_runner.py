"""One leased session: audio entries in, windows to the whisper service, results out under the fence.

The shell around :mod:`dragoman_orchestration.streaming`. It holds no lock and needs none: everything runs on
one event loop, at most one decode and one publish are under way, and what happens meanwhile goes into the
next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import msgspec
from loguru import logger

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_contracts.errors import (
    BusUnavailable,
    DecodeFailed,
    DragomanError,
    Fenced,
    InvalidInput,
    UnsupportedAudio,
)
from dragoman_contracts.streams import AudioField, StateField
from dragoman_contracts.websocket import (
    ErrorMessage,
    ServerMessage,
    SessionDegraded,
    SessionEndedMessage,
    SessionLag,
    SessionOptions,
    TranscriptFinal,
    TranscriptPartial,
)
from dragoman_contracts.whisper_api import WindowOptions, WindowResult
from dragoman_orchestration.clients.translation import TranslationClient
from dragoman_orchestration.recordings.recorder import Recorder
from dragoman_orchestration.session.ledger import LedgerBook
from dragoman_orchestration.session.recording import failed
from dragoman_orchestration.streaming.detectors import SpeechDetector
from dragoman_orchestration.streaming.recogniser import (
    DecodeRequest,
    Output,
    Recogniser,
    RecogniserState,
    Settled,
)
from dragoman_orchestration.streaming.window import Pcm
from dragoman_orchestration.workers import metrics
from dragoman_orchestration.workers.audio_feed import (
    AudioFeed,
    Configured,
    End,
    FeedState,
    Flush,
    Heard,
    Lost,
    Torn,
)
from dragoman_orchestration.workers.heard_at import HeardAt
from dragoman_orchestration.workers.interpreter import Interpreter, hotwords_of
from dragoman_orchestration.workers.ladder import Pace
from dragoman_orchestration.workers.listening import ListeningConfig
from dragoman_orchestration.workers.outbox import Outbox, decode_kept
from dragoman_orchestration.workers.recording import Recordings
from dragoman_orchestration.workers.result_step import error_message
from dragoman_orchestration.workers.results_writer import ResultsWriter
from dragoman_orchestration.workers.service_level import ServiceLevel
from dragoman_orchestration.workers.settings import AudioWorkerSettings
from dragoman_orchestration.workers.traces import SessionTraces
from dragoman_orchestration.workers.wishes import SessionWishes
from dragoman_runtime.broker.base import Entry
from dragoman_runtime.resilience import Backoff
from dragoman_runtime.session_lease import ResultBatch, SessionLease, SessionLeases

SURVIVED_MS = 1_000
"""Audio heard beyond what any owner before had heard, that counts as progress: more than what an owner hears
between its last step and the audio that ends it."""
SAMPLES_PER_MS = MODEL_RATE_HZ // 1000
STATE_INTERVAL_S = 0.5
"""How often progress without an event is written: the basis of acknowledgements and backpressure."""
VERIFY_INTERVAL_S = 1.0
"""How often a session without news asks whether Redis still has what was read."""
UNDECODED_BYTES = 65_536
"""Of a container: more waits in Redis."""
LOST = "lost"
"""Reason of a gap: the audio was accepted, and Redis lost it before it was read."""


class RunnerState(msgspec.Struct, kw_only=True):
    """The state blob of a session: what a successor needs beside the audio itself."""

    recogniser: RecogniserState = msgspec.field(default_factory=RecogniserState)
    feed: FeedState = msgspec.field(default_factory=FeedState)
    ledger: dict[str, Any] | None = None
    options: SessionOptions = msgspec.field(default_factory=SessionOptions)
    ended: str = ""
    """Reason of the ``session.ended`` that was published; what is left is to clean up."""
    drafts: dict[str, int] = {}
    """Offset of the draft that stands in the results, of the transcript and of each translation."""
    translated: dict[str, int] = {}
    """For each target language the offset up to which all finals are done with."""
    level: int = 0
    """Level of degradation that the session's viewers were told."""
    torn_to_bytes: int = 0
    """Holes of a container up to this byte were told: whoever replays it meets them again."""


class SessionRunner:
    """Runs one session from its activation to its end, hand-over or loss.

    ``feed`` and ``pump`` are called by the worker's read loop; ``is_over`` tells when to let go of it.
    """

    def __init__(
        self,
        lease: SessionLease,
        leases: SessionLeases,
        *,
        service: ServiceLevel,
        outbox: Outbox,
        translation: TranslationClient | None,
        detector: SpeechDetector,
        settings: AudioWorkerSettings,
        listening: ListeningConfig,
        recordings: Recordings,
    ) -> None:
        self.lease = lease
        self._leases = leases
        self._service = service
        self._outbox = outbox
        self._settings = settings
        self._listening_config = listening
        # What the session itself sets is known as soon as its record was read.
        self._config = b""
        self._listening = listening.of(self._config)
        state = _read_state(lease)
        self._options = state.options
        self._recogniser = Recogniser(
            self._listening.recogniser,
            detector,
            options=state.options,
            policy=self._listening.step_policy(),
            state=state.recogniser,
        )
        self._feed = AudioFeed(state.feed, state.recogniser.committed_ms)
        self._heard_samples = state.recogniser.committed_ms * SAMPLES_PER_MS
        self._recordings = recordings
        self._recorder: Recorder | None = None
        self._ledger = LedgerBook.from_state(state.ledger) if state.ledger else LedgerBook()
        self._heard_before_ms = self._ledger.received_ms
        self._ended = state.ended
        self._torn_to_bytes = state.torn_to_bytes
        self._level_told = state.level
        self._lost: Lost | None = None
        self._verified = ""
        self._verify_due = 0.0
        self._pace = Pace(most_s=settings.read_ahead_ms / 1000)
        self._traces = SessionTraces(lease.keys, lease.traceparent)
        self._heard_at = HeardAt()
        # Under the trace of the socket that opened the session: its lines are found together with the API's.
        self._log = logger.bind(session_id=lease.session_id, trace_id=lease.traceparent[3:35])
        self._results = ResultsWriter(
            lease, leases, outbox, state.drafts, traces=self._traces, heard=self._heard_at
        )
        self._ending = ""
        self._done_since: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._publishing: asyncio.Task[None] | None = None
        self._backoff = Backoff()
        self._decode_after = 0.0
        self._failing_since: float | None = None
        self._lag_told = ""
        self._state_due = 0.0
        self._heard_told_ms = -1
        self._committed_told_ms = state.recogniser.committed_ms
        self.interpreter = Interpreter(
            translation,
            lease.session_id,
            spawn=lambda request: self._spawn(self._then_pump(request)),
            tell=self._results.tell,
            hear_in_english=self._hear_in_english,
            settled=state.translated,
            drafts=self._listening.drafts,
            trace=self._traces.translating,
        )
        for offset, data in sorted(lease.outbox.items()):
            kept = decode_kept(data)
            if isinstance(kept, TranscriptFinal):
                self.interpreter.final(offset, kept)
        self.started = self._last_audio = time.monotonic()
        self.is_over = False
        self.is_lost = False
        self.is_closing = False
        self.is_fenced = False
        """Over, because Redis refused what it wrote; whether the lease is still ours is to be asked."""

    # --- what the worker's loop asks ---------------------------------------------------------------------

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self.lease.session_id

    @property
    def position(self) -> str:
        """The last audio entry that was read."""
        return self._feed.position

    @property
    def wants_audio(self) -> bool:
        """Whether to read on; what is not read stays in Redis, where nothing of it is lost."""
        waits = self._waits_for_finals or self._feed.undecoded_bytes >= UNDECODED_BYTES
        # What was heard before it is known whether to record it could not be recorded any more.
        waits |= not self.interpreter.is_planned or (self._recorder is not None and self._recorder.is_full)
        return not (self._ending or self._ended or self.is_over or waits)

    @property
    def _waits_for_finals(self) -> bool:
        """Whether no more is heard until some of what was heard is final, or a hole is told."""
        ahead_ms = self._recogniser.heard_ms - self._recogniser.committed_ms
        return self._lost is not None or ahead_ms >= self._settings.read_ahead_ms

    def lag_ms(self, now: float) -> int:
        """How long this session waits for the recogniser, beyond what a speaker would wait anyhow."""
        if self._failing_since is not None:
            return self._behind_ms(now)
        return max(0, self._behind_ms(now) - self._pace.ahead_ms(now))

    def _behind_ms(self, now: float) -> int:
        """How far processing is behind what was heard, or for how long it fails."""
        failing_s = 0.0 if self._failing_since is None else now - self._failing_since
        return max(self._recogniser.waiting_ms, int(failing_s * 1000))

    def feed(self, entries: Sequence[Entry]) -> None:
        """Take new audio entries, in order."""
        self._last_audio = time.monotonic()
        for entry in entries:
            if not self.wants_audio:
                break  # read again later: an entry may hold a quarter of a MiB
            traced = entry.fields.get(AudioField.TRACE)
            if traced is None:
                self._feed_one(entry)
            else:
                with self._traces.hearing(entry, traced):
                    self._feed_one(entry)
                    self._traces.heard(self._recogniser.heard_ms)
            if self._feed.position != entry.id:
                break  # what lies behind a hole is read again when the gap is told

    def _feed_one(self, entry: Entry) -> None:
        try:
            for heard in self._feed.take(entry):
                self._hear(heard)
        except UnsupportedAudio as error:
            self._refuse_audio(error)

    def apply_wishes(self, wishes: SessionWishes) -> None:
        """Translate and listen as the session's record tells now; its terms reach the recogniser."""
        if wishes.translation != self.interpreter.wishes:
            self.interpreter.apply(wishes.translation)
            self._configure(self._options)
        self._config = wishes.config
        self.listen()
        self._record(wishes.recorded)

    def listen(self) -> None:
        """Listen as the configuration in force tells, from the next sample on."""
        listening = self._listening_config.of(self._config)
        if listening == self._listening:
            return
        self._listening = listening
        self._recogniser.retune(
            listening.recogniser, min_step_ms=listening.min_step_ms, max_step_ms=listening.max_step_ms
        )
        self.interpreter.retune(listening.drafts)
        self._configure(self._options)

    def pump(self) -> None:
        """Do what is due: background samples, idleness, the next requests and publish. Never waits."""
        if self.is_over:
            return
        now = time.monotonic()
        if not self._ended:
            self._drain_decoder()
            self._pass_hole()
            self._watch_idleness(now)
            self._watch_lag(now)
            self._watch_level()
            self._finish_if_done(now)
            self._start_decode(now)
            self._start_translations(now)
        if self._recorder is not None:
            self._recorder.pump(now)
        self._start_publish(now)
        self._start_verify(now)

    async def stop(self) -> None:
        """Stop at once, publish nothing more; what is not committed is replayed by the next owner."""
        self.is_over = True
        self._feed.finish()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def hand_over(self) -> None:
        """Write the last state and let another worker have the session at once."""
        try:
            if self._publishing is not None:
                await asyncio.wait({self._publishing})
            if not self.is_over:
                await self._publish_step()
        finally:
            await self.stop()
        if not self.is_lost:
            await self._leases.hand_over(self.lease)

    # --- audio -------------------------------------------------------------------------------------------

    def _hear(self, heard: Heard) -> None:
        if isinstance(heard, Flush):
            self._take(self._recogniser.flush())
        elif isinstance(heard, End):
            self._ending = heard.reason
        elif isinstance(heard, Configured):
            self._configure(heard.options)
        elif isinstance(heard, Lost):
            self._log.warning("session {}: {} ms of audio were lost", self.session_id, heard.samples // 16)
            self._lost = heard
            self._verified = ""
        elif isinstance(heard, Torn):
            self._tell_torn(heard)
        elif len(heard):
            if self._recorder is not None:
                self._recorder.hear(self._heard_samples, heard)
            self._heard_samples += len(heard)
            before_ms = self._recogniser.heard_ms
            self._take(self._recogniser.hear(heard))
            self._take(self._recogniser.finish_ready())
            heard_ms = self._recogniser.heard_ms - before_ms
            now = time.monotonic()
            self._heard_at.heard(self._recogniser.heard_ms, now)
            self._pace.heard(heard_ms, now)
            metrics.HEARD.inc(heard_ms / 1000)

    def _configure(self, options: SessionOptions) -> None:
        self._options = options
        if not self._listening.partials:
            options = msgspec.structs.replace(options, partials=False)
        wishes = self.interpreter.wishes
        expected = hotwords_of(wishes.options) if wishes is not None else []
        if expected:
            options = msgspec.structs.replace(
                options, hotwords=" ".join([options.hotwords, *expected]).strip()
            )
        self._recogniser.configure(options)

    def _pass_hole(self) -> None:
        """Make final what was heard before lost audio, then tell the gap and go on behind it."""
        if self._lost is None:
            return
        if self._verified != self._feed.position:
            # Not before Redis was asked: after a restart it may have other audio under ids that were read.
            # Then nothing is lost, and what is open must not be cut off here.
            self._verify_due = 0.0
            return
        self._take(self._recogniser.flush())
        self._take(self._recogniser.finish_ready())
        if self._recogniser.is_done and not self._recogniser.is_busy:
            self._take(self._recogniser.skip(self._lost.samples, LOST))
            self._heard_samples += self._lost.samples
            self._lost = None

    def _tell_torn(self, torn: Torn) -> None:
        """How long the hole of a container is cannot be known, only that words may be missing."""
        if torn.at_bytes <= self._torn_to_bytes:
            return
        self._torn_to_bytes = torn.at_bytes
        self._log.warning("session {}: {} bytes of a container were lost", self.session_id, torn.lost_bytes)
        self._tell(
            ErrorMessage(
                code="audio_lost",
                message=f"{torn.lost_bytes} bytes of the container were lost; words may be missing from here",
                remedy="Nothing to do: the session goes on. PCM audio tells the exact gap.",
                permanent=False,
            )
        )

    def _drain_decoder(self) -> None:
        try:
            self._hear(self._feed.drain())
        except UnsupportedAudio as error:
            self._refuse_audio(error)

    def _refuse_audio(self, error: UnsupportedAudio) -> None:
        self._log.warning("session {} sent audio that cannot be decoded", self.session_id)
        self._tell(error_message(error))
        if self._feed.audio is not None and not self._feed.audio.is_pcm:
            # A container that is none stays none: there is nothing to go on with.
            self._feed.finish()
            self._ending = error.code

    def _watch_idleness(self, now: float) -> None:
        if (
            not self._ending
            and not self._waits_for_finals
            and now - self._last_audio > self._settings.idle_timeout_s
        ):
            self._log.info(
                "session {} ends after {:g} s without audio", self.session_id, now - self._last_audio
            )
            self._feed.finish()
            self._ending = "idle"

    def _finish_if_done(self, now: float) -> None:
        """Close what is open when the audio has ended; tell the end when all of it is settled and
        translated."""
        if not self._ending or not self._feed.is_finished:
            return
        self._take(self._recogniser.flush())
        self._take(self._recogniser.finish_ready())
        is_settled = self._recogniser.is_done and not self._recogniser.is_busy
        if is_settled and not self._ended and not self._waits_for_translations(now):
            self._ended = self._ending
            self._tell(SessionEndedMessage(reason=self._ended, ledger=self._ledger.snapshot()))

    def _waits_for_translations(self, now: float) -> bool:
        """Whether the end waits for translations; after some time what is missing is told as failed."""
        if self._done_since is None:
            self._done_since = now
        if self.interpreter.is_idle:
            return False
        if self._results.has_news or self._publishes:
            return True  # finals on their way: their translations are not even asked for
        if now - self._done_since < self._settings.translation_patience_s:
            return self.interpreter.is_waiting
        self.interpreter.give_up()
        return False

    # --- translate ---------------------------------------------------------------------------------------

    def _start_translations(self, now: float) -> None:
        # At its end a session is in nobody's way.
        self.interpreter.delayed = self._service.delays_translation and not self._ending
        self.interpreter.pump(now, drafts=self._service.drafts)

    async def _then_pump(self, request: Coroutine[Any, Any, None]) -> None:
        await request
        self.pump()

    async def _hear_in_english(self, samples: Pcm, language: str) -> str:
        options = WindowOptions(
            language=language, task="translate", word_timestamps=False, session_id=self.session_id
        )
        return (await self._service.decode(samples, options)).text.strip()

    # --- decode ------------------------------------------------------------------------------------------

    def _start_decode(self, now: float) -> None:
        if now < self._decode_after:
            return
        request = self._recogniser.next_request()
        if request is not None:
            self._spawn(self._decode(request))

    async def _decode(self, request: DecodeRequest) -> None:
        started = time.monotonic()
        try:
            result = await self._ask(request)
        except DragomanError as error:
            self._decode_failed(request, error)
            return
        except BaseException:
            self._recogniser.fail(request)
            raise
        seconds = time.monotonic() - started
        metrics.DECODE.labels("full" if request.full else "draft").observe(seconds)
        self._backoff.reset()
        self._failing_since = None
        if request.full:
            self.interpreter.keep_audio(f"seg-{request.utterance}", result.language, request.samples)
        self._take(self._recogniser.answer(request, result, seconds * 1000))
        self.pump()

    def _watch_level(self) -> None:
        self._recogniser.drafts = self._service.drafts
        if self._service.level != self._level_told:
            self._level_told = self._service.level
            self._tell(SessionDegraded(level=self._level_told, reason=self._service.reason))

    async def _ask(self, request: DecodeRequest) -> WindowResult:
        """The hypothesis, as part of the traces of what is heard in it."""
        options = msgspec.structs.replace(request.options, session_id=self.session_id)
        with self._traces.decoding(request):
            return await self._service.decode(request.samples, options)

    def _decode_failed(self, request: DecodeRequest, error: DragomanError) -> None:
        metrics.DECODE_FAILED.labels(error.code).inc()
        now = time.monotonic()
        if isinstance(error, InvalidInput | DecodeFailed):
            self._log.warning("session {}: a window was refused: {}", self.session_id, error.message)
            self._tell(error_message(error))
            self._take(self._recogniser.give_up(request, error.code))
            return
        self._recogniser.fail(request)
        if self._failing_since is None:
            self._failing_since = now
            self._log.warning("session {} waits: {}", self.session_id, error.message)
        self._decode_after = now + self._backoff.next_s()

    def _watch_lag(self, now: float) -> None:
        lag_ms, reason = self._behind_ms(now), "the recogniser is behind"
        if self._failing_since is not None:
            reason = "the whisper service does not answer; audio is kept and transcribed later"
        if lag_ms >= self._settings.lag_notice_ms and reason != self._lag_told:
            self._lag_told = reason
            self._tell(SessionLag(lag_ms=lag_ms, reason=reason))
        elif self._lag_told and lag_ms < self._settings.lag_notice_ms // 2:
            self._lag_told = ""
            self._tell(SessionLag(lag_ms=0, reason="caught up"))

    # --- results -----------------------------------------------------------------------------------------

    def _take(self, outputs: Sequence[Output]) -> None:
        """Enter what is settled into the ledger, keep what is told for the next publish."""
        for output in outputs:
            if not isinstance(output, Settled):
                self._tell(output)
                if isinstance(output, TranscriptPartial):
                    self.interpreter.partial(output)
                continue
            self._ledger.receive(self._recogniser.heard_ms)
            if output.kind == "transcribed":
                self._ledger.transcribed(output.start_ms, output.end_ms)
            elif output.kind == "silence":
                self._ledger.silence(output.start_ms, output.end_ms)
            else:
                self._ledger.gap(output.start_ms, output.end_ms, output.reason)
            metrics.SETTLED.labels(output.kind).inc((output.end_ms - output.start_ms) / 1000)

    @property
    def _publishes(self) -> bool:
        return self._publishing is not None and not self._publishing.done()

    def _start_publish(self, now: float) -> None:
        progressed = self._recogniser.heard_ms != self._heard_told_ms and now >= self._state_due
        if not self._publishes and (self._results.has_news or progressed or self._ended):
            self._state_due = now + STATE_INTERVAL_S
            self._publishing = self._spawn(self._publish())

    def _start_verify(self, now: float) -> None:
        """Ask Redis now and then, when no news come, whether it still has what was read.

        A Redis that restarted with less may give ids anew that this worker has behind it: it would wait for
        ever for audio that is there. A session with news finds out by itself: by a publish, or by a hole.
        """
        quiet = self._lost is not None or now - self._last_audio >= VERIFY_INTERVAL_S
        if not self._publishes and quiet and now >= self._verify_due and not self._ended:
            self._verify_due = now + VERIFY_INTERVAL_S
            self._publishing = self._spawn(self._verify())

    async def _verify(self) -> None:
        position = self._feed.position
        read = (position, self._feed.position_bytes) if self._feed.position_bytes else ("", "")
        await self._leases.verify(self.lease, *read)
        self._verified = position

    async def _publish(self) -> None:
        if self._results.has_news or self._heard_told_ms != self._recogniser.heard_ms:
            await self._publish_step()
        if self._ended and not self._results.has_news:
            await self._end()

    async def _publish_step(self) -> None:
        if self._recorder is not None:
            await self._secure_recording(self._recorder)
        await self._results.step(self._batch, self.interpreter)
        self._heard_at.forget(self._committed_told_ms)
        await self._results.deliver(self.interpreter)
        self._start_translations(time.monotonic())

    # --- recording ---------------------------------------------------------------------------------------

    def _record(self, wanted: bool) -> None:
        """Begin, or end because it was deleted, or because all of it is told."""
        if wanted and self._recorder is None:
            self._recorder = self._recordings.recorder(self.session_id)
        elif not wanted and self._recorder is not None:
            self._recorder.drop()
            self._recorder = None

    async def _secure_recording(self, recorder: Recorder) -> None:
        """Have on the disk what the next step commits, or have it told that it is not: who takes over hears
        what comes behind it only, and must not call the recording complete."""
        await recorder.wrote_before(lambda: self._recogniser.committed_ms * SAMPLES_PER_MS)
        if recorder.failure is not None:
            await self._recordings.tell(self.lease, failed(recorder.failure))

    def _tell(self, message: ServerMessage) -> None:
        self._results.tell([message])

    def _batch(self, messages: Sequence[ServerMessage], drafts: Mapping[str, int]) -> ResultBatch:
        recogniser = self._recogniser
        self._heard_told_ms = recogniser.heard_ms
        self._ledger.receive(recogniser.heard_ms)
        feed, trim_before = self._feed.resume_point(recogniser.committed_ms)
        # To hear again what an owner before has heard is no progress: such audio may have ended that owner.
        beyond_ms = recogniser.heard_ms - self._heard_before_ms
        progressed = recogniser.committed_ms > self._committed_told_ms or beyond_ms > SURVIVED_MS
        self._committed_told_ms = recogniser.committed_ms
        self._traces.committed(recogniser.committed_ms)
        state = RunnerState(
            recogniser=recogniser.state(),
            feed=feed,
            ledger=self._ledger.to_state(),
            options=self._options,
            ended=self._ended if any(isinstance(m, SessionEndedMessage) for m in messages) else "",
            drafts=dict(drafts),
            translated=self.interpreter.settled(),
            level=self._level_told,
            torn_to_bytes=self._torn_to_bytes,
        )
        return ResultBatch(
            state={
                StateField.STATE: msgspec.json.encode(state),
                StateField.COMMITTED_MS: recogniser.committed_ms,
                StateField.HEARD_MS: recogniser.heard_ms,
                StateField.CONSUMED_BYTES: self._feed.consumed_bytes,
                StateField.LEDGER: msgspec.json.encode(self._ledger.snapshot()),
            },
            trim_before=trim_before,
            progressed=progressed,
        )

    async def _end(self) -> None:
        """Clean up behind ``session.ended``: first what follows from it, then the session itself."""
        if not self.interpreter.is_planned:
            return  # nor is it known whether it is recorded; pump comes back
        if not await self._results.deliver(self.interpreter):
            return  # Redis is away or full; pump comes back
        await self._outbox.session_ended(self.lease, self._ended, self._ledger.snapshot())
        if self._recorder is not None:
            await self._recordings.tell(self.lease, await self._recorder.finish(self._heard_samples))
        # From here on its lease may be gone because it was given back.
        self.is_closing = True
        try:
            await self._leases.end(self.lease, retention_s=self._settings.retention_s)
        except BusUnavailable:
            self.is_closing = False
            raise
        self._log.info("session {} ended: {}", self.session_id, self._ended)
        self.is_over = True

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None or self.is_over:
            return
        if isinstance(error, BusUnavailable):
            return  # pump tries again
        self.is_over = self.is_lost = True
        if isinstance(error, Fenced):
            self.is_fenced = True
            metrics.FENCED.inc()
            self._log.warning("session {} stops here: {}", self.session_id, error.message)
            return
        # Its lease runs out; whoever takes it over tries again, and gives up after a few times.
        self._log.opt(exception=error).error("session {} failed", self.session_id)


def _read_state(lease: SessionLease) -> RunnerState:
    if lease.state:
        return msgspec.json.decode(lease.state, type=RunnerState)
    return RunnerState(options=msgspec.convert(lease.opened.options, SessionOptions))
