"""Which environment a person's home opens with."""

from __future__ import annotations

from core import environments
from reports.models import HomeChoice


def remember(person_id: int, environment: str) -> None:
    """Note the environment that this person looks at. A taste and no change of the system, so no event tells of it.

    Raises NotFound for an unknown environment.
    """
    place = environments.get(environment)
    HomeChoice.objects.update_or_create(person_id=person_id, defaults={"environment": place})
