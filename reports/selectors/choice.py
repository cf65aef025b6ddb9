"""Which environment a page of the reports is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import environments, together
from core.errors import NotFound
from reports.models import HomeChoice

if TYPE_CHECKING:
    from core.models import Environment


def places() -> list[Environment]:
    """All environments, production first: one query."""
    return list(environments.ordered().reverse())


def places_and_last(person_id: int) -> tuple[list[Environment], int | None]:
    """`places`, and the id of the environment that this person looked at last: one query."""
    chosen = HomeChoice.objects.filter(person_id=person_id).values_list("environment_id", flat=True)
    found = together.read(places=environments.ordered().reverse(), chosen=chosen)
    return found["places"], next(iter(found["chosen"]), None)


def here(known: list[Environment], asked: str, remembered: int | None) -> Environment | None:
    """The one that the address asks for, else the one that the person looked at last, else the first; None: no one.

    Raises NotFound for an address that asks for one that there is not.
    """
    if asked:
        found = next((place for place in known if place.key == asked), None)
        if found is None:
            raise NotFound(f"There is no environment {asked!r}. Known: {', '.join(place.key for place in known)}.")
        return found
    return next((place for place in known if place.pk == remembered), known[0] if known else None)


def remembered(person_id: int) -> int | None:
    """The id of the environment that this person looked at last."""
    return HomeChoice.objects.filter(person_id=person_id).values_list("environment_id", flat=True).first()
