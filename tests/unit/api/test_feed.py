"""Which sockets of a session hear which translations."""

from __future__ import annotations

import json

import pytest

from dragoman_orchestration.results.feed import Audience, Feed
from dragoman_orchestration.results.mailbox import Item, Mailbox


def audience(languages: tuple[str, ...] | None, *targets: str) -> Audience:
    made = Audience(languages)
    made.retarget(targets)
    return made


@pytest.mark.parametrize(
    ("languages", "targets", "heard"),
    [
        (None, ["es", "fr"], {"es", "fr"}),
        ((), ["es", "fr"], set()),
        (("es",), ["es", "fr"], {"es"}),
        (("pt",), ["pt-BR", "es"], {"pt-BR"}),
        (("es-AR",), ["es", "fr"], {"es"}),
        (("zh-Hans",), ["zh-CN", "zh-TW"], {"zh-CN"}),
        (("zh-TW",), ["zh-Hans"], set()),
        (("es", "es-MX"), ["es"], {"es"}),
    ],
)
def test_languages_are_matched_as_readers_know_them(languages, targets, heard):
    made = audience(languages, *targets)
    assert {target for target in targets if made.hears(target)} == heard
    assert made.matched == heard


def test_of_two_targets_that_would_do_the_best_one_is_heard():
    made = audience(("pt-PT",), "pt-BR", "pt-PT")
    assert [made.hears(one) for one in ("pt-BR", "pt-PT")] == [False, True]


def test_what_is_no_target_any_more_is_still_heard_by_who_asked_for_it():
    """Translations that are under way when a target is removed, or that come before it is known as one."""
    made = audience(("es",), "fr")
    assert made.hears("es")
    assert not made.hears("it")
    assert made.matched == frozenset()


def test_matching_follows_the_targets():
    made = audience(("pt",), "pt-PT")
    assert made.hears("pt-PT")
    made.retarget(("pt-PT", "pt-BR"))
    assert [made.hears(one) for one in ("pt-PT", "pt-BR")] == [False, True]


def complaint(told: str | None) -> dict:
    assert told is not None
    return json.loads(told)


def test_what_is_not_offered_is_told_with_what_is():
    told = complaint(audience(("es", "fr", "it"), "es", "pt-BR").complaint())
    assert (told["type"], told["code"], told["permanent"]) == ("error", "language_not_offered", False)
    assert "fr, it" in told["message"]
    assert "es, pt-BR" in told["remedy"]
    assert "no translation" in complaint(audience(("es",)).complaint())["remedy"]


def test_nobody_is_told_of_what_was_not_asked_for():
    for languages in (None, (), ("es",)):
        assert audience(languages, "es").complaint() is None


def test_a_language_that_goes_is_told_once():
    made = audience(("es", "fr"), "es", "fr")
    assert "fr" in complaint(made.retarget(("es",)))["message"]
    assert made.retarget(("es", "it")) is None
    assert made.retarget(("es", "fr")) is None


def feed(*targets: str) -> Feed:
    made = Feed("s", 0, "stream", "e")
    made.retarget(targets)
    return made


def joined(to: Feed, languages: tuple[str, ...] | None, *, demands: bool = True) -> Mailbox:
    mailbox = Mailbox()
    to.admit(mailbox, languages, demands=demands).catch_up(0)
    return mailbox


async def test_each_gets_what_it_asked_for():
    made = feed("es", "fr")
    everything, nothing, spanish = joined(made, None), joined(made, ()), joined(made, ("es",))
    told = [("hello", ""), ("hola", "es"), ("salut", "fr")]
    counts = [made.deliver(n, Item(text), into) for n, (text, into) in enumerate(told, start=1)]
    assert counts == [3, 2, 1]
    assert await everything.take() == ["hello", "hola", "salut"]
    assert await spanish.take() == ["hello", "hola"]
    assert await nothing.take() == ["hello"]


async def test_who_has_joined_is_told_when_its_language_goes():
    made = feed("es", "fr")
    spanish, french = joined(made, ("es",)), joined(made, ("fr",))
    reading = Mailbox()
    made.admit(reading, ("fr",), demands=True)  # told after its snapshot, by whoever lets it in
    made.retarget(["es"])
    made.retarget(["es"])
    assert (len(spanish), len(french), len(reading)) == (0, 1, 0)
    assert json.loads((await french.take())[0])["code"] == "language_not_offered"


def test_wanted_is_what_viewers_would_read():
    made = feed("es", "fr", "pt-BR")
    assert made.wanted() == frozenset()
    joined(made, None, demands=False)  # a speaker
    joined(made, ())
    assert made.wanted() == frozenset()
    first = made.admit(Mailbox(), ("pt", "it"), demands=True)
    joined(made, ("es-AR",))
    assert made.wanted() == {"es", "pt-BR"}
    joined(made, None)
    assert made.wanted() == {"es", "fr", "pt-BR"}
    made.dismiss(first)
    made.dismiss(first)
    assert len(list(made.subscriptions())) == 4


def test_an_empty_audience_is_forgotten():
    made = feed("es")
    subscription = made.admit(Mailbox(), ("es",), demands=True)
    assert made.audiences
    made.dismiss(subscription)
    assert not made.audiences
