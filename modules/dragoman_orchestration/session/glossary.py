"""What may be asked of a session's translators: languages, terms, and sets of terms put together. Pure.

Terms are what somebody will say: they are in no message of an error, only in its remedy, which goes to the
caller and nowhere else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from dragoman_contracts.errors import InvalidInput
from dragoman_contracts.translation_api import MAX_GLOSSARY_TERMS, MAX_TARGETS
from dragoman_contracts.websocket import GlossaryTerm, TranslationOptions
from dragoman_runtime.languages import canonical

MAX_TERM_CHARS = 100
"""Of a term, and of each of its translations."""
MAX_SETS = 20
"""Sets of terms that one session may name."""

_NAME = re.compile("[a-z0-9-]{1,64}")
OWN = "the glossary"
"""How the session's own terms are called in errors."""


class GlossaryClash(InvalidInput):
    """One term has two translations into the same language."""

    code = "glossary_clash"


def check_name(name: str) -> str:
    """The name of a set.

    Raises:
        InvalidInput: it is none.

    """
    if _NAME.fullmatch(name) is None:
        raise InvalidInput(
            "that is no name of a glossary",
            remedy="A name has 1 to 64 characters: small letters, digits and hyphens.",
        )
    return name


def target_languages(codes: Iterable[str]) -> list[str]:
    """The languages in their standard form, each once.

    Raises:
        UnknownLanguage: one of them is none.
        InvalidInput: they are too many.

    """
    targets = list(dict.fromkeys(canonical(code) for code in codes))
    if len(targets) > MAX_TARGETS:
        raise InvalidInput(
            f"{len(targets)} target languages are asked for: a session has at most {MAX_TARGETS}",
            remedy="Leave some out, or translate them in another session.",
        )
    return targets


def clean_terms(terms: Sequence[GlossaryTerm], whose: str) -> list[GlossaryTerm]:
    """The terms with languages and spaces in their standard form, each once.

    Raises:
        InvalidInput: there are too many, or one of them is empty, too long, or holds control characters.
        UnknownLanguage: a translation is into no language.
        GlossaryClash: a term has two translations into one language.

    """
    return merged({whose: [_clean(term, f"term {n} of {whose}") for n, term in enumerate(terms, start=1)]})


def merged(sets: Mapping[str, Iterable[GlossaryTerm]]) -> list[GlossaryTerm]:
    """Several sets of clean terms as one, in their order; the same term in two of them becomes one.

    Raises:
        InvalidInput: there are too many terms in all.
        GlossaryClash: a term has two translations into one language.

    """
    terms: dict[str, GlossaryTerm] = {}
    origins: dict[tuple[str, str], str] = {}
    for name, added in sets.items():
        for term in added:
            known = terms.get(term.source)
            terms[term.source] = term if known is None else _join(known, term, origins, name)
            for language in term.translations:
                origins.setdefault((term.source, language), name)
    if len(terms) > MAX_GLOSSARY_TERMS:
        raise InvalidInput(
            f"{' and '.join(sets)} have {len(terms)} terms: at most {MAX_GLOSSARY_TERMS} are possible",
            remedy="Leave out terms, or name fewer sets.",
        )
    return list(terms.values())


def resolved(options: TranslationOptions, sets: Mapping[str, Sequence[GlossaryTerm]]) -> TranslationOptions:
    """What a session is given: languages in standard form, and all terms, those of its named sets first.

    Args:
        options: As asked for.
        sets: The sets that it names, clean as they are stored.

    Raises:
        InvalidInput: something is not possible; see ``target_languages``, ``clean_terms`` and ``merged``.

    """
    named = {f"the set {name}": sets[name] for name in dict.fromkeys(options.glossaries)}
    return msgspec.structs.replace(
        options,
        targets=target_languages(options.targets),
        glossary=merged({**named, OWN: clean_terms(options.glossary, OWN)}),
        glossaries=list(dict.fromkeys(options.glossaries)),
    )


def _clean(term: GlossaryTerm, which: str) -> GlossaryTerm:
    translations: dict[str, str] = {}
    source = _clean_text(term.source, which)
    for code, text in term.translations.items():
        language, wanted = canonical(code), _clean_text(text, f"a translation of {which}")
        if translations.setdefault(language, wanted) != wanted:
            raise _clash(source, language, (translations[language], which), (wanted, which))
    return msgspec.structs.replace(term, source=source, translations=translations)


def _clean_text(text: str, which: str) -> str:
    """One line in NFC; writing from right to left stays as it is, with its marks."""
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    if any(unicodedata.category(char) == "Cc" for char in line):
        raise InvalidInput(f"{which} holds control characters", remedy="Leave them out.")
    if not 0 < len(line) <= MAX_TERM_CHARS:
        raise InvalidInput(
            f"{which} has {len(line)} characters: 1 to {MAX_TERM_CHARS} are possible",
            remedy="A term is a word or a few; leave out what is none.",
        )
    return line


def _join(
    one: GlossaryTerm, other: GlossaryTerm, origins: Mapping[tuple[str, str], str], name: str
) -> GlossaryTerm:
    for language, text in other.translations.items():
        known = one.translations.get(language, text)
        if known != text:
            raise _clash(one.source, language, (known, origins[one.source, language]), (text, name))
    return GlossaryTerm(
        source=one.source,
        translations=one.translations | other.translations,
        keep=one.keep or other.keep,
        hotword=one.hotword or other.hotword,
    )


def _clash(source: str, language: str, one: tuple[str, str], other: tuple[str, str]) -> GlossaryClash:
    (text, whose), (other_text, other_whose) = one, other
    where = whose if whose == other_whose else f"{whose} and {other_whose}"
    return GlossaryClash(
        f"a term has two translations into {language} in {where}",
        remedy=f"Keep one: {source!r} is {text!r} and {other_text!r}.",
    )
