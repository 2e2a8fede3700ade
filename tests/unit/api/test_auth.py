from __future__ import annotations

import time

import pytest

from dragoman_contracts.errors import Forbidden, Unauthenticated
from dragoman_orchestration.api import auth
from dragoman_orchestration.api.auth import Authenticator, Principal, bearer
from dragoman_orchestration.api.settings import ApiSettings


def made(**settings) -> Authenticator:
    return Authenticator(ApiSettings(**settings))


def test_keys_have_names_or_get_one():
    known = made(keys="alice:k1, k2 ,alice:k3,, empty:")
    assert known.authenticate("k1") == Principal("alice")
    assert known.authenticate("k2") == Principal("key-2")
    assert known.authenticate("k3") == Principal("alice")
    assert known.has_keys


@pytest.mark.parametrize("credential", [None, "", "k", "k11", "alice:k1", "alice", "K1"])
def test_what_is_no_key(credential):
    with pytest.raises(Unauthenticated):
        made(keys="alice:k1").authenticate(credential)


def test_without_keys_nobody_is_let_in():
    known = made()
    assert not known.has_keys
    with pytest.raises(Unauthenticated):
        known.authenticate("")


def test_keys_are_not_kept():
    known = made(keys="alice:a-very-secret-key")
    assert "a-very-secret-key" not in repr(vars(known))
    assert b"a-very-secret-key" not in repr(vars(known)).encode()


def test_every_key_is_compared_even_after_a_match(monkeypatch):
    seen = []
    compare = auth.hmac.compare_digest
    monkeypatch.setattr(auth.hmac, "compare_digest", lambda a, b: seen.append(1) or compare(a, b))
    made(keys="a:k1,b:k2,c:k3").authenticate("k1")
    assert len(seen) == 3


def test_a_viewer_reaches_its_session_and_nothing_else():
    known = made(keys="a:k")
    principal = known.authenticate(known.issue_viewer_token("s1").token)
    principal.must_reach("s1")
    with pytest.raises(Forbidden):
        principal.must_reach("s2")
    with pytest.raises(Forbidden):
        principal.must_be_key()


def test_a_key_reaches_everything():
    principal = made(keys="a:k").authenticate("k")
    principal.must_reach("any")
    principal.must_be_key()


def test_a_token_ends(monkeypatch):
    known = made(viewer_token_ttl_s=60)
    issued = known.issue_viewer_token("s1")
    assert issued.expires_at_s == pytest.approx(time.time() + 60, abs=5)
    later = time.time() + 61
    monkeypatch.setattr(auth.time, "time", lambda: later)
    with pytest.raises(Unauthenticated, match="expired"):
        known.authenticate(issued.token)


@pytest.mark.parametrize(
    "change", [lambda t: t[:-2], lambda t: "A" + t[1:], lambda t: t + "x", lambda t: "."]
)
def test_a_token_that_was_touched(change):
    known = made()
    with pytest.raises(Unauthenticated):
        known.authenticate(change(known.issue_viewer_token("s1").token))


def test_tokens_hold_over_processes_with_one_secret_only():
    token = made(viewer_token_secret="x").issue_viewer_token("s1").token
    assert made(viewer_token_secret="x").authenticate(token).session_id == "s1"
    for other in (made(), made(viewer_token_secret="y")):
        with pytest.raises(Unauthenticated):
            other.authenticate(token)


def test_a_token_fits_into_a_subprotocol():
    token = made().issue_viewer_token("0123456789abcdef").token
    assert all(char.isalnum() or char in "-_." for char in token)


@pytest.mark.parametrize(
    ("headers", "subprotocols", "found"),
    [
        ([(b"authorization", b"Bearer abc")], [], "abc"),
        ([(b"authorization", b"bearer  abc ")], [], "abc"),
        ([(b"authorization", b"Basic abc")], ["dragoman.bearer.xyz"], None),
        ([(b"authorization", b"")], [], None),
        ([], ["dragoman.v1", "dragoman.bearer.xyz"], "xyz"),
        ([], ["dragoman.v1"], None),
        ([(b"x-other", b"Bearer abc")], [], None),
    ],
)
def test_where_the_credential_is(headers, subprotocols, found):
    assert bearer(headers, subprotocols) == found
