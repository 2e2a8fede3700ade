"""How ``dragoman top`` asks, and what it says when it gets no answer."""

from __future__ import annotations

import asyncio
import io
import json
import os

import httpx
import msgspec
import pytest
import respx
from rich.console import Console

from dragoman_contracts.monitoring import Overview, RedisView
from dragoman_orchestration.cli import top
from dragoman_orchestration.cli.top import PATH, TopOptions, run_top, show_top

SERVER = "http://dragoman.test"
SEEN = Overview(
    time_ms=1, monitor="host-1-abcdef", status="ok", redis=RedisView(state="ok", version="7.0.15")
)


def options(**changes) -> TopOptions:
    return TopOptions(**({"server": SERVER, "key": "k", "interval_s": 0.01} | changes))


def answers(mock: respx.MockRouter, *given: httpx.Response | Exception) -> respx.Route:
    return mock.get(f"{SERVER}{PATH}").mock(side_effect=[*given])


def told(overview: Overview = SEEN) -> httpx.Response:
    return httpx.Response(200, content=msgspec.json.encode(overview))


@pytest.fixture
def paper() -> Console:
    return Console(file=io.StringIO(), width=100, height=30, highlight=False)


async def test_one_frame_is_printed_with_the_key_sent(respx_mock, paper):
    route = answers(respx_mock, told())
    assert await show_top(options(once=True), paper) == 0
    assert "redis 7.0.15" in paper.file.getvalue()
    assert route.calls.last.request.headers["authorization"] == "Bearer k"


async def test_json_is_the_answer_itself(respx_mock, paper, capsys):
    answers(respx_mock, told())
    assert await show_top(options(json=True), paper) == 0
    assert json.loads(capsys.readouterr().out) == msgspec.to_builtins(SEEN)


async def test_a_frame_is_written_as_svg(respx_mock, paper, tmp_path):
    answers(respx_mock, told())
    file = tmp_path / "top.svg"
    assert await show_top(options(svg=str(file)), paper) == 0
    text = file.read_text(encoding="utf-8").replace("&#160;", " ")
    assert text.startswith("<svg")
    assert "7.0.15" in text


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (httpx.ConnectError("no"), "http://dragoman.test does not answer (ConnectError). Start it with"),
        (httpx.ReadTimeout("no"), "does not answer (ReadTimeout)"),
        (httpx.Response(401), "does not know this key. Give an API key with --key or DRAGOMAN_CLIENT_KEY."),
        (httpx.Response(403), "does not know this key"),
        (
            httpx.Response(503, json={"detail": "no monitor has looked", "remedy": "Run one."}),
            "http://dragoman.test: no monitor has looked. Run one.",
        ),
        (httpx.Response(502, text="<html>"), "answers with status 502. Check that it is Dragoman's API."),
        (httpx.Response(200, text="<html>"), "answers something that is no overview"),
        (httpx.Response(200, json={"status": "ok"}), "answers something that is no overview"),
    ],
)
async def test_what_goes_wrong_is_one_line(answer, line, respx_mock, paper, capsys):
    answers(respx_mock, answer)
    assert await show_top(options(once=True), paper) == 1
    errors = capsys.readouterr().err
    assert line in errors
    assert errors.count("\n") == 1


async def test_a_server_that_is_no_address_is_told(paper, capsys):
    assert await show_top(options(server="nonsense", once=True), paper) == 1
    assert "nonsense" in capsys.readouterr().err


async def test_it_goes_on_when_the_server_returns(respx_mock, eventually):
    screen = Console(file=io.StringIO(), width=100, height=30, force_terminal=True, highlight=False)
    later = msgspec.structs.replace(SEEN, config_version=42)
    gone = httpx.ConnectError("no")
    route = respx_mock.get(f"{SERVER}{PATH}")
    route.mock(side_effect=[told(), gone, gone, *[told(later) for _ in range(10_000)]])
    task = asyncio.create_task(show_top(options(), screen))
    await eventually(lambda: "config 42" in screen.file.getvalue())
    text = screen.file.getvalue()
    assert text.index("7.0.15") < text.index("does not answer") < text.index("config 42")
    # While nobody answered, what was seen last stayed on the screen.
    trouble = text[text.index("does not answer") - 600 : text.index("does not answer")]
    assert "7.0.15" in trouble
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_q_ends_it_and_the_terminal_is_as_before(respx_mock, monkeypatch, eventually):
    respx_mock.get(f"{SERVER}{PATH}").mock(return_value=told())
    keyboard, terminal = os.openpty()
    before = top.termios.tcgetattr(terminal)
    screen = Console(file=io.StringIO(), width=100, height=30, force_terminal=True)
    with open(terminal, encoding="utf-8", closefd=False) as stdin:
        monkeypatch.setattr(top.sys, "stdin", stdin)
        task = asyncio.create_task(show_top(options(), screen))
        await eventually(lambda: "7.0.15" in screen.file.getvalue())
        assert top.termios.tcgetattr(terminal) != before
        os.write(keyboard, b"x")
        os.write(keyboard, b"q")
        assert await asyncio.wait_for(task, 20) == 0
    assert top.termios.tcgetattr(terminal) == before
    os.close(keyboard)
    os.close(terminal)


async def test_without_a_terminal_it_says_what_to_use(paper):
    assert await show_top(options(), paper) == 2
    assert "--once" in paper.file.getvalue()


def test_server_and_key_come_from_the_environment(respx_mock, monkeypatch, capsys):
    monkeypatch.setenv("DRAGOMAN_CLIENT_SERVER", f"{SERVER}/")
    monkeypatch.setenv("DRAGOMAN_CLIENT_KEY", "of-the-environment")
    route = answers(respx_mock, told())
    assert run_top(once=True) == 0
    assert route.calls.last.request.headers["authorization"] == "Bearer of-the-environment"
    assert "redis 7.0.15" in capsys.readouterr().out
