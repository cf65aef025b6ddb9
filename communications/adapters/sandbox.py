"""Wordings are filled in a Django template engine that leads nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.template import Context, Engine, Library, Template, TemplateSyntaxError, defaultfilters, defaulttags

MOST = 20_000  # characters of a template
TAGS = ("if", "for", "with", "firstof", "comment", "spaceless")
FILTERS = (
    *("capfirst", "default", "first", "floatformat", "join", "last", "length", "linebreaks", "linebreaksbr", "lower"),
    *("pluralize", "title", "truncatechars", "truncatewords", "upper", "urlencode", "yesno"),
)


class _Sandbox(Engine):
    """No loaders, no libraries, and of the built-in tags and filters those that only shape what they are given."""

    default_builtins = []

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(loaders=[], libraries={}, builtins=[], autoescape=autoescape, string_if_invalid="")
        self.template_builtins = [_library()]


class Unusable(Exception):
    """A template cannot be used; the text says why, and where."""


def render(template: str, values: Mapping[str, Any], *, html: bool = False) -> str:
    """Fill a template. `html`: values are escaped. Raises Unusable for whatever goes wrong in it."""
    try:
        return _compiled(template, html).render(Context(dict(values), autoescape=html))
    except Exception as error:
        raise Unusable(f"{type(error).__name__}: {error}") from error


def unknown(template: str, values: Mapping[str, Any]) -> list[str]:
    """Names that the template asks for and that it is not given, seen while it is filled with these values.

    Raises Unusable when it cannot be read or filled. What a branch asks for that is not taken is not seen.
    """
    if len(template) > MOST:
        raise Unusable(f"It has {len(template):,} characters; at most {MOST:,} are taken.")
    try:
        parsed = _engine(True).from_string(template)
    except TemplateSyntaxError as error:
        token = getattr(error, "token", None)
        raise Unusable(f"Line {token.lineno}: {error}" if token is not None else str(error)) from error
    asked = _Asked(values)
    try:
        parsed.render(Context(asked))
    except Exception as error:
        raise Unusable(f"{type(error).__name__}: {error}") from error
    return sorted(asked.missing)


class _Asked(dict[str, Any]):
    """Remembers what it was asked for and does not have."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.missing: set[str] = set()

    def __contains__(self, name: object) -> bool:
        found = super().__contains__(name)
        if not found and name != "forloop":  # the tag itself asks whether it is in another one
            self.missing.add(str(name))
        return found


def _library() -> Library:
    library = Library()
    library.tags = {name: defaulttags.register.tags[name] for name in TAGS}
    library.filters = {name: defaultfilters.register.filters[name] for name in FILTERS}
    return library


@lru_cache
def _engine(html: bool) -> _Sandbox:  # noqa: FBT001 -- a key of two
    return _Sandbox(autoescape=html)


@lru_cache(256)
def _compiled(template: str, html: bool) -> Template:  # noqa: FBT001
    return _engine(html).from_string(template)
