"""Bodies of requests: bounded, and for the compatible endpoints JSON or a form."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import msgspec
from fastapi import Request
from starlette.types import Receive

from dragoman_contracts.errors import InvalidInput
from dragoman_runtime.request_body import read_body as bounded_body

MAX_BODY_BYTES = 16_000_000
"""128 texts of 10,000 characters, each escaped to six bytes, are 7.7 MB; the rest is for the glossary."""
_MAX_FIELDS = 1_000


class RequestTooLong(InvalidInput):
    """The body has more bytes than any valid request."""

    code = "request_too_long"
    http_status = 413
    default_remedy = "Send at most 128 texts of at most 10,000 characters in one request."


async def read_body(content_length: bytes, receive: Receive) -> bytes:
    """The body of a request.

    Raises:
        RequestTooLong: it has more than 16 MB.
        Gone: the client hung up.

    """
    return await bounded_body(
        content_length, receive, limit=MAX_BODY_BYTES, too_long=RequestTooLong, what="request"
    )


async def read_parameters(request: Request) -> dict[str, Any]:
    """The parameters of a call: of the address, and of a body that is a JSON object or a form.

    Clients put a body into GET requests, too. A parameter of a form is a string, or a list where it is given
    more than once.

    Raises:
        InvalidInput: it is neither, or has too many fields.

    """
    parameters = _form(request.url.query.encode())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request.headers.get("content-length", "").encode(), request.receive)
    if not body:
        return parameters
    if kind == "multipart/form-data":
        raise InvalidInput("the body is neither JSON nor a form", remedy="Send JSON or an urlencoded form.")
    return {**parameters, **(_json(body) if kind == "application/json" else _form(body))}


def _json(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidInput(f"the body is no JSON object: {error}") from error


def _form(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8")
        return _single(parse_qs(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise InvalidInput(f"no urlencoded form of at most {_MAX_FIELDS} fields was sent") from None


def _single(fields: dict[str, list[str]]) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def texts_of(value: Any, name: str) -> list[str]:
    """A parameter that is a text or a list of texts.

    Raises:
        InvalidInput: it is neither, or missing.

    """
    if value is None:
        raise InvalidInput(f"the parameter {name} is missing")
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise InvalidInput(f"the parameter {name} must be a text or a list of texts")
    return texts


def text_of(parameters: dict[str, Any], name: str, default: str | None = None) -> str:
    """A parameter that is one text.

    Raises:
        InvalidInput: it is something else, or missing without a default.

    """
    value = parameters.get(name, default)
    if value is None:
        raise InvalidInput(f"the parameter {name} is missing")
    if not isinstance(value, str):
        raise InvalidInput(f"the parameter {name} must be one text")
    return value
