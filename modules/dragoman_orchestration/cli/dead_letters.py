"""``dragoman dead-letters``: look at what could not be handled, try it again, or forget it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.streams import DeadLetterField
from dragoman_orchestration.cli.lifecycle import run_command
from dragoman_orchestration.session.fleet import PROFILES
from dragoman_runtime.broker.redis import RedisBroker, connect
from dragoman_runtime.dead_letters import DeadLetter, DeadLetters
from dragoman_runtime.settings import RuntimeSettings

_PIPE_COLUMNS = 1_000
"""A pipe has no width: whoever reads it wants each dead letter on one line."""

Work = Callable[[DeadLetters], Awaitable[int]]


def run_list(*, json: bool) -> int:
    """Print all dead letters, the oldest first."""

    async def work(dead: DeadLetters) -> int:
        letters = await dead.all()
        if json:
            _print_json([summary(letter) for letter in letters])
        else:
            _print_table(letters)
        return 0

    return _with_dead_letters(work)


def run_show(entry_id: str, *, stream: str, json: bool) -> int:
    """Print all that is known of one, but no audio, transcript or prompt."""

    async def work(dead: DeadLetters) -> int:
        letter = await dead.find(entry_id, stream)
        facts = details(letter)
        if letter.session_id:
            facts["audio_kept"] = await dead.keeps_audio(letter)
        if json:
            _print_json(facts)
        else:
            for name, value in facts.items():
                typer.echo(f"{name + ':':<14}{value}")
        return 0

    return _with_dead_letters(work)


def run_retry(entry_ids: Sequence[str], *, stream: str) -> int:
    """Put dead letters back on their streams."""

    async def retry(dead: DeadLetters, letter: DeadLetter) -> str:
        new_id = await dead.retry(letter)
        return f"{letter.id}: back on {letter.stream} as {new_id}"

    return _with_dead_letters(lambda dead: _each(dead, entry_ids, stream, retry))


def run_drop(entry_ids: Sequence[str], *, stream: str, yes: bool) -> int:
    """Forget dead letters, after a confirmation."""

    async def drop(dead: DeadLetters, letter: DeadLetter) -> str:
        await dead.drop(letter)
        return f"{letter.id}: dropped from {letter.stream}"

    async def work(dead: DeadLetters) -> int:
        letters = [await dead.find(entry_id, stream) for entry_id in entry_ids]
        if not yes:
            for letter in letters:
                kept = ", with the audio that is kept for a retry" if letter.session_id else ""
                typer.echo(
                    f"{letter.id}  {letter.type or 'no event'}  {letter.subject}  {letter.reason}{kept}"
                )
            typer.confirm("Drop for good?", abort=True)
        return await _each(dead, entry_ids, stream, drop)

    return _with_dead_letters(work)


def summary(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter in a list."""
    return {
        "id": letter.id,
        "stream": letter.stream,
        "type": letter.type,
        "subject": letter.subject,
        "reason": letter.reason,
        "time": datetime.fromtimestamp(letter.died_ms / 1000, UTC).isoformat(timespec="seconds"),
        "deliveries": letter.deliveries,
    }


def details(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter by itself: its attributes, and of its data the size alone."""
    return {
        **summary(letter),
        "event_id": letter.text(b"ce_id"),
        "entry": letter.text(DeadLetterField.ENTRY),
        "group": letter.text(DeadLetterField.GROUP),
        "consumer": letter.text(DeadLetterField.CONSUMER),
        **{
            name.decode().replace("ce_", "event_"): value.decode(errors="replace")
            for name, value in letter.fields.items()
            if name in _ATTRIBUTES
        },
        "data_bytes": len(letter.fields.get(b"data", b"")),
    }


_ATTRIBUTES = frozenset({b"ce_source", b"ce_time", b"ce_dataschema", b"ce_traceparent", b"content-type"})


async def _each(
    dead: DeadLetters,
    entry_ids: Sequence[str],
    stream: str,
    action: Callable[[DeadLetters, DeadLetter], Awaitable[str]],
) -> int:
    """Do it to each; what fails is told, and the others are done all the same."""
    failed = 0
    for entry_id in entry_ids:
        try:
            typer.echo(await action(dead, await dead.find(entry_id, stream)))
        except DragomanError as error:
            failed += 1
            typer.secho(f"{entry_id}: {error.message}", fg="red", err=True)
            typer.echo(f"  {error.remedy}", err=True)
    return 1 if failed else 0


def _with_dead_letters(work: Work) -> int:
    runtime = RuntimeSettings()

    async def main() -> int:
        broker = RedisBroker(connect(runtime, client_name="dragoman-cli"))
        try:
            return await work(DeadLetters(broker, shards=runtime.shards, profiles=PROFILES))
        finally:
            await broker.close()

    return run_command(main)


def _print_json(value: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def _print_table(letters: Sequence[DeadLetter]) -> None:
    if not letters:
        typer.echo("There are no dead letters.")
        return
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _PIPE_COLUMNS
    names = ("id", "stream", "type", "subject", "time", "deliveries", "reason")
    table = Table(box=None, pad_edge=False)
    for name in names:
        # Ids are copied into the next command: they stay whole in the narrowest terminal.
        table.add_column(name, overflow="fold", no_wrap=name == "id", min_width=15 if name == "id" else None)
    for letter in letters:
        facts = summary(letter)
        table.add_row(*(str(facts[name]) for name in names))
    console.print(table)
