from __future__ import annotations

import pytest

from dragoman_contracts.errors import Conflict, SessionEnded
from dragoman_orchestration.session.lifecycle import TRANSITIONS, Command, Status, allowed, next_status


@pytest.mark.parametrize(("status", "command"), list(TRANSITIONS))
def test_allowed_steps_lead_where_the_table_says(status, command):
    assert next_status(status, command) is TRANSITIONS[status, command]


@pytest.mark.parametrize("command", [Command.OPEN, Command.SEND])
@pytest.mark.parametrize("status", [Status.ENDING, Status.ENDED])
def test_nothing_is_taken_after_the_end(status, command):
    with pytest.raises(SessionEnded):
        next_status(status, command)


@pytest.mark.parametrize("command", [Command.SEND, Command.FINISH])
def test_a_session_that_was_never_opened_takes_no_audio(command):
    with pytest.raises(Conflict) as caught:
        next_status(Status.CREATED, command)
    assert not isinstance(caught.value, SessionEnded)


def test_no_step_leads_back():
    order = list(Status)
    assert all(order.index(after) >= order.index(before) for (before, _), after in TRANSITIONS.items())


def test_allowed_commands():
    assert allowed(Status.CREATED) == {Command.OPEN, Command.END}
    assert allowed(Status.ENDED) == {Command.END, Command.FINISH}
