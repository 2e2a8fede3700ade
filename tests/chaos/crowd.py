"""The people: each session has a speaker in real time and viewers, all with the shipped client."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from dragoman_client import Dragoman, DragomanError, Speaker, TranscriptFinal, TranscriptPartial
from dragoman_contracts.websocket import ServerMessages, SessionOptions, TranslationOptions
from tests.chaos.checker import CaptionBook, Verdict
from tests.chaos.speech import FRAME_MS, Speech, speech
from tests.chaos.system import KEY, System
from tests.chaos.translations import TranslationBook

TARGET = "es"
"""Every second session is translated into it, and viewers read it."""
GAP_FROM_S = 1.5
"""A silence between two captions longer than this is kept: people pause for a second at most."""
CONNECT_LIMIT_S = 60.0
RETRY_S = 0.2
END_LIMIT_S = 60.0


@dataclass(slots=True)
class Watcher:
    """One reader: what it shows, and when captions came (monotonic seconds)."""

    book: CaptionBook
    translations: TranslationBook | None = None
    last_caption: float = 0.0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    failure: str = ""
    waiting_since: float = 0.0
    reconnects_s: list[float] = field(default_factory=list)

    def take(self, message: ServerMessages) -> None:
        """Show a message, and note its time if it is a caption."""
        self.book.take(message)
        if self.translations is not None:
            self.translations.take(message)
        if isinstance(message, TranscriptPartial | TranscriptFinal):
            now = time.monotonic()
            if self.last_caption and now - self.last_caption > GAP_FROM_S:
                self.gaps.append((self.last_caption, now))
            self.last_caption = now
            if self.waiting_since:
                self.reconnects_s.append(max(0.0, now - self.waiting_since))
                self.waiting_since = 0.0


class Meeting:
    """One session: what is said in it, by whom, and who reads it."""

    def __init__(
        self, number: int, said: Speech, system: System, *, viewers: int = 1, end_limit_s: float = END_LIMIT_S
    ) -> None:
        self.number = number
        self.said = said
        self.session_id = ""
        self.speaking = Watcher(CaptionBook(f"speaker {number}", merges=True))
        self.options = SessionOptions()
        if number % 2:
            wanted = TranslationOptions(targets=[TARGET, "de"], drafts=number % 4 == 1)
            self.options = SessionOptions(translation=wanted)
        self.viewing = [self._viewer(f"viewer {number}.{viewer}") for viewer in range(viewers)]
        self.is_speaking = False
        self._system = system
        self._end_limit_s = end_limit_s

    def _viewer(self, name: str) -> Watcher:
        translated = self.options.translation is not None
        return Watcher(CaptionBook(name), TranslationBook(TARGET, name) if translated else None)

    @property
    def watchers(self) -> list[Watcher]:
        """Speaker and viewers."""
        return [self.speaking, *self.viewing]

    @property
    def api(self) -> int:
        """Number of the API process that its clients talk to."""
        return self.number % len(self._system.client_proxies)

    async def run(self) -> None:
        """From creation to the session's end; what fails is in the watchers' ``failure``."""
        url = self._system.url(self.number)
        async with Dragoman(url, key=KEY, wait_s=CONNECT_LIMIT_S, reconnect_s=CONNECT_LIMIT_S) as dragoman:
            self.session_id = await self._create(dragoman)
            viewers = [asyncio.create_task(self._view(dragoman, watcher)) for watcher in self.viewing]
            try:
                await self._speak(dragoman)
                done, late = await asyncio.wait(viewers, timeout=self._end_limit_s)
                for task in late:
                    task.cancel()
                await asyncio.gather(*done, *late, return_exceptions=True)
            finally:
                for task in viewers:
                    task.cancel()

    async def _create(self, dragoman: Dragoman) -> str:
        """A request whose answer was lost is not repeated by the client: it may have made a session."""
        deadline = time.monotonic() + CONNECT_LIMIT_S
        while True:
            try:
                return (await dragoman.create_session(self.options)).id
            except DragomanError as error:
                if error.permanent or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(RETRY_S)

    async def _speak(self, dragoman: Dragoman) -> None:
        try:
            async with dragoman.speak(self.session_id) as speaker:
                listening = asyncio.create_task(self._listen(speaker.events()))
                try:
                    await self._say_all(speaker)
                    await speaker.end()
                    await asyncio.wait_for(listening, self._end_limit_s)
                finally:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
        except (DragomanError, TimeoutError) as error:
            self.speaking.failure = f"{type(error).__name__}: {error}"

    async def _say_all(self, speaker: Speaker) -> None:
        self.is_speaking = True
        started = time.monotonic()
        try:
            for index, frame in enumerate(self.said.frames):
                due = started + (index + 1) * FRAME_MS / 1000
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await speaker.send(frame)
        finally:
            self.is_speaking = False

    async def _listen(self, events: object) -> None:
        async for event in events:  # type: ignore[attr-defined]
            self.speaking.take(event)

    async def _view(self, dragoman: Dragoman, watcher: Watcher) -> None:
        try:
            languages = [TARGET] if watcher.translations is not None else None
            async for event in dragoman.watch(self.session_id, languages=languages):
                watcher.take(event)
        except DragomanError as error:
            watcher.failure = f"{type(error).__name__}: {error}"

    def verdict(self) -> Verdict:
        """What its readers found, together."""
        result = Verdict()
        for watcher in self.watchers:
            found = watcher.book.verdict(self.said)
            if watcher.translations is not None:
                found.add(watcher.translations.verdict())
            if watcher.failure:
                found.note(f"{watcher.book.name}: {watcher.failure}")
            result.add(found)
        return result


class Crowd:
    """All meetings of a run.

    With ``churn_s`` meetings are that long and each is followed by another until ``seconds`` have passed.
    """

    def __init__(
        self,
        system: System,
        *,
        sessions: int,
        seconds: int,
        seed: int,
        churn_s: int = 0,
        end_limit_s: float = END_LIMIT_S,
    ) -> None:
        self._system = system
        self._seconds = seconds
        self._churn_s = churn_s
        self._end_limit_s = end_limit_s
        self._sessions = sessions
        self._seed = seed
        self._number = 0
        self.live: list[Meeting] = []
        self.verdict = Verdict()
        self.gaps: list[tuple[float, float]] = []
        self.reconnects_s: list[float] = []
        self.finished = 0

    async def run(self) -> None:
        """Hold all meetings to their end."""
        spread_s = min(5.0, self._sessions / 20)
        await asyncio.gather(
            *(self._seat(index / self._sessions * spread_s) for index in range(self._sessions))
        )

    async def _seat(self, delay_s: float) -> None:
        until = time.monotonic() + self._seconds
        await asyncio.sleep(delay_s)
        while True:
            left = max(10, round(until - time.monotonic()))
            # Half a minute and more, in ten lengths, so that meetings end at all times.
            length = min(left, self._churn_s + self._number % 10 * 3) if self._churn_s else self._seconds
            await self._hold(speech(length, self._seed * 10 + self._number % 10))
            if not self._churn_s or time.monotonic() + 10 > until:
                return

    async def _hold(self, said: Speech) -> None:
        meeting = Meeting(self._number, said, self._system, end_limit_s=self._end_limit_s)
        self._number += 1
        self.live.append(meeting)
        try:
            await meeting.run()
        finally:
            self.live.remove(meeting)
            self.finished += 1
            found = meeting.verdict()
            if found.errors:
                found.note(f"meeting {meeting.number} is session {meeting.session_id}")
            self.verdict.add(found)
            for watcher in meeting.watchers:
                self.gaps += watcher.gaps
                self.reconnects_s += watcher.reconnects_s

    def expect_captions(self, api: int) -> None:
        """From now on, note for each viewer of that API how long its next caption takes."""
        now = time.monotonic()
        for meeting in self.live:
            if meeting.api == api and meeting.is_speaking:
                for watcher in meeting.viewing:
                    watcher.waiting_since = now
