"""The TypeScript types of the live page and of ``@dragoman/client`` are those of this API."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from dragoman_orchestration.cli.schema import openapi_document, render, websocket_document

WEB = Path(__file__).parents[3] / "modules/web"
REMEDY = "the API changed: run `just web-types`"


def test_the_messages_types_were_made_from_the_present_messages() -> None:
    types = (WEB / "client/src/messages.gen.ts").read_text()
    told = re.search(r"sha256 ([0-9a-f]{64})", types)
    assert told is not None
    assert told[1] == sha256(render(websocket_document()).encode()).hexdigest(), REMEDY


def test_the_types_of_rest_have_every_path_body_and_field() -> None:
    """By name, not byte by byte: how FastAPI and Pydantic write a schema changes with their versions."""
    document = openapi_document()
    types = (WEB / "src/api/schema.gen.ts").read_text()
    assert [path for path in document["paths"] if f'"{path}": {{' not in types] == [], REMEDY
    for name, schema in document["components"]["schemas"].items():
        found = re.search(
            rf"^        {re.escape(name)}: (.*?)(?=^        (?:/\*\*|\w+: |\}};?$)|\Z)", types, re.M | re.S
        )
        assert found is not None, f"{name}: {REMEDY}"
        fields = schema.get("properties", {})
        missing = [
            field for field in fields if not re.search(rf'^\s+"?{re.escape(field)}"?\??:', found[1], re.M)
        ]
        assert missing == [], f"{name}: {REMEDY}"
