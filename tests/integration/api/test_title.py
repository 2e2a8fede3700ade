"""What a session is called, and what its viewers are told of it."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

TITLE = "Quarterly figures, confidential"


async def test_a_title_is_given_changed_and_told(api, worker, log_lines):
    session_id = await api.create(title=TITLE)
    path = f"/v1/sessions/{session_id}"
    assert (await api.http.get(path)).json()["title"] == TITLE
    changed = await api.http.patch(path, json={"title": "Cifras"})
    assert (changed.status_code, changed.json()["title"]) == (200, "Cifras")
    assert changed.json() == (await api.http.get(path)).json()
    [listed] = (await api.http.get("/v1/sessions")).json()["sessions"]
    assert listed["title"] == "Cifras"

    await worker(session_id).finish()
    ended = (await api.http.patch(path, json={"title": TITLE})).json()
    assert (ended["title"], ended["status"]) == (TITLE, "ended")
    assert not [line for line in log_lines if TITLE in line or "Cifras" in line]


async def test_a_session_without_a_title_and_one_of_before_there_were_titles(api, redis_client):
    session_id = await api.create()
    assert (await api.http.get(f"/v1/sessions/{session_id}")).json()["title"] == ""
    await redis_client.hdel(f"{{0}}:{session_id}:record", "title", "recording")
    told = (await api.http.get(f"/v1/sessions/{session_id}")).json()
    assert told["title"] == ""


async def test_renaming_keeps_the_time_at_which_a_session_is_forgotten(api, redis_client):
    session_id = await api.create()
    await api.http.patch(f"/v1/sessions/{session_id}", json={"title": "x"})
    assert 0 < await redis_client.ttl(f"{{0}}:{session_id}:record") <= 3600


@pytest.mark.parametrize(
    "body", [{}, {"title": None}, {"title": "a\nb"}, {"title": "x" * 201}, {"name": "x"}]
)
async def test_what_is_no_title_changes_nothing(api, body):
    session_id = await api.create(title=TITLE)
    answer = await api.http.patch(f"/v1/sessions/{session_id}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert "a\\nb" not in answer.text
    assert (await api.http.get(f"/v1/sessions/{session_id}")).json()["title"] == TITLE


async def test_a_session_that_is_not_there_is_not_made_by_renaming_it(api, redis_client):
    answer = await api.http.patch(f"/v1/sessions/{'0' * 32}", json={"title": "x"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert [key async for key in redis_client.scan_iter("*:record")] == []


async def test_a_viewer_is_told_what_a_viewer_needs_and_no_more(api):
    session_id = await api.create(
        title=TITLE,
        language="en",
        prompt="about the merger",
        hotwords="Acme",
        translation={"targets": ["es"], "glossary": [{"source": "board", "translations": {"es": "junta"}}]},
    )
    path = f"/v1/sessions/{session_id}"
    token = (await api.http.post(f"{path}/viewer-tokens")).json()["token"]
    viewer = {"authorization": f"Bearer {token}"}
    told = (await api.http.get(path, headers=viewer)).json()
    assert set(told) == {
        "id",
        "title",
        "status",
        "language",
        "translation",
        "created_at",
        "ended_at",
        "events_url",
    }
    assert (told["title"], told["status"], told["language"]) == (TITLE, "created", "en")
    assert told["translation"] == {"targets": ["es"]}
    assert (await api.http.patch(path, headers=viewer, json={"title": "mine"})).status_code == 403
    other = await api.create()
    assert (await api.http.get(f"/v1/sessions/{other}", headers=viewer)).status_code == 403


async def test_a_viewers_token_lives_as_long_as_was_asked_for(start_api):
    async with start_api(viewer_token_ttl_s=7200) as api:
        path = f"/v1/sessions/{await api.create()}/viewer-tokens"
        for body, seconds in ((None, 7200), ({}, 7200), ({"ttl_s": 60}, 60), ({"ttl_s": 7200}, 7200)):
            answer = await api.http.post(path, json=body)
            assert answer.status_code == 201, answer.text
            ends = datetime.fromisoformat(answer.json()["expires_at"]).timestamp()
            assert ends == pytest.approx(time.time() + seconds, abs=30)
        for wrong in (59, 0, -1, 7201, "x"):
            answer = await api.http.post(path, json={"ttl_s": wrong})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), wrong
