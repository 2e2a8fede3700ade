"""The REST API of webhooks as its callers see it, on a real Redis, with a receiver that verifies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook
from tests.conftest import Eventually
from tests.integration.webhooks.receiver import receiving, status

from dragoman_orchestration.api import webhooks
from dragoman_orchestration.api.auth import Authenticator
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.webhooks.model import FILTERS
from dragoman_orchestration.webhooks.run import run_webhooks
from dragoman_orchestration.webhooks.settings import WebhookSettings
from dragoman_orchestration.webhooks.store import WebhookStore
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.http_service import create_http_app
from dragoman_runtime.process import Drain, Health

KEY, OTHER_KEY = "key-of-the-suite", "another-key"
UNKNOWN = "0" * 32


class Api(httpx.AsyncClient):
    """The routes without a server, for the holder of ``key``."""

    def __init__(self, broker: RedisBroker, settings: WebhookSettings, key: str) -> None:
        auth = Authenticator(ApiSettings(keys=f"suite:{KEY},other:{OTHER_KEY}"))  # type: ignore[arg-type]
        self.auth_parts = auth
        self.store = WebhookStore(broker, settings)
        app = create_http_app("api", Health("api"))
        app.state.container = SimpleNamespace(
            authenticator=lambda: auth, webhooks=lambda: self.store, webhook_settings=lambda: settings
        )
        app.include_router(webhooks.router)
        self.app = app
        super().__init__(
            transport=httpx.ASGITransport(app),
            base_url="http://api",
            headers={"authorization": f"Bearer {key}"} if key else {},
        )

    async def make(self, url: str, **body: Any) -> dict[str, Any]:
        answer = await self.post("/v1/webhooks", json={"url": url} | body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


@pytest.fixture
def make_api(broker: RedisBroker) -> Callable[..., Api]:
    def make(key: str = KEY, **settings: Any) -> Api:
        known = {"allowed_networks": "127.0.0.0/8", "allow_http": True} | settings
        return Api(broker, WebhookSettings(**known), key)

    return make


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    return make_api()


@asynccontextmanager
async def delivering(broker: RedisBroker, **settings: Any) -> AsyncIterator[None]:
    drain = Drain()
    known = WebhookSettings(**({"allowed_networks": "127.0.0.0/8", "allow_http": True} | settings))
    task = asyncio.create_task(run_webhooks(broker, known, drain, shards=1))
    try:
        yield
    finally:
        drain.start("the test is over")
        await asyncio.wait_for(task, 10)


async def test_the_secret_is_shown_at_creation_and_never_again(api: Api) -> None:
    answer = await api.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["bot.*"]})
    made = answer.json()
    assert made["secret"].startswith("whsec_")
    assert answer.headers["location"] == f"/v1/webhooks/{made['id']}"
    for path in ("/v1/webhooks", f"/v1/webhooks/{made['id']}"):
        shown = await api.get(path)
        assert made["id"] in shown.text
        assert "whsec_" not in shown.text
    changed = await api.patch(f"/v1/webhooks/{made['id']}", json={"description": "new"})
    assert changed.json()["description"] == "new"
    assert "whsec_" not in changed.text


async def test_a_webhook_is_listed_changed_and_deleted(api: Api) -> None:
    made = await api.make("http://127.0.0.1:9/x", description="our chat")
    assert (made["events"], made["enabled"], made["description"]) == (["*"], True, "our chat")
    path = f"/v1/webhooks/{made['id']}"
    changed = (await api.patch(path, json={"events": ["bot.degraded", "session.*"], "enabled": False})).json()
    assert (changed["events"], changed["enabled"]) == (["bot.degraded", "session.*"], False)
    assert changed["disabled_reason"] == "by_request"
    moved = (await api.patch(path, json={"url": "http://127.0.0.1:9/y"})).json()
    assert (moved["url"], moved["disabled_reason"]) == ("http://127.0.0.1:9/y", "by_request")
    changed = (await api.patch(path, json={"url": made["url"]})).json()
    assert changed["url"] == made["url"]
    assert (await api.get(path)).json() == changed
    assert (await api.patch(path, json={"enabled": True})).json()["disabled_reason"] is None
    assert [one["id"] for one in (await api.get("/v1/webhooks")).json()["webhooks"]] == [made["id"]]
    assert (await api.delete(path)).status_code == 204
    assert (await api.get(path)).status_code == 404
    assert (await api.get("/v1/webhooks")).json() == {"webhooks": []}


async def test_another_key_sees_and_touches_nothing(api: Api, make_api: Callable[..., Api]) -> None:
    made = await api.make("http://127.0.0.1:9/x")
    delivery = (await api.post(f"/v1/webhooks/{made['id']}/test")).json()
    other = make_api(OTHER_KEY)
    path = f"/v1/webhooks/{made['id']}"
    assert (await other.get("/v1/webhooks")).json() == {"webhooks": []}
    one = f"{path}/deliveries/{delivery['id']}"
    for method, target, body in (
        ("GET", path, None),
        ("PATCH", path, {"description": "mine"}),
        ("DELETE", path, None),
        ("POST", f"{path}/rotate", None),
        ("POST", f"{path}/test", None),
        ("GET", f"{path}/deliveries", None),
        ("GET", one, None),
        ("POST", f"{one}/redeliver", None),
    ):
        answer = await other.request(method, target, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), target
    assert (await api.get(path)).json()["description"] == ""


async def test_without_a_key_or_with_a_viewers_token_nothing_is_reached(
    api: Api, make_api: Callable[..., Api]
) -> None:
    assert (await make_api("").get("/v1/webhooks")).status_code == 401
    token = api.auth_parts.issue_viewer_token("s1").token
    answer = await api.get("/v1/webhooks", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example.com/",
        "https://",
        "nonsense",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com/\n",
        "file:///etc/passwd",
        "https://[::1/",
    ],
)
async def test_a_url_that_is_none_for_webhooks_is_refused_and_not_repeated(api: Api, url: str) -> None:
    answer = await api.post("/v1/webhooks", json={"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")
    assert "password" not in answer.json()["detail"] or "a password" in answer.json()["detail"]
    assert "hooks.example.com" not in answer.text


async def test_plain_http_is_refused_unless_a_setting_allows_it(make_api: Callable[..., Api]) -> None:
    answer = await make_api(allow_http=False).post("/v1/webhooks", json={"url": "http://127.0.0.1:9/x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")
    assert "https" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "127.1"])
async def test_an_address_that_is_not_public_is_refused_with_the_setting_that_allows_it(
    make_api: Callable[..., Api], host: str
) -> None:
    api = make_api(allowed_networks="192.168.7.0/24")
    made = await api.make("http://192.168.7.7/x")
    for answer in (
        await api.post("/v1/webhooks", json={"url": f"http://{host}/x"}),
        await api.patch(f"/v1/webhooks/{made['id']}", json={"url": f"http://{host}/x"}),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "address_forbidden")
        assert "DRAGOMAN_WEBHOOKS_ALLOWED_NETWORKS" in problem["remedy"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": "http://127.0.0.1/" + "x" * 2048},
        {"url": 5},
        {"url": "http://127.0.0.1/", "events": []},
        {"url": "http://127.0.0.1/", "events": ["bot.exploded"]},
        {"url": "http://127.0.0.1/", "events": "bot.*"},
        {"url": "http://127.0.0.1/", "description": "x" * 201},
        {"url": "http://127.0.0.1/", "secret": "whsec_mine"},
    ],
)
async def test_a_body_of_another_shape_is_refused(api: Api, body: dict[str, Any]) -> None:
    answer = await api.post("/v1/webhooks", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_an_unknown_event_is_refused_with_those_that_exist(api: Api) -> None:
    answer = await api.post("/v1/webhooks", json={"url": "http://127.0.0.1/", "events": ["bot.exploded"]})
    assert all(name in answer.json()["detail"] for name in FILTERS)


async def test_more_webhooks_than_a_key_may_have_are_refused(make_api: Callable[..., Api]) -> None:
    api = make_api(max_endpoints_per_key=1)
    await api.make("http://127.0.0.1:9/x")
    answer = await api.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/x"})
    assert (answer.status_code, answer.json()["code"]) == (429, "webhook_limit")


@pytest.mark.parametrize("name", ["nonsense", "../x", UNKNOWN, "F" * 32])
async def test_an_id_that_names_nothing_is_not_found(api: Api, name: str) -> None:
    made = await api.make("http://127.0.0.1:9/x")
    assert (await api.get(f"/v1/webhooks/{name}")).status_code == 404
    answer = await api.get(f"/v1/webhooks/{made['id']}/deliveries/{name}")
    assert answer.status_code == 404


async def test_a_test_event_arrives_whatever_the_filters_and_is_in_the_log(
    api: Api, broker: RedisBroker, eventually: Eventually
) -> None:
    async with receiving() as receiver, delivering(broker):
        made = await api.make(receiver.url, events=["session.ended"])
        answer = await api.post(f"/v1/webhooks/{made['id']}/test")
        assert answer.status_code == 202
        assert answer.json()["state"] in {"pending", "sending"}
        told = await eventually(lambda: _in_state(api, answer.headers["location"], "delivered"))
    event = receiver.requests[0].verify(made["secret"])
    assert (event["type"], event["data"]) == ("webhook.test", {"webhook_id": made["id"]})
    assert told["event"] == event
    assert told["event_id"] == event["id"] == receiver.requests[0].headers["webhook-id"]
    assert [(one["status"], one["error"]) for one in told["attempts"]] == [(200, None)]


async def test_a_disabled_webhook_takes_no_test(api: Api) -> None:
    made = await api.make("http://127.0.0.1:9/x")
    await api.patch(f"/v1/webhooks/{made['id']}", json={"enabled": False})
    answer = await api.post(f"/v1/webhooks/{made['id']}/test")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_a_failed_delivery_tells_why_and_can_be_sent_again(
    api: Api, broker: RedisBroker, eventually: Eventually
) -> None:
    async with (
        receiving(status(302, "location: http://10.0.0.1/")) as receiver,
        delivering(broker, retry_after_s=""),
    ):
        made = await api.make(receiver.url)
        path = (await api.post(f"/v1/webhooks/{made['id']}/test")).headers["location"]
        failed = await eventually(lambda: _in_state(api, path, "failed"))
        assert failed["reason"] == "attempts_exhausted"
        assert [(one["status"], one["error"]) for one in failed["attempts"]] == [(302, "redirect")]
        assert (await api.get(f"/v1/webhooks/{made['id']}")).json()["failing_since"] is not None
        receiver.answer = status(204, body=b"")
        again = await api.post(f"{path}/redeliver")
        assert again.status_code == 202
        assert again.json()["event_id"] == failed["event_id"]
        await eventually(lambda: _in_state(api, path, "delivered"))
        shown = (await api.get(f"/v1/webhooks/{made['id']}")).json()
    assert shown["failing_since"] is None
    assert shown["last_success_at"] is not None
    assert len(set(receiver.ids())) == 1


async def test_what_is_under_way_is_not_sent_again(api: Api) -> None:
    made = await api.make("http://127.0.0.1:9/x")
    path = (await api.post(f"/v1/webhooks/{made['id']}/test")).headers["location"]
    answer = await api.post(f"{path}/redeliver")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_both_secrets_verify_after_a_rotation(
    api: Api, broker: RedisBroker, eventually: Eventually
) -> None:
    async with receiving() as receiver, delivering(broker):
        made = await api.make(receiver.url)
        rotated = (await api.post(f"/v1/webhooks/{made['id']}/rotate")).json()
        assert rotated["secret"] != made["secret"]
        assert rotated["previous_secret_until"] is not None
        await api.post(f"/v1/webhooks/{made['id']}/test")
        await eventually(lambda: receiver.requests)
    (request,) = receiver.requests
    for secret in (made["secret"], rotated["secret"]):
        assert Webhook(secret).verify(request.body, request.headers)["type"] == "webhook.test"


async def test_the_log_is_paged_and_filtered_by_state(api: Api) -> None:
    made = await api.make("http://127.0.0.1:9/x")
    sent = [(await api.post(f"/v1/webhooks/{made['id']}/test")).json()["id"] for _ in range(5)]
    path, seen, cursor = f"/v1/webhooks/{made['id']}/deliveries", list[str](), None
    for _ in range(3):
        page = (await api.get(path, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [one["id"] for one in page["deliveries"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert sorted(seen) == sorted(sent)
    assert all("event" not in one for one in page["deliveries"])
    assert (await api.get(path, params={"state": "failed"})).json()["deliveries"] == []
    assert (await api.get(path, params={"state": "lost"})).status_code == 422


@pytest.mark.parametrize("cursor", ["x", "5", "-1.a", "9" * 40 + ".a"])
async def test_a_cursor_that_is_none_is_refused(api: Api, cursor: str) -> None:
    made = await api.make("http://127.0.0.1:9/x")
    answer = await api.get(f"/v1/webhooks/{made['id']}/deliveries", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_secrets_and_urls_are_in_no_log_line(
    api: Api, broker: RedisBroker, eventually: Eventually, log_lines: list[str]
) -> None:
    async with receiving(status(410)) as receiver, delivering(broker):
        made = await api.make(receiver.url)
        rotated = (await api.post(f"/v1/webhooks/{made['id']}/rotate")).json()
        await api.post(f"/v1/webhooks/{made['id']}/test")
        await eventually(lambda: any("is disabled" in line for line in log_lines))
        await api.delete(f"/v1/webhooks/{made['id']}")
    text = "".join(log_lines)
    for secret in (made["secret"], rotated["secret"], "of-the-receiver", "/hooks"):
        assert secret not in text


async def test_every_route_has_a_summary_problems_and_examples(api: Api) -> None:
    document = api.app.openapi()
    paths = {path: item for path, item in document["paths"].items() if path.startswith("/v1/webhooks")}
    assert len(paths) == 7
    for item in paths.values():
        for operation in item.values():
            assert operation["summary"]
            assert {"401", "403", "503"} <= operation["responses"].keys()
    for name in ("Webhook", "WebhookWithSecret", "Delivery", "DeliveryAttempt", "CreateWebhook"):
        properties = document["components"]["schemas"][name]["properties"]
        lacking = [key for key, value in properties.items() if not {"examples", "items"} & value.keys()]
        assert lacking == [], name


async def _in_state(api: Api, path: str, state: str) -> dict[str, Any] | None:
    told = (await api.get(path)).json()
    return dict(told) if told["state"] == state else None
