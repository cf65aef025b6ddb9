"""The languages of the page, and texts that exist in some of them."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import Invalid

LANGUAGES = {"en": "English", "de": "Deutsch"}
FIRST = "en"  # what is shown where a text does not exist in the language asked for


def read_language(language: str) -> str:
    """The language, or Invalid."""
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise Invalid(f"The page has no language {language!r}. It has: {known}.", field="language")
    return language


def said(texts: Mapping[str, str], language: str) -> str:
    """The text in this language, else in the first one, else in any; empty when there is none."""
    return texts.get(language) or texts.get(FIRST) or next(iter(texts.values()), "")


def language_of(texts: Mapping[str, str], language: str) -> str:
    """The language in which `said` answers: what a page says of a part that is in another language than the rest."""
    return next((each for each in (language, FIRST, *texts) if texts.get(each)), language)
