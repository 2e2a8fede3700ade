"""A session as its sockets of this process follow it: who wants which translations, and who gets what. Pure.

Sockets that want the same languages are one audience: whether they want a message is decided once for all of
them, by its target language.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from dragoman_contracts.websocket import ErrorMessage
from dragoman_orchestration.results.history import Snapshot
from dragoman_orchestration.results.mailbox import Item, Mailbox
from dragoman_runtime.languages import closest

NOT_OFFERED = "language_not_offered"

Languages = tuple[str, ...] | None
"""What a socket wants, canonical: None is every language, an empty one transcripts only."""


@dataclass(eq=False, slots=True)
class Subscription:
    """One socket's place in a session's results."""

    mailbox: Mailbox
    audience: Audience
    after: int = 0
    joining: list[tuple[int, Item]] | None = field(default_factory=list)
    """What arrives while the history is being read; None once the socket has caught up."""

    def deliver(self, offset: int, item: Item) -> None:
        """Hand over one message, once."""
        if self.joining is not None:
            self.joining.append((offset, item))
        elif offset > self.after:
            self.after = offset
            self.mailbox.put_item(item)

    def catch_up(self, after: int) -> None:
        """The history up to ``after`` is in the mailbox; go on with the tail."""
        waiting, self.joining = self.joining or [], None
        self.after = after
        for offset, item in waiting:
            self.deliver(offset, item)


@dataclass(eq=False, slots=True)
class Audience:
    """The sockets of a session that want the same languages.

    ``demands`` tells whether what they want is to be translated for them; a speaker takes what there is.
    """

    languages: Languages
    demands: bool = True
    members: set[Subscription] = field(default_factory=set)
    targets: tuple[str, ...] = ()
    matched: frozenset[str] = frozenset()
    """Those of the targets that serve what is wanted."""
    missing: tuple[str, ...] = ()
    """What is wanted and served by no target."""
    _known: dict[str, bool] = field(default_factory=dict)

    def hears(self, language: str) -> bool:
        """Whether these sockets want translations into ``language``."""
        if self.languages is None:
            return True
        known = self._known.get(language)
        if known is None:
            known = self._known[language] = self._matches(language)
        return known

    def _matches(self, language: str) -> bool:
        """Also for a language that is no target any more, or not known as one yet."""
        offered = self.targets if language in self.targets else (*self.targets, language)
        return any(closest(one, offered) == language for one in self.languages or ())

    def retarget(self, targets: tuple[str, ...]) -> str | None:
        """The session is translated into ``targets`` from here on; what to tell about it, if anything."""
        before, self.targets = self.missing, targets
        self._known.clear()
        if self.languages is None:
            self.matched = frozenset(targets)
            return None
        found = {one: closest(one, targets) for one in self.languages}
        self.matched = frozenset(match for match in found.values() if match is not None)
        self.missing = tuple(one for one, match in found.items() if match is None)
        return self.complaint() if set(self.missing) - set(before) else None

    def complaint(self) -> str | None:
        """The ``error`` message about languages that are not offered; None where all of them are."""
        if not self.missing:
            return None
        offered = f"Offered are {', '.join(self.targets)}." if self.targets else "It has no translation now."
        message = ErrorMessage(
            code=NOT_OFFERED,
            message=f"the session is not translated into {', '.join(self.missing)}",
            remedy=f"{offered} Stay connected: a language that is added later follows from then on.",
            permanent=False,
        )
        return msgspec.json.encode(message).decode()


@dataclass(eq=False, slots=True)
class Feed:
    """A session's results as this process reads them."""

    session_id: str
    shard: int
    stream: str
    results_epoch: str
    after: int | None = None
    """Offset of the last entry that was read; None until the first socket knows where to begin."""
    run: str | None = None
    """The run of its shard's Redis that ``after`` counts in."""
    targets: tuple[str, ...] = ()
    audiences: dict[tuple[Languages, bool], Audience] = field(default_factory=dict)
    snapshots: dict[Hashable, Snapshot] = field(default_factory=dict)
    """Made a moment ago, for others who come; ``snapshotting`` lets each be made once."""
    snapshotting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def admit(self, mailbox: Mailbox, languages: Languages, *, demands: bool) -> Subscription:
        """Add a socket."""
        audience = self.audiences.get((languages, demands))
        if audience is None:
            audience = self.audiences[languages, demands] = Audience(languages, demands)
            audience.retarget(self.targets)
        subscription = Subscription(mailbox, audience)
        audience.members.add(subscription)
        return subscription

    def dismiss(self, subscription: Subscription) -> None:
        """Remove a socket; a second time is no error."""
        audience = subscription.audience
        audience.members.discard(subscription)
        if not audience.members:
            self.audiences.pop((audience.languages, audience.demands), None)

    def subscriptions(self) -> Iterator[Subscription]:
        """All sockets."""
        for audience in self.audiences.values():
            yield from audience.members

    def deliver(self, offset: int, item: Item, language: str) -> int:
        """Hand a message to all who want it; how many. ``language`` is empty for what is no translation."""
        count = 0
        for audience in self.audiences.values():
            if language and not audience.hears(language):
                continue
            for subscription in audience.members:
                subscription.deliver(offset, item)
            count += len(audience.members)
        return count

    def retarget(self, targets: Sequence[str]) -> None:
        """The session is translated into ``targets``; who wants something else is told so."""
        if self.targets == tuple(targets):
            return
        self.targets = tuple(targets)
        for audience in self.audiences.values():
            told = audience.retarget(self.targets)
            if told is not None:
                for subscription in audience.members:
                    if subscription.joining is None:  # else it is told after its snapshot
                        subscription.mailbox.put(told)

    def wanted(self) -> frozenset[str]:
        """Those of the targets that somebody here wants to read."""
        return frozenset().union(*(one.matched for one in self.audiences.values() if one.demands))
