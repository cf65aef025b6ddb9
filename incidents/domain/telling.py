"""An update is written once, and told to each audience in its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from core.errors import Invalid
from core.texts import check_text
from incidents.domain.states import Does

INTERNAL = {
    "developmentTeam": "Development team",
    "operationsTeam": "Operations team",
    "management": "Management",
}
EXTERNAL = {"users": "Users", "partners": "Partners"}
AUDIENCES = {**INTERNAL, **EXTERNAL}  # the seed's communicationPlan
MOST = 4_000  # characters of a text
MOST_COMPONENTS = 20
COMPONENT = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
TICKS = {
    "developmentTeam": Does.TELL_DEVELOPERS,
    "management": Does.TELL_STAKEHOLDERS,
    "users": Does.TELL_USERS,
}


def texts(text: str, own: Mapping[str, str]) -> dict[str, str]:
    """What each audience is told: its own text, else the main one, which only those inside are told.

    Raises Invalid for an audience that there is none of, a text that is too long, and when there is nothing to tell.
    """
    unknown = set(own) - set(AUDIENCES)
    if unknown:
        raise Invalid(f"There is no audience {min(unknown)!r}: {', '.join(AUDIENCES)}.", field="texts")
    main = check_text(text, field="text", longest=MOST)
    written = {name: check_text(words, field="text", longest=MOST) for name, words in own.items()}
    told = {name: written.get(name) or (main if name in INTERNAL else "") for name in AUDIENCES}
    found = {name: words for name, words in told.items() if words}
    if not found:
        raise Invalid("Write what is known now, and when you will say more.", field="text")
    return found


def components(keys: Sequence[str]) -> list[str]:
    """Keys of components of the status page, each once. Raises Invalid for what is no key."""
    found = list(dict.fromkeys(key.strip() for key in keys if key.strip()))
    wrong = next((key for key in found if not COMPONENT.fullmatch(key)), None)
    if wrong is not None:
        raise Invalid(f"{wrong!r} is no key of a component: small letters, digits and hyphens.", field="components")
    if len(found) > MOST_COMPONENTS:
        raise Invalid(f"At most {MOST_COMPONENTS} components.", field="components")
    return found
