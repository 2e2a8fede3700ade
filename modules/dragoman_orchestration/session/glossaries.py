"""Named sets of terms in Redis: one hash, name → terms as JSON. Sessions name them, and get a copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from dragoman_contracts.errors import Conflict, InvalidInput, NotFound
from dragoman_contracts.streams import GLOSSARIES
from dragoman_contracts.websocket import GlossaryTerm, TranslationOptions
from dragoman_orchestration.session.glossary import MAX_SETS, check_name, clean_terms, resolved
from dragoman_runtime.broker.wire import Wire, raise_first

MAX_STORED = 1000
"""Sets that the server keeps."""
MAX_NAMED = 20
"""Names that an error lists."""

_decoder = msgspec.json.Decoder(list[GlossaryTerm])


class Glossaries:
    """The named sets. Every method raises ``BusUnavailable`` while Redis is away."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(name.decode() for name in await self._ask("HKEYS", GLOSSARIES))

    async def get(self, name: str) -> list[GlossaryTerm]:
        """The terms of a set.

        Raises:
            NotFound: there is no such set.

        """
        return (await self._named([name]))[name]

    async def put(self, name: str, terms: Sequence[GlossaryTerm]) -> list[GlossaryTerm]:
        """Make or replace a set; its terms as they are kept.

        Raises:
            InvalidInput: a term is not possible, or two clash.
            Conflict: there are as many sets as there may be.

        """
        kept = clean_terms(terms, f"the set {check_name(name)}")
        known, count = await self._ask_all(("HEXISTS", GLOSSARIES, name), ("HLEN", GLOSSARIES))
        if not known and count >= MAX_STORED:
            raise Conflict(
                f"there are {count} glossaries, as many as there may be",
                remedy="Delete one that is not needed.",
            )
        await self._ask("HSET", GLOSSARIES, name, msgspec.json.encode(kept))
        return kept

    async def delete(self, name: str) -> None:
        """Forget a set; sessions that named it keep their copy.

        Raises:
            NotFound: there is no such set.

        """
        if not await self._ask("HDEL", GLOSSARIES, check_name(name)):
            raise NotFound(f"there is no glossary {name}", remedy="GET /v1/glossaries lists them.")

    async def resolve(self, options: TranslationOptions) -> TranslationOptions:
        """What a session is given that asks for ``options``.

        Raises:
            InvalidInput: a language, a term or a set is not possible, or terms clash.

        """
        names = list(dict.fromkeys(options.glossaries))
        if len(names) > MAX_SETS:
            raise InvalidInput(
                f"{len(names)} glossaries are named: a session has at most {MAX_SETS}",
                remedy="Put some of them together.",
            )
        try:
            sets = await self._named(names)
        except NotFound as error:
            raise InvalidInput(error.message, remedy=error.remedy) from error
        return resolved(options, sets)

    async def _named(self, names: Sequence[str]) -> dict[str, list[GlossaryTerm]]:
        if not names:
            return {}
        values = await self._ask("HMGET", GLOSSARIES, *(check_name(name) for name in names))
        unknown = [name for name, value in zip(names, values, strict=True) if value is None]
        if unknown:
            known = await self.names()
            more = f" and {len(known) - MAX_NAMED} more" if len(known) > MAX_NAMED else ""
            raise NotFound(
                f"there is no glossary {', '.join(unknown)}",
                remedy=f"There are {', '.join(known[:MAX_NAMED])}{more}."
                if known
                else "There is none yet: make it with PUT /v1/glossaries/{name}.",
            )
        return {name: _decoder.decode(value) for name, value in zip(names, values, strict=True)}

    async def _ask(self, *command: Any) -> Any:
        return (await self._ask_all(command))[0]

    async def _ask_all(self, *commands: tuple[Any, ...]) -> list[Any]:
        replies = await self._wire.exchange(commands)
        raise_first(replies)
        return replies
