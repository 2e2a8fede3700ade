from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.websocket import CloseCode
from dragoman_orchestration.results.mailbox import Mailbox


async def test_messages_come_in_order_and_at_once():
    mailbox = Mailbox()
    mailbox.put("a")
    mailbox.put("b")
    assert await mailbox.take() == ["a", "b"]


async def test_take_waits_for_news():
    mailbox = Mailbox()
    taken = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    assert not taken.done()
    mailbox.put("a")
    assert await asyncio.wait_for(taken, 5) == ["a"]


async def test_what_waits_is_written_before_the_close_and_nothing_after():
    mailbox = Mailbox()
    mailbox.put("a")
    mailbox.close(CloseCode.NORMAL, "done")
    mailbox.close(CloseCode.OVERLOADED, "too late")
    mailbox.put("b")
    assert await mailbox.take() == ["a"]
    assert await mailbox.take() == []
    assert mailbox.closing == (CloseCode.NORMAL, "done")
    assert mailbox.closed.is_set()


async def test_superseded_partials_make_room_first():
    mailbox = Mailbox(limit=4)
    for number in range(100):
        mailbox.put(f"partial {number}", "p")
        mailbox.put(f"ack {number}", "a")
    assert mailbox.closing is None
    texts = await mailbox.take()
    assert texts[-2:] == ["partial 99", "ack 99"]
    assert len(texts) <= 4
    assert mailbox.collapsed == 200 - len(texts)


async def test_what_must_be_delivered_closes_a_slow_reader():
    mailbox = Mailbox(limit=4)
    for number in range(5):
        mailbox.put(f"final {number}")
    assert mailbox.closing is not None
    assert mailbox.closing.code == CloseCode.SLOW_CONSUMER
    assert len(mailbox) == 0


async def test_history_does_not_count_as_slowness():
    mailbox = Mailbox(limit=4)
    mailbox.put_history([str(number) for number in range(100)])
    for number in range(4):
        mailbox.put(f"new {number}")
    assert mailbox.closing is None
    assert len(await mailbox.take()) == 104
    for number in range(5):
        mailbox.put(f"new {number}")
    assert mailbox.closing is not None


async def test_no_history_for_a_closing_socket():
    mailbox = Mailbox()
    mailbox.close(CloseCode.NORMAL)
    mailbox.put_history(["a"])
    assert len(mailbox) == 0


@pytest.mark.parametrize(("code", "told"), [(None, "disconnected"), (CloseCode.NORMAL, "1000 done")])
def test_how_it_ended(code, told):
    mailbox = Mailbox()
    if code is not None:
        mailbox.close(code, "done")
    assert mailbox.how_it_ended == told


@given(items=st.lists(st.tuples(st.integers(), st.sampled_from(["", "p", "a"])), max_size=80))
def test_order_stays_and_the_last_of_a_kind_is_never_dropped(items):
    mailbox = Mailbox(limit=10)
    for number, (_, key) in enumerate(items):
        mailbox.put(f"{number}", key)
    if mailbox.closing is not None:
        return
    kept = [int(item.text) for item in mailbox._items]
    assert kept == sorted(kept)
    assert [number for number, (_, key) in enumerate(items) if not key] == [
        number for number in kept if not items[number][1]
    ]
    for key in ("p", "a"):
        of_key = [number for number, (_, wanted) in enumerate(items) if wanted == key]
        assert not of_key or of_key[-1] in kept


async def test_a_message_is_written_at_once_while_the_writer_has_nothing_to_do():
    written: list[str] = []
    mailbox = Mailbox(write_now=lambda text: written.append(text) is None)
    mailbox.put("before the writer is there")
    assert await mailbox.take() == ["before the writer is there"]
    taken = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    mailbox.put("a")
    mailbox.put("b", "p")
    assert written == ["a", "b"]
    assert len(mailbox) == 0
    mailbox.close(CloseCode.NORMAL, "done")
    mailbox.put("after the end")
    assert await asyncio.wait_for(taken, 5) == []
    assert written == ["a", "b"]


async def test_history_is_not_overtaken_by_what_could_be_written_at_once():
    written: list[str] = []
    mailbox = Mailbox(write_now=lambda text: written.append(text) is None)
    taken = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    mailbox.put_history(["past"])
    mailbox.put("present")
    assert await asyncio.wait_for(taken, 5) == ["past", "present"]
    assert written == []


@given(st.lists(st.sampled_from(["put", "history", "run", "full", "empty"]), max_size=60))
def test_each_message_is_written_once_and_in_order_whichever_way_it_takes(steps: list[str]):
    async def go() -> tuple[list[str], list[str]]:
        sent: list[str] = []
        out: list[str] = []
        full = False

        def write_now(text: str) -> bool:
            if not full:
                out.append(text)
            return not full

        async def write() -> None:
            while texts := await mailbox.take():
                for text in texts:
                    await asyncio.sleep(0)
                    out.append(text)

        mailbox = Mailbox(limit=1000, write_now=write_now)
        writer = asyncio.create_task(write())
        for number, step in enumerate(steps):
            if step == "put":
                sent.append(str(number))
                mailbox.put(str(number))
            elif step == "history":
                sent.append(str(number))
                mailbox.put_history([str(number)])
            elif step == "run":
                await asyncio.sleep(0)
            else:
                full = step == "full"
        mailbox.close(CloseCode.NORMAL)
        await asyncio.wait_for(writer, 5)
        return sent, out

    sent, out = asyncio.run(go())
    assert out == sent
