"""Whatever is sent to the window endpoint, the answer is a result or a problem of the 4xx kind."""

from __future__ import annotations

import asyncio
import json

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman_contracts.whisper_api import (
    WINDOW_HEADER,
    WINDOW_MEDIA_TYPE,
    WINDOW_PATH,
    WindowOptions,
    decode_result,
)
from dragoman_whisper.app import create_app
from dragoman_whisper.settings import WhisperSettings

options_json = st.dictionaries(
    st.sampled_from([*WindowOptions.__struct_fields__, "beam"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=30)
    | st.sampled_from(["en", "xx", "translate"]),
    max_size=5,
).map(lambda value: json.dumps(value).encode())
header = options_json | st.binary(max_size=60) | st.just(b"{}")
media_type = (
    st.just(WINDOW_MEDIA_TYPE.encode())
    | st.binary(max_size=40)
    | st.sampled_from([b"audio/L16; RATE=16000", b"audio/l16;rate=16000;rate=8000", b"audio/l16;;;=;", b";"])
)
sent = st.tuples(header, media_type, st.binary(max_size=4_000))


@given(st.lists(sent, min_size=5, max_size=30))
@settings(max_examples=40, deadline=None)
def test_no_request_is_the_service_s_mistake(requests: list[tuple[bytes, bytes, bytes]]) -> None:
    asyncio.run(send_all(requests))


async def send_all(requests: list[tuple[bytes, bytes, bytes]]) -> None:
    app = create_app(WhisperSettings(profile="mock"))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://w") as http,
    ):
        await app.state.service.wait_loaded()
        for options, kind, body in requests:
            headers = [(b"content-type", kind), (WINDOW_HEADER.encode(), options)]
            answer = await http.post(WINDOW_PATH, content=body, headers=headers)
            if answer.status_code == 200:
                decode_result(answer.content)
            else:
                assert 400 <= answer.status_code < 500, answer.text
                assert answer.json()["remedy"]
