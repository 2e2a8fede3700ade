"""What ``dragoman top`` shows, on terminals of any size."""

from __future__ import annotations

import io
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from dragoman_contracts.monitoring import (
    Anomaly,
    BotView,
    GroupView,
    Overview,
    ProcessView,
    RedisView,
    ServiceView,
    SessionView,
    StreamView,
)
from dragoman_orchestration.cli.top_tables import duration, size
from dragoman_orchestration.cli.top_view import Frame, frame_view, share_rows


def overview(*, sessions: int = 3, anomalies: int = 1) -> Overview:
    now_ms = time.time_ns() // 1_000_000
    return Overview(
        time_ms=now_ms,
        monitor="host-1-abcdef",
        status="degraded",
        redis=RedisView(
            state="ok", version="7.0.15", role="master", used_memory_bytes=5_000_000, clients=9, answer_ms=0.4
        ),
        services=[
            ServiceView(
                name="whisper", url="http://127.0.0.1:8001", state="ok", version="0.1.0", answer_ms=2.5
            ),
            ServiceView(name="translation", url="http://127.0.0.1:8002", state="no answer (ConnectError)"),
        ],
        processes=[
            ProcessView(
                name="host-2-aaaaaa",
                kind="audio",
                profile="cpu",
                version="0.1.0",
                state="ok",
                age_ms=400,
                uptime_s=7_400,
                measures={"sessions": 3, "room": 5, "lag_ms": 250},
                breakers={"the translation service": "opened"},
            ),
            ProcessView(
                name="host-3-bbbbbb",
                kind="api",
                profile="",
                version="0.1.0",
                state="gone without a word",
                age_ms=9_000,
                uptime_s=0,
            ),
        ],
        streams=[
            StreamView(
                name="stream:audio-results",
                length=12,
                dead_letters=2,
                groups=[
                    GroupView(group="archive", consumers=1, pending=3, lag=None, oldest_idle_ms=65_000),
                    GroupView(group="monitoring", consumers=2, pending=0, lag=7),
                ],
            ),
            StreamView(name="stream:monitoring", length=4),
        ],
        sessions=[
            SessionView(
                id=f"{number:032x}",
                status="live",
                profile="cpu",
                owner_key="app",
                age_s=100,
                received_s=95,
                backlog_s=30.0 - number,
                real_time_factor=0.5 if number == 0 else 1.0,
                worker="host-2-aaaaaa",
                generation=1,
            )
            for number in range(sessions)
        ],
        sessions_total=sessions,
        bots=[
            BotView(
                id="b" * 32, session_id="s", driver="browser", state="active", age_s=5, degraded="no_audio"
            )
        ],
        bots_by_state={"active": 1, "completed": 4},
        fleets={"cpu": {"workers": 1, "sessions": 3, "room": 5, "level": 1, "lag_ms": 250}},
        anomalies=[
            Anomaly(
                rule="service_away",
                subject="translation",
                severity="critical",
                measure="service_away",
                value=1,
                since_ms=now_ms - 75_000,
                message=f"translation: no answer (ConnectError) {number}",
            )
            for number in range(anomalies)
        ],
        config_version=7,
    )


def rendered(frame: Frame, width: int, height: int) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=False, highlight=False)
    console.print(frame_view(frame, width=width, height=height))
    return out.getvalue().rstrip("\n").split("\n")


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("height", [12, 24, 60])
def test_a_frame_fits_the_terminal(width, height):
    lines = rendered(Frame(overview=overview(sessions=200, anomalies=20)), width, height)
    assert max(map(len, lines)) <= width
    assert len(lines) <= height


@given(
    width=st.integers(20, 250),
    height=st.integers(1, 100),
    sessions=st.integers(0, 60),
    anomalies=st.integers(0, 40),
    trouble=st.booleans(),
)
def test_no_size_makes_a_frame_larger_than_its_terminal(width, height, sessions, anomalies, trouble):
    told = Text("http://127.0.0.1:8080 does not answer") if trouble else None
    lines = rendered(Frame(overview(sessions=sessions, anomalies=anomalies), told), width, height)
    # The head is five lines; below that something must be cut by the terminal itself.
    assert len(lines) <= max(height, 5)
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [60, 80, 140])
def test_what_is_wrong_is_seen_at_every_width(width):
    text = "\n".join(rendered(Frame(overview=overview()), width, 60))
    for told in ("degraded", "service_away", "no answer (Conn", "gone", "no_audio", "1m15", "0.50"):
        assert told in text, told


