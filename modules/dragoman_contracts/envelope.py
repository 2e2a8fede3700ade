"""The shared envelope: CloudEvents 1.0 in binary mode on a stream entry.

One stream field for each attribute, ``data`` as raw bytes, never base64.
Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from dragoman_contracts.errors import InvalidInput

SPEC_VERSION = "1.0"
JSON_TYPE = "application/json"

_REQUIRED = ("ce_id", "ce_type", "ce_source", "ce_specversion")


class EnvelopeInvalid(InvalidInput):
    """A stream entry that is no envelope; it is dead-lettered with this reason."""

    code = "envelope_invalid"
    default_remedy = "Publish with dragoman_contracts.envelope.Envelope.to_fields()."


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One event on a stream.

    ``subject`` is the session or bot id, ``dataschema`` the versioned name of the payload's schema,
    ``traceparent`` a W3C trace context (https://www.w3.org/TR/trace-context/), ``time`` RFC 3339 in UTC.
    """

    type: str
    source: str
    data: bytes = b""
    id: str = msgspec.field(default_factory=lambda: uuid.uuid4().hex)
    subject: str = ""
    time: str = msgspec.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    dataschema: str = ""
    traceparent: str = ""
    content_type: str = JSON_TYPE

    def to_fields(self) -> dict[bytes, bytes]:
        """The stream fields of this envelope; empty optional attributes are left out."""
        fields = {
            b"ce_id": self.id.encode(),
            b"ce_type": self.type.encode(),
            b"ce_source": self.source.encode(),
            b"ce_specversion": SPEC_VERSION.encode(),
            b"ce_time": self.time.encode(),
            b"content-type": self.content_type.encode(),
            b"data": self.data,
        }
        for name, value in (
            (b"ce_subject", self.subject),
            (b"ce_dataschema", self.dataschema),
            (b"ce_traceparent", self.traceparent),
        ):
            if value:
                fields[name] = value.encode()
        return fields

    @classmethod
    def from_fields(cls, fields: Mapping[bytes, bytes]) -> Envelope:
        """Read an envelope back; unknown attributes are ignored.

        Raises:
            EnvelopeInvalid: a required attribute is missing, not UTF-8, or of another spec version.

        """
        try:
            text = {name.decode(): value.decode() for name, value in fields.items() if name != b"data"}
        except UnicodeDecodeError as error:
            raise EnvelopeInvalid("an attribute is not UTF-8") from error
        missing = [name for name in _REQUIRED if not text.get(name)]
        if missing:
            raise EnvelopeInvalid(f"the entry lacks {', '.join(missing)}")
        if text["ce_specversion"] != SPEC_VERSION:
            raise EnvelopeInvalid(f"ce_specversion is {text['ce_specversion']!r}, expected {SPEC_VERSION!r}")
        return cls(
            type=text["ce_type"],
            source=text["ce_source"],
            data=fields.get(b"data", b""),
            id=text["ce_id"],
            subject=text.get("ce_subject", ""),
            time=text.get("ce_time", ""),
            dataschema=text.get("ce_dataschema", ""),
            traceparent=text.get("ce_traceparent", ""),
            content_type=text.get("content-type", JSON_TYPE),
        )
