"""What the messages of one fenced step mean for each other and for those before: drafts and what replaces
them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.websocket import (
    ErrorMessage,
    ServerMessage,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFailedMessage,
    TranslationFinal,
    TranslationPartial,
)
from dragoman_runtime.session_lease import ResultEvent

TRANSCRIPT = ""
"""The place of the transcript's drafts; those of translations have their target language."""


def place_of(message: ServerMessage) -> str | None:
    """Whose draft a message replaces: the transcript's, a language's, or none."""
    if isinstance(message, TranscriptPartial | TranscriptFinal):
        return TRANSCRIPT
    if isinstance(message, TranslationPartial | TranslationFinal):
        return message.target_language
    if isinstance(message, TranslationFailedMessage) and message.permanent:
        return message.target_language
    return None


def is_draft(message: ServerMessage) -> bool:
    """Whether a later message of the same place makes this one worthless."""
    return isinstance(message, TranscriptPartial | TranslationPartial)


def is_kept(message: ServerMessage) -> bool:
    """Whether the outbox records it, for something follows from it."""
    return isinstance(message, TranscriptFinal | TranslationFinal)


def collapse(messages: Sequence[ServerMessage]) -> list[ServerMessage]:
    """Leave out drafts that a later message of the same step replaces."""
    last = {
        place: index for index, message in enumerate(messages) if (place := place_of(message)) is not None
    }
    return [
        message
        for index, message in enumerate(messages)
        if not is_draft(message) or last[place_of(message) or TRANSCRIPT] == index
    ]


def replaced(drafts: Mapping[str, int], messages: Sequence[ServerMessage]) -> list[str]:
    """The places whose draft, published before, these messages replace."""
    return [place for place in drafts if any(place_of(message) == place for message in messages)]


def drafts_after(
    drafts: Mapping[str, int], messages: Sequence[ServerMessage], first_offset: int
) -> dict[str, int]:
    """Offset of the draft that stands in each place, once ``messages`` are published from that offset on."""
    standing = dict(drafts)
    for offset, message in enumerate(messages, start=first_offset):
        place = place_of(message)
        if place is None:
            continue
        standing.pop(place, None)
        if is_draft(message):
            standing[place] = offset
    return standing


def result_event(message: ServerMessage, traceparent: str = "") -> ResultEvent:
    """The message as the results stream holds it."""
    tag = str(type(message).__struct_config__.tag)
    data = msgspec.json.encode(message)
    return ResultEvent(tag, data, to_outbox=is_kept(message), traceparent=traceparent)


def error_message(error: DragomanError) -> ErrorMessage:
    """An error as viewers are told."""
    return ErrorMessage(
        code=error.code, message=error.message, remedy=error.remedy, permanent=error.permanent
    )
