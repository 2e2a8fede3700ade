"""Bodies of the REST API about translation; what is possible is decided by ``session.glossary``."""

from __future__ import annotations

from typing import Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from dragoman_contracts.translation_api import MAX_GLOSSARY_TERMS, MAX_TARGETS
from dragoman_contracts.websocket import GlossaryTerm, TranslationOptions
from dragoman_orchestration.session.glossary import MAX_SETS, MAX_TERM_CHARS

EXAMPLE_TERM: JsonDict = {
    "source": "board",
    "translations": {"es": "junta", "pt-BR": "conselho"},
    "hotword": True,
}


class Term(BaseModel):
    """How a term is to be translated."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [EXAMPLE_TERM, {"source": "Dragoman", "keep": True}]},
    )

    source: str = Field(
        description=f"The term as it is spoken, at most {MAX_TERM_CHARS} characters.", examples=["board"]
    )
    translations: dict[str, str] = Field(
        {},
        description=f"Its translation by BCP 47 code, each at most {MAX_TERM_CHARS} characters.",
        examples=[{"es": "junta"}],
    )
    keep: bool = Field(
        False,
        description="Leave it as it is in the languages that `translations` does not name.",
        examples=[False],
    )
    hotword: bool = Field(False, description="Tell the recogniser to expect it.", examples=[True])


class Translation(BaseModel):
    """Into which languages a session is translated, and how."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"targets": ["es", "pt-BR"], "on_demand": True, "glossary": [EXAMPLE_TERM]},
                {"targets": []},
            ]
        },
    )

    targets: list[str] = Field(
        [],
        description=f"BCP 47 codes, at most {MAX_TARGETS}; none: no translation. Codes of the same language "
        "count once.",
        examples=[["es", "pt-BR"]],
    )
    on_demand: bool = Field(
        False,
        description="Translate only into those targets that a viewer subscribes to at the time.",
        examples=[True],
    )
    drafts: bool = Field(True, description="False: finals only.", examples=[True])
    formality: Literal["default", "formal", "informal"] = Field(
        "default", description="Where the engine knows it.", examples=["default"]
    )
    glossary: list[Term] = Field(
        [],
        description=f"Terms, at most {MAX_GLOSSARY_TERMS} with those of the sets. In an answer the terms of "
        "the sets come first.",
    )
    glossaries: list[str] = Field(
        [],
        description=f"Names of at most {MAX_SETS} sets (`/v1/glossaries`). Their terms are copied now; a set "
        "that changes later changes no session.",
        examples=[["medical"]],
    )

    def options(self) -> TranslationOptions:
        """As the contract has it."""
        return msgspec.convert(self.model_dump(), TranslationOptions)

    @classmethod
    def of(cls, options: TranslationOptions) -> Translation:
        """From the contract's options."""
        return cls.model_validate(msgspec.to_builtins(options))


class SessionTranslation(BaseModel):
    """How a session is translated, without its terms: `GET /v1/sessions/{id}/translation` has them."""

    targets: list[str] = Field(examples=[["es", "pt-BR"]])
    on_demand: bool = Field(examples=[True])
    drafts: bool = Field(examples=[True])
    formality: Literal["default", "formal", "informal"] = Field(examples=["default"])
    glossaries: list[str] = Field(examples=[["medical"]])
    terms: int = Field(description="How many terms there are, those of the sets included.", examples=[12])

    @classmethod
    def of(cls, options: TranslationOptions) -> SessionTranslation:
        """From the contract's options."""
        return cls(
            targets=options.targets,
            on_demand=options.on_demand,
            drafts=options.drafts,
            formality=options.formality,
            glossaries=options.glossaries,
            terms=len(options.glossary),
        )


class TermSet(BaseModel):
    """A named set of terms, as it is sent."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"terms": [EXAMPLE_TERM]}]})

    terms: list[Term] = Field(description=f"At most {MAX_GLOSSARY_TERMS}.")

    def contract_terms(self) -> list[GlossaryTerm]:
        """As the contract has them."""
        return msgspec.convert(self.model_dump()["terms"], list[GlossaryTerm])


class Glossary(BaseModel):
    """A named set of terms, as it is kept."""

    name: str = Field(examples=["medical"])
    terms: list[Term]

    @classmethod
    def of(cls, name: str, terms: list[GlossaryTerm]) -> Glossary:
        """From the contract's terms."""
        return cls(name=name, terms=[Term.model_validate(msgspec.to_builtins(term)) for term in terms])


class GlossaryNames(BaseModel):
    """The sets that there are."""

    glossaries: list[str] = Field(examples=[["legal", "medical"]])
