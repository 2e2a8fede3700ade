"""The cookie by which the page of a key holder hears a recording.

An ``<audio>`` element cannot send a header, and no credential may be part of a URL. So a key holder asks for
a cookie that reaches the recording of one session for an hour, and nothing else; scripts cannot read it and
other sites cannot send it.
"""

from __future__ import annotations

import hashlib
import secrets
import time

from itsdangerous import BadSignature, URLSafeSerializer

from dragoman_contracts.errors import Unauthenticated
from dragoman_orchestration.api.settings import ApiSettings

COOKIE = "dragoman-recording"
ACCESS_S = 3_600


class RecordingAccess:
    """Signs and checks the cookies; with the same secret as viewers' tokens, and never taken for one."""

    def __init__(self, settings: ApiSettings) -> None:
        secret = settings.viewer_token_secret.get_secret_value() or secrets.token_hex(32)
        self._signer = URLSafeSerializer(
            secret, salt="dragoman.recording", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def issue(self, session_id: str) -> str:
        """The cookie's value."""
        token = self._signer.dumps([session_id, int(time.time()) + ACCESS_S])
        return token.decode() if isinstance(token, bytes) else token

    def check(self, session_id: str, cookie: str) -> None:
        """Whether it lets hear this session.

        Raises:
            Unauthenticated: it is for another session, has expired, or is none.

        """
        remedy = "Ask for a new one: POST /v1/sessions/{id}/recording/access."
        try:
            known, expires_at_s = self._signer.loads(cookie)
        except (BadSignature, ValueError, TypeError):
            raise Unauthenticated("the cookie is not known", remedy=remedy) from None
        if known != session_id:
            raise Unauthenticated("the cookie is for another session", remedy=remedy)
        if time.time() >= expires_at_s:
            raise Unauthenticated("the cookie has expired", remedy=remedy)
