"""What ``helm test`` runs: the API is ready, takes a session of the default profile, tells it, and ends it."""

import json
import os
import sys
import time
import urllib.error
import urllib.request

URL = os.environ["DRAGOMAN_CLIENT_SERVER"].rstrip("/")
PATIENCE_S = 60
PAUSE_S = 2


def key() -> str:
    """The key that is named for clients, or the first that the API takes (``name:key`` or ``key``)."""
    named = os.environ.get("DRAGOMAN_CLIENT_KEY", "")
    return named or os.environ["DRAGOMAN_API_KEYS"].split(",")[0].strip().rpartition(":")[2]


def call(method: str, path: str) -> tuple[int, dict]:
    """Status and body of an answer; of a refusal, too."""
    headers = {"authorization": f"Bearer {key()}", "content-type": "application/json"}
    body = b"{}" if method == "POST" else None
    request = urllib.request.Request(f"{URL}{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.loads(refusal.read() or b"{}")


def eventually(method: str, path: str, wanted: int) -> dict:
    """The body of the first answer with the wanted status; ends the program when none comes in time."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            status, body = call(method, path)
        except OSError as error:
            status, body = 0, {"detail": str(error)}
        if status == wanted:
            print(f"{method} {path}: {status}")
            return body
        # 503: workers still start. Anything else that the API says will not change by waiting.
        if status not in (0, 503) or time.monotonic() > end:
            told = body.get("detail") or json.dumps(body.get("parts", {}))
            sys.exit(f"{method} {path}: {status} instead of {wanted}: {told}")
        time.sleep(PAUSE_S)


eventually("GET", "/ready", 200)
session = eventually("POST", "/v1/sessions", 201)["id"]
told = eventually("GET", f"/v1/sessions/{session}", 200)
if told["id"] != session:
    sys.exit(f"asked for the session {session}, told of {told['id']}")
eventually("DELETE", f"/v1/sessions/{session}", 202)
