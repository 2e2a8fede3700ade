"""What the documents say is so: links, names, examples, codes, recipes."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.main import get_command

from dragoman_contracts.audio import Encoding
from dragoman_contracts.errors import MessageInvalid
from dragoman_contracts.websocket import (
    CloseCode,
    ServerMessage,
    parse_client_message,
    parse_server_message,
)
from dragoman_contracts.whisper_api import WindowOptions, WindowResult
from dragoman_orchestration.cli.app import app
from dragoman_orchestration.cli.env_template import SETTINGS_MODULES
from dragoman_runtime.settings import all_settings, env_variables

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path, language: str) -> list[str]:
    return [body for name, body in FENCE.findall(path.read_text(encoding="utf-8")) if name == language]


def anchors(path: Path) -> set[str]:
    """Anchors of a document's headings, as repository hosts make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_resolves(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), f"{path.name}: {target}"
        if anchor:
            assert anchor in anchors(linked), f"{path.name}: {target}"


def json_messages() -> Iterator[Any]:
    for body in blocks(ROOT / "docs" / "protocol.md", "json"):
        yield json.loads(body)


def test_every_message_in_the_protocol_document_is_one() -> None:
    seen = set()
    for message in json_messages():
        kind = message.get("type", "")
        if kind.startswith(("session.configure", "audio.flush")) or message == {"type": "session.end"}:
            assert parse_client_message(json.dumps(message))
        elif "." in kind:
            parsed = parse_server_message(json.dumps(message))
            # Fields that the class does not have would be dropped without a word.
            assert set(message) <= {"type", *parsed.__struct_fields__}, kind
        seen.add(kind)
    assert {"session.configure", "audio.flush", "session.end", "session.started", "session.resumed"} <= seen
    assert {"audio.ack", "session.snapshot", "transcript.partial", "transcript.final"} <= seen


def test_every_server_message_is_described() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    for cls in ServerMessage.__subclasses__():
        assert str(cls.__struct_config__.tag) in text


def test_the_window_examples_are_what_the_service_reads_and_writes() -> None:
    examples = list(json_messages())
    options = next(example for example in examples if "word_timestamps" in example)
    result = next(example for example in examples if "queue_ms" in example)
    assert msgspec.convert(options, WindowOptions) is not None
    assert set(options) == set(WindowOptions.__struct_fields__)
    assert msgspec.convert(result, WindowResult) is not None
    assert set(result) == set(WindowResult.__struct_fields__)


def test_the_ledger_in_the_example_adds_up() -> None:
    ended = next(m for m in json_messages() if m.get("type") == "session.ended")
    parsed: Any = parse_server_message(json.dumps(ended))
    assert parsed.ledger.is_complete


def test_the_table_of_close_codes_is_the_enumeration() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    table = {int(code): name for code, name in re.findall(r"^\| (\d{4}) \| ([A-Z_]+) \|", text, re.MULTILINE)}
    assert table == {code.value: code.name for code in CloseCode}


def test_every_encoding_is_described() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    for encoding in Encoding.__args__:
        assert f"`{encoding}`" in text


def test_an_unknown_message_is_refused_as_the_document_says() -> None:
    with pytest.raises(MessageInvalid):
        parse_client_message('{"type":"session.end","x":1}')


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_variable_that_a_document_names_exists(path: Path) -> None:
    for module in SETTINGS_MODULES:
        importlib.import_module(module)
    known = {variable.name for cls in all_settings() for variable in env_variables(cls)}
    named = set(re.findall(r"\bDRAGOMAN_[A-Z0-9_]*[A-Z0-9]\b", path.read_text(encoding="utf-8")))
    assert named <= known


def test_every_metric_that_is_documented_exists() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    named = set(re.findall(r"`(dragoman_\w+)`", text))
    named = {name for name in named if not (ROOT / "modules" / name).exists()}
    assert len(named) > 10
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "modules").rglob("*.py"))
    for name in named:
        assert f'"{name}"' in source or f'"{name.removesuffix("_total")}"' in source, name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_recipe_and_command_that_a_document_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    recipes = set(re.findall(r"^([a-z][a-z-]*)[^:=\n]*:(?!=)", (ROOT / "justfile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:\./justw|`just) ([a-z][a-z-]*)", text))
    assert named <= recipes
    commands = set(get_command(app).commands)
    assert set(re.findall(r"(?:`|bin/)dragoman ([a-z-]+)", text)) <= commands


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "adr"
    listed = set(re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {path.name for path in folder.glob("[0-9]*.md")}
    for name in listed:
        text = (folder / name).read_text(encoding="utf-8")
        assert all(part in text for part in ("**Decision.**", "**Why.**", "**Cost.**")), name


def test_the_folders_of_the_architecture_document_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for package in re.findall(r"^\| \d \| `(\w+)`", text, re.MULTILINE):
        assert (ROOT / "modules" / package / "__init__.py").is_file(), package
    within = text[text.index("Within `dragoman_orchestration`") : text.index("Never:")]
    for folder in re.findall(r"^\| `(\w+)/` \|", within, re.MULTILINE):
        assert (ROOT / "modules" / "dragoman_orchestration" / folder).is_dir(), folder
    for folder in re.findall(r"^\| `(tests/\w+|bench)/` \|", text, re.MULTILINE):
        assert any((ROOT / folder).rglob("*.py")), folder
