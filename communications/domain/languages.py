"""The default words in each language that an audience can have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from communications.domain import german, wording
from communications.domain.alerts import AlertType
from communications.domain.audiences import Content
from communications.domain.wording import Words

FIRST = "en"  # also of a language that has no words
_DEFAULTS: Mapping[str, Mapping[Content, Words]] = {FIRST: wording.DEFAULTS, "de": german.DEFAULTS}
_PLAIN: Mapping[str, Mapping[AlertType, str]] = {FIRST: wording.PLAIN, "de": german.PLAIN}
_OF_STATE: Mapping[str, Mapping[str, str]] = {FIRST: wording.OF_STATE, "de": german.OF_STATE}
_STATES: Mapping[str, Mapping[str, str]] = {FIRST: {}, "de": german.STATES}


def default(content: Content, language: str = FIRST) -> Words:
    """The words an audience of this content gets where nobody has written others."""
    return _DEFAULTS.get(language, _DEFAULTS[FIRST])[content]


def plain(type_: AlertType, data: Mapping[str, Any], language: str = FIRST) -> str:
    """What happened, for people who know none of our names. No full stop."""
    found = _PLAIN.get(language, _PLAIN[FIRST])[type_]
    if type_ is AlertType.INCIDENT_STATE:
        return _OF_STATE.get(language, _OF_STATE[FIRST]).get(str(data.get("state")), found)
    return found


def state(name: str, language: str = FIRST) -> str:
    """The state of an incident as a word."""
    return _STATES.get(language, {}).get(name, name)
