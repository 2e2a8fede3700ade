from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, get_args

import msgspec
import pytest

from dragoman_contracts.bots import BotMessages
from dragoman_contracts.websocket import (
    ClientMessages,
    CloseCode,
    ServerMessages,
    parse_client_message,
    parse_server_message,
)
from dragoman_orchestration.api.asyncapi import EXAMPLES, build_document

DOCUMENT = build_document()
ALL = (*get_args(ClientMessages), *get_args(ServerMessages), *get_args(BotMessages))


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def test_every_reference_leads_somewhere():
    found = set(references(DOCUMENT))
    assert len(found) > 40
    for reference in found:
        assert resolve(reference)


def test_what_asyncapi_3_requires_is_there():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= server.keys()
    for channel in DOCUMENT["channels"].values():
        assert channel["address"].count("{") == len(channel["parameters"])
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = resolve(operation["channel"]["$ref"])
        for message in operation["messages"]:
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")
            assert message["$ref"].rpartition("/")[2] in channel["messages"]
    json.dumps(DOCUMENT)


def test_every_message_of_the_protocol_is_described_with_a_true_example():
    titles = {message["title"] for message in DOCUMENT["components"]["messages"].values()}
    for cls in ALL:
        assert cls.__struct_config__.tag in titles
    for message in DOCUMENT["components"]["messages"].values():
        if message["contentType"] == "application/json":
            (example,) = message["examples"]
            parse_of(message["title"])(json.dumps(example["payload"]))
            assert message["summary"]


def parse_of(tag: str) -> Callable[[str], Any]:
    if tag in {cls.__struct_config__.tag for cls in get_args(ClientMessages)}:
        return parse_client_message
    if tag in {cls.__struct_config__.tag for cls in get_args(BotMessages)}:
        return partial(msgspec.json.decode, type=BotMessages, strict=True)
    return parse_server_message


def test_one_example_of_each_class():
    assert sorted(type(example).__name__ for example in EXAMPLES) == sorted(cls.__name__ for cls in ALL)
    assert all(msgspec.json.encode(example) for example in EXAMPLES)


def test_viewers_are_not_told_what_is_the_speakers():
    to_viewer = DOCUMENT["channels"]["events"]["messages"]
    assert "audioAck" not in to_viewer
    assert "sessionSnapshot" in to_viewer


def test_close_codes_are_told():
    told = DOCUMENT["info"]["x-close-codes"]
    assert told["4001"] == {"name": "SLOW_CONSUMER", "reconnect": True}
    assert len(told) == len(CloseCode)


def test_a_server_behind_tls():
    assert build_document("example.org", secure=True)["servers"]["api"] == DOCUMENT["servers"]["api"] | {
        "host": "example.org",
        "protocol": "wss",
    }


_VALIDATE = """
const { Parser } = require('@asyncapi/parser');
let text = '';
process.stdin.on('data', part => { text += part; });
process.stdin.on('end', async () => {
  const { document, diagnostics } = await new Parser().parse(text);
  const errors = diagnostics.filter(found => found.severity === 0);
  process.stdout.write(JSON.stringify({ valid: Boolean(document), errors }));
});
"""


def _node(script: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "-e", script], input=text, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.skipif(
    shutil.which("node") is None or _node("require.resolve('@asyncapi/parser')").returncode != 0,
    reason="needs node and @asyncapi/parser (npm install @asyncapi/parser; NODE_PATH=…/node_modules)",
)
def test_the_official_parser_finds_no_error():
    answer = _node(_VALIDATE, json.dumps(DOCUMENT))
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == {"valid": True, "errors": []}
