"""Who may do what: API keys reach everything, a viewer's token the results of one session, a bot's runner the
audio of its session and its own reports.

Keys are held as keyed hashes only and compared in constant time over all of them, so neither memory nor
timing tells one. Viewers' tokens are signed, not stored; of a runner's the bot's record has a digest, so that
it ends with the runner.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from dragoman_contracts.bots import RUNNER_TOKEN_PREFIX
from dragoman_contracts.errors import Fenced, Forbidden, InvalidInput, Unauthenticated
from dragoman_contracts.websocket import BEARER_SUBPROTOCOL
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.bots.model import bot_of_token, token_hash
from dragoman_orchestration.bots.store import BotGone, BotStore


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an API key by its name, the holder of a token for ``session_id``, or the runner of
    ``bot_id``."""

    name: str
    session_id: str | None = None
    bot_id: str | None = None

    @property
    def is_key(self) -> bool:
        """Whether it is an API key, which everything is told."""
        return self.session_id is None and self.bot_id is None

    def must_reach(self, session_id: str) -> None:
        """Whether the results of this session may be read.

        Raises:
            Forbidden: the token is for another session.

        """
        self._must_be_no_runner()
        if self.session_id is not None and self.session_id != session_id:
            raise Forbidden("the token is for another session")

    def must_read(self) -> None:
        """Whether what every reader is told may be told.

        Raises:
            Forbidden: it is a runner's token.

        """
        self._must_be_no_runner()

    def must_be_key(self) -> None:
        """Whether anything but results may be touched.

        Raises:
            Forbidden: it is a viewer's token, or a runner's.

        """
        self._must_be_no_runner()
        if self.session_id is not None:
            raise Forbidden("a viewer's token reaches the results of its session only")

    def must_speak(self, session_id: str) -> None:
        """Whether audio may be sent into this session.

        Raises:
            Forbidden: it is a viewer's token, or that of a runner with another session.

        """
        if self.bot_id is None:
            self.must_be_key()
        elif self.session_id != session_id:
            raise Forbidden("the runner's bot has another session")

    def must_report(self, bot_id: str) -> None:
        """Whether reports about this bot are taken: its runner's only.

        Raises:
            Forbidden: it is not the bot's runner.

        """
        if self.bot_id != bot_id:
            raise Forbidden("only a bot's runner reports about it")

    def _must_be_no_runner(self) -> None:
        if self.bot_id is not None:
            raise Forbidden("a runner's token reaches the audio of its session and its reports only")


@dataclass(frozen=True, slots=True)
class ViewerToken:
    """A signed token and when it ends, in unix seconds."""

    token: str
    expires_at_s: int


class RunnerTokens:
    """Knows the runners of bots by what the bots' records keep of their tokens, asked each time."""

    def __init__(self, store: BotStore) -> None:
        self._store = store

    async def authenticate(self, token: str) -> Principal:
        """Whose token this is.

        Raises:
            Unauthenticated: nobody's.
            Fenced: it was a runner's that was replaced.
            BusUnavailable: Redis is away.

        """
        given = token_hash(token)
        try:
            bot = (await self._store.read(bot_of_token(token))).bot
        except BotGone:
            raise Unauthenticated("the runner's token is not known") from None
        if hmac.compare_digest(given, bot.token_hash):
            return Principal("bot", bot.session_id, bot.id)
        was_its = [hmac.compare_digest(given, revoked) for revoked in bot.revoked]
        if any(was_its):
            raise Fenced("another runner has the bot now")
        raise Unauthenticated("the runner's token is not known")


class Authenticator:
    """Knows the keys' hashes and signs viewers' tokens; ``runners`` knows those of bots' runners."""

    def __init__(self, settings: ApiSettings, runners: RunnerTokens | None = None) -> None:
        self._runners = runners
        self._pepper = secrets.token_bytes(32)
        self._known = [
            (name, self._digest(key)) for name, key in _parse_keys(settings.keys.get_secret_value())
        ]
        secret = settings.viewer_token_secret.get_secret_value() or secrets.token_hex(32)
        self._signer = URLSafeSerializer(
            secret, salt="dragoman.viewer", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._token_ttl_s = settings.viewer_token_ttl_s

    @property
    def has_keys(self) -> bool:
        """Whether anybody can be let in."""
        return bool(self._known)

    async def identify(self, credential: str | None) -> Principal:
        """Whose key or token this is, also a runner's.

        Raises:
            Unauthenticated: none, unknown or expired.
            Fenced: of a runner that was replaced.
            BusUnavailable: a runner's token cannot be looked up.

        """
        if credential and credential.startswith(RUNNER_TOKEN_PREFIX) and self._runners is not None:
            return await self._runners.authenticate(credential)
        return self.authenticate(credential)

    def authenticate(self, credential: str | None) -> Principal:
        """Whose key or viewer's token this is.

        Raises:
            Unauthenticated: none, unknown or expired.

        """
        if not credential:
            raise Unauthenticated("the request carries no credential")
        digest = self._digest(credential)
        found: Principal | None = None
        for name, known in self._known:
            # No early exit: the time taken must not tell which key came close.
            if hmac.compare_digest(digest, known):
                found = Principal(name)
        return found or self._viewer(credential)

    def issue_viewer_token(self, session_id: str, ttl_s: int | None = None) -> ViewerToken:
        """A token that reads the results of one session, for as long as the setting says or shorter.

        Raises:
            InvalidInput: longer than the setting allows.

        """
        if ttl_s is not None and ttl_s > self._token_ttl_s:
            raise InvalidInput(
                f"a viewer's token is valid for at most {self._token_ttl_s} s",
                remedy="Ask for less, or raise DRAGOMAN_API_VIEWER_TOKEN_TTL_S.",
            )
        expires_at_s = int(time.time()) + (self._token_ttl_s if ttl_s is None else ttl_s)
        token = self._signer.dumps([session_id, expires_at_s])
        return ViewerToken(token.decode() if isinstance(token, bytes) else token, expires_at_s)

    def _viewer(self, credential: str) -> Principal:
        try:
            session_id, expires_at_s = self._signer.loads(credential)
        except (BadSignature, ValueError, TypeError):
            raise Unauthenticated("the key or token is not known") from None
        if time.time() >= expires_at_s:
            raise Unauthenticated(
                "the token has expired", remedy="Ask for a new one: POST /v1/sessions/{id}/viewer-tokens."
            )
        return Principal("viewer", str(session_id))

    def _digest(self, key: str) -> bytes:
        return hmac.digest(self._pepper, key.encode(), "sha256")


def bearer(headers: Iterable[tuple[bytes, bytes]], subprotocols: Sequence[str] = ()) -> str | None:
    """The credential of a request: ``Authorization: Bearer``, else a browser's subprotocol."""
    for name, value in headers:
        if name == b"authorization":
            scheme, _, credential = value.decode("latin-1").partition(" ")
            return credential.strip() if scheme.lower() == "bearer" else None
    for subprotocol in subprotocols:
        if subprotocol.startswith(BEARER_SUBPROTOCOL):
            return subprotocol.removeprefix(BEARER_SUBPROTOCOL)
    return None


def _parse_keys(text: str) -> list[tuple[str, str]]:
    keys = []
    for number, item in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
        name, colon, key = item.partition(":")
        keys.append((name.strip(), key.strip()) if colon else (f"key-{number}", item))
    return [(name, key) for name, key in keys if key]
