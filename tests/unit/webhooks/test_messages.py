from __future__ import annotations

import base64
import json
import time

import msgspec
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from dragoman_contracts.bots import BotCause, BotState
from dragoman_contracts.envelope import EnvelopeInvalid
from dragoman_contracts.events import AudioSessionEnded, BotStateChanged, Event, to_envelope
from dragoman_contracts.websocket import Ledger
from dragoman_orchestration.webhooks.cloudevents import structured
from dragoman_orchestration.webhooks.model import (
    FILTERS,
    TYPES,
    Endpoint,
    WebhookDisabled,
    WebhookTested,
)
from dragoman_orchestration.webhooks.signing import new_secret, signed_headers


def state_changed() -> BotStateChanged:
    return BotStateChanged(
        bot_id="b1",
        session_id="s1",
        seq=3,
        previous=None,
        state=BotState.REQUESTED,
        time_ms=1,
        cause=BotCause(code="requested"),
    )


def test_a_cloudevent_has_what_the_specification_requires_and_data_as_json() -> None:
    envelope = to_envelope(state_changed(), source="/dragoman/bots", subject="b1", traceparent="00-a-b-01")
    event = json.loads(structured(envelope))
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": envelope.id,
        "source": "/dragoman/bots",
        "type": "bot.state_changed",
        "subject": "b1",
        "time": envelope.time,
        "datacontenttype": "application/json",
        "dataschema": "dragoman:BotStateChanged:1",
        "traceparent": "00-a-b-01",
    }
    assert (data["bot_id"], data["seq"], data["state"], data["previous"]) == ("b1", 3, "requested", None)


def test_attributes_that_are_empty_are_left_out() -> None:
    event = json.loads(structured(to_envelope(state_changed(), source="/x", subject="")))
    assert not {"subject", "traceparent"} & event.keys()
    assert all(isinstance(value, str) and value for name, value in event.items() if name != "data")


@pytest.mark.parametrize(
    "event", [WebhookTested(webhook_id="w"), WebhookDisabled(webhook_id="w", reason="gone")]
)
def test_what_webhooks_tell_of_themselves_is_a_cloudevent_too(event: Event) -> None:
    told = json.loads(structured(to_envelope(event, source="/x", subject="w")))
    assert told["type"].startswith("webhook.")
    assert told["data"] == msgspec.to_builtins(event)


@pytest.mark.parametrize("event_id", ["", "a b", "a\r\nx-evil: 1", "é", "x" * 129, "\x00"])
def test_an_id_that_no_header_can_carry_is_refused(event_id: str) -> None:
    envelope = msgspec.structs.replace(to_envelope(state_changed(), source="/x", subject="b1"), id=event_id)
    with pytest.raises(EnvelopeInvalid):
        structured(envelope)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"bot_id": 1}'])
def test_a_payload_that_does_not_fit_is_refused(data: bytes) -> None:
    envelope = msgspec.structs.replace(to_envelope(state_changed(), source="/x", subject="b1"), data=data)
    with pytest.raises(EnvelopeInvalid):
        structured(envelope)


def test_every_type_is_dotted_and_has_a_filter_of_its_own_and_of_its_family() -> None:
    assert len(set(TYPES.values())) == len(TYPES)
    for name in TYPES.values():
        family, dot, rest = name.partition(".")
        assert (family and rest, dot) == (rest, ".")
        assert {name, f"{family}.*", "*"} <= FILTERS


@pytest.mark.parametrize(
    ("filters", "wanted", "unwanted"),
    [
        (("*",), {"bot.degraded", "session.ended"}, set()),
        (("bot.*",), {"bot.degraded", "bot.state_changed"}, {"session.ended", "anomaly.detected"}),
        (("bot.degraded", "session.*"), {"bot.degraded", "session.ended"}, {"bot.recovered"}),
        ((), set(), {"bot.degraded"}),
    ],
)
def test_an_endpoint_wants_what_its_filters_name(
    filters: tuple[str, ...], wanted: set[str], unwanted: set[str]
) -> None:
    endpoint = Endpoint(id="e", owner_key="k", url="https://x.example/", events=filters)
    assert all(endpoint.wants(name) for name in wanted)
    assert not any(endpoint.wants(name) for name in unwanted)


def test_no_secret_and_no_url_is_in_an_endpoints_text() -> None:
    endpoint = Endpoint(
        id="e",
        owner_key="k",
        url="https://x.example/hidden",
        events=(),
        secret="hidden",
        previous_secret="hidden",
    )
    assert "hidden" not in repr(endpoint)


def test_secrets_are_of_the_specified_form_and_never_the_same() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


def test_the_librarys_verifier_takes_each_signature_and_refuses_others() -> None:
    now_ms = time.time_ns() // 1_000_000
    old, new = new_secret(), new_secret()
    headers = signed_headers([new, old], "evt", now_ms, '{"é":1}'.encode())
    for secret in (old, new):
        assert Webhook(secret).verify('{"é":1}'.encode(), headers) == {"é": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify('{"é":1}'.encode(), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(b'{"e":1}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify('{"é":1}'.encode(), headers | {"webhook-id": "other"})
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify('{"é":1}'.encode(), headers | {"webhook-timestamp": str(now_ms // 1000 + 1)})


def test_an_old_signature_is_no_good_so_that_attempts_are_signed_anew() -> None:
    secret = new_secret()
    headers = signed_headers([secret], "evt", time.time_ns() // 1_000_000 - 301_000, b"{}")
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(b"{}", headers)


def test_a_session_that_ended_is_told_with_its_ledger() -> None:
    event = AudioSessionEnded(session_id="s1", reason="client", ledger=Ledger())
    told = json.loads(structured(to_envelope(event, source="/x", subject="s1")))
    assert told["type"] == "session.ended"
    assert told["data"]["ledger"] == msgspec.to_builtins(Ledger())