def test_a_wide_terminal_tells_more():
    text = "\n".join(rendered(Frame(overview=overview()), 140, 60))
    for told in (
        "0" * 32,
        "host-2-aaaaaa",
        "the translation service",
        "http://127.0.0.1:8001",
        "redis 7.0.15 master",
        "4.8 MiB",
        "cpu workers 1",
        "lag 0.2 s",
        "degraded to level 1",
        "config 7",
        "1 active, 4 completed",
        "archive",
        "1m05",
        "3 of 3",
    ):
        assert told in text, told
    assert "?" in text  # a lag that Redis cannot tell


def test_gone_processes_come_first_and_hidden_rows_are_counted():
    lines = rendered(Frame(overview=overview(sessions=500)), 140, 40)
    text = "\n".join(lines)
    assert text.index("host-3-bbbbbb") < text.index("host-2-aaaaaa")
    assert "more" in lines[-1]


def test_an_away_redis_is_told_instead_of_its_figures():
    seen = overview()
    away = msgspec.structs.replace(
        seen, redis=RedisView(state="Redis does not answer (ConnectionError)."), unseen={"streams": "x"}
    )
    text = "\n".join(rendered(Frame(overview=away), 100, 40))
    assert "redis Redis does not answer (ConnectionError)." in text
    assert "not seen" not in text  # all of it follows from the one


def test_parts_that_could_not_be_seen_are_told():
    seen = msgspec.structs.replace(overview(), unseen={"bots": "no answer within 2 s"})
    assert "not seen: bots: no answer within 2 s" in "\n".join(rendered(Frame(overview=seen), 100, 40))


def test_an_old_overview_says_so_beside_the_trouble():
    seen = msgspec.structs.replace(overview(), time_ms=time.time_ns() // 1_000_000 - 60_000)
    lines = rendered(Frame(overview=seen, trouble=Text("http://host does not answer")), 100, 40)
    assert "1m00 ago" in lines[0]
    assert "http://host does not answer" in "\n".join(lines)


def test_no_overview_yet_shows_the_trouble_alone():
    assert rendered(Frame(trouble=Text("no server")), 40, 10) == ["no server"]


@given(st.lists(st.integers(0, 300), max_size=8), st.integers(-3, 200))
def test_rows_are_shared_within_the_height(wanted, height):
    shares = share_rows(wanted, height, overhead=2)
    assert all(0 <= share <= rows for share, rows in zip(shares, wanted, strict=True))
    assert sum(share + 2 for share in shares if share) <= max(0, height)


@pytest.mark.parametrize("text", ["[red]x", "[/]", "a\nb\nc", "\x1b[2J\x1b[31m", "日本語" * 40, "\u200b\r\t"])
def test_whatever_the_overview_brings_is_one_line_without_effect(text):
    seen = overview()
    anomaly = msgspec.structs.replace(seen.anomalies[0], message=text)
    session = msgspec.structs.replace(seen.sessions[0], owner_key=text, worker=text)
    spoilt = msgspec.structs.replace(
        seen, anomalies=[anomaly], sessions=[session], unseen={"bots": text}, bots_by_state={text: 1}
    )
    lines = rendered(Frame(overview=spoilt, trouble=Text(text)), 140, 60)
    usual = rendered(Frame(overview=msgspec.structs.replace(seen, sessions=[session])), 140, 60)
    assert len(lines) == len(usual) + 2  # the trouble, and what was not seen
    assert "\x1b" not in "".join(lines)
    if "[" in text and "\x1b" not in text:
        assert text in "\n".join(lines)


def test_the_first_sections_get_rows_before_the_last_ones():
    assert share_rows([1, 2, 200], 20, overhead=2) == [1, 2, 11]
    assert share_rows([50, 50], 10, overhead=2) == [3, 3]
    assert share_rows([50, 50], 4, overhead=2) == [2, 0]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (12, "12 s"), (185, "3m05"), (7_620, "2h07"), (442_800, "5d03h")],
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (2048, "2.0 KiB"), (5 * 2**40, "5120.0 GiB")])
def test_sizes_are_short(count, text):
    assert size(count) == text
