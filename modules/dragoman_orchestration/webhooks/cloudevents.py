"""The body of a webhook: CloudEvents 1.0 in structured JSON.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import msgspec

from dragoman_contracts.envelope import JSON_TYPE, SPEC_VERSION, Envelope, EnvelopeInvalid
from dragoman_contracts.events import parse_event
from dragoman_orchestration.webhooks.model import TYPES, WebhookDisabled, WebhookTested

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
MAX_ID = 128
_OWN = {cls.type_name() for cls in (WebhookDisabled, WebhookTested)}
"""Made here and never on a stream."""


def structured(envelope: Envelope) -> bytes:
    """The CloudEvent of an event whose type is one of ``TYPES``.

    Raises:
        EnvelopeInvalid: the payload does not fit its schema, or the id cannot be a header's value.

    """
    if not (envelope.id.isascii() and envelope.id.isprintable() and 0 < len(envelope.id) <= MAX_ID):
        raise EnvelopeInvalid("the event's id cannot be told in a header")
    if " " in envelope.id:
        raise EnvelopeInvalid("the event's id has a space")
    # Written anew, so that nothing travels but what the schema knows.
    own = envelope.type in _OWN
    data = envelope.data if own else msgspec.json.encode(parse_event(envelope))
    event: dict[str, object] = {
        "specversion": SPEC_VERSION,
        "id": envelope.id,
        "source": envelope.source,
        "type": TYPES[envelope.type],
        "datacontenttype": JSON_TYPE,
    }
    optional = {
        "subject": envelope.subject,
        "time": envelope.time,
        "dataschema": envelope.dataschema,
        "traceparent": envelope.traceparent,
    }
    event |= {name: value for name, value in optional.items() if value}
    return msgspec.json.encode(event | {"data": msgspec.Raw(data)})
